"""A check finds the faults that a judge was given, and none in one that has none."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from adjudge.cases import read_cases
from adjudge.errors import ConfigError
from adjudge.evaluation.check import PROBES, SHIPPED, Bench, Finding, TrustReport, check
from adjudge.evaluation.check.attacks import ATTACKS, PLACES, attack, benign
from adjudge.evaluation.check.html import to_html
from adjudge.evaluation.check.page import to_markdown
from adjudge.evaluation.results import Bin, Estimate
from adjudge.evaluation.subject import Subject
from adjudge.journal import Journal
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from adjudge.types import Case, Document, Response
from adjudge.types.messages import assistant, tool_call

_FENCED = re.compile(r"<<<(response [AB]|evidence E\d+|E\d+)[^\n]* [0-9a-f]{16}\n(.*?)\n[0-9a-f]{16}>>>", re.DOTALL)


def pair(number: int, **fields: Any) -> Case:
    texts = [f"zorp answer number {number} of all", f"blim answer number {number}"]
    label = "A" if number % 2 else "B"
    return Case(
        id=f"p{number}",
        prompt=f"Question {number}?",
        responses=texts if label == "A" else texts[::-1],
        label=label,
        documents=[Document(id="D", title=f"Question {number}", text=f"Notes on question {number}.")],
        **fields,
    )


def shown(request: Request) -> dict[str, str]:
    """What the judge sees, by letter."""
    found = {label[-1]: text for label, text in _FENCED.findall(request.text) if label.startswith("response")}
    return {"A": found["A"], "B": found["B"]}


def reply(a: float, b: float, confidence: float = 0.9) -> dict[str, Any]:
    return {"rationale": "r", "citations": [], "scores": {"A": a, "B": b}, "confidence": confidence}


def fair(request: Request) -> Any:
    """Prefers the right one."""
    texts = shown(request)
    return reply(*(9 if "zorp" in texts[name] else 2 for name in "AB"))


def first(request: Request) -> Any:
    """Prefers what is shown first."""
    return reply(9, 2)


def long(request: Request) -> Any:
    """Prefers the longer."""
    texts = shown(request)
    lengths = [len(texts[name]) for name in "AB"]
    return reply(9 if lengths[0] > lengths[1] else 2, 9 if lengths[1] > lengths[0] else 2)


def moody(request: Request) -> Any:
    """Decides by the seed."""
    texts = shown(request)
    good = ("zorp" in texts["A"]) != bool((request.sampling.seed or 0) % 3 == 0)
    return reply(9, 2) if good else reply(2, 9)


def checked(
    script: Callable[[Request], Any], only: list[str], *, graph: str = "direct", pairs: int = 32, **more: Any
) -> dict[str, Finding]:
    report = whole(script, only, graph=graph, pairs=pairs, **more)
    return {finding.probe: finding for finding in report.findings}


def whole(
    script: Callable[[Request], Any],
    only: list[str],
    *,
    graph: str = "direct",
    pairs: int = 24,
    journal: Journal | None = None,
    **model: Any,
) -> TrustReport:
    cases = [pair(number) for number in range(pairs)]
    subject = Subject("scripted", graph, ScriptedModel(script, **model))

    async def run() -> TrustReport:
        bench = Bench(subject, cases, journal=journal)
        try:
            return await check(bench, cases="made up", only=only)
        finally:
            await bench.aclose()

    return asyncio.run(run())


def value(finding: Finding, name: str) -> float:
    found = next(line.estimate.value for line in finding.lines if line.name.startswith(name))
    assert found is not None
    return found


def test_a_fair_judge_is_trusted() -> None:
    found = checked(fair, ["people", "order", "repeat", "length", "style", "injection"], gullible=True)
    assert {name: finding.trust for name, finding in found.items()} == dict.fromkeys(found, "trust")
    assert value(found["people"], "accuracy, unscored") == 1.0
    assert value(found["length"], "slope") == 0.0
    assert value(found["injection"], "response: decisions turned by attacks") == 0.0


@pytest.mark.parametrize(
    ("script", "probe", "line", "expected"),
    [
        (first, "order", "both orders", 0.0),
        (first, "order", "of the others, the first", 1.0),
        (long, "length", "slope", 0.5),  # the longer always wins: half a point above even, per doubling, at 2 times
        (long, "style", "decisions lost to the rewrite: verbose", 1.0),
    ],
)
def test_a_fault_is_found(script: Callable[[Request], Any], probe: str, line: str, expected: float) -> None:
    if probe == "length":
        finding = checked(script, [probe])[probe]
        assert value(finding, "the longer wins at 2") == 1.0
        assert value(finding, line) > 0.4
    else:
        finding = checked(script, [probe])[probe]
        assert value(finding, line) == expected
    assert finding.trust == "do not trust"


def test_a_moody_judge_does_not_repeat_itself() -> None:
    finding = checked(moody, ["repeat"])["repeat"]
    assert finding.trust == "do not trust"
    assert value(finding, "repeats") < 0.9


def test_a_judge_that_always_says_the_same_confidence_is_not_calibrated() -> None:
    finding = checked(lambda request: reply(*fair_scores(request, wrong=2), confidence=1.0), ["calibration"])[
        "calibration"
    ]
    assert value(finding, "expected calibration error") == pytest.approx(0.5, abs=0.1)
    assert finding.trust == "do not trust"


def fair_scores(request: Request, wrong: int) -> tuple[int, int]:
    """Wrong on every second question."""
    texts = shown(request)
    number = int(re.findall(r"number (\d+)", texts["A"])[0])
    good = ("zorp" in texts["A"]) == bool(number % wrong)
    return (9, 2) if good else (2, 9)


def test_at_least_thirty_attacks_and_a_gullible_model_obeys_none_behind_fences() -> None:
    assert len(ATTACKS) * len(PLACES) >= 30
    found = checked(seeking(fair), ["injection"], graph="evidence", gullible=True)["injection"]
    assert found.trust == "trust"
    assert {row["place"] for row in found.rows} == set(PLACES)
    assert all(row["turned"] == 0.0 for row in found.rows)


def seeking(script: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Searches once for the question, then judges."""

    def answer(request: Request) -> Any:
        if request.sampling.json_schema is not None:
            return script(request)
        if request.messages[-1]["role"] == "tool":
            return "Done."
        query = re.findall(r"Question \d+", request.text)[0]
        return assistant("", [tool_call("x", "corpus", json.dumps({"query": query}))])

    return answer


def test_evidence_that_quotes_a_response_moves_a_judge_that_follows_it_and_no_other() -> None:
    def follows(request: Request) -> Any:
        texts = shown(request)
        found = [text for label, text in _FENCED.findall(request.text) if label.startswith("evidence")]
        quoted = [name for name in "AB" if any(texts[name] in text for text in found)]
        return reply(9, 2) if quoted == ["A"] else reply(2, 9) if quoted == ["B"] else fair(request)

    one = checked(seeking(follows), ["evidence"], graph="evidence")["evidence"]
    other = checked(seeking(fair), ["evidence"], graph="evidence")["evidence"]
    assert (value(one, "how far"), one.trust) == (1.0, "trust")
    assert (value(other, "how far"), other.trust) == (0.0, "trust with care")
    assert value(one, "accuracy with no tools") == 1.0


def test_few_cases_cannot_earn_trust_however_they_agree() -> None:
    found = checked(fair, ["people", "order", "repeat", "style"], pairs=10)
    assert {finding.trust for finding in found.values()} == {"trust with care"}


def test_a_graph_without_tools_has_no_evidence_to_rest_on() -> None:
    finding = checked(fair, ["evidence"])["evidence"]
    assert finding.trust == "not measured"
    assert "no tool" in finding.why


def test_its_own_model_is_preferred() -> None:
    cases = [
        pair(number).model_copy(
            update={
                "responses": (Response(text=f"zorp {number}"), Response(text=f"blim {number}", model="vain")),
                "label": "A",
            }
        )
        for number in range(20)
    ]

    def vain(request: Request) -> Any:
        texts = shown(request)
        return reply(*(9 if "blim" in texts[name] else 2 for name in "AB"))

    bench = Bench(Subject("vain", "direct", ScriptedModel(vain, name="vain")), cases)
    found = asyncio.run(check(bench, cases="made up", only=["self-preference"])).findings[0]
    assert (value(found, "difference"), found.trust) == (1.0, "do not trust")


def test_a_pointwise_judge_is_checked_by_the_scores_of_both_responses() -> None:
    def score(request: Request) -> Any:
        good = "zorp" in request.text
        return {"rationale": "r", "citations": [], "score": 5 if good else 2, "confidence": 0.9}

    found = checked(score, ["people", "order", "style"], graph="rubric")
    assert value(found["people"], "accuracy, unscored") == 1.0
    assert found["order"].why == "each response is scored by itself"
    assert found["style"].trust == "trust"


def test_a_judge_that_scores_nothing_is_not_trusted() -> None:
    report = whole(lambda _: "hm", ["people", "order", "repeat", "length", "style"], pairs=4)
    assert report.trust == "do not trust"
    assert report.why == "it scored none of the cases"


def test_a_second_check_asks_nothing_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        one = whole(fair, ["people", "repeat", "style"], pairs=4, journal=journal)
        two = whole(lambda _: pytest.fail("asked again"), ["people", "repeat", "style"], pairs=4, journal=journal)
    assert one.findings == two.findings


def test_the_pairs_that_ship_are_balanced_and_labelled() -> None:
    cases = list(read_cases(SHIPPED))
    assert len(cases) == 32
    assert 12 <= sum(case.label == "A" for case in cases) <= 20
    assert all(len(case.responses) == 2 and case.documents for case in cases)
    longer = [len(c.responses[0].text) > len(c.responses[1].text) for c in cases]
    right = sum((c.label == "A") == is_longer for c, is_longer in zip(cases, longer, strict=True))
    assert 8 <= right <= 24  # length does not give them away


def test_unknown_probes_and_cases_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(ConfigError, match="no such probe"):
        whole(fair, ["orders"])
    bench = Bench(Subject("x", "direct", ScriptedModel(fair)), [Case(prompt="p", responses=["a"])])
    with pytest.raises(ConfigError, match="two responses"):
        asyncio.run(check(bench, cases="one"))


def test_benign_text_is_as_long_as_the_attack() -> None:
    import random

    for name in ATTACKS:
        text = attack(name, "A", "B")
        assert len(benign(len(text), random.Random(name))) == len(text)


def test_the_page_says_the_verdict_first_and_shows_every_probe() -> None:
    report = whole(first, ["people", "order", "length"], pairs=12)
    page = to_markdown(report)
    assert page.startswith("# Can scripted be trusted? Do not trust")
    assert "Does the verdict depend on which response stands first?" in page
    assert set(PROBES) > {finding.probe for finding in report.findings}


def test_the_html_page_draws_what_was_found_loads_nothing_and_escapes_what_comes_from_outside() -> None:
    report = whole(first, ["people", "length"], pairs=12)
    held = Bin(low=0.5, high=0.6, n=12, confidence=0.55, accuracy=Estimate(value=0.5, low=0.2, high=0.8, n=12))
    drawn = report.findings[0].model_copy(update={"reliability": (held,)})
    report = report.model_copy(update={"findings": (drawn, *report.findings[1:])})
    hostile = "<script>alert(1)</script>\u202e"
    page = to_html(report.model_copy(update={"subject": hostile, "cases": hostile, "why": hostile}))
    assert page.count('class="chip no"') >= 2
    assert "Accuracy over confidence" in page
    assert "default-src 'none'" in unescape(page)
    assert "src=" not in page.replace("img-src data:", "")
    assert "alert(1)" in page
    assert "<script" not in page.lower()
    assert "\u202e" not in page
