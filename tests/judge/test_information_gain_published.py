"""`information_gain` against what PRInTS publishes: the summary's update, its headings, braces, and scores."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge import Case, Judge, Ranking, ScriptedModel, Step, Trajectory, Unscored, Verdict
from adjudge.agents.trajectory_summarizer import HEADINGS
from adjudge.models import Choice
from adjudge.models.scripted import Request
from adjudge.selection.guide import guide
from adjudge.types.messages import assistant

PUBLISHED = (
    "Confirmed knowledge",
    "Uncertainty",
    "Previous hypotheses",
    "Previous action",
    "Current hypothesis",
    "Current action",
)
PAST = Trajectory(
    steps=tuple(
        Step(thought=f"THOUGHT-{n}", tool=f"TOOL-{n}", arguments={"q": f"ARGUMENT-{n}"}, observation=f"RESULT-{n}")
        for n in range(4)
    )
)
MARKS = re.compile(r"\b(?:THOUGHT|TOOL|ARGUMENT|RESULT|SUMMARY|QUESTION)(?:-\d)?\b")
ASSESSED = [{"name": "progress", "assessment": "some"}, {"name": "validity", "assessment": "sound"}]


def written(score: str) -> str:
    return f'{{"dimensions": {json.dumps(ASSESSED)}, "score": {score}}}'


def summarizing(request: Request) -> bool:
    return "confirmed_knowledge" in (request.sampling.json_schema or {}).get("properties", {})


def marks(request: Request) -> set[str]:
    return set(MARKS.findall(str(request.messages[-1]["content"])))


def case(*candidates: str, past: Trajectory | None = PAST) -> Case:
    return Case(id="s", prompt="QUESTION", trajectory=past, candidates=list(candidates))


class Numbered:
    """Summaries that say which one they are, and scores."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, request: Request) -> Any:
        if not summarizing(request):
            return {"dimensions": ASSESSED, "score": 1}
        self.made += 1
        return dict.fromkeys(HEADINGS, f"SUMMARY-{self.made - 1}")


def test_a_summary_is_made_of_question_last_summary_last_result_and_step_and_of_nothing_else() -> None:
    model = ScriptedModel(Numbered())
    Judge.load("information_gain", model=model)(case("a", "b"))
    found = [marks(request) for request in model.requests if summarizing(request)]

    def own(n: int) -> set[str]:
        return {"QUESTION", f"THOUGHT-{n}", f"TOOL-{n}", f"ARGUMENT-{n}"}

    # h_t = f(q, h_{t-1}, o_{t-1}, s_t)
    assert found == [own(0), *(own(n) | {f"SUMMARY-{n - 1}", f"RESULT-{n - 1}"} for n in range(1, 4))]


def test_a_step_is_scored_from_question_summary_and_last_result() -> None:
    model = ScriptedModel(Numbered())
    Judge.load("information_gain", model=model)(case("a", "b"))
    assert [marks(request) for request in model.requests if not summarizing(request)] == [
        {"QUESTION", "SUMMARY-3", "RESULT-3"}
    ] * 2


def test_a_summary_has_the_six_headings_as_published() -> None:
    model = ScriptedModel(Numbered())
    result = Judge.load("information_gain", model=model).rank(case("a", "b"), strategy="pointwise")
    for made in result.summaries:
        assert tuple(line.partition(":")[0] for line in made.splitlines()) == PUBLISHED
    (schema,) = {json.dumps(request.sampling.json_schema) for request in model.requests if summarizing(request)}
    assert json.loads(schema)["required"] == list(HEADINGS)


@pytest.mark.parametrize("missing", HEADINGS)
def test_a_summary_that_lacks_a_heading_is_sent_back_and_then_nothing_is_scored(missing: str) -> None:
    def reply(request: Request) -> Any:
        return {key: "x" for key in HEADINGS if key != missing}

    model = ScriptedModel(reply)
    outcome = Judge.load("information_gain", model=model)(case("a", "b")).outcome
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "parse_failure"
    assert outcome.detail == "the summary of step 0 cannot be read"
    assert len(model.requests) == 3
    assert missing in str(model.requests[1].messages[-1]["content"])


# Braces

TEXT = st.text(st.sampled_from('{}[]"\\:, ab\n'), max_size=30)


@settings(deadline=None, max_examples=60)
@given(TEXT, st.dictionaries(TEXT, TEXT, max_size=2), TEXT)
def test_braces_inside_and_around_a_reply_do_not_change_what_is_read(
    before: str, arguments: dict[str, str], after: str
) -> None:
    call = f"search({json.dumps(arguments)}) }} {{"

    def reply(request: Request) -> Any:
        body = dict.fromkeys(HEADINGS, call)
        if not summarizing(request):
            body = {"dimensions": [{"name": "call", "assessment": call}], "score": 2.5}  # type: ignore[dict-item]
        told = json.dumps(body)
        return f"<think>{before.replace('<', '')}</think>{told} {after.replace('{', '')}"

    result = Judge.load("information_gain", model=ScriptedModel(reply)).rank(case("a", "b"), strategy="pointwise")
    assert isinstance(result.outcome, Ranking), result.outcome
    assert result.outcome.scores == (2.5, 2.5)
    assert all(call in made for made in result.summaries)


# Scores that are none

BAD: list[tuple[str, Any]] = [
    ("above the scale", {"dimensions": ASSESSED, "score": 4.01}),
    ("below the scale", {"dimensions": ASSESSED, "score": -40}),
    ("without end", written("Infinity")),
    ("no number at all", written("NaN")),
    (
        "a number of hundreds of digits",
        written("-1" + "0" * 400),
    ),
    ("text", {"dimensions": ASSESSED, "score": "3"}),
    ("a truth value", {"dimensions": ASSESSED, "score": True}),
    ("nothing", {"dimensions": ASSESSED, "score": None}),
    ("a list", {"dimensions": ASSESSED, "score": [3]}),
    ("no score", {"dimensions": ASSESSED}),
    ("no dimensions", {"score": 3}),
    ("an empty list of dimensions", {"dimensions": [], "score": 3}),
    ("dimensions that say nothing", {"dimensions": [{"name": "progress", "assessment": " "}], "score": 3}),
    ("dimensions that are no objects", {"dimensions": ["progress"], "score": 3}),
    ("a box, as published", "\\boxed_score{3}"),
    ("prose", "I would say 3 of 4."),
    ("an empty reply", ""),
    (
        "a cut reply",
        Choice(assistant(written("3")[:-1]), finish="length"),
    ),
    ("a score in its thoughts only", f"<think>{written('3')}"),
    ("deep nesting", '{"dimensions": ' + "[" * 100_000),
]


@pytest.mark.parametrize(("name", "bad"), BAD, ids=[name for name, _ in BAD])
def test_a_score_that_cannot_be_read_is_none_and_never_the_lowest(name: str, bad: Any) -> None:
    def reply(request: Request) -> Any:
        return bad if "BAD" in request.text else {"dimensions": ASSESSED, "score": -4}

    judge = Judge.load("information_gain", model=ScriptedModel(reply))
    ranked = judge.rank(case("BAD", "worst", past=None), strategy="pointwise").outcome
    assert isinstance(ranked, Ranking)
    assert ranked.scores == (None, -4.0)  # the one that is scored goes first, though none could be worse
    assert ranked.ranking == ("B",)
    for judged in (case("BAD", past=None), case(past=Trajectory(steps=(Step(thought="BAD"),)))):
        outcome = judge(judged).outcome
        assert isinstance(outcome, Unscored)
        assert outcome.reason == "parse_failure"
        assert outcome.detail.startswith("candidate A: " if judged.candidates else "step 0: ")


@pytest.mark.parametrize(("name", "bad"), BAD[:3], ids=[name for name, _ in BAD[:3]])
def test_it_is_sent_back_with_the_reason_and_the_next_reply_counts(name: str, bad: Any) -> None:
    model = ScriptedModel([bad, {"dimensions": ASSESSED, "score": 2}])
    outcome = Judge.load("information_gain", model=model)(case("a", past=None)).outcome
    assert isinstance(outcome, Verdict)
    assert outcome.scores == (2.0,)
    asked_again = str(model.requests[1].messages[-1]["content"])
    assert "score must be" in asked_again
    assert "-4" in asked_again or "finite" in asked_again or "number" in asked_again


def test_a_guided_search_does_not_take_an_unreadable_score_for_the_worst() -> None:
    class Agent:
        async def propose(self, prompt: str, steps: Any, seed: int) -> Step | None:
            return Step(thought=f"answer {'BAD' if seed % 2 else 'worst'}")

        async def execute(self, step: Step) -> str:
            raise AssertionError("nothing is to be carried out")

    def reply(request: Request) -> Any:
        return "no" if "BAD" in request.text else {"dimensions": ASSESSED, "score": -4}

    found = guide(Agent(), Judge.load("information_gain", model=ScriptedModel(reply)), n=2)("?")
    (choice,) = found.choices
    assert choice.scores == (-4.0, None)
    assert (found.answer, choice.judged) == ("answer worst", True)
    assert choice.failure.startswith("parse_failure: candidate B")


@pytest.mark.parametrize("score", [-4, -4.0, 4, 0, -0.0, 3.9, 2.55])
def test_all_of_the_scale_can_be_given(score: float) -> None:
    model = ScriptedModel([{"dimensions": ASSESSED, "score": score}])
    outcome = Judge.load("information_gain", model=model)(case("a", past=None)).outcome
    assert isinstance(outcome, Verdict)
    assert outcome.scores == (score,)
