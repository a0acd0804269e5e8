"""`decide: likelihood` and `likelihood_gain`: scores from log-probabilities, and citations by leaving one out."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest

from adjudge.errors import ConfigError
from adjudge.judge import Judge
from adjudge.models import Scored, ScriptedModel
from adjudge.tools import tool
from adjudge.types import Case, Evidence, JudgeResult, Unscored, Verdict

PAIR = Case(id="c", prompt="Which city is the capital?", responses=["Canberra it is", "Sydney"])
FACTS = ["Canberra is the capital.", "Sydney has an opera.", "Weather is fine."]


@tool
async def corpus(query: str) -> list[Evidence]:
    """Search.

    Args:
        query: What to search for.
    """
    return [Evidence(excerpt=fact, source=str(number)) for number, fact in enumerate(FACTS)]


def reader(prefix: str, response: str) -> float:
    """Canberra is likelier the more the passages speak of it; Sydney is likelier by itself."""
    told = 1.0 * ("Canberra is the capital" in prefix) - 0.1 * ("Sydney has an opera" in prefix)
    return -1.5 + told if response.startswith("Canberra") else -1.0


def at(key: str, value: object) -> dict[str, Any]:
    """An override by its dotted key."""
    return {key: value}


def judged(case: Case = PAIR, model: ScriptedModel | None = None, **changes: Any) -> tuple[JudgeResult, ScriptedModel]:
    model = model or ScriptedModel(scores=reader, embedded=True)
    judge = Judge.load("evidence", model=model, tools={"corpus": corpus}, **changes)
    return asyncio.run(judge.ajudge(case)), model


def verdict(result: JudgeResult) -> Verdict:
    assert isinstance(result.outcome, Verdict), result.outcome
    return result.outcome


def test_the_response_that_the_evidence_makes_likelier_wins() -> None:
    result, _ = judged()
    assert verdict(result).winner == "A"
    share = 1 / (1 + math.exp(-1.0 + 0.6))  # means are -0.6 and -1.0
    assert verdict(result).confidence == pytest.approx(share)
    assert verdict(result).scores == pytest.approx((1 + 9 * share, 10 - 9 * share))
    assert verdict(result).rationale == ""


def test_it_is_run_once_although_both_orders_are_asked_for() -> None:
    result, model = judged(orders="both")
    assert [vote.order for vote in result.votes] == [(0, 1)]
    assert result.order_consistent is None
    assert result.graph.decide == {"judge": "likelihood"}
    assert len(model.requests) == 1 + len(FACTS)  # once with all evidence, once without each item


def test_the_order_of_the_responses_changes_nothing() -> None:
    swapped = Case(id="c", prompt=PAIR.prompt, responses=PAIR.responses[::-1])
    assert verdict(judged(swapped)[0]).scores == verdict(judged()[0]).scores[::-1]
    assert verdict(judged(swapped)[0]).winner == "B"


def test_it_cites_what_the_lead_rests_on_and_nothing_else() -> None:
    result, _ = judged()
    assert verdict(result).citations == ("E1",)


def test_citations_can_be_left_out_to_save_calls() -> None:
    result, model = judged(**at("nodes.judge.max_citations", 0))
    assert verdict(result).citations == ()
    assert len(model.requests) == 1


def test_only_the_first_items_are_read() -> None:
    _, model = judged(**at("nodes.judge.max_evidence", 1))
    assert "Canberra is the capital" in model.requests[0].text
    assert "opera" not in model.requests[0].text


def test_the_gain_is_what_evidence_adds() -> None:
    plain, _ = judged()
    gained, model = judged(**at("nodes.judge.decide", "likelihood_gain"))
    share = 1 / (1 + math.exp(-0.9))  # 0.9 above what it was for one, nothing for the other
    assert verdict(gained).confidence == pytest.approx(share)
    assert verdict(gained).confidence != verdict(plain).confidence
    assert verdict(gained).citations == ("E1",)
    assert len(model.requests) == 2 + len(FACTS)


def test_without_evidence_the_responses_stand_by_themselves() -> None:
    model = ScriptedModel(scores=reader, embedded=True)
    result = asyncio.run(Judge.load("direct", model=model).ajudge(PAIR))
    assert verdict(result).winner == "B"
    assert verdict(result).citations == ()


def test_equal_likelihoods_are_a_tie() -> None:
    result, _ = judged(model=ScriptedModel(scores=lambda prefix, text: -1.0, embedded=True))
    assert verdict(result).winner == "tie"
    assert verdict(result).citations == ()


@pytest.mark.parametrize("rows", [((), (-1.0,)), ((math.nan,), (-1.0,)), ((-math.inf,), (-1.0,)), ((-1.0,),)])
def test_what_is_no_likelihood_gives_no_score(rows: tuple[tuple[float, ...], ...]) -> None:
    class Broken(ScriptedModel):
        async def score(self, prefix: Any, continuations: Any) -> Scored:
            return Scored(rows)

    result, _ = judged(model=Broken(embedded=True))
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "model_failure"
    assert len(result.evidence) == len(FACTS)


@pytest.mark.parametrize("decide", ["likelihood", "likelihood_gain"])
def test_it_is_refused_at_load_for_a_pointwise_judge(decide: str) -> None:
    with pytest.raises(ConfigError, match="no place on the scale") as caught:
        Judge.load("rubric", model=ScriptedModel(scores=reader), **at("nodes.judge.decide", decide))
    assert caught.value.key == "nodes.judge.decide"
    assert caught.value.allowed == ("generate", "logprobs")


@pytest.mark.parametrize("decide", ["likelihood", "likelihood_gain"])
def test_it_is_refused_at_load_for_a_model_that_cannot_score(decide: str) -> None:
    with pytest.raises(ConfigError, match="score"):
        Judge.load("direct", model=ScriptedModel(abilities=["chat", "logprobs"]), **at("nodes.judge.decide", decide))


def test_auto_is_generate_for_a_model_that_can_write() -> None:
    judge = Judge.load("direct", model=ScriptedModel(scores=reader))
    assert judge.fingerprint.decide == {"judge": "generate"}


def test_auto_reads_logprobs_where_a_likelihood_has_no_place() -> None:
    assert Judge.load("rubric", model=ScriptedModel(embedded=True)).fingerprint.decide == {"judge": "logprobs"}


def test_what_the_model_reads_holds_no_control_characters() -> None:
    case = Case(prompt="who\x1b[31m?", responses=["a", "b"])
    model = ScriptedModel(scores=reader, embedded=True)
    asyncio.run(Judge.load("direct", model=model).ajudge(case))
    assert "\x1b" not in json.dumps(model.requests[0].messages, ensure_ascii=False)
