"""How much texts agree, without a model: for choosing among samples, and for telling whether more are needed (ours).

    agreement(a, b) = F1 of their content words; at most 0.5 where their numbers differ; 1 where they say the same

Of the result of a step only the first line is compared: the result itself stands there, its reasons below.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from adjudge.agents.seeding import content_words

AGREED = 0.8  # from here on two texts say the same; a guess, not measured
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")


def agreement(one: str, other: str) -> float:
    """How much two texts agree, in [0, 1]."""
    if _plain(one) == _plain(other):
        return 1.0
    a, b = (content_words(_NUMBER.sub(" ", text)) for text in (one, other))
    same = _numbers(one) == _numbers(other)
    if not a | b:
        return float(same and bool(_numbers(one)))
    shared = 2 * len(a & b) / (len(a) + len(b))
    return shared if same else min(shared, 0.5)


def medoid(texts: Sequence[str]) -> int:
    """The place of the text that agrees most with the others; the first of several.

    Raises:
        ValueError: There is none.
    """
    means = [sum(agreement(text, other) for other in texts) for text in texts]
    return max(range(len(texts)), key=lambda place: (round(means[place], 9), -place))


def settled(texts: Sequence[str]) -> bool:
    """Whether drawing more is not worth it: of two or more texts, more than half say the same as the medoid.

    After adaptive consistency (Aggarwal et al. 2023), with a plain majority in place of its posterior, and agreement in
    place of equality.
    """
    if len(texts) < 2:
        return False
    best = texts[medoid(texts)]
    return sum(agreement(best, text) >= AGREED for text in texts) > len(texts) / 2


def first_line(text: str) -> str:
    """The first line of a text that is not blank."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .")


def _numbers(text: str) -> set[float]:
    return {float(found.replace(",", "")) for found in _NUMBER.findall(text)}
