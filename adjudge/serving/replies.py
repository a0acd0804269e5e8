"""Replies that only the server has."""

from __future__ import annotations

from typing import Self

from adjudge.judge import Judge
from adjudge.types import Frozen, JudgeResult, Mode, Scale


class Results(Frozen):
    """Results in the order of the cases; what is wrong with a case is its own result, of the reason `bad_case`."""

    results: tuple[JudgeResult, ...]


class Graph(Frozen):
    """A judge that is served."""

    name: str
    mode: Mode
    description: str
    scale: Scale
    decides: dict[str, str]
    fingerprint: str

    @classmethod
    def of(cls, judge: Judge) -> Self:
        """What is told of a judge: nothing of where its models and files are."""
        return cls(
            name=judge.spec.name,
            mode=judge.spec.mode,
            description=judge.spec.description,
            scale=judge.spec.scale,
            decides=judge.fingerprint.decide,
            fingerprint=judge.fingerprint.digest,
        )


class Graphs(Frozen):
    """All of them."""

    graphs: tuple[Graph, ...]


class Health(Frozen):
    """Whether the server takes requests."""

    status: str
    version: str
