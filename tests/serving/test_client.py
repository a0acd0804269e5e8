"""Trainers' side: reward functions that ask a server."""

from __future__ import annotations

import pickle
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from adjudge.errors import ConfigError, ModelError
from adjudge.serving import RemoteReward
from adjudge.serving.client import Remote
from tests.serving.served import Held, direct, rubric, running, until

PROMPTS = ["What is it worth?", "What is that worth?"]
COMPLETIONS = ["worth 4", "worth 2"]
TOKEN = "a-token-of-some-length"


@contextmanager
def remote(url: str, **options: Any) -> Iterator[RemoteReward]:
    reward = RemoteReward(url, **options)
    try:
        yield reward
    finally:
        reward.close()


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])


def test_trl_gets_its_rewards() -> None:
    with running(rubric(), direct()) as server:
        with remote(server.url, graph="rubric", penalty=1.0, max_completion_length=3) as reward:
            found = reward(
                prompts=PROMPTS,
                completions=COMPLETIONS,
                completion_ids=[[1, 2], [1, 2, 3]],
                trainer_state=object(),
                reference=["four", None],
            )
            assert found == [4.0, 1.0]
        with remote(server.url, graph="direct", strategy="all_pairs") as reward:
            assert reward(["?"] * 3, ["worth 3", "worth 5", "worth 5"]) == [3.0, 5.0, 5.0]


def test_it_can_be_pickled() -> None:
    with running(rubric()) as server, remote(server.url, name="mine") as reward:
        assert reward(PROMPTS, COMPLETIONS) == [4.0, 2.0]
        again = pickle.loads(pickle.dumps(reward))
        with closing(again):
            assert again(PROMPTS, COMPLETIONS) == [4.0, 2.0]


def test_a_server_that_stays_away_gives_none_and_no_number() -> None:
    with remote(f"http://127.0.0.1:{free_port()}", patience=0.0) as reward:
        assert reward(PROMPTS, COMPLETIONS) == [None, None]


def test_a_server_that_is_killed_and_started_again_costs_nothing() -> None:
    port, model = free_port(), Held()
    found: list[Any] = []
    with remote(f"http://127.0.0.1:{port}", patience=30.0) as reward:
        asking = threading.Thread(target=lambda: found.append(reward(PROMPTS, COMPLETIONS)))
        with running(rubric(model), port=port, grace=0.0) as server:
            asking.start()
            until(lambda: model.asked == 2)
            server.stop()
            until(lambda: not server.server.server_state.connections)
        with running(rubric(), port=port):
            asking.join(30)
    assert found == [[4.0, 2.0]]


def test_a_busy_server_is_asked_again() -> None:
    model = Held()
    found: list[Any] = []
    with running(rubric(model), concurrency=1, queue=0) as server, remote(server.url, patience=30.0) as reward:
        askers = [
            threading.Thread(target=lambda: found.append(reward(PROMPTS[:1], COMPLETIONS[:1]))),
            threading.Thread(target=lambda: found.append(reward(PROMPTS[1:], COMPLETIONS[1:]))),
        ]
        for asker in askers:
            asker.start()
        until(lambda: server.count('adjudge_requests_total{method="POST",route="/v1/rewards",status="503"}') >= 1)
        model.free.set()
        for asker in askers:
            asker.join(30)
    assert sorted(found) == [[2.0], [4.0]]


@pytest.mark.parametrize("wrong", [{"graph": "nope"}, {"token": "another-token"}])
def test_what_will_not_get_better_is_raised_at_once(wrong: dict[str, Any]) -> None:
    given = {"token": TOKEN, **wrong}
    refused = pytest.raises(ConfigError, match="refuses this with 4")
    with running(rubric(), token=TOKEN) as server, remote(server.url, **given) as reward, refused:
        reward(PROMPTS, COMPLETIONS)


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_TOKEN", TOKEN)
    with running(rubric(), token=TOKEN) as server, remote(server.url) as reward:
        assert reward(PROMPTS, COMPLETIONS) == [4.0, 2.0]


def test_an_outage_of_the_model_is_an_error_for_who_cannot_leave_anything_out() -> None:
    with running(rubric()) as server, closing(Remote(server.url, patience=0.0)) as asked:
        info = {"question": "What is it worth?"}
        verl = {"solution_str": "worth 4", "ground_truth": "four", "extra_info": info}
        assert asked.post("/v1/rewards", verl) == {"score": 4.0}
        server.serving.gate.draining = True
        with pytest.raises(ModelError):
            asked.post("/v1/rewards", verl)
