import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from adjudge import Journal, __version__
from adjudge.models.mock import MockReply, MockServer

Cli = Callable[..., Result]
TERMINAL_COMMANDS = [chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x2066)]


def verdict(winner: str = "A", **fields: Any) -> str:
    scores = {"A": 8, "B": 3} if winner == "A" else {"A": 3, "B": 8}
    return json.dumps({"rationale": f"{winner} is right.", "citations": [], "scores": scores, **fields})


def case(name: str, **fields: Any) -> str:
    return json.dumps({"id": name, "prompt": f"What is {name}?", "responses": ["first", "second"], **fields})


def write(path: str, *lines: str) -> str:
    Path(path).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def direct(cli: Cli, *arguments: str, replies: tuple[str, ...] = (), **keywords: Any) -> Result:
    """Judge with the baseline graph, in one order, from a script of replies."""
    script = write("script.txt", *replies)
    options = ("--graph", "direct", "--set", "orders=one", "--model", f"scripted:{script}")
    return cli("judge", *arguments, *options, **keywords)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_verdict_shows_winner_scores_reason_and_cost(cli: Cli) -> None:
    write("cases.jsonl", case("one"))
    script = write("script.txt", verdict("A"), verdict("B", rationale="It is older."))

    result = cli("judge", "cases.jsonl", "--graph", "direct", "--model", f"scripted:{script}", "--run", "r")

    assert result.exit_code == 0, result.output
    assert "one: A wins   scores A 8, B 3   both orders agree" in result.stdout
    assert "because A is right." in result.stdout
    assert "2 model calls, 0 tool calls" in result.stdout
    assert "1 judged" in result.stdout
    assert "adjudge show r" in result.stdout
    assert "\x1b" not in result.stdout


def test_orders_that_disagree_are_told(cli: Cli) -> None:
    write("cases.jsonl", case("one"))
    script = write("script.txt", verdict("A"), verdict("A"))  # A is the second response in the other order

    result = cli("judge", "cases.jsonl", "--graph", "direct", "--model", f"scripted:{script}", "--no-run")

    assert "one: tie" in result.stdout
    assert "both orders DISAGREE (AB says A wins, BA says B wins)" in result.stdout


def test_the_header_says_what_judges_and_who_named_it(cli: Cli) -> None:
    write("cases.jsonl", case("one"))

    result = direct(cli, "cases.jsonl", "--no-run", replies=(verdict(),))

    head = result.stdout.split("case one")[0]
    assert "direct (pairwise)" in head
    assert "scripted:script.txt (scripted), named by --model" in head
    assert "tools   none" in head
    assert "generate, the model writes a verdict" in head
    assert "1 in one order" in head
    assert "run     not kept" in head


def test_the_header_names_the_variable_that_chose_the_model(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    write("cases.jsonl", case("one"))
    monkeypatch.setenv("ADJUDGE_MODEL", "scripted:" + write("script.txt", verdict(), verdict("B")))

    result = cli("judge", "cases.jsonl", "--graph", "direct", "--no-run")

    assert "named by ADJUDGE_MODEL" in result.stdout


def test_evidence_is_shown_as_it_is_found_and_cited_in_the_verdict(cli: Cli) -> None:
    write("cases.jsonl", case("one", prompt="Who wrote Middlemarch?"))
    write("corpus.jsonl", json.dumps({"title": "Middlemarch", "text": "A novel by George Eliot."}))
    # A script's lines are texts, so the search is a seed query instead of the model's own call.
    script = write("script.txt", verdict("A", citations=["E1"]), verdict("B", citations=["E1"]))

    result = cli(
        *("judge", "cases.jsonl", "--corpus", "corpus.jsonl", "--model", f"scripted:{script}", "--no-run"),
        *("--set", "nodes.gather.seed_queries=true", "--set", "nodes.gather.max_turns=0"),
    )

    assert result.exit_code == 0, result.output
    searched = result.stdout.index('corpus searches "Who wrote Middlemarch?"')
    found = result.stdout.index("E1 Middlemarch: A novel by George Eliot.", searched)
    judged = result.stdout.index("one: A wins", found)
    assert result.stdout.index("cites   E1 Middlemarch: A novel by George Eliot.", judged)


@pytest.mark.parametrize(("cited", "columns"), [((), ["case", "verdict"]), (("E1",), ["case", "verdict", "cites"])])
def test_the_table_has_a_column_of_citations_where_there_are_any(
    cli: Cli, cited: tuple[str, ...], columns: list[str]
) -> None:
    write("cases.jsonl", case("one", prompt="Who wrote Middlemarch?"))
    write("corpus.jsonl", json.dumps({"title": "Middlemarch", "text": "A novel by George Eliot."}))
    script = write("script.txt", verdict("A", citations=list(cited)), verdict("B", citations=list(cited)))

    result = cli(
        *("judge", "cases.jsonl", "--corpus", "corpus.jsonl", "--model", f"scripted:{script}", "--no-run"),
        *("--set", "nodes.gather.seed_queries=true", "--set", "nodes.gather.max_turns=0"),
    )

    assert columns in [line.split() for line in result.stdout.splitlines()]


def test_json_prints_one_object_a_line_and_nothing_else(cli: Cli) -> None:
    write("cases.jsonl", case("one"), case("two"))

    result = direct(cli, "cases.jsonl", "--json", "--no-run", replies=(verdict(), "no verdict", "none", "none"))

    one, two = objects(result)
    assert result.exit_code == 1
    assert (one["id"], one["judgement"]["type"], one["usage"]["model_calls"]) == ("one", "verdict", 1)
    assert (two["id"], two["judgement"]["type"], two["judgement"]["reason"]) == ("two", "unscored", "parse_failure")
    assert {"votes", "evidence", "graph"} <= set(one)
    assert "1 judged, 1 unscored (parse_failure: 1)" in result.stderr


def test_json_keeps_the_order_of_the_cases_when_they_are_judged_side_by_side(cli: Cli) -> None:
    names = [f"case{number}" for number in range(30)]
    write("cases.jsonl", *map(case, names))

    def reply(body: dict[str, Any]) -> MockReply:
        number = int(str(body["messages"]).split("What is case")[1].split("?")[0])
        return _completion(verdict(), delay=0.05 if number % 7 == 0 else 0.0)

    with served(reply) as url:
        options = ("--set", "orders=one", "--model", url, "--concurrency", "8", "--json", "--run", "r")
        result = cli("judge", "cases.jsonl", "--graph", "direct", *options)

    assert result.exit_code == 0, result.output
    assert [row["id"] for row in objects(result)] == names
    with Journal("r/journal.sqlite", mode="replay") as journal:
        assert [kept.id for kept in journal.cases()] == names


def test_a_bad_row_is_reported_with_its_line_and_the_rest_is_judged(cli: Cli) -> None:
    write("cases.jsonl", case("one"), '{"id": "two", "question": "?"}', "{", case("four"))

    result = direct(cli, "cases.jsonl", "--no-run", "--json", replies=(verdict(), verdict()))

    assert result.exit_code == 2
    assert [row["id"] for row in objects(result)] == ["one", "four"]
    assert "cases.jsonl:2: question: unknown key" in result.stderr
    assert "cases.jsonl:3" in result.stderr
    assert "2 judged, 2 bad rows" in result.stderr


def test_a_case_that_does_not_fit_the_judge_is_reported_and_the_rest_is_judged(cli: Cli) -> None:
    write("cases.jsonl", case("one", responses=["alone"]), case("two"))

    result = direct(cli, "cases.jsonl", "--no-run", "--json", replies=(verdict(),))

    assert result.exit_code == 2
    assert [row["id"] for row in objects(result)] == ["two"]
    assert "'one': a pairwise judge needs two responses, found 1 response" in result.stderr


def test_an_id_of_an_earlier_file_is_a_bad_row(cli: Cli) -> None:
    write("a.jsonl", case("one"))
    write("b.jsonl", case("one"), case("two"))

    result = direct(cli, "a.jsonl", "b.jsonl", "--no-run", "--json", replies=(verdict(), verdict()))

    assert [row["id"] for row in objects(result)] == ["one", "two"]
    assert "b.jsonl: id: this id stands in a.jsonl already" in result.stderr


def test_a_file_that_breaks_off_does_not_lose_the_next_one(cli: Cli) -> None:
    write("a.yaml", "- {prompt: x, responses: [a, b]", "- [")
    write("b.jsonl", case("two"))

    result = direct(cli, "a.yaml", "b.jsonl", "--no-run", "--json", replies=(verdict(),))

    assert result.exit_code == 2
    assert [row["id"] for row in objects(result)] == ["two"]
    assert "a.yaml" in result.stderr


def test_cases_are_read_from_standard_input(cli: Cli) -> None:
    result = direct(cli, "-", "--no-run", "--json", replies=(verdict(),), input=case("piped") + "\n")

    assert result.exit_code == 0, result.output
    assert [row["id"] for row in objects(result)] == ["piped"]


def test_limit_judges_the_first_cases_only(cli: Cli) -> None:
    write("cases.jsonl", "{", case("one"), case("two"), case("three"))

    result = direct(cli, "cases.jsonl", "--no-run", "--json", "--limit", "2", replies=(verdict(), verdict()))

    assert [row["id"] for row in objects(result)] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("judge", "missing.jsonl"), "missing.jsonl: there is no such file"),
        (("judge", "cases.jsonl", "--graph", "evidense"), "did you mean 'evidence'?"),
        (("judge", "cases.jsonl", "--graph", "direct", "--set", "orders=three"), "it was set by --set orders"),
        (("judge", "cases.jsonl", "--graph", "direct", "--set", "orders"), "write --set key.path=value"),
        (("judge", "cases.jsonl", "--graph", "direct", "--corpus", "x"), "no corpus_search tool"),
        (("judge", "cases.jsonl", "--corpus", "missing"), "missing"),
        (("judge", "cases.jsonl", "--graph", "direct", "--model", "scripted:missing"), "cannot be read"),
        (("judge", "cases.jsonl", "--graph", "direct", "--model", "some-model"), "set ADJUDGE_BASE_URL"),
    ],
)
def test_a_mistake_in_the_options_ends_with_one_message_before_anything_is_judged(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    write("cases.jsonl", case("one"))

    result = cli(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not Path("runs").exists()


def test_a_run_is_kept_in_a_new_folder_by_default(cli: Cli) -> None:
    write("cases.jsonl", case("one"))

    direct(cli, "cases.jsonl", replies=(verdict(),))
    direct(cli, "cases.jsonl", replies=(verdict(),))

    runs = sorted(Path("runs").glob("*-direct*/journal.sqlite"))
    assert len(runs) == 2


@pytest.mark.parametrize("nothing", [("--run", "none"), ("--no-run",)])
def test_a_run_is_not_kept_on_request(cli: Cli, nothing: tuple[str, ...]) -> None:
    write("cases.jsonl", case("one"))

    assert direct(cli, "cases.jsonl", *nothing, replies=(verdict(),)).exit_code == 0
    assert not Path("runs").exists()
    assert not Path("none").exists()


@pytest.mark.parametrize(("run", "journal"), [("mine", "mine/journal.sqlite"), ("a/b.sqlite", "a/b.sqlite")])
def test_a_run_is_a_folder_or_a_file(cli: Cli, run: str, journal: str) -> None:
    write("cases.jsonl", case("one"))

    direct(cli, "cases.jsonl", "--run", run, replies=(verdict(),))

    assert Path(journal).is_file()


def test_judging_again_into_the_same_run_pays_for_no_finished_call(cli: Cli) -> None:
    write("cases.jsonl", case("one"), case("two"))
    script = (verdict("A", rationale="asked once"), verdict("B", rationale="asked twice"))
    first = direct(cli, "cases.jsonl", "--run", "r", "--json", "--limit", "1", replies=script)

    again = direct(cli, "cases.jsonl", "--run", "r", "--json", replies=script)

    one, two = objects(again)
    assert one == objects(first)[0]
    assert "asked once" in two["judgement"]["rationale"]  # the script's first reply was still unused
    assert "1 cases were judged before" in again.stderr


def test_a_journal_that_cannot_be_used_ends_with_its_message(cli: Cli) -> None:
    write("cases.jsonl", case("one"))
    write("other.sqlite", "this is no journal")

    result = direct(cli, "cases.jsonl", "--run", "other.sqlite", replies=(verdict(),))

    assert result.exit_code == 2
    assert "other.sqlite" in result.stderr
    assert "Traceback" not in result.output


def test_nothing_from_outside_reaches_the_terminal_as_a_command_or_as_markup(cli: Cli) -> None:
    nasty = "[red]x[/red] " + "".join(TERMINAL_COMMANDS) + " \x1b[31mred\x1b]0;title\x07"
    row = {"id": f"id {nasty}", "prompt": nasty, "responses": [nasty, f"b {nasty}"], "documents": []}
    write("cases.jsonl", json.dumps(row), json.dumps({"id": nasty, nasty: 1}))
    write("corpus.jsonl", json.dumps({"id": nasty, "title": f"title {nasty}", "text": f"red title {nasty}"}))
    script = write("script.txt", verdict("A", citations=["E1"], rationale=nasty), verdict("B", rationale=nasty))

    judged = cli(
        *("judge", "cases.jsonl", "--corpus", "corpus.jsonl", "--model", f"scripted:{script}", "--run", "r"),
        *("--set", "nodes.gather.seed_queries=true", "--set", "nodes.gather.max_turns=0"),
    )
    shown = cli("show", "r")
    everything = cli("show", "r", row["id"])
    replayed = cli("replay", "r")

    assert "1 judged, 1 bad row" in judged.stdout
    for result in (judged, shown, everything, replayed):
        assert not [command for command in TERMINAL_COMMANDS if command in result.output]
        assert "[red]x[/red]" in result.output
        assert "\\u001b[31mred" in result.output


def test_an_id_cannot_forge_a_line_of_its_own(cli: Cli) -> None:
    write("cases.jsonl", case("x\none: A wins"))

    result = direct(cli, "cases.jsonl", "--no-run", replies=(verdict(),))

    assert not [line for line in result.stdout.splitlines() if line.startswith("one: A wins")]


def test_without_evidence_to_search_a_case_is_warned_about(cli: Cli) -> None:
    write("cases.jsonl", case("one"), case("two"))
    script = write("script.txt", *(["nothing to look for", verdict("A"), verdict("B")] * 2))

    result = cli("judge", "cases.jsonl", "--model", f"scripted:{script}", "--no-run")

    assert result.exit_code == 0, result.output
    assert result.stderr.count("was judged without evidence") == 1
    assert "--corpus PATH" in result.stderr


def test_interrupting_says_how_to_go_on_and_keeps_finished_calls(cli: Cli) -> None:
    write("cases.jsonl", case("one"), case("two"))

    def reply(body: dict[str, Any]) -> MockReply:
        return _completion(verdict(), delay=120.0 if "What is two?" in str(body["messages"]) else 0.0)

    with served(reply) as url:
        options = ["--graph", "direct", "--set", "orders=one", "--model", url, "--concurrency", "1", "--run", "r"]
        command = [sys.executable, "-m", "adjudge", "judge", "cases.jsonl", *options]
        environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("case two"):
                    break
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "interrupted. 1 judged" in told
    assert "--run r" in told
    assert "Traceback" not in told
    with Journal("r/journal.sqlite", mode="replay") as journal:
        assert [result.id for result in journal.results()] == ["one"]


def test_help_and_version_load_nothing_heavy() -> None:
    for argument in ("--help", "--version"):
        code = (
            "import sys; from adjudge.cli import main; sys.argv = ['adjudge', sys.argv[1]]\n"
            "try: main()\nexcept SystemExit as end: assert not end.code\n"
            "heavy = {'langgraph', 'langchain_core', 'torch', 'transformers', 'pydantic', 'httpx'} & set(sys.modules)\n"
            "assert not heavy, heavy"
        )
        done = subprocess.run([sys.executable, "-c", code, argument], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"adjudge {__version__}"


@pytest.mark.parametrize("command", ["judge", "show", "replay", "doctor", "graph"])
def test_every_command_explains_itself_with_an_example(cli: Cli, command: str) -> None:
    result = cli(command, "--help")

    assert result.exit_code == 0
    assert f"adjudge {command}" in result.stdout or command == "graph"


def _completion(text: str, delay: float) -> MockReply:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    return MockReply({"choices": [choice], "usage": usage}, delay=delay)


@contextmanager
def served(reply: Callable[[dict[str, Any]], MockReply]) -> Iterator[str]:
    """A chat server in a thread of its own; gives its URL."""
    ready: list[str] = []
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with MockServer(reply) as server:
            ready.append(server.base_url)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait(10)
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
