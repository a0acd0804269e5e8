"""A judge as a reward function of TRL: what reaches the judge, what has no reward, and where the function may go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ConfigError, ModelError
from adjudge.judge import Judge
from adjudge.judge.reward_function import JudgeReward
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request, Script
from adjudge.types import Strategy
from adjudge.types.messages import text_of

ROOT = Path(__file__).parent.parent.parent
SHOWN = re.compile(r"<<<response(?: ([A-Z]+))? [0-9a-f]{16}\n(.*?)\n[0-9a-f]{16}>>>", re.DOTALL)


def worth(request: Request) -> Script:
    """Scores as the responses say that they are `worth`, 1 for those that do not say; `away` is an outage."""
    found = {
        name: re.search(r"worth (\d)", text) for name, text in SHOWN.findall(text_of(request.messages[-1]["content"]))
    }
    if "away" in request.text:
        return ModelError("nothing answers", retryable=True)
    scores = {name: int(match[1]) if match else 1 for name, match in found.items()}
    own = {"scores": scores} if any(scores) else {"score": scores[""]}
    return json.dumps({"rationale": "", "citations": [], "confidence": 0.9, **own})


def judge(graph: str = "rubric", **options: Any) -> Judge:
    return Judge.load(graph, model=ScriptedModel(worth, keep=8), **options)


def shown(judged: Judge) -> str:
    """The last thing that the model was asked."""
    model = judged.models["default"]
    assert isinstance(model, ScriptedModel)
    return model.requests[-1].text


def test_completions_are_scored_in_their_order() -> None:
    reward = judge().as_reward()
    assert reward(["?", "?", "!"], ["worth 2", "worth 5", "worth 3"]) == [2.0, 5.0, 3.0]
    assert reward([], []) == []


def test_trl_calls_it_with_all_that_it_has() -> None:
    reward = judge().as_reward()
    logged: dict[str, float] = {}
    found = reward(
        prompts=["?"],
        completions=["worth 4"],
        completion_ids=[[1, 2]],
        trainer_state=object(),
        log_extra=lambda *_: None,
        log_metric=logged.__setitem__,
        level=["easy"],
        environments=None,
    )
    assert found == [4.0]
    assert logged == {"rubric/unscored": 0.0, "rubric/incomplete": 0.0}
    assert reward.__name__ == "rubric"
    assert judge().as_reward(name="mine").__name__ == "mine"


@pytest.mark.parametrize(
    ("columns", "seen"),
    [
        ({"reference": ["It is four."]}, "It is four."),
        ({"rubric": ["Be brief about it."]}, "Be brief about it."),
        ({"documents": [[{"id": "d", "title": "T", "text": "inline text"}]]}, None),  # searched, not shown
        ({"culture": ["Iran"]}, "Iran"),
        # Arrow gives all objects of a column the same keys: None is not a value
        ({"rubric": [[{"name": "Short", "description": None, "weight": None}]]}, "Short"),
        ({"reference": [None], "rubric": [None], "documents": [None]}, None),
        ({"reference": "no column but one text"}, None),
        ({"images": None}, None),
    ],
)
def test_columns_become_fields_of_the_case(columns: dict[str, Any], seen: str | None) -> None:
    judged = judge()
    criteria = isinstance(columns.get("rubric"), list) and isinstance(columns["rubric"][0], list)
    if criteria:
        judged = Judge.load("rubric", model=ScriptedModel([_for_criterion("c1")]))
    [found] = judged.as_reward().explained(["?"], ["worth 4"], **columns)
    assert found == (4.0, "")
    if seen is not None:
        assert seen in shown(judged)
    assert "no column" not in shown(judged)


def _for_criterion(name: str) -> dict[str, Any]:
    return {"criteria": {name: {"rationale": "", "score": 4}}, "rationale": "", "citations": [], "confidence": 1}


def test_a_row_that_is_no_case_costs_only_itself() -> None:
    reward = judge().as_reward(penalty=1.0)
    found = reward.explained(["?", "?"], ["worth 4", "worth 5"], documents=[[{"id": "d"}], None])
    assert found[0].reward is None
    assert found[0].reason.startswith("bad_case: ")
    assert found[1] == (5.0, "")


def test_lists_of_different_lengths_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        judge().as_reward()(["?", "?"], ["worth 4"])


def test_conversations_are_read() -> None:
    judged = judge()
    prompt: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "How much?"}]
    completion: Any = [{"role": "assistant", "content": "worth 3"}]
    assert judged.as_reward()([prompt], [completion]) == [3.0]
    assert "Be kind." in shown(judged)
    assert "How much?" in shown(judged)


def test_a_completion_that_called_tools_is_shown_with_its_steps_and_its_last_words_once() -> None:
    judged = judge()
    call = {"type": "function", "function": {"name": "price_of", "arguments": {"thing": "book"}}}  # TRL: no id, no text
    completion: Any = [
        {"role": "assistant", "content": "I look it up.", "tool_calls": [call]},
        {"role": "tool", "name": "price_of", "content": "three"},
        {"role": "assistant", "content": "It is worth 3."},
    ]
    assert judged.as_reward()([[{"role": "user", "content": "?"}]], [completion]) == [3.0]
    text = shown(judged)
    assert 'price_of({"thing": "book"})' in text
    assert "Observation: three" in text
    assert text.count("It is worth 3.") == 1
    assert judged.as_reward()(["?"], [completion[:1]]) == [1.0]  # it never answered: no words are made up for it
    assert shown(judged).count("I look it up.") == 1


def test_tools_alone_say_nothing() -> None:
    reward = judge().as_reward(penalty=1.0)
    told: Any = [{"role": "tool", "name": "price_of", "content": "three"}]
    assert reward.explained(["?"], [told]) == [(1.0, "incomplete")]


def _picture(mode: str = "RGB") -> Any:
    return pytest.importorskip("PIL.Image").new(mode, (8, 8))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])  # PNG knows no CMYK
@pytest.mark.parametrize("filled", [True, False])
def test_images_are_sent_as_data(mode: str, filled: bool) -> None:
    picture = _picture(mode)
    judged = judge()
    place: dict[str, Any] = {"type": "image", "image": picture} if filled else {"type": "image"}
    prompt: Any = [{"role": "user", "content": [place, {"type": "text", "text": "What is it worth?"}]}]
    found = judged.as_reward().explained([prompt], ["worth 2"], images=None if filled else [[picture]])
    assert found == [(2.0, "")]
    model = judged.models["default"]
    assert isinstance(model, ScriptedModel)
    assert "data:image/png;base64," in json.dumps(model.requests[-1].messages)


@pytest.mark.parametrize(("images", "told"), [([[]], "more places for images"), ([["a.png"]], "Pillow")])
def test_an_image_that_is_missing_or_none_costs_its_row(images: Any, told: str) -> None:
    prompt: Any = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}]
    [found] = judge().as_reward(penalty=1.0).explained([prompt], ["worth 2"], images=images)
    assert found.reward is None
    assert told in found.reason


@pytest.mark.parametrize("penalty", [None, 0.0, -1.0])
@pytest.mark.parametrize(
    ("completion", "tokens"), [("worth 4", 16), ("", 1), ("  \n", 2), ([{"role": "assistant", "content": ""}], 1)]
)
def test_what_is_empty_or_cut_off_gets_the_penalty_and_costs_no_call(
    completion: Any, tokens: int, penalty: float | None
) -> None:
    judged = judge()
    logged: dict[str, float] = {}
    reward = judged.as_reward(penalty=penalty, max_completion_length=16)
    found = reward(["?", "?"], [completion, "worth 5"], [[0] * tokens, [0] * 15], log_metric=logged.__setitem__)
    assert found == [penalty, 5.0]
    assert logged == {"rubric/unscored": 0.5 if penalty is None else 0.0, "rubric/incomplete": 0.5}
    model = judged.models["default"]
    assert isinstance(model, ScriptedModel)
    assert len(model.requests) == 1


def test_without_a_length_nothing_counts_as_cut_off() -> None:
    assert judge().as_reward(penalty=0.0)(["?"], ["worth 4"], [[0] * 999]) == [4.0]


@pytest.mark.parametrize("strategy", ["pointwise", "all_pairs", "listwise"])
def test_an_outage_is_none_and_never_the_penalty(strategy: Strategy) -> None:
    reward = judge().as_reward(strategy=strategy, penalty=0.0)
    found = reward.explained(["away"] * 3, ["worth 4", "worth 2", ""])
    assert [item.reward for item in found] == [None, None, 0.0]
    assert found[0].reason.startswith("model_failure: ")
    assert found[2].reason == "incomplete"


def test_other_strategies_rank_within_the_prompt() -> None:
    reward = judge("direct").as_reward(strategy="all_pairs")
    prompts, completions = ["?", "!", "?", "!"], ["worth 2", "worth 9", "worth 6", "worth 3"]
    assert reward(prompts, completions) == [2.0, 9.0, 6.0, 3.0]
    apart = reward.explained(["?", "?"], ["worth 2", "worth 6"], reference=["one", "another"])
    assert [item.reward for item in apart] == [None, None]  # what else is known of them differs: two groups of one
    assert all(item.reason for item in apart)


def test_what_the_judge_cannot_do_is_a_mistake_and_no_reward() -> None:
    with pytest.raises(ConfigError, match="unknown strategy"):
        judge().as_reward(strategy="best_guess")(["?"], ["worth 4"])  # type: ignore[arg-type]  # on purpose


def test_the_same_completion_gets_the_same_reward_in_its_group() -> None:
    reward = judge("direct").as_reward(strategy="all_pairs")
    assert reward(["?"] * 3, ["worth 3", "worth 5", "worth 5"]) == [3.0, 5.0, 5.0]


def test_it_can_be_called_inside_a_running_loop() -> None:
    reward = judge().as_reward()

    async def train() -> list[float | None]:
        return reward(["?"], ["worth 4"])

    assert asyncio.run(train()) == [4.0]


def test_threads_share_the_judge_that_one_of_them_makes() -> None:
    made: list[Judge] = []

    def build() -> Judge:
        made.append(judge())
        return made[-1]

    reward, found = JudgeReward(build), []
    threads = [threading.Thread(target=lambda: found.append(reward(["?"], ["worth 4"]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [[4.0]] * 4
    assert len(made) == 1


def test_a_pickle_makes_its_own_judge() -> None:
    judged = judge(scale={"min": 1, "max": 9})
    reward = judged.as_reward(penalty=0.5, max_completion_length=4)
    again = pickle.loads(pickle.dumps(reward))
    assert again(["?", "?"], ["worth 8", "worth 7"], [[1], [1, 2, 3, 4]]) == [8.0, 0.5]
    assert again.__name__ == "rubric"
    again.close()
    assert again(["?"], ["worth 8"]) == [8.0]
    assert not judged.models["default"].requests  # type: ignore[attr-defined]  # a ScriptedModel
    assert pickle.loads(pickle.dumps(again))(["?"], ["worth 3"]) == [3.0]


def test_closing_leaves_a_judge_that_was_given_alone(tmp_path: Path) -> None:
    judged = judge(journal=tmp_path / "journal.sqlite")
    reward = judged.as_reward()
    assert reward(["?"], ["worth 4"]) == [4.0]
    reward.close()
    assert reward(["?"], ["worth 2"]) == [2.0]
    judged.close()


@pytest.mark.parametrize("kind", ["spec", "own graph"])
def test_a_judge_put_together_in_python_cannot_be_pickled_and_says_what_to_do(kind: str) -> None:
    built = Judge(judge().spec, models={"default": ScriptedModel(worth)})
    reward = built.as_reward() if kind == "spec" else JudgeReward(built._again)
    with pytest.raises(ConfigError, match=r"'rubric' was put together in Python.*JudgeReward\(build\)"):
        pickle.dumps(reward)
    if kind == "spec":
        assert reward(["?"], ["worth 4"]) == [4.0]  # here it works


def test_a_function_that_makes_the_judge_can_be_pickled() -> None:
    reward = JudgeReward(partial(judge, "direct"), strategy="listwise", name="mine")
    assert pickle.loads(pickle.dumps(reward))(["?"] * 2, ["worth 4", "worth 6"]) == [4.0, 6.0]


CHILD = """
import os, pickle, sys
reward = pickle.loads(bytes.fromhex(sys.argv[1]))
print(reward(["?"], ["worth 4"]), flush=True)
child = os.fork()
print(reward(["?"], ["worth 2"]), flush=True)
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    environ = {**os.environ, "PYTHONPATH": path}
    with tempfile.TemporaryFile("w+") as out:  # a pipe would be held open by a child that hangs
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out, text=True, start_new_session=True)
        try:
            code = process.wait(40)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        out.seek(0)
        return subprocess.CompletedProcess(command, code, out.read())


@pytest.mark.skipif(os.name != "posix", reason="forks are POSIX")
def test_it_works_in_another_process_and_in_a_fork_of_that() -> None:
    found = run(CHILD, pickle.dumps(judge().as_reward()).hex())
    assert (found.stdout.split("\n"), found.returncode) == (["[4.0]", "[2.0]", "[2.0]", ""], 0)


FORKED = """
import os
from adjudge.errors import ConfigError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from test_reward_function import judge, worth
reward = Judge(judge().spec, models={"default": ScriptedModel(worth)}).as_reward()
reward(["?"], ["worth 4"])
if os.fork() == 0:
    try:
        reward(["?"], ["worth 2"])
    except ConfigError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(os.name != "posix", reason="forks are POSIX")
def test_a_fork_does_not_use_the_connections_of_its_parent() -> None:
    assert "another process cannot make it again" in run(FORKED).stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # torch's, transformers' and TRL's own
def test_trl_trains_with_it_through_an_outage() -> None:
    pytest.importorskip("trl")
    from benchmarks.grpo_reward.policy import train

    model = ScriptedModel(lambda _: ModelError("nothing answers", retryable=True) if away else _by_length())
    away = False

    def judging(step: int) -> None:
        nonlocal away
        away = step == 1

    lengths = iter(range(10_000))

    def _by_length() -> Script:
        score = 1 + next(lengths) % 5
        return json.dumps({"rationale": "", "citations": [], "score": score, "confidence": 0.9})

    steps = train(Judge.load("rubric", model=model).as_reward(penalty=1.0), 3, judging)
    assert [step.step for step in steps] == [0, 1, 2]
    assert all(reward is None or 1 <= reward <= 5 for step in steps for reward in step.rewards)
    assert None in steps[1].rewards
    assert None not in [*steps[0].rewards, *steps[2].rewards]
    assert steps[1].grad_norm == 0.0
    assert steps[0].grad_norm > 0.0
    assert steps[2].grad_norm > 0.0
