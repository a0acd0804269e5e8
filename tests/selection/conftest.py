"""Judges that follow a rule over the names in brackets with which responses begin: `[good] …`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from adjudge.types import letter

Says = Callable[[tuple[str, ...]], Mapping[str, Any] | list[float] | Exception]
_NAME = re.compile(r"^ ?\[([^\]]+)\]", re.MULTILINE)


def shown(request: Request) -> tuple[str, ...]:
    """The names of the responses, as the judge is shown them."""
    return tuple(_NAME.findall(request.text))


def judge_that(says: Says, graph: str = "direct", confidence: float | None = 0.9, **settings: Any) -> Judge:
    """A judge whose scores follow from the names that it is shown."""

    def reply(request: Request) -> str:
        said = says(shown(request))
        if isinstance(said, Exception):
            raise said
        letters = [letter(place) for place in range(len(shown(request)))]
        form: dict[str, Any] = {"confidence": confidence} if confidence is not None else {}
        if isinstance(said, list) and len(said) == 1:
            return json.dumps({"rationale": "It is so.", "citations": [], "score": said[0], **form})
        values = dict(zip(letters, said, strict=True)) if isinstance(said, list) else said
        body = {"scores": values} if isinstance(said, list) else values
        return json.dumps({"rationale": "It is so.", "citations": [], **form, **body})

    return Judge.load(graph, model=ScriptedModel(reply), scale={"min": 0, "max": 100}, **settings)


@pytest.fixture
def judging() -> Callable[..., Judge]:
    return judge_that


@pytest.fixture
def by_number() -> Says:
    """Scores a response by the number in its brackets."""
    return lambda names: [float(name) for name in names]
