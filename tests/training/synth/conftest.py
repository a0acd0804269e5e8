from __future__ import annotations

import pytest

from adjudge.training.synth import Document
from tests.training.articles import article


@pytest.fixture(scope="session")
def articles() -> list[Document]:
    return [article(number) for number in range(120)]
