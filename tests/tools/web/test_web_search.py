"""Searching the web: own providers, the block list, engines on the loopback, cache and pace."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ddgs.base import BaseSearchEngine
from ddgs.engines import ENGINES

from adjudge.errors import ConfigError, MissingPackage, ToolError
from adjudge.tools import Hit, Tool, ToolContext, ToolOutput, WebSearchSettings, build_tool, web_search
from adjudge.tools.web import engines, search
from adjudge.tools.web.cache import SearchCache
from adjudge.tools.web.engines import AUTO, EngineError
from adjudge.tools.web.pacing import FIRST_PAUSE, LONGEST_PAUSE, Pacing
from adjudge.types import Case

ELIOT = Hit("Middlemarch", "https://en.wikipedia.org/wiki/Middlemarch", "A novel by George Eliot.")
AUSTEN = Hit("Emma", "https://example.org/emma", "A novel by Jane Austen.")
LABELS = Hit("hotpot", "https://huggingface.co/datasets/hotpotqa/hotpot_qa", '{"answer": "yes"}')


def asked(made: Tool, query: str = "Middlemarch novel author") -> ToolOutput:
    context = ToolContext(Case(prompt="?"), {}, {})

    async def go() -> ToolOutput:
        return await made.call({"query": query}, context)

    return asyncio.run(go())


def titles(output: ToolOutput) -> list[str]:
    return [item.title for item in output.evidence]


async def awaited(query: str, k: int) -> list[Hit]:
    return [ELIOT, AUSTEN]


class Callable:
    async def __call__(self, query: str, k: int) -> list[Hit]:
        return [ELIOT, AUSTEN]


@pytest.mark.parametrize(
    "provider",
    [
        awaited,
        lambda query, k: [ELIOT, AUSTEN],
        functools.partial(awaited),
        Callable(),
        lambda q, k: iter([tuple(ELIOT), tuple(AUSTEN)]),
    ],
)
def test_any_function_can_search(provider: Any) -> None:
    output = asked(web_search(provider=provider))
    first = output.evidence[0]
    assert (first.title, first.source, first.excerpt) == tuple(ELIOT)
    assert titles(output) == ["Middlemarch", "Emma"]
    assert output.blocked == 0


def test_the_provider_gets_the_query_and_is_asked_for_more_than_are_shown() -> None:
    seen: list[tuple[str, int]] = []

    def provider(query: str, k: int) -> list[Hit]:
        seen.append((query, k))
        return [Hit(str(number), f"https://example.org/{number}", "text") for number in range(k)]

    assert titles(asked(web_search(provider=provider, k=2), "  a\x00b\n c ")) == ["0", "1"]
    assert seen == [("a b c", 2 + search.MORE)]


def test_benchmark_pages_are_dropped_and_counted_and_others_take_their_place() -> None:
    output = asked(web_search(provider=lambda query, k: [LABELS, ELIOT, LABELS, AUSTEN], k=2))
    assert titles(output) == ["Middlemarch", "Emma"]
    assert output.blocked == 2
    only = asked(web_search(provider=lambda query, k: [LABELS]))
    assert (only.evidence, only.blocked) == ((), 1)
    assert only.text == "No results. All that was found are pages of benchmarks, which are kept out."


def test_the_block_list_can_be_extended_and_left_out() -> None:
    found = [LABELS, AUSTEN]
    assert titles(asked(web_search(provider=lambda q, k: found, block=["example.org"]))) == []
    assert titles(asked(web_search(provider=lambda q, k: found, block_defaults=False))) == ["hotpot", "Emma"]


def test_nothing_found_is_said() -> None:
    output = asked(web_search(provider=lambda query, k: []))
    assert (output.text, output.evidence) == ("No results.", ())


def test_hits_are_cleaned_shortened_and_shown_once() -> None:
    hits = [
        Hit("t\n\x1b[31m" * 200, "HTTPS://Example.org:443/ä#x", "s " * 5000),
        Hit("again", "https://example.org/%C3%A4", "s"),
        Hit("no excerpt", "https://example.org/b", ""),
        Hit("script", "javascript:alert(1)", "s"),
        Hit("nothing", "", "s"),
        Hit("credentials", "https://a@example.org/", "s"),
        Hit("half a character \ud800", "https://example.org/c", "\ud800"),
    ]
    output = asked(web_search(provider=lambda query, k: hits))
    assert [item.source for item in output.evidence] == [f"https://example.org/{p}" for p in ("%C3%A4", "b", "c")]
    assert [len(output.evidence[0].title), len(output.evidence[0].excerpt)] == [300, 1000]
    assert "\x1b" not in output.evidence[0].title
    assert output.evidence[1].excerpt == "no excerpt"
    json.dumps([item.model_dump() for item in output.evidence], ensure_ascii=False).encode()


@pytest.mark.parametrize("found", [None, 7, [7], ["ab"], [("a", "b")], [("a", "b", None)], [{"title": "a"}]])
def test_a_provider_that_returns_something_else_is_told(found: Any) -> None:
    with pytest.raises(ToolError, match=r"the search provider (did not )?return"):
        asked(web_search(provider=lambda query, k: found))


@pytest.mark.parametrize("query", ["", " ", "\n\t\x00"])
def test_an_empty_query_is_told(query: str) -> None:
    with pytest.raises(ToolError, match="the query is empty"):
        asked(web_search(provider=awaited), query)


RESULTS = """<html><body><ul class="results-standard">
<li><h2><a href="https://en.wikipedia.org/wiki/Middlemarch">Middlemarch</a></h2><p class="s">A <b>novel</b>.</p></li>
<li><h2><a href="https://huggingface.co/datasets/x">rows</a></h2><p class="s">label: A</p></li>
<li><h2><a href="https://example.org/emma">Emma</a></h2><p class="s">Another.</p></li></ul></body></html>"""
NOTHING = "<html><body>Sorry, nothing.</body></html>"
Answer = tuple[int, str]


class Engine:
    """The pages of a search engine, served on the loopback; the last answer is kept."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.queries = list(answers), list[str]()
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name that http.server calls
                engine.queries.append(parse_qs(urlsplit(self.path).query)["q"][0])
                status, text = engine.answers.pop(0) if len(engine.answers) > 1 else engine.answers[0]
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/search"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes engines of ddgs ask the loopback; all read pages of mojeek's form."""
    running: list[Engine] = []
    monkeypatch.setattr(search, "PACING", Pacing())
    mojeek: type[BaseSearchEngine[Any]] = ENGINES["text"]["mojeek"]

    def start(answers: Mapping[str, Answer | list[Answer]]) -> dict[str, Engine]:
        started = {}
        for name, answer in answers.items():
            engine = started[name] = Engine(*(answer if isinstance(answer, list) else [answer]))
            running.append(engine)
            local = type(name, (mojeek,), {"name": name, "search_url": engine.url})
            monkeypatch.setitem(ENGINES["text"], name, local)
        return started

    yield start
    for engine in running:
        engine.server.shutdown()
        engine.server.server_close()


def test_an_engine_of_ddgs_is_asked_and_its_page_read(serve: Any) -> None:
    engine = serve({"mojeek": (200, RESULTS)})["mojeek"]
    output = asked(web_search(backend="mojeek"))
    assert [(item.title, item.source, item.excerpt) for item in output.evidence] == [
        ("Middlemarch", "https://en.wikipedia.org/wiki/Middlemarch", "A novel."),
        ("Emma", "https://example.org/emma", "Another."),
    ]
    assert output.blocked == 1
    assert engine.queries == ["Middlemarch novel author"]


def test_a_search_is_kept_on_disk_and_repeated_without_asking(serve: Any, tmp_path: Path) -> None:
    engine = serve({"mojeek": (200, RESULTS)})["mojeek"]
    first = asked(web_search(backend="mojeek"))
    assert asked(web_search(backend="mojeek")) == first
    assert titles(asked(web_search(backend="mojeek", block_defaults=False))) == ["Middlemarch", "rows", "Emma"]
    assert len(engine.queries) == 1, "what is blocked is decided afterwards"
    asked(web_search(backend="mojeek", region="de-de", interval=0))
    asked(web_search(backend="mojeek", cache_days=0, interval=0))
    asked(web_search(backend="mojeek", interval=0), "another query")
    assert len(engine.queries) == 4
    kept = [path for path in (tmp_path / "cache" / "searches").iterdir() if path.suffix != ".json"]
    assert kept == []


def test_equal_searches_side_by_side_ask_once(serve: Any) -> None:
    engine = serve({"mojeek": (200, RESULTS)})["mojeek"]
    made = web_search(backend="mojeek", interval=0.4)

    async def both() -> list[ToolOutput]:
        context = ToolContext(Case(prompt="?"), {}, {})
        return await asyncio.gather(*(made.call({"query": "the same"}, context) for _ in range(3)))

    outputs = asyncio.run(both())
    assert outputs[0] == outputs[1] == outputs[2]
    assert len(engine.queries) == 1


def test_nothing_found_is_not_kept(serve: Any) -> None:
    engine = serve({"mojeek": [(200, NOTHING), (200, RESULTS)]})["mojeek"]
    made = web_search(backend="mojeek", interval=0)
    assert asked(made).text == "No results."
    assert titles(asked(made)) == ["Middlemarch", "Emma"]
    assert len(engine.queries) == 2


def test_engines_are_asked_in_turn_until_one_finds_something(serve: Any) -> None:
    started = serve({"brave": (429, "slow down"), "yahoo": (200, NOTHING), "mojeek": (200, RESULTS)})
    assert titles(asked(web_search(backend="brave, yahoo, mojeek"))) == ["Middlemarch", "Emma"]
    assert [len(engine.queries) for engine in started.values()] == [1, 1, 1]
    # The one that turned us away is left alone for a while.
    before = time.monotonic()
    asked(web_search(backend="brave,mojeek", interval=0), "another")
    assert [len(started["brave"].queries), len(started["mojeek"].queries)] == [1, 2]
    assert time.monotonic() - before < FIRST_PAUSE / 2


def test_auto_asks_the_engines_that_there_are(serve: Any) -> None:
    started = serve({name: (200, RESULTS if name == "startpage" else NOTHING) for name in AUTO})
    assert titles(asked(web_search())) == ["Middlemarch", "Emma"]
    assert [name for name, engine in started.items() if engine.queries] == [
        "duckduckgo",
        "brave",
        "mojeek",
        "startpage",
    ]


def test_an_engine_that_turns_us_away_is_asked_again_after_a_pause(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adjudge.tools.web.pacing.FIRST_PAUSE", 0.2)
    engine = serve({"mojeek": [(429, "slow down"), (202, "slow down"), (200, RESULTS)]})["mojeek"]
    before = time.monotonic()
    assert titles(asked(web_search(backend="mojeek", interval=0))) == ["Middlemarch", "Emma"]
    assert len(engine.queries) == 3
    assert time.monotonic() - before >= 0.6


def test_but_not_for_ever(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adjudge.tools.web.pacing.FIRST_PAUSE", 0.01)
    engine = serve({"mojeek": (429, RESULTS.replace("results", "captcha"))})["mojeek"]
    with pytest.raises(ToolError, match="was asked too often; go on with what you have: mojeek turned us away with"):
        asked(web_search(backend="mojeek", interval=0))
    assert len(engine.queries) == search.TRIES


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((500, "oops"), "the search service failed: mojeek answered with status 500"),
        ((404, ""), "the search service failed: mojeek answered with status 404"),
        ((200, ""), "No results"),
        ((200, RESULTS.replace("<li>", "<li><h2>")), ""),  # a page in another shape
    ],
)
def test_an_engine_that_fails_is_not_taken_for_one_that_found_nothing(serve: Any, answer: Answer, told: str) -> None:
    serve({"mojeek": answer})
    if answer[0] == 200:
        asked(web_search(backend="mojeek"))
        return
    with pytest.raises(ToolError, match=told):
        asked(web_search(backend="mojeek"))


def test_a_page_that_the_engine_cannot_read_is_a_failure(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    serve({"mojeek": (200, RESULTS)})

    def broken(self: Any, text: str) -> Any:
        raise IndexError("list index out of range")

    monkeypatch.setattr(ENGINES["text"]["mojeek"], "extract_results", broken)
    with pytest.raises(ToolError, match="the answer of mojeek cannot be read: IndexError"):
        asked(web_search(backend="mojeek"))


def test_offline_the_model_is_told_that_nothing_can_be_searched(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(dict.fromkeys(AUTO, (200, RESULTS)))
    for name in AUTO:
        monkeypatch.setattr(ENGINES["text"][name], "search_url", "http://127.0.0.1:1/search")
    with pytest.raises(ToolError, match=r"^the search service cannot be reached.*duckduckgo.*wikipedia") as raised:
        asked(web_search())
    assert len(str(raised.value)) < 1800


def test_a_long_queue_is_told_at_once(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    serve({"mojeek": (200, RESULTS)})
    crowded = Pacing()
    crowded.reserve("mojeek", 1000, 0)
    monkeypatch.setattr(search, "PACING", crowded)
    before = time.monotonic()
    with pytest.raises(ToolError, match="mojeek has more searches waiting than it may be asked"):
        asked(web_search(backend="mojeek"))
    assert time.monotonic() - before < 2


def test_an_engine_that_hangs_is_given_up(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    serve({"mojeek": (200, RESULTS)})
    monkeypatch.setattr(search, "BUDGET", 0.2)
    monkeypatch.setattr(search, "ask", lambda *_: time.sleep(1))
    with pytest.raises(ToolError, match=r"did not answer within 0\.2 seconds"):
        asked(web_search(backend="mojeek"))


def test_every_engine_of_auto_is_one_that_ddgs_has_and_has_what_we_call() -> None:
    """The contract with ddgs: these names are not all documented."""
    for name in AUTO:
        engine = ENGINES["text"][name](timeout=1)
        assert callable(engine.http_client.request)
        assert callable(engine.search)
    with pytest.raises(EngineError) as raised:
        engines.ask("mojeek", "x", engines.Asking(region="nonsense"))
    assert raised.value.why == "unreachable"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"k": 0}, "k"),
        ({"k": 21}, "k"),
        ({"interval": -1}, "interval"),
        ({"region": "english"}, "region"),
        ({"backend": "gogle"}, "backend"),
        ({"backend": "mojeek,"}, "backend"),
        ({"backend": "auto,mojeek"}, "backend"),
        ({"block": ["*"]}, "block"),
    ],
)
def test_wrong_settings_are_found_when_the_tool_is_made(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        web_search(**settings)
    assert raised.value.key == key


def test_without_ddgs_there_is_a_hint_and_a_provider_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ddgs.engines", None)
    with pytest.raises(MissingPackage, match=r"adjudge\[web\]"):
        web_search()
    assert asked(web_search(provider=awaited)).evidence


def test_a_graph_file_can_ask_for_it() -> None:
    made = build_tool(WebSearchSettings.model_validate({"kind": "web_search", "k": 3, "backend": "brave"}), Path())
    assert list(made.parameters["properties"]) == ["query"]
    others = [web_search(), web_search(backend="brave"), web_search(k=3), web_search(block=["example.org"]), made]
    assert len({tool.fingerprint for tool in others}) == len(others)


def cache(seconds: float = 100.0) -> SearchCache:
    return SearchCache(("mojeek", 5), seconds)


def test_the_cache_forgets_after_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache().put("q", [ELIOT])
    assert cache().find("q") == [ELIOT]
    assert SearchCache(("brave", 5), 100).find("q") is None
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 101)
    assert cache().find("q") is None
    monkeypatch.setattr(time, "time", lambda: now)
    assert cache().find("q") is None, "it is removed"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"time": 1e12}', '{"time": "x", "hits": []}', "[" * 100_000, "\udcff"]
)
def test_a_damaged_cache_is_searched_anew(content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache().put("q", [ELIOT])
    (path,) = (tmp_path / "cache" / "searches").iterdir()
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert cache().find("q") is None
    assert "cannot be read" in caplog.text
    cache().put("q", [AUSTEN])
    assert cache().find("q") == [AUSTEN]


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache().put("q", [ELIOT])
    assert cache().find("q") is None
    assert "cannot be written" in caplog.text


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    many = [Hit(str(number), f"https://example.org/{number}", "x" * 500) for number in range(50)]
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            cache().put("q", many)

    writers = [threading.Thread(target=write) for _ in range(2)]
    cache().put("q", many)
    for writer in writers:
        writer.start()
    try:
        assert all(cache().find("q") == many for _ in range(200))
    finally:
        stop.set()
        for writer in writers:
            writer.join()


def test_calls_of_one_service_keep_their_distance_and_others_do_not_wait() -> None:
    now = 100.0
    pacing = Pacing(lambda: now)
    assert [pacing.reserve("a", 2.0, 10.0) for _ in range(3)] == [0.0, 2.0, 4.0]
    assert pacing.reserve("b", 2.0, 10.0) == 0.0
    assert pacing.reserve("a", 2.0, 5.0) is None
    assert pacing.reserve("a", 2.0, 6.0) == 6.0, "the one that was refused took nothing"
    now = 200.0
    assert pacing.reserve("a", 2.0, 0.0) == 0.0


def test_pauses_grow_up_to_a_limit_and_begin_anew_after_an_answer() -> None:
    pacing = Pacing(lambda: 0.0)
    pauses = []
    for _ in range(7):
        pacing._next.clear()
        pacing.refused("a")
        pauses.append(pacing.reserve("a", 0.0, 1000.0))
    assert pauses == [FIRST_PAUSE, 8.0, 16.0, 32.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    pacing.answered("a")
    pacing._next.clear()
    pacing.refused("a")
    assert pacing.reserve("a", 0.0, 1000.0) == FIRST_PAUSE


def test_threads_never_get_the_same_moment() -> None:
    pacing = Pacing(lambda: 0.0)
    waits: list[float | None] = []
    threads = [
        threading.Thread(target=lambda: waits.extend(pacing.reserve("a", 1.0, 1e6) for _ in range(100)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wait for wait in waits if wait is not None) == [float(number) for number in range(800)]
