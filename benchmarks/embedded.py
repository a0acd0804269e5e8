"""How well the embedded judge judges: each way to decide, with evidence of its own finding and without.

    python -m benchmarks.embedded --data ../shared/data --out docs/measured

Beside the judge stand the cheap explanations: whether a response occurs in the evidence, how many of its words do, the
best BM25 score of question and response, and the longer response. Intervals are 95 % percentiles of a bootstrap over
questions. A tie counts half. The run is kept in a journal, so an interrupted measurement goes on where it stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.progress import Progress

from adjudge import Case, Document, Evidence, Journal, Judge, JudgeResult, Unscored
from adjudge.agents.seeding import content_words
from adjudge.models import ChatModel, ModelSpec, open_model
from adjudge.tools import Tool
from benchmarks import pairs

IN_FLIGHT = 8
MOST = {"generate": 12, "logprobs": 48}  # pairs for the methods that judge both orders, which are slow here
RESAMPLES = 4000
SEARCH, BARE, GOLD = "own search", "no evidence", "gold passages"


class Scored(NamedTuple):
    """One pair under one arm: 1 right, 0 wrong, 0.5 tie, None unscored."""

    question: str
    credit: float | None


class Task(NamedTuple):
    """A data set: its pairs and the corpus that holds the evidence."""

    name: str
    found: list[pairs.Pair]
    corpus: Path | list[dict[str, Any]]


def tasks(data: Path, limit: int) -> list[Task]:
    """The two test sets: hard Hotpot pairs (all), and people's preferences (one decided pair of each question)."""
    hotpot = list(pairs.hotpot_pairs(data, pairs.corpus_tool(pairs.hotpot_corpus(data))))
    by_question: dict[str, list[pairs.Pair]] = defaultdict(list)
    for pair in pairs.feedback_pairs(data):
        by_question[pair.question].append(pair)
    drawn = [random.Random(question).choice(group) for question, group in sorted(by_question.items())]
    feedback = random.Random(0).sample(drawn, min(limit, len(drawn)))
    return [
        Task("hotpotqa_100, hard pairs", hotpot, pairs.hotpot_corpus(data)),
        Task("qa_feedback, people's preferences", feedback, pairs.feedback_corpus(data)),
    ]


def judges(model: ChatModel, corpus: Path | list[dict[str, Any]], journal: Journal) -> dict[str, Judge]:
    """Every way to decide, by where its evidence comes from. Citations are off: they cost calls, change no verdict."""

    def make(decide: str, source: str) -> Judge:
        changes: dict[str, Any] = {
            "nodes.judge.decide": decide,
            "nodes.judge.max_citations": 0,
            "nodes.judge.repair": 1,
            "models.default": {"provider": "local", "max_tokens": 120},
        }
        graph = "direct" if source == BARE else "evidence"
        judge = Judge.load(graph, corpus=corpus if source == SEARCH else None, journal=journal, **changes)
        judge.models["default"] = model
        return judge

    arms = [(decide, source) for decide in ("likelihood", "likelihood_gain") for source in (GOLD, SEARCH, BARE)]
    arms.remove(("likelihood_gain", BARE))
    arms += [(decide, source) for decide in ("logprobs", "generate") for source in (SEARCH, BARE)]
    return {f"{decide}, {source}": make(decide, source) for decide, source in arms}


def with_gold(pair: pairs.Pair, texts: Mapping[str, Sequence[str]]) -> Case:
    """The case with the passages that settle it as its documents, which is all that its judge can search."""
    documents = tuple(Document(id=title, title=title, text="\n".join(texts[title])) for title in pair.gold)
    return pair.case.model_copy(update={"documents": documents})


async def judge_all(judge: Judge, cases: Sequence[Case], step: Callable[[], None]) -> list[JudgeResult]:
    """Results in the order of the cases, several at a time so that the model can batch them."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one(case: Case) -> JudgeResult:
        async with gate:
            result = await judge.ajudge(case)
        step()
        return result

    return await asyncio.gather(*map(one, cases))


def credit(result: JudgeResult, label: str) -> float | None:
    """1 for the label, 0.5 for a tie, None for unscored."""
    if isinstance(result.outcome, Unscored):
        return None
    winner = getattr(result.outcome, "winner", None)
    return 0.5 if winner == "tie" else float(winner == label)


def prefer(values: Sequence[float], label: str) -> float:
    """Credit of the arm that prefers the higher value."""
    if values[0] == values[1]:
        return 0.5
    return float(("A" if values[0] > values[1] else "B") == label)


def lexical(pair: pairs.Pair, items: Sequence[Evidence], tool: Tool) -> dict[str, float]:
    """Credits of the cheap explanations."""
    case = pair.case
    text = "\n".join(f"{item.title}\n{item.excerpt}" for item in items).lower()
    words = content_words(text)
    answers = [response.text for response in case.responses]
    overlap = [len(content_words(a) & words) / max(1, len(content_words(a))) for a in answers]
    tops = [pairs.search(tool, f"{case.question} {answer}") for answer in answers]
    scores = [top[0].score or 0.0 if top else 0.0 for top in tops]
    values: dict[str, Sequence[float]] = {
        "substring of the evidence": [float(answer.lower().strip(" .") in text) for answer in answers],
        "word overlap with the evidence": overlap,
        "BM25 score of question and response": scores,
        "longer wins": [float(len(answer)) for answer in answers],
    }
    return {name: prefer(pair_values, str(case.label)) for name, pair_values in values.items()}


def interval(scored: Sequence[Scored]) -> tuple[float, float, float]:
    """Mean credit with unscored as wrong, and its 95 % interval from resampling questions."""
    groups: dict[str, list[float]] = defaultdict(list)
    for item in scored:
        groups[item.question].append(item.credit or 0.0)
    questions = list(groups.values())
    draw = random.Random(0)
    means = []
    for _ in range(RESAMPLES):
        chosen = [value for group in draw.choices(questions, k=len(questions)) for value in group]
        means.append(sum(chosen) / len(chosen))
    means.sort()
    mean = sum(map(sum, questions)) / sum(map(len, questions))
    return mean, means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)]


def subset(found: Sequence[pairs.Pair], method: str) -> list[pairs.Pair]:
    """The pairs that a method judges: all, the first of them, or for `generate` a few drawn with a seed."""
    most = MOST.get(method, len(found))
    if method != "generate":
        return list(found[:most])
    drawn = set(random.Random(1).sample(range(len(found)), min(most, len(found))))
    return [pair for number, pair in enumerate(found) if number in drawn]


async def measure(task: Task, model: ChatModel, journal: Journal, progress: Progress) -> dict[str, Any]:
    """All arms on one data set."""
    arms: dict[str, list[Scored]] = {}
    usage: dict[str, Any] = {}
    evidence: list[tuple[Evidence, ...]] = []
    texts = texts_by_title(task.corpus)
    for name, judge in judges(model, task.corpus, journal).items():
        chosen = subset(task.found, name.partition(",")[0])
        shown = progress.add_task(f"{task.name}: {name}", total=len(chosen))
        cases = [with_gold(pair, texts) if GOLD in name else pair.case for pair in chosen]
        results = await judge_all(judge, cases, lambda shown=shown: progress.advance(shown))  # type: ignore[misc]
        judged = zip(chosen, results, strict=True)
        arms[name] = [Scored(pair.question, credit(result, str(pair.case.label))) for pair, result in judged]
        usage[name] = {
            "tokens": sum(r.usage.tokens_in + r.usage.tokens_out for r in results) / len(results),
            "consistent": _consistency(results),
        }
        if not evidence and SEARCH in name:
            evidence = [result.evidence for result in results]
    tool = pairs.corpus_tool(task.corpus)
    for pair, items in zip(task.found, evidence, strict=True):
        for name, value in lexical(pair, items, tool).items():
            arms.setdefault(name, []).append(Scored(pair.question, value))
    return {
        "task": task.name,
        "pairs": len(task.found),
        "questions": len({pair.question for pair in task.found}),
        "recall": _recall(task.found, evidence),
        "arms": {name: _arm(scored) | usage.get(name, {}) for name, scored in arms.items()},
    }


def texts_by_title(corpus: Path | list[dict[str, Any]]) -> dict[str, list[str]]:
    """The texts of a corpus under their titles."""
    rows = corpus if isinstance(corpus, list) else map(json.loads, corpus.read_text("utf-8").splitlines())
    texts: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        texts[row["title"]].append(row["text"])
    return texts


def _arm(scored: Sequence[Scored]) -> dict[str, float]:
    mean, low, high = interval(scored)
    given = [item.credit for item in scored if item.credit is not None]
    return {
        "n": len(scored),
        "accuracy": mean,
        "low": low,
        "high": high,
        "coverage": len(given) / len(scored),
        "at_coverage": sum(given) / len(given) if given else float("nan"),
    }


def _consistency(results: Sequence[JudgeResult]) -> float | None:
    """Share of cases whose two orders name the same winner; None for a method that is run once."""
    known = [result.order_consistent for result in results if result.order_consistent is not None]
    return sum(known) / len(known) if known else None


def _recall(found: Sequence[pairs.Pair], evidence: Sequence[Sequence[Evidence]]) -> dict[str, float]:
    titles = [{item.title for item in items} for items in evidence]
    hits = [set(pair.gold) & seen for pair, seen in zip(found, titles, strict=True)]
    return {
        "any": sum(map(bool, hits)) / len(found),
        "all": sum(len(hit) == len(pair.gold) for hit, pair in zip(hits, found, strict=True)) / len(found),
    }


def table(result: dict[str, Any]) -> str:
    """One data set as Markdown, best arm first."""
    recall = result["recall"]
    lines = [
        f"### {result['task']}",
        "",
        f"{result['pairs']} pairs of {result['questions']} questions. Its own search found at least one gold passage "
        f"for {recall['any']:.0%} of them, all of them for {recall['all']:.0%}.",
        "",
        "| arm | pairs | accuracy, unscored wrong (95 %) | coverage | accuracy there | orders agree | tokens a case |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, arm in sorted(result["arms"].items(), key=lambda pair: -pair[1]["accuracy"]):
        agree = "" if arm.get("consistent") is None else f"{arm['consistent']:.0%}"
        tokens = f"{arm['tokens']:.0f}" if "tokens" in arm else ""
        lines.append(
            f"| {name} | {arm['n']} "
            f"| {arm['accuracy']:.1%} ({arm['low']:.0%} to {arm['high']:.0%}) | {arm['coverage']:.0%} "
            f"| {arm['at_coverage']:.1%} | {agree} | {tokens} |"
        )
    return "\n".join(lines)


def plot(panels: Mapping[str, Mapping[str, Sequence[float]]], path: Path) -> None:
    """Accuracies with intervals, one panel for each data set, the first arm at the bottom.

    Args:
        panels: By title: mean, low and high of each arm; those with a comma in their name are of a model.
        path: Where the picture goes.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    tallest = max(map(len, panels.values()))
    size = (6.5 * len(panels), max(4.6, 0.3 * tallest))
    figure, axes = pyplot.subplots(1, len(panels), figsize=size, constrained_layout=True, squeeze=False)
    for axis, (title, arms) in zip(axes[0], panels.items(), strict=True):
        for place, (name, (mean, low, high)) in enumerate(arms.items()):
            colour = "tab:blue" if "," in name else "tab:gray"
            axis.plot([low, high], [place, place], color=colour, linewidth=2)
            axis.plot(mean, place, "o", color=colour)
        axis.set_yticks(range(len(arms)), list(arms))
        axis.axvline(0.5, color="black", linewidth=0.8, linestyle=":")
        axis.set_xlim(0, 1)
        axis.set_xlabel("accuracy, unscored counted as wrong, 95 % interval")
        axis.set_title(title)
    figure.savefig(path, dpi=120)


def panel(result: dict[str, Any]) -> tuple[str, dict[str, Sequence[float]]]:
    """A data set for `plot`, the worst arm first."""
    arms = sorted(result["arms"].items(), key=lambda pair: pair[1]["accuracy"])
    shown: dict[str, Sequence[float]] = {name: (arm["accuracy"], arm["low"], arm["high"]) for name, arm in arms}
    return f"{result['task']} (n = {result['pairs']})", shown


async def run(data: Path, limit: int, journal: Journal) -> list[dict[str, Any]]:
    """Measure all data sets."""
    model = open_model(ModelSpec(provider="local"))
    with Progress() as progress:
        results = [await measure(task, model, journal, progress) for task in tasks(data, limit)]
    await model.aclose()
    return results


def main() -> None:
    """Measure, print, and keep numbers and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled data sets")
    parser.add_argument("--limit", type=int, default=120, help="questions of qa_feedback")
    parser.add_argument("--run", type=Path, default=Path("runs/embedded.sqlite"), help="journal, to resume from")
    parser.add_argument("--out", type=Path, help="folder for numbers and plot")
    chosen = parser.parse_args()
    with Journal(chosen.run) as journal:
        results = asyncio.run(run(chosen.data, chosen.limit, journal))
    print("\n\n".join(map(table, results)))
    if chosen.out is not None:
        chosen.out.mkdir(parents=True, exist_ok=True)
        (chosen.out / "embedded.json").write_text(json.dumps(results, indent=1) + "\n")
        plot(dict(map(panel, results)), chosen.out / "embedded.png")


if __name__ == "__main__":
    main()
