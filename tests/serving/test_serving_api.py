"""What can be asked of the server, and what it answers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from adjudge.errors import ConfigError
from adjudge.journal import Journal
from adjudge.models import ScriptedModel
from adjudge.serving import Settings, serving_app
from tests.serving.served import ONE, PAIR, Failing, Running, direct, rubric, running, verdict

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def server() -> Any:
    with running(direct(), rubric()) as found:
        yield found


def judged(server: Running, **body: Any) -> httpx.Response:
    return server.post("/v1/judgements", body)


def test_one_case_gets_the_result_that_adjudge_judge_prints(server: Running) -> None:
    reply = judged(server, graph="direct", case=PAIR)
    assert reply.status_code == 200
    result = reply.json()
    assert result["judgement"]["winner"] == "B"
    assert result["judgement"]["scores"] == [3.0, 8.0]
    assert result["usage"]["model_calls"] == 2
    assert result["graph"]["name"] == "direct"


def test_a_bad_case_among_several_is_a_result_and_the_rest_goes_on(server: Running) -> None:
    bad: list[Any] = [
        {"promt": "?", "responses": ["a", "b"], "id": "typo"},
        {"prompt": "?", "responses": ["only one"]},
        7,
        {**PAIR, "documents": [{"id": "x", "path": "/etc/passwd"}]},
        {**PAIR, "prompt": "\ud800"},
        {**PAIR, "id": "\ud800"},
    ]
    reply = judged(server, graph="direct", cases=[PAIR, *bad, PAIR])
    results = reply.json()["results"]
    assert [result["judgement"]["type"] for result in results] == ["verdict", *["unscored"] * 6, "verdict"]
    assert {result["judgement"]["reason"] for result in results[1:-1]} == {"bad_case"}
    details = [result["judgement"]["detail"] for result in results[1:-1]]
    assert results[1]["id"] == "typo"
    assert "did you mean 'prompt'?" in details[0]
    assert "a pairwise judge needs two responses" in details[1]
    assert details[2].startswith("cases:4: a case should be an object")
    assert "a request cannot name a file of the server" in details[3]


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("/v1/judgements", {"case": PAIR}, "graph", "several graphs are served"),
    ("/v1/judgements", {"graph": "nope", "case": PAIR}, "graph", "no graph of this name"),
    ("/v1/judgements", {"graph": "/etc/passwd", "case": PAIR}, "graph", "names are those of /v1/graphs, never files"),
    ("/v1/judgements", {"graph": "direct"}, "", "either `case` or `cases`"),
    ("/v1/judgements", {"graph": "direct", "case": PAIR, "cases": [PAIR]}, "", "either `case` or `cases`"),
    ("/v1/judgements", {"graph": "direct", "cases": []}, "cases", "at least 1 item"),
    ("/v1/judgements", {"graph": "direct", "case": {"responses": ["a", "b"]}}, "case.prompt", "this key is missing"),
    ("/v1/judgements", {"graph": "direct", "case": ONE}, "case.responses", "a pairwise judge needs two responses"),
    ("/v1/judgements", {"graph": "direct", "case": PAIR, "model": "x"}, "model", "Extra inputs"),
    ("/v1/rank", {"graph": "direct", "case": PAIR, "strategy": "best"}, "strategy", "should be"),
    ("/v1/rank", {"graph": "direct", "case": PAIR, "budget": 0}, "budget", "greater than or equal to 1"),
    ("/v1/rank", {"graph": "direct", "case": {"prompt": "?"}}, "case.responses", "at least one of its responses"),
    ("/v1/rewards", {"graph": "rubric", "cases": [ONE], "penalty": "low"}, "penalty", "valid number"),
    ("/v1/rewards", {"graph": "rubric", "responses": ["x"]}, "", "no request for rewards"),
    (
        "/v1/judgements",
        {"graph": "direct", "case": {**PAIR, "documents": [{"id": "d", "path": "notes.txt"}]}},
        "case.documents.0.path",
        "a request cannot name a file of the server",
    ),
]


@pytest.mark.parametrize(("path", "body", "key", "message"), WRONG)
def test_what_the_client_got_wrong_is_422_with_the_place(
    server: Running, path: str, body: dict[str, Any], key: str, message: str
) -> None:
    reply = server.post(path, body)
    assert reply.status_code == 422, reply.text
    error = reply.json()["error"]
    assert error["code"] == "invalid"
    assert message in error["message"]
    assert (error["key"] or "") == key


def test_allowed_values_are_named(server: Running) -> None:
    graph = judged(server, graph="x", case=PAIR).json()["error"]
    assert graph["allowed"] == ["direct", "rubric"]
    strategy = server.post("/v1/rank", {"graph": "direct", "case": PAIR, "strategy": "x"}).json()["error"]
    assert strategy["allowed"] == ["pointwise", "listwise", "all_pairs", "knockout", "adaptive"]


@pytest.mark.parametrize(
    "url",
    ["/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/x.png", "https://example.org/x.png", "x.png", " data:"],
)
@pytest.mark.parametrize("path", ["/v1/judgements", "/v1/rank"])
def test_an_image_by_path_or_address_is_refused(server: Running, path: str, url: str) -> None:
    prompt = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    reply = server.post(path, {"graph": "direct", "case": {**PAIR, "prompt": prompt}})
    assert reply.status_code == 422
    error = reply.json()["error"]
    assert error["key"] == "case.prompt.0.content.0.image_url.url"
    assert "cannot name a file of the server" in error["message"]


def test_an_image_inside_the_request_is_seen(server: Running) -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    prompt = [{"role": "user", "content": [{"type": "text", "text": "?"}, image]}]
    assert judged(server, graph="direct", case={**PAIR, "prompt": prompt}).json()["judgement"]["winner"] == "B"
    broken = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(b"no").decode()}}
    prompt = [{"role": "user", "content": [broken]}]
    reply = judged(server, graph="direct", case={**PAIR, "prompt": prompt})
    assert reply.status_code == 422
    assert reply.json()["error"]["key"] == "case.prompt.0.content.0"
    assert "this is no image" in reply.json()["error"]["message"]


def test_variables_in_a_request_are_text(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_SECRET", "s3cret-value")
    case = {**PAIR, "id": "${ADJUDGE_SECRET}", "prompt": "${ADJUDGE_SECRET}", "rubric": "${ADJUDGE_SECRET}"}
    reply = judged(server, graph="direct", case=case)
    assert reply.json()["id"] == "${ADJUDGE_SECRET}"
    assert "s3cret-value" not in reply.text


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "Expecting property name"),
        (b"", "object"),
        (b"[1, 2]", "object"),
        (b'{"graph": NaN}', "NaN is no number in JSON"),
        (b'{"graph": -1e999}', "the number -1e999 is too large"),
        (b"[" * 100_000, "JSON"),
        (b'{"case": ' * 101 + b"1" + b"}" * 101, "more than 100 levels"),
        (b"\xff\xfe", "JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "JSON"),
    ],
)
def test_what_is_not_json_is_told_so(server: Running, body: bytes, word: str) -> None:
    with server.client() as client:
        for path in ("/v1/judgements", "/v1/rank", "/v1/rewards"):
            reply = client.post(path, content=body, headers={"Content-Type": "application/json"})
            assert reply.status_code == (422 if word == "object" else 400)
            assert word == "object" or word in reply.json()["error"]["message"]


def test_a_body_that_is_not_sent_as_json_is_refused(server: Running) -> None:
    with server.client() as client:
        reply = client.post(
            "/v1/judgements", content=json.dumps({"case": PAIR}), headers={"Content-Type": "text/plain"}
        )
    assert reply.status_code == 422
    assert "application/json" in reply.json()["error"]["message"]


def test_there_is_nothing_elsewhere(server: Running) -> None:
    assert server.get("/nope").json()["error"]["code"] == "not_found"
    assert server.get("/v1/rank").status_code == 405
    assert server.post("/healthz", {}).status_code == 405


def test_a_group_is_ranked(server: Running) -> None:
    case = {"prompt": "?", "responses": ["worth 2", "worth 9", "worth 5"]}
    reply = server.post("/v1/rank", {"graph": "direct", "case": case, "strategy": "all_pairs"})
    result = reply.json()
    assert result["judgement"]["ranking"] == ["B", "C", "A"]
    assert result["strategy"] == "all_pairs"
    assert len(result["comparisons"]) == 6
    knockout = server.post("/v1/rank", {"graph": "direct", "case": case, "strategy": "knockout", "goal": "best"})
    assert knockout.json()["judgement"]["ranking"][0] == "B"


def test_graphs_are_listed_without_paths(server: Running) -> None:
    listed = server.get("/v1/graphs").json()["graphs"]
    assert [(item["name"], item["mode"]) for item in listed] == [("direct", "pairwise"), ("rubric", "pointwise")]
    assert str(Path.cwd()) not in json.dumps(listed)


def test_the_page_loads_nothing_from_elsewhere(server: Running) -> None:
    reply = server.get("/")
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "<script" not in reply.text
    assert "src=" not in reply.text
    assert "POST /v1/rewards" in reply.text
    assert server.get("/openapi.json").json()["paths"].keys() >= {"/v1/judgements", "/v1/rank", "/v1/rewards"}


def test_what_happens_is_streamed_and_ends_with_the_result(server: Running) -> None:
    body = {"graph": "direct", "case": PAIR}
    by_field = server.post("/v1/judgements", {**body, "stream": True})
    by_header = server.post("/v1/judgements", body, headers={"Accept": "text/event-stream"})
    for reply in (by_field, by_header):
        assert reply.headers["content-type"].startswith("text/event-stream")
        events = parsed(reply.text)
        assert [name for name, _ in events[:3]] == ["node_started", "model_called", "vote_cast"]
        assert [name for name, data in events if name != data["type"]] == []
        assert events[1][1]["at"]["node"] == "judge"
        name, last = events[-1]
        assert name == "result"
        assert last["result"]["judgement"]["winner"] == "B"


def test_several_cases_and_a_ranking_are_streamed_too(server: Running) -> None:
    reply = server.post("/v1/judgements", {"graph": "direct", "cases": [PAIR, {"prompt": "?"}], "stream": True})
    results = {data["index"]: data["result"] for name, data in parsed(reply.text) if name == "result"}
    assert results[0]["judgement"]["winner"] == "B"
    assert results[1]["judgement"]["reason"] == "bad_case"
    reply = server.post("/v1/rank", {"graph": "direct", "case": PAIR, "stream": True})
    assert parsed(reply.text)[-1][1]["result"]["judgement"]["ranking"] == ["B", "A"]


def test_an_error_in_a_stream_is_its_last_event(server: Running) -> None:
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,bm8="}}]
    case = {**PAIR, "prompt": [{"role": "user", "content": content}]}
    reply = server.post("/v1/judgements", {"graph": "direct", "case": case, "stream": True})
    name, data = parsed(reply.text)[-1]
    assert name == "error"
    assert "this is no image" in data["error"]["message"]


def test_a_request_has_so_many_cases_at_most() -> None:
    with running(direct(), max_cases=2) as server:
        assert judged(server, cases=[PAIR] * 2).status_code == 200
        reply = judged(server, cases=[PAIR] * 3)
        assert reply.status_code == 413
        assert server.post("/v1/rewards", {"cases": [ONE] * 3}).status_code == 413


def test_what_a_failure_says_of_places_stays_inside() -> None:
    with running(direct(Failing(None))) as server:
        reply = judged(server, case=PAIR)
        assert reply.json()["judgement"]["reason"] == "model_failure"
        ranked = server.post("/v1/rank", {"case": PAIR})
        rewarded = server.post("/v1/rewards", {"cases": [ONE]})
        for text in (reply.text, ranked.text, rewarded.text):
            assert "10.1.2.3" not in text
            assert "/srv/secret" not in text
        assert "<address>" in reply.text


def test_an_outage_that_passes_is_waited_for() -> None:
    model = Failing(2)
    with running(direct(model), patience=5.0) as server:
        assert judged(server, case=PAIR).json()["judgement"]["winner"] == "B"
        assert server.count("adjudge_retries_total") == 1


def test_the_same_request_is_looked_up_in_the_journal(tmp_path: Path) -> None:
    model = ScriptedModel(verdict)
    with running(rubric(model, journal=Journal(tmp_path / "j.sqlite"))) as server:
        first = judged(server, case=ONE)
        assert judged(server, case=ONE).json() == first.json()
        assert len(model.requests) == 1
        rewards = [server.post("/v1/rewards", {"cases": [ONE]}).json() for _ in range(2)]
        assert rewards[0] == rewards[1] == {"rewards": [4.0], "reasons": [""]}
        assert server.count("adjudge_recorded_judgements_total") == 1
        assert server.count("adjudge_model_calls_total") == len(model.requests) <= 2


def test_a_journal_that_is_closed_is_told_without_its_place(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite").open()
    with running(direct(journal=journal)) as server:
        journal.close()
        for path, body in (("/v1/judgements", {"case": PAIR}), ("/v1/rewards", {"cases": [ONE, ONE]})):
            reply = server.post(path, body)
            assert reply.status_code == 503
            assert reply.json()["error"]["code"] == "outage"
            assert str(tmp_path) not in reply.text
            assert "retry-after" in reply.headers


def test_a_server_needs_judges_of_different_names_that_read_no_files(tmp_path: Path) -> None:
    for judges, problem in (
        ([], "at least one judge"),
        ([direct(), direct()], "the same name"),
        ([direct(images=tmp_path)], "may read images from a folder"),
    ):
        with pytest.raises(ConfigError, match=problem):
            serving_app(judges)


def test_a_mistake_of_the_server_costs_one_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(direct()) as server, server.client() as client:
        with monkeypatch.context() as patch:
            patch.setattr(server.serving.judges["direct"].judge, "ajudge", _broken)
            reply = client.post("/v1/judgements", json={"case": PAIR})
            assert (reply.status_code, reply.json()["error"]["code"]) == (500, "internal")
            assert "/srv" not in reply.text
        assert client.post("/v1/judgements", json={"case": PAIR}).status_code == 200  # on the same connection
        assert 'route="/v1/judgements",status="500"} 1.0' in client.get("/metrics").text


async def _broken(*_: Any, **__: Any) -> None:
    raise RuntimeError("something in /srv/secret/place is wrong")


def test_settings_are_checked() -> None:
    for wrong in ({"token": "short"}, {"token": "with blanks in it"}, {"token": "ümlaute-überall"}, {"port": 70_000}):
        with pytest.raises(ValueError):
            Settings.model_validate(wrong)


def parsed(text: str) -> list[tuple[str, Any]]:
    """Server-sent events as name and data."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    lines = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [(item["event"], json.loads(item["data"])) for item in lines]
