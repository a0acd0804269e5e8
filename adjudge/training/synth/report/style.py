"""Can a classifier tell good from bad by length and style alone? It should not: 50 ± 3 % (`openrm.md`, A.4).

Features see no content word: lengths, marks, capitals, digits, function words, negations. The classifier sees the
difference of two responses in a random order, and is cross-validated with all pairs of a document in one fold.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from adjudge.errors import MissingPackage
from adjudge.training.synth.report.shares import Share, share

_FUNCTION = (
    "the a an and or but of in on at by for from to with as is was were are be been it he she they its his her "
    "their this that which who not no never also than when while although however said says according after "
    "before during since"
).split()
_MARKS = ",.;:()\"'-–%/?"
FOLDS = 5


class Told(NamedTuple):
    """A pair as the classifier sees it."""

    good: str
    bad: str
    group: str  # of the document: never in two folds


def features(text: str) -> list[float]:
    """Length and style of a response; no content word."""
    words = re.findall(r"[\w'’-]+", text)
    low = [word.lower() for word in words]
    count = max(1, len(words))
    sizes = [len(words), len(text), sum(map(len, words)) / count, len(re.findall(r"[.!?](?:\s|$)", text))]
    shapes = [
        sum(word[:1].isupper() for word in words),
        sum(word.isdigit() for word in words),
        sum(character.isdigit() for character in text),
        sum(word.isupper() and len(word) > 1 for word in words),
        len(set(low)) / count,
        sum(word.endswith(("n't", "n’t")) or word in ("not", "no", "never", "without", "none") for word in low),
        float(text[:1].isupper()),
        float(text[-1:] == "."),
    ]
    marks = [text.count(mark) for mark in _MARKS]
    return [
        *map(float, sizes),
        *map(float, shapes),
        *map(float, marks),
        *(float(low.count(word)) for word in _FUNCTION),
    ]


def style_accuracy(pairs: Sequence[Told], *, seed: int = 0) -> dict[str, Share]:
    """Cross-validated accuracy of two classifiers on which of two responses is the good one.

    Raises:
        MissingPackage: scikit-learn is not installed.
    """
    if len({pair.group for pair in pairs}) < 2 * FOLDS:
        return {}
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        install = "pip install 'adjudge[eval]'"
        raise MissingPackage("sklearn", needed_for="the style classifier", install=install) from error
    models: dict[str, Any] = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.3)),
        "gradient boosting": HistGradientBoostingClassifier(max_iter=120, learning_rate=0.06, random_state=seed),
    }
    chance = random.Random(seed)
    flips = [chance.random() < 0.5 for _ in pairs]
    rows = [_row(pair, flip) for pair, flip in zip(pairs, flips, strict=True)]
    return {name: _validated(model, rows, flips, pairs, seed) for name, model in models.items()}


def _row(pair: Told, flip: bool) -> list[float]:
    one, two = features(pair.good), features(pair.bad)
    if flip:
        one, two = two, one
    return [a - b for a, b in zip(one, two, strict=True)]


def _validated(model: Any, rows: list[list[float]], flips: list[bool], pairs: Sequence[Told], seed: int) -> Share:
    import numpy as np
    from sklearn.model_selection import GroupKFold

    x, y = np.array(rows), np.array(flips, dtype=int)
    groups = [pair.group for pair in pairs]
    right = np.zeros(len(y))
    for train, test in GroupKFold(FOLDS, shuffle=True, random_state=seed).split(x, y, groups):
        model.fit(np.vstack([x[train], -x[train]]), np.concatenate([y[train], 1 - y[train]]))
        right[test] = model.predict(x[test]) == y[test]
    return share(right.tolist(), groups)
