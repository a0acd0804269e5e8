"""What a judge of steps is worth: against known information gain, against people, and in length of prompts.

    python -m benchmarks.steps --data ../shared/data --out docs/measured

`world`: the search world, about ten minutes on one core. `people`: the embedded model on real labelled steps, a few
seconds for each; kept in a journal, so that an interrupted measurement goes on where it stopped. `context`: prompts
over thirty steps, a minute.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress

from adjudge import Journal, Judge
from adjudge.agents.budget import tokens_of
from benchmarks.steps import context, gains, people, report, searches
from benchmarks.steps.judges import NOISES, at_random, longest, majority, overlap, rollouts
from benchmarks.steps.world import M, Question, World, hotpot, musique

PARTS = ("world", "people", "context")
CONTROLS = ("random of", "majority of 4 proposals", "majority of 8 proposals")


def worlds(data: Path, questions: int, seeds: int, embedded: int, judge: Callable[[], Judge]) -> dict[str, Any]:
    """Scores against gains, and whole searches."""
    made = [hotpot(data), musique(data)]
    chosen = {world: gains.keep(world, questions, 0) for world in made}
    against = {world.name: _against(world, chosen[world], embedded, judge) for world in made}
    print(report.gains_table(against), flush=True)
    with Progress() as shown:
        task = shown.add_task("searches", total=seeds * sum(map(len, chosen.values())))
        found = searches.run(chosen, range(seeds), lambda: shown.advance(task))
    rows = {name: searches.rows_of(one) for name, one in found.items()}
    print(report.searches_table(rows), flush=True)
    pairs = [("best of 4, gain + noise 1", other) for other in searches.arms() if other.startswith(CONTROLS)]
    pairs += [("best of 4, gain + noise 1", other) for other in searches.arms() if "search" in other]
    return {
        "gains": {
            name: {arm: _kept(one) | {"n": one.n} for arm, one in judges.items()} for name, judges in against.items()
        },
        "searches": {name: {arm: _kept(row) for arm, row in arms.items()} for name, arms in rows.items()},
        "questions": {world.name: len(found) for world, found in chosen.items()},
        "seeds": seeds,
        "differences": {
            name: {f"{arm}, less {other}": report.kept(searches.difference(one, arm, other)) for arm, other in pairs}
            for name, one in found.items()
        },
    }


def _against(
    world: World, questions: Sequence[Question], embedded: int, judge: Callable[[], Judge]
) -> dict[str, gains.Measured]:
    cases = gains.choices(world, questions)
    found = gains.candidates(world, cases, rollouts(world, gains.TRUTH, "truth"))
    judges = {
        f"{gains.TRUTH} other rollouts (ceiling)": rollouts(world, gains.TRUTH, "judge"),
        f"{M} rollouts (a label of PRInTS)": rollouts(world, M, "eight"),
        **{f"gain + noise {noise:g}": rollouts(world, gains.TRUTH, "judge", noise) for noise in NOISES},
        "random": at_random,
        "majority of the proposals": majority,
        "longer query": longest,
        "new question words": overlap,
    }
    measured = {name: gains.compare(found, gains.scores_of(one, cases)) for name, one in judges.items()}
    few = cases[:embedded]
    if few:
        names = {case.id for case in few}
        some = [one for one in found if one.choice in names]
        measured["information_gain, embedded model"] = gains.compare(some, gains.scores_of(judge(), few))
    return measured


def against_people(data: Path, minutes: float, judge: Callable[[], Judge]) -> dict[str, Any]:
    """The embedded model and controls on the same trajectories."""
    found = people.load(data)
    scores, cost = people.judge_all(judge(), found, minutes)
    judged = [one for one in found if one.case.id in scores]
    told = {"all": _by_counting(found)}
    if judged:
        told["judged"] = {"information_gain, embedded model": people.agreement(judged, scores)} | _by_counting(judged)
    for kind, some in (("all", found), ("judged", judged)):
        if kind in told:
            print(f"{len(some)} trajectories", report.people_table(told[kind], people.chance(some)), sep="\n\n")
    counts = {"fewer steps": _fewer, "shorter last step": people.brevity}
    whole = {name: people.by_count(found, count) for name, count in counts.items()}
    for name, (pairs, best) in whole.items():
        print(f"{name}: right before wrong {report.told(pairs, '.0%')}; best is right {report.told(best, '.0%')}")
    return {
        "cost": cost | {"steps": sum(len(one.grades) for one in judged)},
        "chance": {"all": _share(people.chance(found)), "judged": _share(people.chance(judged))},
        "ways": {
            kind: {name: {whole: _kept(one) for whole, one in wholes.items()} for name, wholes in ways.items()}
            for kind, ways in told.items()
        },
        "counts": {name: {"pairs": report.kept(a), "best": report.kept(b)} for name, (a, b) in whole.items()},
    }


def _by_counting(found: Sequence[people.Labelled]) -> dict[str, dict[str, people.Agreement]]:
    ways = people.controls(0).items()
    return {name: people.agreement(found, {one.case.id: score(one) for one in found}) for name, score in ways}


def _fewer(one: people.Labelled) -> float:
    return -float(len(one.grades))


def _share(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _kept(row: Any) -> dict[str, Any]:
    """A row of estimates and numbers."""
    return {
        key: report.kept(value) if hasattr(value, "estimate") else round(value, 2)
        for key, value in row._asdict().items()
    }


def _in_context(data: Path, trajectories: int, out: Path | None) -> dict[str, Any]:
    with Progress() as shown:
        task = shown.add_task("context", total=2 * trajectories * len(context.arms()))
        found = context.measure(data, trajectories, _tokenizer(), lambda: shown.advance(task))
    print(report.context_table(found), flush=True)
    if out is not None:
        context.plot(found, out / "steps_context.png")
    return {
        kind: {name: {key: [round(v, 3) for v in line] for key, line in arm.items()} for name, arm in arms.items()}
        for kind, arms in found.items()
    }


def _tokenizer() -> context.Count:
    """Tokens of the embedded model; estimated from above where it is not installed."""
    try:
        from transformers import AutoTokenizer

        from adjudge.models.local import embedded_path
    except ImportError:
        return tokens_of
    tokenizer = AutoTokenizer.from_pretrained(embedded_path())
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled data sets")
    parser.add_argument("--out", type=Path, help="folder for the numbers and the plot")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--questions", type=int, default=40, help="of each world")
    parser.add_argument("--seeds", type=int, default=3, help="searches of each arm and question")
    parser.add_argument("--embedded", type=int, default=0, help="choices of each world that the embedded model judges")
    parser.add_argument("--minutes", type=float, default=60, help="for the embedded model on people's labels")
    parser.add_argument("--trajectories", type=int, default=10, help="of each kind, for the length of prompts")
    parser.add_argument("--journal", type=Path, help="keeps the calls of the embedded model")
    chosen = parser.parse_args()

    def judge() -> Judge:
        journal = None if chosen.journal is None else Journal(chosen.journal)
        return Judge.load("information_gain", model="embedded", journal=journal, settings=["limits.seconds=3600"])

    if chosen.out is not None:
        chosen.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    if "world" in chosen.parts:
        found["world"] = worlds(chosen.data, chosen.questions, chosen.seeds, chosen.embedded, judge)
    if "people" in chosen.parts:
        found["people"] = against_people(chosen.data, chosen.minutes, judge)
    if "context" in chosen.parts:
        found["context"] = _in_context(chosen.data, chosen.trajectories, chosen.out)
    if chosen.out is not None:
        target = chosen.out / "steps.json"
        earlier = json.loads(target.read_text("utf-8")) if target.exists() else {}
        target.write_text(json.dumps({**earlier, **found}, indent=1, allow_nan=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
