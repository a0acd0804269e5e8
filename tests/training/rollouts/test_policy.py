"""The policy: token-in, token-out through the judge's own graph."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from adjudge.errors import ConfigError, ModelError
from adjudge.models import Sampling
from adjudge.models.local.template import Template
from adjudge.training.rollouts.attempts import attempt_all
from adjudge.training.rollouts.policy import Policy, check_template
from adjudge.types import Unscored, Verdict
from adjudge.types.messages import user
from tests.training.rollouts.small import Says, call, case, plan, tokenizer

TOKENS = tokenizer()


def attempted(*texts: str, **settings: Any) -> tuple[Says, Any]:
    says = Says(TOKENS, texts, ends=settings.pop("ends", True))
    (found,) = asyncio.run(attempt_all(plan(TOKENS, **settings), [case()], lambda: Policy(says, TOKENS), 0))
    return says, found


def test_a_rollout_is_one_sequence_of_just_what_was_read_and_sampled() -> None:
    says, found = attempted(call(), "A")
    first, second = says.asked
    own = [token for token, mask in zip(found.row.completion_ids, found.row.mask, strict=True) if mask]
    assert found.row.prompt_ids == first
    assert (*found.row.prompt_ids, *found.row.completion_ids) == (*second, TOKENS("A")["input_ids"][0])
    assert TOKENS.decode(own) == call() + "<|im_end|>A"
    assert second[: len(first)] == first


def test_the_sequence_reads_as_the_template_renders_the_conversation() -> None:
    says, _ = attempted(call(), "A")
    text = TOKENS.decode(says.asked[1])
    assert text.startswith("<|im_start|>system\nSearch for what the task asks.")
    assert f"<|im_start|>assistant\n{call()}<|im_end|>\n<|im_start|>user\n<tool_response>\n<<<evidence E1" in text
    assert text.endswith("A for response A; B for response B.<|im_end|>\n<|im_start|>assistant\n")


def test_what_the_policy_wrote_is_not_written_again_in_another_way() -> None:
    odd = '<tool_call>{"name":"corpus",  "arguments": {"query":"Middlemarch"}}</tool_call>'
    says, found = attempted(odd, "A")
    assert odd in TOKENS.decode(says.asked[1])
    assert isinstance(found.rollout.outcome, Verdict)


def test_a_turn_that_was_cut_off_is_closed_by_a_token_that_is_not_trained() -> None:
    _, found = attempted(call(), "A", ends=False)
    end = len(TOKENS(call())["input_ids"])
    assert found.row.completion_ids[end] == 0
    assert found.row.mask[: end + 1] == (1,) * end + (0,)


@pytest.mark.parametrize(("letter", "winner"), [("A", "A"), ("B", "B")])
def test_the_letter_that_was_sampled_is_the_verdict(letter: str, winner: str) -> None:
    _, found = attempted(call(), letter)
    assert found.rollout.outcome.winner == winner
    assert found.rollout.outage == ""


def test_another_letter_is_the_policy_s_own_fault_and_no_outage() -> None:
    _, found = attempted(call(), "Z")
    assert isinstance(found.rollout.outcome, Unscored)
    assert found.rollout.outcome.reason == "parse_failure"
    assert found.rollout.outage == ""
    assert found.row.mask[-1] == 1


def test_a_bad_call_is_told_from_a_tool_that_failed() -> None:
    _, found = attempted('<tool_call>\n{"name": "nothing", "arguments": {}}\n</tool_call>', "A")
    assert [(made.tool, made.own_fault) for made in found.rollout.calls] == [("nothing", True)]
    assert found.rollout.outage == ""


def test_an_opening_that_is_no_call_is_counted() -> None:
    _, found = attempted('<tool_call>\n{"name": broken', "A")
    assert found.rollout.broken_calls == 1
    assert found.rollout.calls == ()


def test_a_model_that_is_gone_is_an_outage_with_a_row_that_trains_nothing() -> None:
    class Gone:
        async def complete(self, *_: Any, **__: Any) -> Any:
            raise ModelError("the server is gone", kind="unavailable")

    (found,) = asyncio.run(attempt_all(plan(TOKENS), [case()], lambda: Policy(Gone(), TOKENS), 0))
    assert "the server is gone" in found.rollout.outage
    assert sum(found.row.mask) == 0
    assert len(found.row.completion_ids) == 1


def test_the_same_case_is_sampled_with_other_seeds_and_the_same_step_with_the_same() -> None:
    says = Says(TOKENS, [call(), call(), call(), "A", "A", "A"])
    asyncio.run(attempt_all(plan(TOKENS), [case()] * 3, lambda: Policy(says, TOKENS), 7))
    seeds = {sampling.seed for sampling in says.samplings}
    assert len(seeds) == 6
    again = Says(TOKENS, [call(), call(), call(), "A", "A", "A"])
    asyncio.run(attempt_all(plan(TOKENS), [case()] * 3, lambda: Policy(again, TOKENS), 7))
    assert {sampling.seed for sampling in again.samplings} == seeds
    assert all(sampling.temperature == 1.0 for sampling in says.samplings)


def test_a_policy_never_reads_the_journal(tmp_path: Path) -> None:
    for _ in range(2):
        says = Says(TOKENS, [call(), "A"])
        judged = plan(TOKENS, journal=str(tmp_path / "journal.sqlite"))
        asyncio.run(attempt_all(judged, [case()], lambda says=says: Policy(says, TOKENS), 0))  # type: ignore[misc]
        assert says.texts == []  # asked in the second run as in the first
        judged.judge.close()


def test_held_out_cases_are_judged_as_in_production() -> None:
    says = Says(TOKENS, [call(), "A"])
    policy = Policy(says, TOKENS, temperature=None)
    asyncio.run(attempt_all(plan(TOKENS), [case()], lambda: policy, 0))
    assert [sampling.temperature for sampling in says.samplings] == [0.0, 0.0]


def test_a_template_that_rewrites_its_past_is_refused() -> None:
    class Rewriting(Template):
        def render(self, messages: Any, *args: Any, **kwargs: Any) -> str:
            return f"{len(messages)}{super().render(messages, *args, **kwargs)}"

    async def talk() -> None:
        policy = Policy(Says(TOKENS, ["one", "two"]), TOKENS)
        policy._template = Rewriting(TOKENS)
        first = user("hello")
        reply = await policy.chat([first])
        await policy.chat([first, reply.choices[0].message, user("and?")])

    with pytest.raises(ModelError, match="changes what it rendered before"):
        asyncio.run(talk())


def test_several_replies_at_once_are_refused() -> None:
    with pytest.raises(ModelError, match="one reply at a time"):
        asyncio.run(Policy(Says(TOKENS, []), TOKENS).chat([user("x")], sampling=Sampling(), n=2))


def other_tokenizer(template: str) -> Any:
    """One that does not know the marks of ChatML, and brings its own template."""
    words = Tokenizer(models.WordLevel({"<end>": 0, "a": 1}, "<end>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<end>", chat_template=template)


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m.role }}: {{ m.content }}<end>{% endfor %}",  # no turn ends as we know it
        "{{ messages[-1].content }}<|im_end|>",  # forgets what came before
    ],
)
def test_a_policy_whose_conversations_are_no_one_sequence_is_refused_before_it_is_trained(template: str) -> None:
    with pytest.raises(ConfigError, match="chat template"):
        check_template(other_tokenizer(template))


def test_chatml_is_one_sequence() -> None:
    check_template(TOKENS)
