"""Results as a person reads them: a headline, a short form, and everything."""

from __future__ import annotations

import time

from adjudge.cli.processes import show_process, summary
from adjudge.cli.screen import Part, Screen, excerpt, one_line
from adjudge.cli.steps import judges_steps, reasons_of, show_steps
from adjudge.types import TIE, Answer, Case, Evidence, JudgeResult, Outcome, Unscored, Usage, Verdict, Vote, letter
from adjudge.types.messages import text_of


def headline(outcome: Outcome, *, of_steps: bool = False) -> str:
    """The outcome in a few words.

    Args:
        outcome: What came of a judgement, or a vote.
        of_steps: Whether the steps of a trajectory were judged.
    """
    if isinstance(outcome, Unscored):
        return f"unscored ({outcome.reason})"
    if isinstance(outcome, Answer):
        return "answer"
    if outcome.winner is not None:
        return "tie" if outcome.winner == TIE else f"{outcome.winner} wins"
    if outcome.label is not None:
        return str(outcome.label)
    if outcome.first_wrong_step is not None:
        return f"step {outcome.first_wrong_step} is wrong"
    if of_steps and outcome.scores:
        return "no step is wrong"
    return f"score {', '.join(f'{score:g}' for score in outcome.scores)}" if outcome.scores else "verdict"


def citations(outcome: Outcome) -> tuple[str, ...]:
    """Names of the evidence that an outcome relies on."""
    return () if isinstance(outcome, Unscored) else outcome.citations


def show_result(screen: Screen, result: JudgeResult, case: Case | None = None, *, responses: bool = True) -> None:
    """The verdict, its reasons, what it says of each step, what it cites, and what it cost.

    Args:
        screen: Where to.
        result: Of a judgement.
        case: What was judged, where it is known.
        responses: Whether the beginnings of the responses are shown.
    """
    outcome = result.outcome
    screen.line(*_head(result))
    if case is not None and responses:
        _responses(screen, case, result)
    if isinstance(outcome, Verdict):
        for item in outcome.criteria:
            screen.line(f"{item.name}: {item.score:g} (weight {item.weight:g}) {item.rationale}", indent=2)
        if outcome.rationale and not (case is not None and judges_steps(result) and reasons_of(outcome)):
            screen.line(("because ", "dim"), one_line(outcome.rationale), indent=2)
    elif isinstance(outcome, Answer):
        screen.block(outcome.text, indent=2)
    else:
        screen.line(("because ", "dim"), one_line(outcome.detail), indent=2)
    if result.process is not None:
        screen.line(("process ", "dim"), summary(result.process), indent=2)
    if case is not None:
        show_steps(screen, result, case)
    _cited(screen, result)
    screen.line(("cost    ", "dim"), cost(result.usage), indent=2)


def _head(result: JudgeResult) -> list[Part]:
    outcome = result.outcome
    style = "bold red" if isinstance(outcome, Unscored) else "bold green"
    facts: list[str] = []
    if isinstance(outcome, Verdict):
        if outcome.winner is not None and outcome.scores:
            facts.append("scores " + ", ".join(f"{letter(i)} {score:g}" for i, score in enumerate(_rounded(outcome))))
        if len(outcome.ranking) > 2:
            facts.append("ranking " + " > ".join(outcome.ranking))
        if outcome.confidence is not None:
            facts.append(f"confidence {outcome.confidence:.2f}")
        facts.append(_agreement(result))
    told = "".join(f"   {fact}" for fact in facts if fact)
    return [(f"{one_line(result.id)}: ", "bold"), (headline(outcome, of_steps=judges_steps(result)), style), told]


def _rounded(verdict: Verdict) -> list[float]:
    return [round(score, 2) for score in verdict.scores]


def _agreement(result: JudgeResult) -> str:
    """Whether the votes agree, orders of the responses told apart from samples."""
    orders = {vote.order for vote in result.votes}
    agreed = result.order_consistent
    if agreed is None:
        return ""
    what = "both orders" if len(orders) == 2 else f"{len(result.votes)} votes"
    if agreed:
        return f"{what} agree"
    steps = judges_steps(result)
    named = ", ".join(f"{name_of(vote)} says {headline(vote.outcome, of_steps=steps)}" for vote in result.votes)
    return f"{what} DISAGREE ({named})"


def name_of(vote: Vote) -> str:
    """A vote by the order of what was compared; of the steps of a trajectory there is none."""
    return "".join(map(letter, vote.order)) or f"sample {vote.sample}"


def _responses(screen: Screen, case: Case, result: JudgeResult) -> None:
    winner = result.outcome.winner if isinstance(result.outcome, Verdict) else None
    for index, text in enumerate(beginnings(case)):
        name = letter(index)
        screen.line((f"{name} ", "bold" if name == winner else "dim"), text, indent=2)


def beginnings(case: Case) -> list[str]:
    """The beginnings of what is compared: responses, or candidate steps as they are before they run."""
    told = [response.render() for response in case.responses]
    return [excerpt(text) for text in told or [step.unexecuted().render() for step in case.candidates]]


def _cited(screen: Screen, result: JudgeResult) -> None:
    names = citations(result.outcome)
    known = {item.name: item for item in result.evidence}
    for name in names:
        if name in known:
            screen.line(("cites   ", "dim"), *evidence_line(known[name]), indent=2)
    if not names and isinstance(result.outcome, Verdict) and result.evidence:
        screen.line(("cites   ", "dim"), f"nothing of the {len(result.evidence)} items found", indent=2)


def evidence_line(item: Evidence) -> list[Part]:
    """An item of evidence on one line."""
    title = one_line(item.title or item.source)
    return [(f"{one_line(item.name)} ", "cyan"), (f"{title}: " if title else "", "bold"), excerpt(item.excerpt)]


def _cached(usage: Usage) -> str:
    """How much of the prompts the server had in its prefix cache; nothing where it had none, or does not tell."""
    share = usage.tokens_cached / max(1, usage.tokens_in)
    return f" ({usage.tokens_cached:,} from the prefix cache, {share:.0%})" if usage.tokens_cached else ""


def cost(usage: Usage) -> str:
    """What a judgement cost, on one line."""
    parts = [
        _count(usage.model_calls, "model call"),
        _count(usage.tool_calls, "tool call"),
        f"{usage.tokens_in:,} tokens in" + _cached(usage),
        f"{usage.tokens_out:,} out",
        f"{usage.seconds:.1f} s",
    ]
    extras = {
        "failed tool call": usage.tool_failures,
        "repair": usage.repairs,
        "dropped citation": usage.dropped_citations,
        "blocked hit": usage.blocked_hits,
    }
    parts += [_count(number, name) for name, number in extras.items() if number]
    if usage.money is not None:
        parts.append(f"${usage.money:.4f}")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def show_everything(screen: Screen, result: JudgeResult, case: Case | None) -> None:
    """A result with the case in full, every item of evidence, every vote and the conversation."""
    if case is not None:
        _section(screen, "prompt")
        screen.block(case.question, indent=2)
        for index, response in enumerate(case.responses):
            _section(screen, f"response {letter(index)}")
            screen.block(response.render(), indent=2)
        for index, step in enumerate(case.candidates):
            _section(screen, f"candidate {letter(index)}")
            screen.block(step.unexecuted().render(), indent=2)
    for item in result.evidence:
        _evidence(screen, item)
    if result.process is not None:
        show_process(screen, result.process)
    steps = judges_steps(result)
    for vote in result.votes:
        order = f"{name_of(vote)}, " if vote.order else ""
        _section(screen, f"vote {order}sample {vote.sample}: {headline(vote.outcome, of_steps=steps)}")
        screen.block(_reasons(vote.outcome, of_steps=steps), indent=2)
    for message in result.trajectory:
        _section(screen, f"message, {message['role']} {message.get('name', '')}".rstrip())
        for call in message.get("tool_calls") or ():
            screen.line(f"calls {call['function']['name']} {call['function']['arguments']}", indent=2)
        screen.block(text_of(message["content"]), indent=2)
    _section(screen, "verdict")
    show_result(screen, result, case, responses=False)
    graph = result.graph
    screen.line(("judge   ", "dim"), f"{graph.name} ({graph.mode}) {graph.digest}", indent=2)


def _section(screen: Screen, title: str) -> None:
    screen.line((title, "bold underline"))


def _evidence(screen: Screen, item: Evidence) -> None:
    _section(screen, f"evidence {item.name} {item.title}")
    found = f"{item.tool} {item.arguments}" if item.tool else ""
    when = "" if item.time is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(item.time))
    facts = (("source", item.source), ("found by", found), ("at", when), ("sha256", item.digest))
    for name, fact in facts:
        if fact:
            screen.line((f"{name} ", "dim"), fact, indent=2)
    screen.block(item.excerpt, indent=2)


def _reasons(outcome: Outcome, *, of_steps: bool) -> str:
    if isinstance(outcome, Unscored):
        return outcome.detail
    if isinstance(outcome, Answer):
        return outcome.text
    names = map(str if of_steps else letter, range(len(outcome.scores)))
    scores = ", ".join(f"{name} {score:g}" for name, score in zip(names, outcome.scores, strict=True))
    parts = [f"steps {scores}" if of_steps and scores else scores, outcome.rationale]
    cited = f"cites {', '.join(outcome.citations)}" if outcome.citations else ""
    return "\n".join(part for part in (*parts, cited) if part)
