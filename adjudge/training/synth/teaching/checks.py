"""Whether what a teacher wrote is what was asked for: one labelled defect and no other difference that rules can see.

Rules see words, names, numbers and stretches that differ. They do not see whether the good response is true beyond its
names and numbers: a teacher that cannot read the document passes them, and nothing here replaces reading a sample.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import NamedTuple

from adjudge.training.synth.defects import Defect
from adjudge.training.synth.kinds import OPPOSITES, STOP
from adjudge.training.synth.matching import content

LENGTHS = (0.6, 1.67)  # characters of bad for each of good
MOST_CHANGED = 10  # words of one swapped stretch
_SWAPS = ("entity", "number", "date", "attribution")
_DENYING = frozenset(
    "not no never none neither nor without cannot isn't aren't wasn't weren't didn't doesn't don't".split()
)


class Written(NamedTuple):
    """What a teacher wrote."""

    question: str
    good: str
    bad: str
    right: str = ""
    wrong: str = ""


def problem(written: Written, defect: Defect, text: str) -> str:
    """What is wrong with it, in words for the teacher; empty where nothing is.

    Args:
        written: The example.
        defect: Which was asked for.
        text: The document, title included.
    """
    if not all(part.strip() for part in (written.question, written.good, written.bad)):
        return "question, good and bad must hold text"
    if _plain(written.good) == _plain(written.bad):
        return "good and bad are the same"
    if not LENGTHS[0] <= len(written.bad) / len(written.good) <= LENGTHS[1]:
        return "good and bad must be about equally long"
    if foreign := _unknown(written.good, text):
        return f"good holds what the document does not: {foreign}"
    if written.right and defect in _SWAPS and _has(written.question, written.right):
        return "the question gives the right value away"
    if defect in _SWAPS:
        return _swap_problem(written, defect)
    return {"negation": _negation_problem, "omission": _omission_problem, "addition": _addition_problem}[defect](
        written, text
    )


def _swap_problem(written: Written, defect: Defect) -> str:
    if not (written.right and written.wrong and _has(written.good, written.right) and _has(written.bad, written.wrong)):
        return "right must stand in good, and wrong in bad, word for word"
    if defect in ("number", "date") and not re.search(r"\d|" + _NUMBER_WORDS, f"{written.right} {written.wrong}"):
        return f"right and wrong must be of the kind: {defect}"
    if defect == "attribution" and Counter(_words(written.good)) == Counter(_words(written.bad)):
        return ""  # two names have changed places
    if _has(written.good, written.wrong):
        return "wrong must not stand in good"
    changed = _changed(written)
    if len(changed) > 1 or (changed and max(map(len, changed[0])) > MOST_CHANGED):
        return "good and bad differ in more than one place"
    return ""


_NUMBER_WORDS = r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|first|second|third|half|twice)\b"


def _negation_problem(written: Written, text: str) -> str:
    if _facts(written.good) != _facts(written.bad):
        return "good and bad must hold the same names and numbers"
    turned = {word for pair in OPPOSITES for word in pair} | _DENYING
    differing = {word for pair in _changed(written) for side in pair for word in side}
    if not differing & turned:
        return "bad must deny what good says, or the other way round"
    return "" if len(_changed(written)) <= 2 else "good and bad differ in more than the negation"


def _omission_problem(written: Written, text: str) -> str:
    if not written.right or not _has(written.good, written.right) or _has(written.bad, written.right):
        return "right must stand in good and be missing in bad"
    foreign = _unknown(written.bad, text)
    return f"bad may leave out, not invent: {foreign}" if foreign else ""


def _addition_problem(written: Written, text: str) -> str:
    if not written.wrong or not _has(written.bad, written.wrong) or _has(written.good, written.wrong):
        return "wrong must be the addition, standing word for word in bad and not in good"
    if content(written.wrong) <= content(text):
        return "the addition must hold something that the document does not"
    rest = content(written.bad.replace(written.wrong, " "))
    strange = rest - content(text) - content(written.good)
    return f"bad differs in more than the addition: {', '.join(sorted(strange)[:3])}" if len(strange) > 4 else ""


def _changed(written: Written) -> list[tuple[list[str], list[str]]]:
    """The stretches of words that differ, as they stand in good and in bad."""
    good, bad = _words(written.good), _words(written.bad)
    codes = SequenceMatcher(None, good, bad, autojunk=False).get_opcodes()
    return [
        (good[a:b], bad[c:d]) for name, a, b, c, d in codes if name != "equal" and {*good[a:b], *bad[c:d]} - {"a", "an"}
    ]


def _facts(text: str) -> set[str]:
    """Figures, and capitalised words that do not begin a sentence, in lower case."""
    names = re.findall(r"(?<![.!?\"“] )(?<!^)\b[A-Z][\w-]*", text.strip())
    figures = re.findall(r"\d+(?:[.,]\d+)*", text)
    return {word.lower() for word in (*names, *figures)} - STOP


def _unknown(said: str, text: str) -> str:
    """The first names and figures of what is said that the text does not have."""
    known = {*_words(text), *re.findall(r"\w+(?:-\w+)*|\d+(?:[.,]\d+)*", text.lower())}
    return ", ".join(sorted(_facts(said) - known)[:3])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:[.,]\d+)*(?:n['’]t)?", text.lower())


def _plain(text: str) -> str:
    return " ".join(_words(text))


def _has(text: str, part: str) -> bool:
    return f" {_plain(part)} " in f" {_plain(text)} "
