"""`four_agents` killed in the midst of its correction loop goes on where it was, by journal and by checkpoints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adjudge.journal import Journal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and forks are POSIX")

# Builds the judge once, then forks a process for each order on its standard input: folder, what is kept, and the number
# of the call at whose beginning the process kills itself (0: none). Whatever is really called writes itself down first;
# nodes that are entered write themselves down as well.
SERVER = """
import asyncio, json, os, signal, sys
from adjudge.journal import Journal
from adjudge.judge import Judge
from adjudge.judge.checkpoints import Checkpoints
from adjudge.models import ScriptedModel
from adjudge.tools import tool
from adjudge.types import Case, Evidence, NodeStarted
from adjudge.types.messages import assistant, tool_call

paid = nodes = None
left = 0

async def pay(what):
    global left
    os.write(paid, (what + chr(10)).encode())
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.sleep(0.001)

class Paid(ScriptedModel):
    async def chat(self, messages, **more):
        await pay(f"model {more['sampling'].seed}")
        return await super().chat(messages, **more)

def steps(*goals):
    return [{"goal": goal, "expected": "", "uses": []} for goal in goals]

def reply(request):
    wanted = (request.sampling.json_schema or {}).get("properties", {})
    if "examples" in wanted:
        return {"examples": [{"question": "Like?", "steps": steps("a")}]}
    if "steps" in wanted:
        return {"steps": steps("find x", "find y")}
    if "plan_at_fault" in wanted:  # the execution, then the plan, then nothing
        known = request.text
        flags = {"plan_at_fault": "from E3" in known, "execution_at_fault": "from E1" in known}
        if "from E5" in known:
            return {"plan_at_fault": False, "execution_at_fault": False, "step": None, "mistake": ""}
        return {**flags, "step": 1, "mistake": "wrong"}
    if "answer" in wanted:
        return {"answer": "7", "citations": ["E5"]}
    if request.messages[-1]["role"] == "tool":
        return "3" + chr(10) + "from " + request.messages[-1]["content"].split("evidence ")[1].split()[0]
    query = f"{request.text.count('mistake no.')}-{request.text.split('Step ')[1][0]}"
    return assistant("", [tool_call("x", "corpus", json.dumps({"query": query}))])

async def corpus(query: str) -> Evidence:
    '''Search.

    Args:
        query: What for.
    '''
    await pay(f"tool {query}")
    return Evidence(excerpt=f"about {query}", source=query)

judge = Judge.load("four_agents", model=Paid(reply), tools={"corpus": tool(corpus)})
case = Case(id="c", prompt="What is x + y?")

def enter(event):
    if isinstance(event, NodeStarted):
        os.write(nodes, (event.node + chr(10)).encode())

async def run(folder, kept):
    judge.journal = Journal(folder + "/run.sqlite") if "journal" in kept else None
    judge.checkpoints = Checkpoints(folder + "/checkpoints.sqlite") if "checkpoints" in kept else None
    result = await judge.ajudge(case, on_event=enter)
    with open(folder + "/result.json", "w") as file:
        json.dump(result.to_dict(trajectory=True), file)
    await judge.aclose()

def say(*words):
    os.write(1, (" ".join(map(str, words)) + chr(10)).encode())

say("ready")
for line in sys.stdin:
    folder, kept, left = line.split()
    left = int(left)
    child = os.fork()
    if child == 0:
        opened = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        paid, nodes = os.open(folder + "/paid.txt", opened), os.open(folder + "/nodes.txt", opened)
        try:
            asyncio.run(run(folder, kept))
        except BaseException as error:
            say("failed", repr(error))
            os._exit(1)
        os._exit(0)
    say("child", child)
    if not left:
        sys.stdin.readline()  # its id stays its own until then
    _, status = os.waitpid(child, 0)
    say("gone", os.waitstatus_to_exitcode(status))
"""

JOURNAL, BOTH, CHECKPOINTS = "journal", "journal+checkpoints", "checkpoints"


class Server:
    """The process that forks others."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def say(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()

    def run(self, folder: Path, kept: str, kill_at: int = 0, kill_after: float | None = None) -> bool:
        """Run until done (True), or until killed: at the beginning of a call, or from outside after some seconds."""
        folder.mkdir(exist_ok=True)
        self.say(f"{folder} {kept} {kill_at}")
        said = self.line()
        assert said.startswith("child"), said
        if not kill_at:
            if kill_after is not None:
                time.sleep(kill_after)
                os.kill(int(said.split()[1]), signal.SIGKILL)
            self.say("go on")
        said = self.line()
        assert said.startswith("gone"), said
        status = int(said.split()[1])
        assert status in (0, -signal.SIGKILL)
        return status == 0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    with process:
        made = Server(process)
        assert made.line() == "ready"
        yield made
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def calm(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("calm")
    assert server.run(folder, JOURNAL)
    return folder


def lines(folder: Path, name: str) -> list[str]:
    path = folder / name
    return path.read_text().splitlines() if path.exists() else []


def paid(folder: Path) -> list[str]:
    return lines(folder, "paid.txt")


def outcome(folder: Path) -> dict[str, Any]:
    """The result, without the times at which things happened."""
    result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    del result["usage"]["seconds"]
    for item in result["evidence"]:
        del item["time"]
    return result


PATH = ["plan", "execute", "check", "execute", "check", "plan", "execute", "check", "answer"]


def test_the_undisturbed_run_is_a_correction_loop(calm: Path) -> None:
    assert lines(calm, "nodes.txt") == PATH
    result = outcome(calm)
    assert result["judgement"]["text"] == "7"
    assert [item["flag"]["kind"] for item in result["process"]["rounds"]] == ["execution", "plan"]
    assert result["process"]["checked"] == "accepted"
    assert [item["name"] for item in result["evidence"]] == [f"E{n}" for n in range(1, 7)]
    assert len(paid(calm)) == len(set(paid(calm))) == 25


@pytest.mark.parametrize(("kept", "first"), [(JOURNAL, 1), (BOTH, 2)])
def test_killed_at_any_call_no_finished_call_is_made_twice(
    server: Server, calm: Path, tmp_path: Path, kept: str, first: int
) -> None:
    calls = paid(calm)
    for number in range(first, len(calls) + 1, 2):
        folder = tmp_path / str(number)
        assert not server.run(folder, kept, kill_at=number)
        assert paid(folder) == calls[:number]
        assert server.run(folder, kept)
        # The call that was under way is made again, and none before it.
        assert paid(folder) == [*calls[:number], *calls[number - 1 :]], number
        assert outcome(folder) == outcome(calm), number


def test_killed_again_and_again_it_still_arrives(server: Server, calm: Path, tmp_path: Path) -> None:
    for kept in (JOURNAL, BOTH):
        folder, kills = tmp_path / kept, 0
        while not server.run(folder, kept, kill_at=3):
            kills += 1
        assert kills > 5
        assert outcome(folder) == outcome(calm)
        twice = {call for call in paid(folder) if paid(folder).count(call) > 1}
        assert len(paid(folder)) == len(paid(calm)) + kills
        assert len(twice) == kills  # each call that was cut off, once


@pytest.mark.parametrize("kept", [JOURNAL, BOTH])
def test_killed_from_outside_no_finished_call_is_made_twice(
    server: Server, calm: Path, tmp_path: Path, kept: str
) -> None:
    start = time.monotonic()
    assert server.run(tmp_path / "whole", kept)
    whole = time.monotonic() - start
    for number in range(1, 9):
        folder = tmp_path / str(number)
        done = server.run(folder, kept, kill_after=whole * number / 10)
        recorded = len(calls_in(folder))
        before = len(paid(folder))
        assert done or recorded in (before, before - 1)
        if not done:
            assert server.run(folder, kept)
        assert len(paid(folder)) - before == (0 if done else len(paid(calm)) - recorded)
        assert outcome(folder) == outcome(calm)


def calls_in(folder: Path) -> list[str]:
    """Finished calls: those that are in the journal."""
    path = folder / "run.sqlite"
    if not path.exists() or path.stat().st_size == 0:
        return []
    with Journal(path) as journal:
        return [kind for kind, count in journal.counts().calls.items() for _ in range(count)]


def test_with_checkpoints_finished_nodes_are_not_entered_again(server: Server, calm: Path, tmp_path: Path) -> None:
    calls = paid(calm)
    third = calls.index("tool 1-0")  # in the second entry of `execute`
    assert not server.run(tmp_path / "one", BOTH, kill_at=third + 1)
    assert lines(tmp_path / "one", "nodes.txt") == PATH[:4]
    assert server.run(tmp_path / "one", BOTH)
    assert lines(tmp_path / "one", "nodes.txt") == [*PATH[:4], *PATH[3:]]


def test_checkpoints_alone_repeat_only_the_node_that_was_cut_off(server: Server, calm: Path, tmp_path: Path) -> None:
    calls = paid(calm)
    number = calls.index("tool 1-1") + 1  # the sixth call of the second entry of `execute`
    assert not server.run(tmp_path / "one", CHECKPOINTS, kill_at=number)
    assert server.run(tmp_path / "one", CHECKPOINTS)
    entered = calls.index("tool 1-0") - 1  # the first call of that entry
    assert paid(tmp_path / "one") == [*calls[:number], *calls[entered:]]
    assert outcome(tmp_path / "one") == outcome(calm)


def test_a_judgement_that_had_ended_is_made_anew_from_checkpoints_and_looked_up_in_a_journal(
    server: Server, calm: Path, tmp_path: Path
) -> None:
    for kept, calls in ((CHECKPOINTS, 2 * len(paid(calm))), (BOTH, len(paid(calm)))):
        assert server.run(tmp_path / kept, kept)
        assert server.run(tmp_path / kept, kept)
        assert len(paid(tmp_path / kept)) == calls
        assert outcome(tmp_path / kept) == outcome(calm)
