"""Requests for rewards in each trainer's own form, as its source sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from tests.serving.served import ONE, Failing, Running, direct, rubric, running, verdict

PROMPT = "<|im_start|>user\nWhat is it worth?<|im_end|>\n<|im_start|>assistant\n"
OPENRLHF = {"query": [f"{PROMPT}worth 4<|im_end|>\n"], "prompts": [PROMPT], "labels": ["four"]}
VERL = {
    "data_source": "mine",
    "solution_str": "worth 4",
    "ground_truth": "four",
    "extra_info": {"question": "What is it worth?", "split": "train", "index": 0, "num_turns": None},
}
VERL_BATCH = {
    "data_sources": ["mine", "mine"],
    "solution_strs": ["worth 4", "worth 2"],
    "ground_truths": ["four", None],
    "extra_infos": [{"question": "What is it worth?"}, {"prompt": [{"role": "user", "content": "And this?"}]}],
}
TRL = {"prompts": ["What is it worth?"] * 2, "completions": ["worth 4", "worth 2"]}


@pytest.fixture(scope="module")
def server() -> Any:
    with running(rubric(), direct()) as found:
        yield found


def asked(server: Running, body: Any, path: str = "/v1/rewards", **query: Any) -> Any:
    reply = server.post(path, body, params={"graph": "rubric", **query})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_our_own_form_says_why_there_is_no_reward(server: Running) -> None:
    cases = [ONE, {**ONE, "responses": [""]}, {**ONE, "responses": ["a", "b"]}, {"prompt": "?"}, {**ONE, "x": 1}]
    found = asked(server, {"cases": cases})
    assert found["rewards"] == [4.0, None, None, None, None]
    assert [reason.partition(":")[0] for reason in found["reasons"]] == ["", "incomplete", *["bad_case"] * 3]


def test_a_penalty_is_for_the_policys_own_fault_only(server: Running) -> None:
    cut = {**ONE, "responses": [{"text": "worth 4, and", "complete": False}]}
    found = asked(server, {"cases": [cut, ONE, {"prompt": "?"}], "penalty": 0.5})
    assert found["rewards"] == [0.5, 4.0, None]
    assert found["reasons"][0] == "incomplete"
    assert asked(server, {"cases": [cut]}, penalty=-1)["rewards"] == [-1.0]


def test_rewards_are_ranked_within_the_group_of_a_prompt(server: Running) -> None:
    cases = [{"prompt": p, "responses": [f"worth {n}"]} for p, n in (("a?", 2), ("b?", 3), ("a?", 6), ("b?", 9))]
    found = asked(server, {"graph": "direct", "cases": cases, "strategy": "all_pairs"})
    assert found["rewards"] == [2.0, 3.0, 6.0, 9.0]
    alone = asked(server, {"graph": "direct", "cases": cases[:1], "strategy": "all_pairs"})
    assert alone["rewards"] == [None]
    assert alone["reasons"][0]


@pytest.mark.parametrize("path", ["/get_reward", "/v1/rewards"])
def test_openrlhf_gets_rewards_and_scores(server: Running, path: str) -> None:
    found = asked(server, OPENRLHF, path)
    assert found == {"rewards": [4.0], "scores": [4.0], "extra_logs": {}}


def test_openrlhf_may_leave_the_labels_out(server: Running) -> None:
    assert asked(server, {key: OPENRLHF[key] for key in ("query", "prompts")}, "/get_reward")["rewards"] == [4.0]


def test_verl_gets_what_compute_score_returns(server: Running) -> None:
    assert asked(server, VERL) == {"score": 4.0}
    assert asked(server, VERL_BATCH) == [{"score": 4.0}, {"score": 2.0}]


def test_trl_gets_one_for_each_completion(server: Running) -> None:
    assert asked(server, TRL) == {"rewards": [4.0, 2.0], "reasons": ["", ""]}
    talk = {
        "prompts": [[{"role": "user", "content": "What is it worth?"}]],
        "completions": [[{"role": "assistant", "content": "worth 3"}]],
        "reference": ["three"],
        "trainer_state": {"global_step": 3},
        "some_column": [1],
    }
    assert asked(server, talk)["rewards"] == [3.0]


LOOK = {"name": "look", "arguments": {"at": "it"}}
NONE = {"content": None, "tool_calls": None, "tool_call_id": None, "name": None}  # as Arrow fills what was not there
CALLED: list[list[dict[str, Any]]] = [
    [  # OpenAI's form: text, ids, and no keys but those needed
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {**LOOK, "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "name": "look", "content": "it says worth 5"},
        {"role": "assistant", "content": "worth 5"},
    ],
    [  # TRL's: an object, and no id
        {"role": "assistant", "tool_calls": [{"type": "function", "function": LOOK}]},
        {"role": "tool", "name": "look", "content": "it says worth 5"},
        {"role": "assistant", "content": "worth 5"},
    ],
    [  # a row of `datasets`
        {**NONE, "role": "assistant", "tool_calls": [{"id": None, "type": "function", "function": LOOK}]},
        {**NONE, "role": "tool", "name": "look", "content": "it says worth 5"},
        {**NONE, "role": "assistant", "content": "worth 5"},
    ],
]


@pytest.mark.parametrize("completion", CALLED, ids=["openai", "trl", "datasets"])
def test_a_completion_that_called_tools_is_judged_with_its_steps(completion: list[dict[str, Any]]) -> None:
    model = ScriptedModel(verdict)
    with running(rubric(model)) as server:
        assert asked(server, {"prompts": ["?"], "completions": [completion]}) == {"rewards": [5.0], "reasons": [""]}
    judged: Request = model.requests[-1]
    assert "Action: look(" in judged.text
    assert "Observation: it says worth 5" in judged.text
    assert judged.text.count("\nworth 5\n") == 1  # its last words are the response, and no step


def test_null_in_a_prompt_and_a_column_is_nothing(server: Running) -> None:
    called = {**NONE, "role": "assistant", "tool_calls": [{"id": None, "type": "function", "function": LOOK}]}
    blocks = [{"type": "text", "text": "What is it worth?", "image_url": None}]
    prompt = [{**NONE, "role": "user", "content": blocks}, called, {**NONE, "role": "tool", "content": "four"}]
    documents = [[{"id": "d", "title": None, "text": "It is old.", "path": None}], None]
    body = {"prompts": [prompt, "?"], "completions": ["worth 4", "worth 2"], "documents": documents}
    assert asked(server, body) == {"rewards": [4.0, 2.0], "reasons": ["", ""]}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([{"role": "robot", "content": "x"}], "this completion is no list of messages: 0.role"),
        ([{"content": "x"}], "this completion is no list of messages: 0.role: Field required"),
        ([{"role": "assistant", "tool_calls": [{"id": "1"}]}], "0.tool_calls.0.type: Field required"),
        ([{"role": "assistant", "content": ["x"]}], "0.content"),
    ],
)
def test_a_completion_that_is_no_conversation_costs_only_itself(
    server: Running, wrong: list[dict[str, Any]], told: str
) -> None:
    found = asked(server, {"prompts": ["?", "?"], "completions": [wrong, "worth 2"]}, penalty=1)
    assert found["rewards"] == [None, 2.0]
    assert found["reasons"][0].startswith("bad_case: ")
    assert told in found["reasons"][0]


@pytest.mark.parametrize("content", ["x", [3], [{"type": "image"}], [{"type": "image", "image": "a.png"}]])
def test_a_prompt_that_cannot_be_read_costs_only_itself(server: Running, content: Any) -> None:
    prompts = ["?", [{"role": "user", "content": content, "spoken": True}]]
    found = asked(server, {"prompts": prompts, "completions": ["worth 4", "worth 2"]})
    assert found["rewards"] == [4.0, None]
    assert found["reasons"][1].startswith("bad_case: ")


def test_trl_says_which_completions_were_cut_off(server: Running) -> None:
    found = asked(server, {**TRL, "complete": [True, False], "penalty": 1})
    assert found == {"rewards": [4.0, 1.0], "reasons": ["", "incomplete"]}


def test_what_the_judge_sees_is_prompt_response_and_reference() -> None:
    model = ScriptedModel(verdict)
    with running(rubric(model)) as server:
        for body in (OPENRLHF, VERL):
            asked(server, body)
            request: Request = model.requests[-1]
            assert "worth 4\n" in request.text
            assert "worth 4<|im_end|>" not in request.text
            assert "four" in request.text
        asked(
            server, {**VERL, "ground_truth": {"target": ["x1y2"]}, "extra_info": {"question": "?", "rubric": "Brief."}}
        )
        assert "x1y2" not in model.requests[-1].text
        assert "Brief." in model.requests[-1].text


@pytest.mark.parametrize("body", [OPENRLHF, VERL, VERL_BATCH])
def test_a_form_without_null_gets_503_in_an_outage_and_no_number(body: dict[str, Any]) -> None:
    with running(rubric(Failing(None))) as server:
        reply = server.post("/v1/rewards", body)
        assert reply.status_code == 503
        assert reply.json()["error"]["code"] == "outage"
        assert int(reply.headers["retry-after"]) >= 1
        ours = server.post("/v1/rewards", {"cases": [ONE]})
        assert (ours.status_code, ours.json()["rewards"]) == (200, [None])
        trl = server.post("/v1/rewards", TRL)
        assert (trl.status_code, trl.json()["rewards"]) == (200, [None, None])
        assert server.count("adjudge_judgements_total{") == server.count(
            'adjudge_judgements_total{graph="rubric",outcome="model_failure"'
        )


def test_an_outage_that_passes_costs_such_a_form_nothing() -> None:
    with running(rubric(Failing(2)), patience=10.0) as server:
        assert asked(server, OPENRLHF, "/get_reward")["rewards"] == [4.0]


@pytest.mark.parametrize("body", [OPENRLHF, VERL])
def test_such_a_form_cannot_have_its_only_response_ranked(server: Running, body: dict[str, Any]) -> None:
    reply = server.post("/get_reward?graph=direct&strategy=all_pairs", body)
    assert (reply.status_code, reply.json()["error"]["key"]) == (422, "strategy")


def test_an_empty_response_needs_a_penalty_in_such_a_form(server: Running) -> None:
    body = {**OPENRLHF, "query": [f"{PROMPT}<|im_end|>"]}
    reply = server.post("/get_reward?graph=rubric", body)
    assert reply.status_code == 422
    assert reply.json()["error"]["key"] == "penalty"
    assert asked(server, body, "/get_reward", penalty=1)["rewards"] == [1.0]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({**OPENRLHF, "prompts": ["something else"]}, "query.0", "does not begin with its prompt"),
    ({"query": OPENRLHF["query"]}, "prompts", "Field required"),
    ({**OPENRLHF, "prompts": [PROMPT, PROMPT]}, "query", "of the same length; query has 1, prompts has 2"),
    ({**OPENRLHF, "query": []}, "query", "at least 1 item"),
    ({**VERL, "extra_info": {"split": "train"}}, "extra_info", "verl does not pass the prompt"),
    ({**VERL, "extra_info": None}, "extra_info", "verl does not pass the prompt"),
    ({**VERL_BATCH, "extra_infos": [{}, {"question": "?"}]}, "extra_infos.0", "verl does not pass the prompt"),
    ({**VERL_BATCH, "ground_truths": ["x"]}, "solution_strs", "of the same length"),
    ({**TRL, "completions": ["one"]}, "prompts", "of the same length; prompts has 2, completions has 1"),
    ({**TRL, "reference": ["one"]}, "prompts", "reference has 1"),
    ({"prompts": [], "completions": []}, "prompts", "at least 1 item"),
    ({**TRL, "penalty": "x"}, "penalty", "valid number"),
]


@pytest.mark.parametrize(("body", "key", "message"), WRONG)
def test_a_form_that_is_wrong_is_told_so(server: Running, body: dict[str, Any], key: str, message: str) -> None:
    reply = server.post("/v1/rewards?graph=rubric", body)
    assert reply.status_code == 422, reply.text
    error = reply.json()["error"]
    assert (error["key"], message in error["message"]) == (key, True), error


@pytest.mark.parametrize("path", ["/etc/hostname", "file:///etc/hostname"])
def test_no_form_can_name_a_file(server: Running, path: str) -> None:
    prompt = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": path}}]}]
    documents = [{"id": "d", "path": path}]
    rows: list[dict[str, Any]] = [
        {"cases": [{**ONE, "prompt": prompt}, {**ONE, "documents": documents}]},
        {**TRL, "prompts": [prompt, "?"], "documents": [None, documents]},
    ]
    for body in rows:
        found = asked(server, body)
        assert found["rewards"] == [None, None]
        assert all("cannot name a file of the server" in reason for reason in found["reasons"])
    for verl in ({"prompt": prompt}, {"question": "?", "documents": documents}):
        reply = server.post("/v1/rewards?graph=rubric", {**VERL, "extra_info": verl})
        assert reply.status_code == 422
        assert "cannot name a file of the server" in reply.json()["error"]["message"]


def test_rewards_are_never_nan(server: Running) -> None:
    text = json.dumps({"cases": [ONE], "penalty": float("nan")})
    with server.client() as client:
        reply = client.post("/v1/rewards", content=text, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
    assert server.post("/v1/rewards?graph=rubric&penalty=nan", {"cases": [ONE]}).status_code == 422
