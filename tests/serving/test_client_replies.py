"""What trainers get from a server that answers badly, slowly, elsewhere or not at all: never a number of our making."""

from __future__ import annotations

import json
import logging
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from adjudge.errors import ConfigError, ModelError
from adjudge.models.mock import MockReply, MockServer
from adjudge.serving.client import Remote, RemoteReward, compute_score
from adjudge.types import Case

TOKEN = "a-token-of-some-length"


@contextmanager
def answering(reply: MockReply | Sequence[MockReply] | Callable[[dict[str, Any]], MockReply]) -> Iterator[MockServer]:
    """A server whose `/v1/rewards` answers with this; of several, with one after the other."""
    left = list(reply) if isinstance(reply, Sequence) and not isinstance(reply, MockReply) else []
    answer = reply if callable(reply) else lambda _: left.pop(0) if left else reply
    mock = MockServer(lambda _: "", routes={"/v1/rewards": answer})  # type: ignore[dict-item]  # a reply by now
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(mock) as server:
        yield server


def rewarded(*rewards: float | None, **more: Any) -> MockReply:
    return MockReply({"rewards": list(rewards), "reasons": [""] * len(rewards), **more})


def base(server: MockServer) -> str:
    return server.base_url.removesuffix("/v1")


@contextmanager
def asking(server: MockServer | str, **options: Any) -> Iterator[RemoteReward]:
    given = {"patience": 0.0, **options}
    reward = RemoteReward(server if isinstance(server, str) else base(server), **given)
    try:
        yield reward
    finally:
        reward.close()


def test_null_is_none_with_its_reason() -> None:
    reply = MockReply({"rewards": [4, None, 2.5], "reasons": ["", "model_failure: away", ""]})
    with answering(reply) as server, asking(server) as reward:
        logged: dict[str, float] = {}
        assert reward(["?"] * 3, ["a", "b", "c"], log_metric=logged.__setitem__) == [4.0, None, 2.5]
        assert reward.explained(["?"] * 3, ["a", "b", "c"])[1] == (None, "model_failure: away")
        assert logged == {"judge/unscored": 1 / 3, "judge/incomplete": 0.0}


@pytest.mark.parametrize(
    "reply",
    [
        MockReply(b'{"rewards": [NaN, 1.0], "reasons": ["", ""]}'),  # Python's reader would take it
        MockReply(b'{"rewards": [1e999, 1.0], "reasons": ["", ""]}'),
        MockReply(b'{"rewards": [1.0, '),
        MockReply(b"<html>ok</html>"),
        MockReply(b""),
        MockReply(b"[" * 100_000),
        MockReply({"rewards": [1.0]}),  # one too few: whose is it?
        MockReply({"rewards": [1.0, 2.0, 3.0]}),
        MockReply({"rewards": ["1.0", "2.0"]}),
        MockReply({"rewards": [True, False]}),
        MockReply({"rewards": {"0": 1.0, "1": 2.0}}),
        MockReply({"scores": [1.0, 2.0]}),
        MockReply([1.0, 2.0]),
        MockReply({"rewards": [1.0, 2.0]}, truncate=10),
        MockReply({"rewards": [1.0, 2.0]}, status=500),
        MockReply("Bad Gateway", status=502),
        MockReply("slow down", status=429, headers={"Retry-After": "60"}),
    ],
    ids=lambda reply: f"{reply.status} {str(reply.body)[:40]}",
)
def test_a_reply_that_is_none_gives_none_for_all(reply: MockReply) -> None:
    with answering(reply) as server, asking(server, penalty=0.0) as reward:
        found = reward.explained(["?", "?"], ["a", "b"])
        assert [item.reward for item in found] == [None, None]
        assert all(item.reason.startswith("model_failure: ") for item in found)


@pytest.mark.parametrize("reasons", [None, [], ["one"], "none"])
def test_reasons_are_not_needed(reasons: Any) -> None:
    with answering(MockReply({"rewards": [1.0, None], "reasons": reasons})) as server, asking(server) as reward:
        assert reward(["?", "?"], ["a", "b"]) == [1.0, None]


def test_a_slow_server_is_left_after_the_time_out() -> None:
    with answering(MockReply({"rewards": [1.0]}, delay=5.0)) as server, asking(server, timeout=0.2) as reward:
        began = time.monotonic()
        assert reward(["?"], ["a"]) == [None]
        assert time.monotonic() - began < 4


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    busy = MockReply({"error": {"message": "full"}}, status=503, headers={"Retry-After": "0"})
    with answering([busy, busy, rewarded(3.0)]) as server, asking(server, patience=20.0) as reward:
        assert reward(["?"], ["a"]) == [3.0]
        assert server.requests == 3


def test_nobody_waits_for_longer_than_the_patience() -> None:
    busy = MockReply({"error": {"message": "full"}}, status=503, headers={"Retry-After": "30"})
    with answering(busy) as server, asking(server, patience=2.0) as reward:
        began = time.monotonic()
        assert reward(["?"], ["a"]) == [None]
        assert time.monotonic() - began < 2
        assert server.requests == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422])
def test_what_will_not_get_better_is_told_at_once_in_the_servers_words(status: int) -> None:
    reply = MockReply({"error": {"message": "this is why", "key": "graph", "hint": "do that"}}, status=status)
    with (
        answering(reply) as server,
        asking(server, patience=20.0) as reward,
        pytest.raises(ConfigError, match=rf"refuses this with {status}: this is why; graph; do that"),
    ):
        reward(["?"], ["a"])
    assert server.requests == 1


def test_a_redirect_is_not_followed_and_the_token_stays_here() -> None:
    with answering(rewarded(5.0)) as other:
        away = MockReply(status=307, headers={"Location": f"{base(other)}/v1/rewards"})
        refused = pytest.raises(ConfigError, match="307")
        with answering(away) as server, asking(server, token=TOKEN) as reward, refused:
            reward(["?"], ["a"])
        assert other.requests == 0


def test_the_token_is_sent_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADJUDGE_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    echo = MockReply({"error": {"message": f"not good: {TOKEN}"}}, status=503, headers={"Retry-After": "0"})
    with answering([echo, echo, echo]) as server, asking(server) as reward:
        [found] = reward.explained(["?"], ["a"])
        assert server.seen[-1].headers["authorization"] == f"Bearer {TOKEN}"
        shown = f"{found} {reward!r} {reward.remote!r} {vars(reward)} {caplog.text} {capsys.readouterr()}"
        assert TOKEN not in shown
        assert TOKEN.encode() not in pickle.dumps(reward)
    with (
        answering(MockReply({"error": {"message": f"no {TOKEN}"}}, status=401)) as server,
        asking(server) as reward,
        pytest.raises(ConfigError, match=r"no \*\*\*"),
    ):
        reward(["?"], ["a"])


def test_a_pickle_takes_the_token_of_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(rewarded(1.0)) as server, asking(server) as reward:
        assert reward(["?"], ["a"]) == [1.0]
        assert "authorization" not in server.seen[-1].headers
        again = pickle.loads(pickle.dumps(reward))
        monkeypatch.setenv("ADJUDGE_TOKEN", TOKEN)
        assert again(["?"], ["a"]) == [1.0]
        assert server.seen[-1].headers["authorization"] == f"Bearer {TOKEN}"
        again.close()


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        ("ftp://host", None, "url"),
        ("host:8100", None, "url"),
        ("http://user:secret-word@host", None, "url"),
        ("http://host", "two words", "token"),
    ],
)
def test_an_address_or_a_token_that_cannot_be_used_is_a_mistake(url: str, token: str | None, told: str) -> None:
    with asking(url, token=token) as reward, pytest.raises(ConfigError) as raised:
        reward(["?"], ["a"])
    assert raised.value.key == told
    assert "secret-word" not in str(raised.value)
    assert "two words" not in str(raised.value)


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_the_url_may_name_the_api(suffix: str) -> None:
    with answering(rewarded(1.0)) as server, asking(base(server) + suffix) as reward:
        assert reward(["?"], ["a"]) == [1.0]


def test_the_server_gets_whole_cases() -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": {"x": 1}}}  # as TRL has them
    talk: Any = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "name": "add", "content": "2"},
        {"role": "assistant", "content": "It is 2."},
    ]
    options: dict[str, Any] = {"graph": "rubric", "strategy": "all_pairs", "penalty": 0.5, "max_completion_length": 3}
    with answering(rewarded(1.0, 2.0, 0.5)) as server, asking(server, **options) as reward:
        found = reward(
            [[{"role": "user", "content": "1 + 1?"}], "?", "?"],
            [talk, "short", "cut off"],
            [[1], [1], [1, 2, 3]],
            reference=["2", None, None],
            rubric=[[{"name": "Right", "description": None}], None, None],
            unknown=[1, 2, 3],
        )
        body = server.seen[-1].body
    assert found == [1.0, 2.0, 0.5]
    assert {key: body[key] for key in body if key != "cases"} == {
        "graph": "rubric",
        "strategy": "all_pairs",
        "penalty": 0.5,
    }
    cases = [Case.model_validate(row) for row in body["cases"]]
    assert cases[0].responses[0].text == "It is 2."
    assert cases[0].responses[0].trajectory is not None
    assert cases[0].responses[0].trajectory.steps[0].observation == "2"
    assert cases[0].reference == "2"
    assert [case.responses[0].complete for case in cases] == [True, True, False]


def test_images_are_sent_as_data() -> None:
    picture = pytest.importorskip("PIL.Image").new("RGB", (8, 8))
    content: Any = [{"type": "image", "image": picture}, {"type": "text", "text": "?"}]
    with answering(rewarded(1.0)) as server, asking(server) as reward:
        assert reward([[{"role": "user", "content": content}]], ["a"]) == [1.0]
        assert "data:image/png;base64," in json.dumps(server.seen[-1].body)


def test_a_row_that_is_no_case_is_not_sent_and_costs_only_itself() -> None:
    with answering(rewarded(1.0)) as server, asking(server) as reward:
        found = reward(["?", "?"], ["a", "b"], documents=[[{"id": "d"}], None])
        assert found == [None, 1.0]
        assert len(server.seen[-1].body["cases"]) == 1
        assert reward([], []) == []
        assert server.requests == 1


def test_verl_gets_a_score_or_an_error() -> None:
    numpy = pytest.importorskip("numpy")
    info = {"question": "?", "documents": numpy.array([]), "index": numpy.int64(3)}
    with answering([MockReply({"score": 2.5}), MockReply({"score": None}), MockReply(status=503)]) as server:
        asked: dict[str, Any] = {"url": base(server), "patience": 0.0}
        assert compute_score("set", "a", "b", info, **asked, reward_router_address=None) == {"score": 2.5}
        assert server.seen[-1].body["extra_info"] == {"question": "?", "documents": []}
        for _ in range(2):
            with pytest.raises(ModelError):
                compute_score("set", "a", "b", info, **asked)


def test_a_connection_can_be_closed_and_used_again() -> None:
    with answering(rewarded(1.0)) as server:
        remote = Remote(base(server), patience=0.0)
        remote.close()
        for _ in range(2):
            assert remote.post("/v1/rewards", {})["rewards"] == [1.0]
            remote.close()
