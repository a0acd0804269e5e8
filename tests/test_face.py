"""The public face: every name is there, and importing the package loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

import adjudge

HEAVY = ("torch", "transformers", "langgraph", "langchain", "langchain_core", "vllm", "trl", "httpx", "bm25s")


def test_import_adjudge_loads_nothing_heavy() -> None:
    code = f"import sys, adjudge; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", adjudge.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(adjudge, name) is not None
    assert name in dir(adjudge)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Jugde'"):
        _ = adjudge.Jugde


def test_judging_with_a_scripted_model_loads_no_torch() -> None:
    code = (
        "import sys; from adjudge import Judge, ScriptedModel; Judge.load('direct', model=ScriptedModel());"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
