"""Who is compared: a driver, the Python that has its package, its options, and the reply that it can read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

WORDS = "The first response names the author that the question asks for; the second does not."


class Reply(NamedTuple):
    """What the mock answers an arm."""

    text: str
    scores: str  # the key without which it is no verdict


OURS = Reply(json.dumps({"rationale": WORDS, "citations": [], "scores": {"A": 8, "B": 3}, "confidence": 0.9}), "scores")
REPLIES = {
    "openjudge": Reply(json.dumps({"reason": WORDS, "score": 5, "metadata": {}}), "score"),
    "openevals": Reply(json.dumps({"reasoning": WORDS, "score": True}), "score"),
    "autorubric": Reply(json.dumps({"criterion_status": "MET", "explanation": WORDS}), "criterion_status"),
}


class Arm(NamedTuple):
    """One way to judge."""

    name: str
    driver: str  # module below `drivers`
    options: tuple[str, ...] = ()
    environment: str = ""  # folder below `--peers`; empty: the Python of this process
    settings: str = ""

    @property
    def reply(self) -> Reply:
        """What the mock answers it."""
        return REPLIES.get(self.driver, OURS)

    def python(self, peers: Path) -> str:
        """The interpreter that runs it."""
        return str(peers / self.environment / "bin" / "python") if self.environment else sys.executable


def _peer(name: str, driver: str, path: str, settings: str) -> Arm:
    return Arm(name, driver, ("--path", path), driver, settings)


CLIENT = "retries: 2 of the OpenAI client (default), none for an unreadable verdict"
PEERS = (
    _peer("openjudge, runner", "openjudge", "runner", f"GradingRunner(max_concurrency=C), RelevanceGrader; {CLIENT}"),
    _peer("openjudge, grader", "openjudge", "grader", f"aevaluate side by side, no runner; {CLIENT}"),
    _peer("openevals, ChatOpenAI", "openevals", "langchain", f"create_async_llm_as_judge(judge=ChatOpenAI); {CLIENT}"),
    _peer("openevals, AsyncOpenAI", "openevals", "client", f"create_async_llm_as_judge(judge=AsyncOpenAI); {CLIENT}"),
    _peer(
        "autorubric",
        "autorubric",
        "grade",
        "Rubric.grade with one criterion, no limiter, no cache; max_retries=3 attempts, 1 s to 60 s apart (default)",
    ),
)
BARE = Arm("bare loop", "bare", settings="httpx over aiohttp; no retries")
ADJUDGE = Arm("adjudge", "adjudge", settings="direct, orders: one, no journal; retries: 4 (default)")
JOURNALED = Arm("adjudge, journal on", "adjudge", ("--journal",), settings="the same with a new journal each run")
STORMED = Arm("adjudge", "adjudge", ("--repair", "3"), settings="direct, orders: one, repair: 3; retries: 4 (default)")


def stepping(steps: int) -> tuple[Arm, ...]:
    """The bare loop and adjudge with so many tool steps."""
    tools = f"{steps} tool step{'s' * (steps > 1)}"
    options = ("--steps", str(steps))
    return (
        Arm(f"bare loop, {tools}", "bare_steps", settings=f"{steps + 2} calls a judgement"),
        Arm(f"adjudge, {tools}", "adjudge_steps", options, settings="an executor, then a judge in its conversation"),
    )
