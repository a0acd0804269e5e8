"""AgentProcessBench: each step of a search agent, good, neutral or bad."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from adjudge.evaluation.benchmarks.benchmark import Benchmark, case_of
from adjudge.evaluation.benchmarks.row import Row
from adjudge.types import Case, Message, Trajectory


def _read(row: Row, subset: str) -> Iterator[Case]:
    messages = cast(list[Message], [_message(part) for part in row.parts("messages")])
    grades: list[int] = []
    labels = row.part("step_labels")
    for place, message in enumerate(messages):
        if message["role"] == "assistant":  # one step for each call; a message's label holds for all of its calls
            grades += [labels.whole(str(place), -1, 1)] * max(1, len(message.get("tool_calls") or ()))
    # The question stands by itself. Later the harness says as the user that no tool was called: that is a grade.
    yield case_of(
        "agentprocessbench",
        subset,
        f"{row.get('query_index')}-{row.get('sample_index')}",
        prompt=row.text("question"),
        trajectory=Trajectory.from_messages([message for message in messages if message["role"] != "user"]),
        label={"steps": grades},
        group=row.get("query_index"),
        final=row.whole("final_label", -1, 1),
    )


def _message(part: Row) -> dict[str, Any]:
    part.one_of("role", dict.fromkeys(("system", "user", "assistant", "tool")))
    for call in part.parts("tool_calls") if part.data.get("tool_calls") else ():
        call.part("function").text("name")
    return dict(part.data)


def _corpus(folder: Path) -> Path:
    return folder / "derived_corpus.jsonl"


AGENTPROCESSBENCH = Benchmark(
    name="agentprocessbench",
    folder="agentprocessbench_hotpotqa",
    mode="step",
    headline="step_accuracy",
    measures="Whether a judge sees which steps of a search agent help, are idle, or lead astray.",
    labels="Experts, a grade for each assistant message: 1 good, 0 neutral, -1 bad.",
    licence="MIT; passages from Wikipedia, CC-BY-SA",
    source="AgentProcessBench (2026); RUCBM/AgentProcessBench, its HotpotQA part, 100 of 250 trajectories",
    size={"agentprocessbench": 100},
    chance=None,
    pitfalls="Five trajectories come from one question. Most steps are good: say what calling them all good achieves. "
    "Once a step is bad, all after it are, however well they are made.",
    parts={"agentprocessbench": "trajectories.jsonl"},
    read=_read,
    corpus=_corpus,
)
