"""`logprobs`: read the probability of each label at the verdict token, instead of the token that was sampled.

The model is asked for one letter or digit; the probabilities of all labels, taken from the alternatives that the model
reports for that token and normalised over the labels, give a confidence, and scores weighted by probability (as
G-Eval does for its 1-to-5 scale: Liu et al. 2023, §3, "scoring function"). Nothing is written, so the rationale is
empty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from adjudge.agents import material
from adjudge.agents.deciding.question import Question
from adjudge.agents.form import weighted_mean
from adjudge.agents.work import Report
from adjudge.errors import ConfigError
from adjudge.fences import fence
from adjudge.models import TokenLogprob
from adjudge.types import TIE, CriterionScore, Message, Scale, Unscored, Verdict, letter, ranking_of, winner_of

MOST_LABELS = 20  # alternatives per token that OpenAI's API and vLLM's default report


async def read_logprobs(question: Question) -> Report:
    """Decide by the probabilities of the labels."""
    if question.setting.mode in ("pairwise", "listwise"):
        return await _compare(question)
    return await _grade(question)


def check_scale(scale: Scale, key: str) -> None:
    """Refuse a scale whose points cannot be told apart by one token.

    Raises:
        ConfigError: There are too many points, or the scale is not of whole numbers.
    """
    points = scale.labels or scale.integers
    if not 2 <= len(points) <= MOST_LABELS:
        raise ConfigError(
            "decide: logprobs needs labels, or a scale of whole numbers with at most 20 points",
            key=key,
            found=scale.describe(),
            hint="use decide: generate, or another scale",
        )


async def _compare(question: Question) -> Report:
    letters = question.letters()
    tie = TIE in question.setting.scale.labels
    options = {name: f"response {name}" for name in letters} | ({letter(len(letters)): "equally good"} if tie else {})
    if len(options) > MOST_LABELS:
        detail = f"{len(options)} labels are more than the {MOST_LABELS} whose probabilities a model reports"
        return Report("failed", outcome=Unscored(reason="parse_failure", detail=detail))
    listed = "; ".join(f"{name} for {what}" for name, what in options.items())
    asked = f"Which response is best? Reply with a single letter: {listed}."
    found = await _probabilities(question, 0, asked, list(options))
    if isinstance(found, Unscored):
        return Report("failed", outcome=found)
    place = max(range(len(found)), key=found.__getitem__)
    if tie and place == len(letters):
        return Report(outcome=Verdict(winner=TIE, confidence=found[place]))
    scores = _spread(found[: len(letters)], question.setting.scale)
    winner = winner_of(tuple(found[: len(letters)]))
    return Report(outcome=Verdict(scores=scores, winner=winner, ranking=ranking_of(scores), confidence=found[place]))


def _spread(probabilities: Sequence[float], scale: Scale) -> tuple[float, ...]:
    """Probabilities in [0, 1] laid on the scale."""
    low, high = (scale.low, scale.high) if scale.numeric else (0.0, 1.0)
    return tuple(low + (high - low) * p for p in probabilities)


async def _grade(question: Question) -> Report:
    """Score each criterion, candidate or step by itself, one call each."""
    scale = question.setting.scale
    values = [float(v) for v in range(len(scale.labels))] if scale.labels else [float(v) for v in scale.integers]
    scores: list[float] = []
    sureness: list[float] = []
    for number, (subject, about) in enumerate(_subjects(question)):
        names, legend = _options(scale)
        about = about if question.seen is None else "How much does this step help towards the answer?"
        asked = f"{about} Reply with a single character: {legend}."
        alone = None if question.seen is None else question.of_step(_place(question, number), asked)
        found = await _probabilities(question, number, asked, names, subject, alone)
        if isinstance(found, Unscored):
            return Report("failed", outcome=found)
        mean = sum(p * value for p, value in zip(found, values, strict=True))
        scores.append(min(max(mean, values[0]), values[-1]))  # rounding may lead past an end by a hair
        sureness.append(max(found))
    return Report(outcome=_graded(question, tuple(scores), min(sureness)))


def _place(question: Question, number: int) -> int:
    """Which candidate, or step of the trajectory, is the subject of this number."""
    return question.work.order[number] if question.work.case.candidates else number


def _graded(question: Question, scores: tuple[float, ...], confidence: float) -> Verdict:
    scale, case = question.setting.scale, question.work.case
    if question.setting.mode == "pointwise":
        criteria = tuple(
            CriterionScore(name=criterion.name, score=score, weight=criterion.weight)
            for criterion, score in zip(question.criteria, scores, strict=False)
        )
        score = weighted_mean(criteria) if criteria else scores[0]
        label = scale.labels[round(score)] if scale.labels else None
        return Verdict(scores=(score,), criteria=criteria, label=label, confidence=confidence)
    if case.candidates:
        return Verdict(scores=scores, winner=winner_of(scores), ranking=ranking_of(scores), confidence=confidence)
    middle = (scale.low + scale.high) / 2
    wrong = next((number for number, score in enumerate(scores) if score < middle), None)
    return Verdict(scores=scores, first_wrong_step=wrong, confidence=confidence)


def _subjects(question: Question) -> list[tuple[str, str]]:
    """What is graded, one call each: its text, and the question about it."""
    case, order = question.work.case, question.work.order
    if question.setting.mode == "pointwise":
        response = material.responses(case, order)
        if not question.criteria:
            return [(response, "How good is the response?")]
        return [
            (
                f"{response}\n\nJudge by this criterion alone:\n{material.criteria([c])}",
                "How well is the criterion met?",
            )
            for c in question.criteria
        ]
    if case.candidates:
        return [(material.candidate(case.candidates[index], "step"), "How good is this next step?") for index in order]
    steps = case.trajectory.steps if case.trajectory is not None else ()
    return [(fence(f"step {n}", step.render(ran=True)), f"How right is step {n}?") for n, step in enumerate(steps)]


def _options(scale: Scale) -> tuple[list[str], str]:
    """One character for each point of the scale: the digit itself, or a letter where a point needs more."""
    points = list(scale.labels) or [str(value) for value in scale.integers]
    if all(len(point) == 1 and point.isdigit() for point in points):
        return points, f"a digit from {points[0]} (worst) to {points[-1]} (best)"
    names = [letter(place) for place in range(len(points))]
    return names, "; ".join(f"{name} for {point}" for name, point in zip(names, points, strict=True))


async def _probabilities(
    question: Question,
    attempt: int,
    asked: str,
    names: Sequence[str],
    subject: str | None = None,
    alone: list[Message] | None = None,
) -> list[float] | Unscored:
    """Probability of each name as the first token of the reply, normalised over the names."""
    sampling = question.sampling(max_tokens=1, top_logprobs=MOST_LABELS, temperature=0.0)
    if alone is None:
        choice = await question.ask(attempt, question.messages(asked, subject), sampling)
    else:
        at = question.work.at(attempt=attempt)
        choice = (await question.run.chat(at, question.setting.model, alone, sampling=sampling)).choices[0]
    tokens = choice.logprobs
    mass = label_mass(tokens[0], names) if tokens else [0.0]
    if not sum(mass) > 0.0:  # nothing, or not a number
        found = "no log-probabilities" if not tokens else f"a token {tokens[0].token!r}"
        detail = f"none of the labels {', '.join(names)} is among the likely first tokens; the model gave {found}"
        return Unscored(reason="parse_failure", detail=detail)
    return [value / sum(mass) for value in mass]


def label_mass(token: TokenLogprob, names: Sequence[str]) -> list[float]:
    """Probability of each label at one token; spellings that differ in white space or case are added up."""
    alternatives = token.top or ((token.token, token.logprob),)
    mass = dict.fromkeys(names, 0.0)
    for text, logprob in alternatives:
        name = text.strip().upper()
        if name in mass:
            mass[name] += math.exp(logprob)
    return [mass[name] for name in names]
