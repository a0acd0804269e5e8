"""Images of a case, resolved here and sent as data: a model server never fetches anything for us.

    case = await resolve_images(case, root=Path("cases"))

A path has to lie under the one folder that is allowed, a `data:` URL is checked, and a web address is fetched only by a
function that is handed in (which has a policy on addresses; this module has none). What comes out are `data:` URLs of
PNG, JPEG, WebP or GIF, recognised by their first bytes and not by what anybody says they are. Images are not decoded;
their size in pixels is read from the header, so that a small file cannot unfold to gigabytes in the model server.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import stat
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast

from adjudge.errors import CaseError, ModelError, ToolError, shorten
from adjudge.models.pixels import FORMATS, image_format, pixels
from adjudge.types import Case, Message
from adjudge.types.messages import Block, ImageBlock

MAX_BYTES = 10 * 1024 * 1024  # of one image
MAX_TOTAL = 40 * 1024 * 1024  # bytes, of all images of a case; a request to the server stays below its 64 MiB
MAX_PIXELS = 50_000_000  # of one image: 150 MB once it is decoded
MAX_IMAGES = 64
FetchImage = Callable[[str], Awaitable[bytes]]
Subject = TypeVar("Subject", Case, list[Message])


async def resolve_images(subject: Subject, root: Path | None, fetch: FetchImage | None = None) -> Subject:
    """The same case, or the same messages, with every image as a `data:` URL.

    Args:
        subject: A case, whose prompt is looked at, or a list of messages.
        root: The folder under which paths may lie, and from which relative ones start; None allows no paths.
        fetch: Fetches an image from a web address; None refuses them. It sees to it that the address may be fetched.

    Raises:
        CaseError: An image is missing, too large, of another kind, or comes from where none may come from; with its
            place, for example `prompt.0.content.1`.
    """
    if isinstance(subject, Case):
        if isinstance(subject.prompt, str) or not _has_images(subject.prompt):
            return subject
        resolved = await _messages(subject.prompt, root, fetch, f"case {subject.id!r}: prompt")
        return subject.model_copy(update={"prompt": resolved})
    if not _has_images(subject):
        return subject
    return await _messages(subject, root, fetch, "messages")


def _has_images(messages: Sequence[Message]) -> bool:
    contents = (message["content"] for message in messages)
    return any(block["type"] == "image_url" for content in contents if isinstance(content, list) for block in content)


async def _messages(
    messages: Sequence[Message], root: Path | None, fetch: FetchImage | None, where: str
) -> list[Message]:
    total = count = 0
    resolved: list[Message] = []
    for number, message in enumerate(messages):
        content = message["content"]
        if not isinstance(content, list):
            resolved.append(message)
            continue
        blocks: list[Block] = []
        for position, block in enumerate(content):
            if block["type"] != "image_url":
                blocks.append(block)
                continue
            key = f"{where}.{number}.content.{position}"
            data = await _bytes_of(block["image_url"]["url"], root, fetch, key)
            count, total = count + 1, total + len(data)
            if count > MAX_IMAGES or total > MAX_TOTAL:
                limit = f"{MAX_IMAGES} images and {MAX_TOTAL // 2**20} MiB"
                raise CaseError(f"more images than {limit} in one case", key=key, hint="leave some out, or shrink them")
            blocks.append(_as_data(block, data, key))
        resolved.append(cast("Message", {**message, "content": blocks}))
    return resolved


async def _bytes_of(url: str, root: Path | None, fetch: FetchImage | None, key: str) -> bytes:
    scheme = url.partition(":")[0].lower() if ":" in url[:32] else ""
    if scheme == "data":
        return _decoded(url, key)
    if scheme in ("http", "https"):
        return await _fetched(url, fetch, key)
    if scheme and not Path(url).is_absolute():
        problem = f"an image cannot come from a {scheme}: address"
        allowed = ("a path under the case folder", "data:image/…;base64,…", "http(s) where fetching is set up")
        raise CaseError(problem, key=key, found=url[:200], allowed=allowed)
    return await asyncio.to_thread(_read, url, root, key)


def _decoded(url: str, key: str) -> bytes:
    head, comma, body = url.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise CaseError(
            "a data URL of an image must be in base64", key=key, found=head[:60], hint="data:image/png;base64,…"
        )
    if len(body) > MAX_BYTES * 4 // 3 + 4:
        raise _too_large(key)
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CaseError(f"the base64 of a data URL cannot be read: {error}", key=key, found=body[:20]) from error


async def _fetched(url: str, fetch: FetchImage | None, key: str) -> bytes:
    if fetch is None:
        hint = "download it and give its path, or put it into the case as a data URL"
        raise CaseError("images are not fetched from the web here", key=key, found=url[:200], hint=hint)
    try:
        return await fetch(url)
    except (ToolError, ModelError) as error:
        raise CaseError(f"the image cannot be fetched: {error}", key=key, found=url[:200]) from error


def _read(written: str, root: Path | None, key: str) -> bytes:
    """The file, if it is one, lies under the root with all links followed, and is not too large."""
    if root is None:
        hint = "name the folder that images may come from, or use a data URL"
        raise CaseError("no folder is set that images may be read from", key=key, found=written[:200], hint=hint)
    try:
        base = root.resolve(strict=True)
        path = (base / written).resolve(strict=True)
        if not path.is_relative_to(base):
            problem = f"an image must lie under {str(base)!r}, with links followed"
            raise CaseError(problem, key=key, found=written[:200], hint="copy it there")
        return _contents(path, written, key)
    except (OSError, ValueError, RuntimeError) as error:  # absent, a NUL in the name, a circle of links
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CaseError(f"the image cannot be read: {reason}", key=key, found=written[:200]) from error


def _contents(path: Path, written: str, key: str) -> bytes:
    # A pipe would keep us waiting for ever, a link could have been put there since we looked.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise CaseError("an image must be a file", key=key, found=written[:200])
        return file.read(MAX_BYTES + 1)


def _as_data(block: ImageBlock, data: bytes, key: str) -> ImageBlock:
    if len(data) > MAX_BYTES:
        raise _too_large(key)
    kind = image_format(data)
    if kind is None:
        begins = shorten(data[:16])
        raise CaseError("this is no image that a model can read", key=key, found=begins, allowed=FORMATS)
    size = pixels(data, kind)
    if size is None:
        raise CaseError(f"the header of the {kind} image is damaged", key=key, hint="save the image again")
    if not 0 < size.width * size.height <= MAX_PIXELS:
        problem = f"the image has {size.width} x {size.height} pixels, allowed are 1 to {MAX_PIXELS:,} in all"
        raise CaseError(problem, key=key, hint="shrink it")
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return {"type": "image_url", "image_url": {**block["image_url"], "url": url}}


def _too_large(key: str) -> CaseError:
    return CaseError(f"an image has more than {MAX_BYTES // 2**20} MiB", key=key, hint="shrink it")
