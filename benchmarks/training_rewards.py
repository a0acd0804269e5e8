"""What lexical support tells of a citation, and what malformed output gets out of advantages by confidence.

    python -m benchmarks.training_rewards --data ../shared/data [--pairs FOLDER] --out docs/measured

Support: five passages by BM25 for each question; the mean of the ungated `citations` reward by what is cited, the right
response winning (hotpotqa_100: the supporting sentences; qa_feedback: the reference answer) and, for the best citation,
the other one (sentences of another passage; a model's answer). `--pairs` is a folder with `corpus.jsonl` and
`dev.jsonl`: the pair's own document is cited, and the right response should be paid more than the wrong one.

Advantages: groups of 8 with random confidences, of which one is malformed, all wrong or with one right; how often the
malformed rollout gets more than some well-formed one.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import torch

from adjudge.tools.corpus.reading import reader
from adjudge.tools.corpus.stored import StoredIndex
from adjudge.tools.corpus.words import query_words
from adjudge.training.grpo.advantages import negative_group_advantages
from adjudge.training.rewards import Faithfulness
from adjudge.training.rollouts import Rollout
from adjudge.types import Case, Evidence, Response, Verdict

PASSAGES, GROUPS, SIZE = 5, 4000, 8


class Asked(NamedTuple):
    """A question with a right response and another one."""

    question: str
    right: str
    other: str


def main() -> None:
    """Measure, and write `training_rewards.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    found: dict[str, Any] = {"support": {}, "advantages": malformed_in_groups()}
    for name, asked in (("hotpotqa_100", hotpotqa(options.data)), ("qa_feedback", qa_feedback(options.data))):
        index = StoredIndex(reader(options.data / name / "derived_corpus.jsonl"))
        found["support"][name] = {enough: by_citation(index, asked, enough) for enough in (0.3, 0.5, 0.7)}
    if options.pairs is not None:
        found["pairs"] = by_defect(options.pairs)
    text = json.dumps(found, indent=1)
    (options.out / "training_rewards.json").write_text(f"{text}\n", "utf-8")
    print(text)


def hotpotqa(data: Path) -> list[Asked]:
    """The supporting sentences, and two sentences of another passage."""
    draw, asked = random.Random(1), []
    for row in json.loads((data / "hotpotqa_100" / "hotpotqa_train.json").read_text("utf-8")):
        passages = dict(row["context"])
        facts = [(title, place) for title, place in row["supporting_facts"] if place < len(passages.get(title, ()))]
        named = {title for title, _ in row["supporting_facts"]}
        other = draw.choice([sentences for title, sentences in passages.items() if title not in named])
        right = " ".join(passages[title][place] for title, place in facts)
        asked.append(Asked(row["question"], right, " ".join(other[:2])))
    return asked


def qa_feedback(data: Path, most: int = 200) -> list[Asked]:
    """The reference answer, and a model's."""
    rows = json.loads((data / "qa_feedback" / "dev_feedback.json").read_text("utf-8"))[:most]
    return [Asked(row["question"], row["gold"], row["prediction 1"]) for row in rows]


def by_citation(index: StoredIndex, asked: Sequence[Asked], enough: float) -> dict[str, float]:
    """Mean reward by what is cited."""
    draw, paid = random.Random(0), defaultdict(list)
    for one in asked:
        for way, worth in _ways(one, _found(index, one.question), Faithfulness(gated=False, enough=enough), draw):
            paid[way].append(worth)
    return {way: round(statistics.mean(values), 3) for way, values in paid.items()}


def _found(index: StoredIndex, question: str) -> tuple[Evidence, ...]:
    hits = index.search(query_words(question), PASSAGES)
    return tuple(
        Evidence(name=f"E{number}", excerpt=passage.text, title=passage.title, source=passage.source, tool="corpus")
        for number, (passage, _) in enumerate(hits, 1)
    )


def _ways(
    one: Asked, found: tuple[Evidence, ...], reward: Faithfulness, draw: random.Random
) -> Iterator[tuple[str, float]]:
    if not found:
        return
    responses = (Response(text=one.right), Response(text=one.other))
    case = Case(id="c", prompt=one.question, responses=responses, label="A")
    names = [item.name for item in found]

    def worth(cited: Sequence[str], winner: str = "A") -> float:
        return reward.worth(Rollout(case, Verdict(winner=winner), evidence=found, citations=tuple(cited)))

    few = [cited for count in (1, 2, 3) for cited in combinations(names, count)]
    best = max(few, key=worth)
    yield "best of three or fewer", worth(best)
    yield "first", worth(names[:1])
    yield "one at random", worth([draw.choice(names)])
    yield "worst one", min(worth([name]) for name in names)
    yield "all five", worth(names)
    yield "best and an invented name", worth([*best, "E99"])
    yield "best, the other response winning", max(worth(cited, "B") for cited in few)


def by_defect(folder: Path) -> dict[str, dict[str, float]]:
    """How often the right response of a pair is paid more than the wrong one, its own document cited; ties half."""
    rows = (json.loads(line) for line in (folder / "corpus.jsonl").read_text("utf-8").splitlines())
    documents = {row["id"]: row for row in rows}
    paid = defaultdict(list)
    for line in (folder / "dev.jsonl").read_text("utf-8").splitlines():
        case = Case.model_validate_json(line)
        right, wrong = _sides(case, documents[case.metadata["source"]])
        paid[case.metadata["defect"]].append(0.5 if right == wrong else float(right > wrong))
    return {defect: {"pairs": len(won), "right": round(statistics.mean(won), 3)} for defect, won in paid.items()}


def _sides(case: Case, document: Mapping[str, str]) -> tuple[float, float]:
    found = (Evidence(name="E1", excerpt=document["text"][:1200], title=document.get("title", ""), tool="corpus"),)
    worth = {
        name: Faithfulness(gated=False).worth(Rollout(case, Verdict(winner=name), evidence=found, citations=("E1",)))
        for name in "AB"
    }
    return worth[case.label], worth["B" if case.label == "A" else "A"]


def malformed_in_groups() -> list[dict[str, Any]]:
    """The share of groups in which a malformed rollout gets more than some well-formed one."""
    return [
        {
            "group": kind,
            "format weight": weight,
            "confidence of the malformed": given,
            "share": _share(kind, weight, given),
        }
        for kind in ("all wrong", "one right")
        for weight in (0.0, 0.1, 0.2)
        for given in ("its own", "the largest")
    ]


def _share(kind: str, weight: float, given: str) -> float:
    confidence = torch.rand(GROUPS, SIZE, generator=torch.Generator().manual_seed(0)) * 0.9 + 0.05  # (B, G)
    if given == "the largest":
        confidence[:, 0] = confidence.amax(dim=1)
    verdicts, rest = torch.zeros(GROUPS, SIZE), torch.full((GROUPS, SIZE), weight)
    rest[:, 0] = 0.0  # the first is malformed
    if kind == "one right":
        verdicts[:, 1] = 1.0
    values = negative_group_advantages(verdicts, rest, confidence).values
    more = values[:, 0] > values[:, 1:].amin(dim=1) + 1e-6
    return round(float(more.float().mean()), 3)


if __name__ == "__main__":
    main()
