"""What other formats call the fields of a case. Used in hints only: a field is never renamed silently."""

from __future__ import annotations

from collections.abc import Iterable

from adjudge.errors import nearest

_OTHER_NAMES = {  # what other formats call the fields; used in hints only
    **dict.fromkeys(("question", "instruction", "input", "query", "messages", "conversation"), "prompt"),
    **dict.fromkeys(("response", "answer", "answers", "output", "outputs", "completion", "completions"), "responses"),
    **dict.fromkeys(("response_a", "response_b", "chosen", "rejected", "prediction"), "responses"),
    **dict.fromkeys(("ground_truth", "gold", "target", "expected", "solution"), "reference"),
    **dict.fromkeys(("context", "contexts", "passages"), "documents"),
    **dict.fromkeys(("winner", "score", "preferred"), "label"),
    **dict.fromkeys(("criteria", "guidelines"), "rubric"),
    **dict.fromkeys(("meta", "extra"), "metadata"),
    **dict.fromkeys(("uid", "idx", "qid", "case_id"), "id"),
}


def other_name(found: str, allowed: Iterable[str]) -> str | None:
    """A hint for a well-known name of another format; None when there is none, or its spelling gives it away."""
    name = _OTHER_NAMES.get(found)
    return None if name is None or name == nearest(found, allowed) else f"did you mean {name!r}?"
