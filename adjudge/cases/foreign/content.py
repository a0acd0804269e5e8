"""The content of a message: text, or a list of blocks of many kinds."""

from __future__ import annotations

import json
from typing import NamedTuple

from adjudge.cases.foreign.part import Part
from adjudge.types import Block
from adjudge.types.conversation import joined
from adjudge.types.messages import text_of

_TEXT = ("text", "input_text", "output_text", "summary_text", "reasoning_text")
_THOUGHT = ("thinking", "reasoning")
_IMAGE = ("image", "image_url", "input_image")
_UNSEEN = ("audio", "input_audio", "video", "video_url", "file", "input_file", "redacted_thinking")
BLOCKS = (*_TEXT, *_THOUGHT, *_IMAGE, *_UNSEEN, "refusal")


class Content(NamedTuple):
    """What a message says."""

    blocks: list[Block]
    thought: str = ""  # reasoning that stands among the blocks
    refusal: str = ""

    @property
    def shown(self) -> str | list[Block]:
        """Text, or blocks where there are images."""
        if any(block["type"] == "image_url" for block in self.blocks):
            return self.blocks
        return text_of(self.blocks)

    @property
    def said(self) -> str:
        """What an assistant says: its text in one piece, as the libraries' own `text` gives it, and its refusal."""
        text = "".join(block["text"] for block in self.blocks if block["type"] == "text")
        return joined(text, f"Refusal: {self.refusal}" if self.refusal else "")


def content_of(part: Part, *, images: bool, elsewhere: tuple[str, ...] = ()) -> Content:
    """Read a message's content.

    Args:
        part: Text, a list of blocks, or None.
        images: Whether images are kept; else it is only said that there was one.
        elsewhere: Kinds of blocks to be passed over, because what they say stands elsewhere in the message too.

    Raises:
        CaseError: It is of another type, a block is of an unknown kind, or an image that is kept has no address.
    """
    if part.value is None:
        return Content([])
    if isinstance(part.value, str):
        return Content([_text(part.value)])
    blocks: list[Block] = []
    thoughts: list[str] = []
    refusals: list[str] = []
    for item in part.items("text or a list of blocks"):
        kind = "text" if isinstance(item.value, str) else item.get("type").value
        if isinstance(item.value, str):
            blocks.append(_text(item.value))
        elif kind in _TEXT:
            blocks.append(_text(item.get("text").text()))
        elif kind in _THOUGHT:
            thoughts.append(thought_of(item))
        elif kind in _IMAGE:
            blocks.append(_image(item) if images else _text("(an image)"))
        elif kind in _UNSEEN:
            blocks.append(_text(f"({kind}, not shown)"))
        elif kind == "refusal":
            refusals.append(item.get("refusal").text())
        elif kind not in elsewhere:
            raise item.get("type").error("this kind of block is not known", found=kind, allowed=BLOCKS)
    return Content(blocks, joined(*thoughts), joined(*refusals))


def thought_of(block: Part) -> str:
    """The text of a block or an item of reasoning; empty where a provider keeps it to itself."""
    for key in ("thinking", "reasoning", "text"):
        if (word := block.get(key).word()) is not None:
            return word
    pieces = [item.get("text").word() or "" for key in ("summary", "content") for item in _listed(block.get(key))]
    return joined(*pieces)


def result_of(part: Part) -> str:
    """What a tool gave back: text, the text of blocks, or any other JSON as it is."""
    value = part.value
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(item, str) or _is_block(item) for item in value):
        return text_of(content_of(part, images=False).blocks)
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_block(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") in BLOCKS


def _listed(part: Part) -> list[Part]:
    return part.items() if isinstance(part.value, list) else []


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _image(part: Part) -> Block:
    url = _address(part)
    if url is None:
        hint = 'give its address: {"type": "image_url", "image_url": {"url": …}}'
        raise part.error("this image has neither an address nor data", hint=hint)
    return {"type": "image_url", "image_url": {"url": url}}


def _address(part: Part) -> str | None:
    """Where an image is, in any of the ways in which blocks write it; data as a `data:` URL."""
    nested, source = part.get("image_url"), part.get("source")
    for place in (nested, nested.get("url"), part.get("url"), part.get("image"), source.get("url")):
        if (url := place.word()) is not None:
            return url
    data = part.get("base64").word() or part.get("data").word() or source.get("data").word()
    mime = part.get("mime_type").word() or source.get("media_type").word() or "image/png"
    return f"data:{mime};base64,{data}" if data else None
