"""The citation term: what is cited was retrieved, and supports what won."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ConfigError
from adjudge.training.rewards import Faithfulness
from adjudge.training.rollouts import Rollout
from adjudge.types import Answer, Evidence, Unscored, Verdict

_WON = "Mary Ann Evans, a journalist, published the novel. She was born near Nuneaton."
_LOST = "Jane Austen published the novel. She was born at Steventon."
_BOTH = {"responses": [_WON, _LOST]}
_AUTHOR = Evidence(name="E1", excerpt="The journalist Mary Ann Evans published the novel in parts.")
_BIRTH = Evidence(name="E2", excerpt="Evans was born near Nuneaton in 1819.")
_OTHER = Evidence(name="E3", excerpt="Bread is baked of flour, water and salt.")
_AUSTEN = Evidence(name="E4", excerpt="Jane Austen, born at Steventon, published the novel Emma.")
_ALL = (_AUTHOR, _BIRTH, _OTHER, _AUSTEN)


def _pay(attempt: Callable[..., Rollout], *cited: str, **changes: Any) -> float:
    told: dict[str, Any] = {
        "case": _BOTH,
        "evidence": _ALL,
        "outcome": Verdict(winner="A"),
        "citations": cited,
        **changes,
    }
    value = Faithfulness()([attempt(**told)])[0]
    assert value is not None
    return value


def test_items_that_support_every_sentence_of_the_winner_pay_best(attempt: Callable[..., Rollout]) -> None:
    assert _pay(attempt, "E1", "E2") > 0.9
    assert 0.5 < _pay(attempt, "E1") < _pay(attempt, "E1", "E2")  # one sentence is left without support


@pytest.mark.parametrize(
    "cited",
    [
        ("E1", "E2", "E3"),  # an item that has nothing to do with it
        ("E1", "E2", "E4"),  # one for the other side
        ("E1", "E2", "E3", "E4"),  # everything
        ("E1", "E2", "E9"),  # one that does not exist
    ],
)
def test_more_citations_than_support_pay_less(cited: tuple[str, ...], attempt: Callable[..., Rollout]) -> None:
    assert 0 < _pay(attempt, *cited) < _pay(attempt, "E1", "E2")


@pytest.mark.parametrize("cited", [(), ("E3",), ("E9",), ("E3", "E9"), ("",)])
def test_what_supports_nothing_pays_nothing(cited: tuple[str, ...], attempt: Callable[..., Rollout]) -> None:
    assert _pay(attempt, *cited) == 0


def test_the_same_item_twice_counts_once(attempt: Callable[..., Rollout]) -> None:
    assert _pay(attempt, "E1", "E1", "E2") == _pay(attempt, "E1", "E2")


def test_two_items_that_say_the_same_are_one_too_many(attempt: Callable[..., Rollout]) -> None:
    twin = _AUTHOR.model_copy(update={"name": "E5"})
    assert _pay(attempt, "E1", "E5", "E2", evidence=(*_ALL, twin)) < _pay(attempt, "E1", "E2")


def test_words_of_the_question_support_nothing(attempt: Callable[..., Rollout]) -> None:
    echo = Evidence(name="E1", excerpt="Who wrote Middlemarch?")
    case = {"responses": ["Who wrote Middlemarch: Eliot", "Austen"]}
    assert _pay(attempt, "E1", case=case, evidence=(echo,)) == 0


def test_it_is_paid_beside_a_right_verdict_only(attempt: Callable[..., Rollout]) -> None:
    rollout = attempt(_BOTH, evidence=_ALL, outcome=Verdict(winner="B"), citations=("E4",))
    gated, ungated = Faithfulness()([rollout])[0], Faithfulness(gated=False)([rollout])[0]
    assert gated == 0
    assert ungated == pytest.approx(1, abs=0.1)  # the shortcut that the gate closes: what is said, not what is right
    assert Faithfulness()([attempt({**_BOTH, "label": None})]) == [None]
    assert Faithfulness()([attempt(_BOTH, outage="gone")]) == [None]


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        ({"responses": ["x"], "label": 3}, Verdict(scores=(3.0,), rationale=_WON)),
        ({"responses": ["x"], "label": 3}, Verdict(scores=(3.0,), winner="A", rationale=_WON)),
        ({"label": "tie"}, Verdict(winner="tie", rationale=_WON)),
        ({"responses": [], "trajectory": {"steps": [{"thought": "t"}]}}, Verdict(rationale=_WON)),
        ({"responses": []}, Answer(text=_WON)),
    ],
)
def test_where_no_response_wins_the_judges_own_words_have_to_be_supported(
    case: dict[str, Any], outcome: Any, attempt: Callable[..., Rollout]
) -> None:
    rollout = attempt(case, outcome=outcome, evidence=_ALL, citations=("E1", "E2"))
    value = Faithfulness(gated=False).worth(rollout)
    assert value > 0.9
    assert Faithfulness(gated=False).worth(attempt(case, outcome=outcome, evidence=_ALL, citations=("E3",))) == 0


@pytest.mark.parametrize("outcome", [Unscored(reason="parse_failure"), Verdict(winner="C"), Verdict()])
def test_nothing_claimed_is_nothing_supported(outcome: Any, attempt: Callable[..., Rollout]) -> None:
    assert Faithfulness(gated=False)([attempt(_BOTH, outcome=outcome, evidence=_ALL, citations=("E1",))]) == [0]


@pytest.mark.parametrize("enough", [0.0, -1.0, 1.1, float("nan")])
def test_enough_is_a_share(enough: float) -> None:
    with pytest.raises(ConfigError, match="enough"):
        Faithfulness(enough=enough)


_NAME = st.sampled_from(["E1", "E2", "E3"])


@given(
    claim=st.text(),
    excerpts=st.lists(st.text(), min_size=1, max_size=3),
    cited=st.lists(_NAME | st.text(max_size=3), max_size=5),
)
def test_any_text_is_paid_from_0_to_1_and_inventing_never_pays(
    claim: str, excerpts: list[str], cited: list[str], attempt: Callable[..., Rollout]
) -> None:
    found = tuple(Evidence(name=f"E{number}", excerpt=text) for number, text in enumerate(excerpts, 1))
    case = {"responses": [claim, "y"]}
    value = Faithfulness().worth(attempt(case, evidence=found, citations=tuple(cited)))
    invented = Faithfulness().worth(attempt(case, evidence=found, citations=(*cited, "E99")))
    assert 0 <= invented <= value <= 1
    assert value == 0 or set(cited) & {item.name for item in found}
