"""README and docs are programs: every Python example runs and prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pytest_examples import CodeExample, EvalExample, find_examples

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _marked(example: CodeExample) -> object:
    slow = 'model="embedded"' in example.source
    return pytest.param(example, id=str(example), marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize("example", [_marked(example) for example in find_examples(*PAGES)])
def test_examples_in_the_documentation_run_and_print_what_they_say(
    example: CodeExample, eval_example: EvalExample
) -> None:
    if example.prefix != "python":
        pytest.skip("not a program")
    eval_example.set_config(line_length=120)
    eval_example.run_print_check(example)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_in_the_documentation_lead_somewhere(page: Path) -> None:

    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
