"""How well a trained judge judges, and what its tools are worth to it.

    python -m benchmarks.trained --data DATA --pairs PAIRS PLAIN SWAPS --policy warm=runs/e/warm-start-2/policy \
        --policy grpo=runs/e/grpo/policy --out docs/measured

Each policy, and the untrained model, judges held-out synthesised pairs, hard HotpotQA pairs and people's preferences of
QA-Feedback (questions whose gold passages are not trained on) through the graph `compact`, in both orders: with its
tools, without, with the passages of another question (`shuffled`), and with an index that finds nothing (`empty`).
Beside them stand the untrained model that judges by the likelihood of each response after a search of its own (graph
`evidence`), and the cheap explanations. Intervals are 95 % from a bootstrap over source documents or questions,
those of differences from the same pairs; unscored counts as wrong. The run is kept in a journal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from rich.progress import Progress

from adjudge import Case, Journal, Judge, JudgeResult, Verdict, read_cases
from adjudge.models import ChatModel, ModelSpec, open_model
from adjudge.tools import Tool, ToolContext, ToolOutput
from benchmarks import pairs
from benchmarks.embedded import Scored, credit, interval, judge_all, lexical, plot, tasks

BASE = "untrained"
ARMS = ("tools", "no tools", "shuffled", "empty", "likelihood")
SETS = ("synthesised", "hotpotqa", "qa_feedback")
OF_BASE = ("tools", "no tools", "likelihood")


class Set(NamedTuple):
    """Labelled pairs of one kind, and the corpus that is searched for them."""

    name: str
    found: list[pairs.Pair]
    corpus: Path | list[dict[str, Any]]


def sets(data: Path, folders: Sequence[Path], limit: int) -> list[Set]:
    """What is judged; one order of each pair, since the judge sees both.

    Args:
        data: Folder of the labelled data.
        folders: Of `adjudge synth`, the first with the test pairs; no source of a training pair of any of them is gold
            for a preference that is asked for.
        limit: Most pairs of a set.
    """
    rows = [case for case in read_cases(folders[0] / "test.jsonl") if case.label in ("A", "B")]
    once = {str(case.metadata["pair"]): case for case in rows}
    drawn = random.Random(0).sample(sorted(once), min(limit, len(once)))
    made = [pairs.Pair(once[name], (), str(once[name].metadata["source"])) for name in drawn]
    hotpot = tasks(data, limit)[0]
    return [
        Set("synthesised, held-out documents", made, folders[0] / "corpus.jsonl"),
        Set(hotpot.name, hotpot.found[:limit], hotpot.corpus),
        Set(
            "qa_feedback, people's preferences",
            preferences(data, titles_trained_on(folders))[:limit],
            pairs.feedback_corpus(data),
        ),
    ]


def titles_trained_on(folders: Sequence[Path]) -> set[str]:
    """Titles of the documents that training pairs come from."""
    found: set[str] = set()
    for folder in folders:
        sources = {str(case.metadata["source"]) for case in read_cases(folder / "train.jsonl")}
        lines = map(json.loads, (folder / "corpus.jsonl").read_text("utf-8").splitlines())
        found |= {row["title"] for row in lines if row["id"] in sources}
    return found


def preferences(data: Path, seen: set[str]) -> list[pairs.Pair]:
    """One decided pair of each question of QA-Feedback whose gold passages are all unseen."""
    questions: dict[str, list[pairs.Pair]] = {}
    for pair in pairs.feedback_pairs(data):
        if not seen & set(pair.gold):
            questions.setdefault(pair.question, []).append(pair)
    return [random.Random(question).choice(group) for question, group in sorted(questions.items())]


def judges(model: ChatModel, one: Set, journal: Journal) -> dict[str, Judge]:
    """The graph with each kind of evidence."""

    def load(**changes: Any) -> Judge:
        judge = Judge.load("compact", corpus=one.corpus, journal=journal, **changes)
        judge.models["default"] = model
        return judge

    searching: dict[str, Any] = {"nodes.gather.seed_queries": False}
    with_tools = load(model=model, **searching)
    real = with_tools.tools["corpus"]
    return {
        "tools": with_tools,
        "no tools": load(model=model, **{"nodes.gather.max_turns": 0, "nodes.judge.thread": "fresh", **searching}),
        "shuffled": load(model=model, tools={"corpus": shuffled(real, [pair.case for pair in one.found])}, **searching),
        "empty": load(model=model, tools={"corpus": empty(real)}, **searching),
        "likelihood": by_likelihood(model, one, journal),
    }


def by_likelihood(model: ChatModel, one: Set, journal: Journal) -> Judge:
    """How the untrained model judges where nothing else is asked for."""
    changes: dict[str, Any] = {
        "nodes.judge.decide": "likelihood",
        "nodes.judge.max_citations": 0,
        "models.default": {"provider": "local", "max_tokens": 120},
    }
    judge = Judge.load("evidence", corpus=one.corpus, journal=journal, **changes)
    judge.models["default"] = model
    return judge


def shuffled(tool: Tool, cases: Sequence[Case]) -> Tool:
    """A search that finds what another case's question finds, whatever it is asked."""

    async def call(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutput:
        others = [case.question for case in cases if case.question != context.case.question]
        other = random.Random(f"{context.case.id}").choice(others)
        return await tool.call({"query": other}, context)

    return tool._replace(call=call, fingerprint=f"{tool.fingerprint}:shuffled")


def empty(tool: Tool) -> Tool:
    """A search that finds nothing."""

    async def call(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutput:
        return ToolOutput()

    return tool._replace(call=call, fingerprint="empty")


def measures(results: Sequence[JudgeResult], found: Sequence[pairs.Pair]) -> dict[str, Any]:
    """Accuracy over both orders, in each order, in both at once; and how well the tools were used."""
    labels = [str(pair.case.label) for pair in found]
    both = [
        Scored(pair.question, credit(result, str(pair.case.label))) for pair, result in zip(found, results, strict=True)
    ]
    right = [
        [_right(vote.outcome, label) for vote in result.votes] for result, label in zip(results, labels, strict=True)
    ]
    whole = [Scored(pair.question, float(all(one) and bool(one))) for pair, one in zip(found, right, strict=True)]
    sources = [
        any(item.is_of(pair.question) or item.title in pair.gold for item in result.evidence)
        for pair, result in zip(found, results, strict=True)
    ]
    return {
        "accuracy": interval(both),
        "credits": [one.credit or 0.0 for one in both],
        "both orders right": interval(whole),
        "by order": [sum(one[place] for one in right if len(one) > place) / len(right) for place in range(2)],
        "unscored": sum(not result.scored for result in results) / len(results),
        "source found": sum(sources) / len(sources),
        "tool calls": sum(result.usage.tool_calls for result in results) / len(results),
        "tokens": sum(result.usage.tokens_in + result.usage.tokens_out for result in results) / len(results),
    }


def _right(outcome: object, label: str) -> float:
    return float(isinstance(outcome, Verdict) and outcome.winner == label)


def cheap(one: Set) -> dict[str, Any]:
    """The lexical arms, from what a search for the question finds."""
    tool = pairs.corpus_tool(one.corpus)
    credits: dict[str, list[Scored]] = {}
    for pair in one.found:
        for name, value in lexical(pair, pairs.search(tool, pair.case.question), tool).items():
            credits.setdefault(name, []).append(Scored(pair.question, value))
    return {
        name: {"accuracy": interval(scored), "credits": [one.credit for one in scored]}
        for name, scored in credits.items()
    }


def compared(found: Mapping[str, Mapping[str, Any]], policies: Sequence[str]) -> list[tuple[str, str]]:
    """What is set against what: tools against none, each policy against the one before it and the cheap ones."""
    taught = [name for name in policies if name != BASE]
    wanted = [(f"{name}, tools", f"{name}, {arm}") for name in taught for arm in ("no tools", "empty", "shuffled")]
    wanted += [(f"{name}, tools", f"{before}, tools") for before, name in pairwise(policies)]
    best = max((name for name in found if ", " not in name), key=lambda name: found[name]["accuracy"][0])
    wanted += [(f"{name}, tools", other) for name in taught for other in (f"{BASE}, likelihood", best)]
    return [(one, other) for one, other in wanted if one in found and other in found]


def difference(one: Sequence[float], other: Sequence[float], found: Sequence[pairs.Pair]) -> tuple[float, float, float]:
    """Of accuracies on the same pairs, with the interval of paired resampling."""
    gains = (a - b for a, b in zip(one, other, strict=True))
    return interval([Scored(pair.question, gain) for pair, gain in zip(found, gains, strict=True)])


async def measure(
    one: Set, model: ChatModel, journal: Journal, arms: Sequence[str], shown: Callable[[str, int], Callable[[], None]]
) -> dict[str, Any]:
    """One policy on one set."""
    found = {}
    for arm, judge in judges(model, one, journal).items():
        if arm in arms:
            results = await judge_all(judge, [pair.case for pair in one.found], shown(arm, len(one.found)))
            found[arm] = measures(results, one.found)
    return found


def table(name: str, found: Mapping[str, Mapping[str, Any]]) -> str:
    """One set as Markdown."""
    lines = [f"**{name}**", "", "| | accuracy | both orders right | source found | unscored |", "|---|---|---|---|---|"]
    for arm, told in found.items():
        whole = _shown(told["both orders right"]) if "both orders right" in told else ""
        rest = [f"{told[key]:.0%}" if key in told else "" for key in ("source found", "unscored")]
        lines.append(f"| {arm} | {_shown(told['accuracy'])} | {whole} | {' | '.join(rest)} |")
    return "\n".join(lines)


def _shown(interval: Sequence[float]) -> str:
    mean, low, high = interval
    return f"{mean:.0%} ({low:.0%} to {high:.0%})"


async def run(chosen: argparse.Namespace) -> dict[str, Any]:
    """All policies on all sets."""
    policies = {BASE: None, **dict(item.split("=", 1) for item in chosen.policy)}
    written: dict[str, Any] = {}
    with Progress() as progress, Journal(chosen.journal) as journal:
        wanted_sets = zip(SETS, sets(chosen.data, chosen.pairs, chosen.limit), strict=True)
        for one in (found for name, found in wanted_sets if name in chosen.sets):
            found: dict[str, Any] = cheap(one)
            for name, adapter in policies.items():
                model = open_model(ModelSpec(provider="local", adapter=adapter, max_tokens=64))

                def shown(arm: str, total: int, name: str = name, title: str = one.name) -> Callable[[], None]:
                    bar = progress.add_task(f"{title}: {name}, {arm}", total=total)
                    return lambda: progress.advance(bar)

                wanted = [arm for arm in chosen.arms if (arm in OF_BASE if name == BASE else arm != "likelihood")]
                arms = await measure(one, model, journal, wanted, shown)
                found |= {f"{name}, {arm}": told for arm, told in arms.items()}
                await model.aclose()
            differences = {
                f"{arm} − {other}": difference(found[arm]["credits"], found[other]["credits"], one.found)
                for arm, other in compared(found, list(policies))
            }
            written[one.name] = {"pairs": len(one.found), "arms": found, "differences": differences}
            print(table(one.name, found), flush=True)
            for name, gain in differences.items():
                print(f"{name}: {100 * gain[0]:+.0f} points ({100 * gain[1]:+.0f} to {100 * gain[2]:+.0f})", flush=True)
    return written


def main() -> None:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--pairs", type=Path, nargs="+", required=True, help="folders of `adjudge synth`, the first with the test pairs"
    )
    parser.add_argument("--policy", action="append", default=[], metavar="NAME=FOLDER", help="a LoRA; repeatable")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--limit", type=int, default=100, help="pairs of each set")
    parser.add_argument("--journal", type=Path, default=Path("trained.sqlite"))
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    found = asyncio.run(run(chosen))
    chosen.out.mkdir(parents=True, exist_ok=True)
    panels = {
        f"{name} (n = {one['pairs']})": {arm: told["accuracy"] for arm, told in reversed(one["arms"].items())}
        for name, one in found.items()
    }
    plot(panels, chosen.out / "trained.png")
    (chosen.out / "trained.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
