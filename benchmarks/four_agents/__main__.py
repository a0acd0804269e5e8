"""Seeded faults in a closed world: what the correction loop makes of flags of a stated accuracy.

    python -m benchmarks.four_agents --data ../shared/data --out docs/measured

Assumed, not measured (`mind`, `checker`): a plan has a fault with the chance 0.2 (a missing step, a wrong column, a
wrong operation), a step's result with 0.1 (a wrong cell or row, a misread number, a slip of arithmetic); half of both
are systematic, the same in every draw, the others fresh. With a true description of the mistake in view a fault recurs
with the chance 0.3; a false one spoils a right step with 0.15; without a flag nothing changes. The judge of accuracy a
flags a faulty process with the chance a and a good one with 1 - a, and names the right kind, and the right step, with
the chance a each; its errors are independent of the team's and between rounds. In self-correction the team's model
checks itself with the same accuracy, but takes its own systematic mistakes for right. Control: flags at random.

In the part `evidence` the judge can tell no more than its prompt shows; elsewhere it knows the truth, whatever it is
shown. `vote` is best-of-n: the majority of whole runs without a judge, 1 and 3 (3 and 5) of them mixed so that it costs
as many tokens as the loop. Tokens are words, as scripted models count them. Chances, `CANDIDATES`, the control's rate
and the rules of `agreement` were chosen on seed 0 (`alike`, in words of ours); the questions reported on come from
seeds 1 to 3, no table twice. Intervals: 95 %, bootstrap over tables. Prints Markdown, keeps the numbers as JSON and
draws them. With `--only` the other parts of the JSON stay.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.four_agents.alike import alike, followed, same
from benchmarks.four_agents.arms import SEEDS, World, adaptive, caps, chances, chosen, evidence, loops, shares
from benchmarks.four_agents.documents import formats
from benchmarks.four_agents.embedded import embedded
from benchmarks.four_agents.mind import Assumptions
from benchmarks.four_agents.plot import draw
from benchmarks.four_agents.questions import Question
from benchmarks.four_agents.report import report
from benchmarks.four_agents.tables import sheets

PARTS = ("loops", "caps", "shares", "chances", "adaptive", "evidence", "same", "alike", "documents", "embedded")
DEVELOPMENT = (0,)  # what was chosen was chosen on this seed


def main() -> None:
    """Measure, print, keep and draw."""
    options = _options()
    tables = sheets(options.data)
    asked = chosen(tables, options.tasks)
    world = World(asked, Assumptions())
    measures: dict[str, Callable[[], Awaitable[Any]]] = {
        "loops": lambda: loops(world),
        "caps": lambda: caps(world),
        "shares": lambda: shares(world),
        "chances": lambda: chances(world),
        "adaptive": lambda: adaptive(world),
        "evidence": lambda: evidence(world),
        "same": lambda: _at_once(lambda: same(asked)),
        "alike": lambda: _at_once(lambda: _development(chosen(tables, options.tasks, DEVELOPMENT))),
        "documents": lambda: formats(asked[: options.documents]),
        "embedded": lambda: embedded(world._replace(questions=asked[: options.embedded])),
    }
    path = None if options.out is None else options.out / "four_agents.json"
    kept = json.loads(path.read_text("utf-8")) if path is not None and path.exists() else {"parts": {}}
    for name in options.only:
        began = time.perf_counter()
        kept["parts"][name] = plain(asyncio.run(_awaited(measures[name])))
        print(f"{name}: {time.perf_counter() - began:.0f} seconds", flush=True)
    kept["settings"] = _settings(world)
    print(f"\n{report(kept['parts'])}")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        if {"loops", "caps"} <= kept["parts"].keys():
            draw(kept["parts"], path.with_suffix(".png"))


async def _awaited(measure: Callable[[], Awaitable[Any]]) -> Any:
    return await measure()


async def _at_once(measure: Callable[[], Any]) -> Any:
    return measure()


def _development(asked: Sequence[Question]) -> dict[str, Any]:
    return {"pairs": alike(asked), "followed": followed(asked)}


def plain(value: Any) -> Any:
    """Figures as JSON: named tuples by name, numbers rounded."""
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value


def _settings(world: World) -> dict[str, Any]:
    forms = Counter(" → ".join(step.kind for step in question.steps) for question in world.questions)
    return {
        "questions": len(world.questions),
        "by plan": dict(forms.most_common()),
        "seeds": list(SEEDS),
        "development seeds": list(DEVELOPMENT),
        "assumptions": world.chances._asdict(),
        "machine": f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}",
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled data sets")
    parser.add_argument("--tasks", type=int, default=240, help="questions; no table twice, so at most about 250")
    parser.add_argument("--documents", type=int, default=10, help="tables that are also read from files (OCR is slow)")
    parser.add_argument("--embedded", type=int, default=60, help="questions that the embedded model checks (slow)")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS), help="a,b of the parts")
    parser.add_argument("--out", type=Path, help="folder for the numbers and the plot")
    options = parser.parse_args()
    if unknown := set(options.only) - set(PARTS):
        parser.error(f"unknown parts {sorted(unknown)}; there are {list(PARTS)}")
    return options


if __name__ == "__main__":
    main()
