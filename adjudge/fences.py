"""Fences around untrusted text: responses, pages and tool results are data, never instructions.

    <<<response A 3f9c…e1
    whatever was written
    3f9c…e1>>>

The mark in both lines is the hash of the fenced content, so whoever writes the content cannot know a mark that would
close its own fence: changing the content changes the mark. Rows of angle brackets inside are broken up as well, so that
a model that does not compare marks is not misled either; control characters become visible escapes.
"""

from __future__ import annotations

import hashlib
import re

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    r"\U000e0000-\U000e007f]"  # tag characters: a whole text can be hidden in them
)
_VISIBLE = {
    code: f"\\u{code:04x}" for code in (*range(0x3000), 0xFEFF, *range(0xE0000, 0xE0080)) if _CONTROL.match(chr(code))
}
_BRACKETS = re.compile(r"<<<+|>>>+")
_OPENING = re.compile(r"^<<<[^\n<>]* ([0-9a-f]{16})$", re.MULTILINE)
_FENCED = re.compile(r"^<<<[^\n<>]* ([0-9a-f]{16})\n(.*?)\n\1>>>", re.MULTILINE | re.DOTALL)


def fence(label: str, content: str) -> str:
    """Fenced text under a label of our own (never under text from outside).

    Args:
        label: What it is, for example `response A`.
        content: The untrusted text.
    """
    safe = clean(content)
    mark = hashlib.sha256(f"{label}\x1f{safe}".encode()).hexdigest()[:16]
    return f"<<<{label} {mark}\n{safe}\n{mark}>>>"


def clean(text: str) -> str:
    """Text without control characters, invisible direction marks or anything that looks like a fence."""
    visible = text.replace("\r\n", "\n")
    if _CONTROL.search(visible) is not None:
        visible = visible.translate(_VISIBLE)
    plain = _BRACKETS.sub(lambda match: " ".join(match.group()), visible)
    return plain.encode("utf-8", "replace").decode()


def outside(text: str) -> str:
    """What stands outside all fences: the only part of a prompt that may give instructions.

    Reads fences as a careful reader does: from an opening line to the first line with the same mark. An opening
    without its closing line hides nothing.
    """
    kept: list[str] = []
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        closing = text.find(f"\n{opening.group(1)}>>>", opening.end())
        if closing < 0:
            break
        kept.append(text[position : opening.start()])
        position = closing + len(opening.group(1)) + 4
    kept.append(text[position:])
    return "".join(kept)


def unfenced(text: str) -> str:
    """The text without the marks of its fences, for people to read."""
    return _FENCED.sub(r"\2", text)
