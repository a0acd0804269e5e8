"""What the first bytes of an image tell: its format, and its size in pixels. Nothing is decoded.

Formats as in their specifications: PNG (W3C, §5.2 and §11.2.1), GIF89a (§17 and §18), JPEG (ITU T.81, Annex B), WebP
(RFC 9649, §2).
"""

from __future__ import annotations

from typing import NamedTuple

FORMATS = ("png", "jpeg", "webp", "gif")
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers that open a frame; the three others do not
_JPEG_BARE = {0x01, *range(0xD0, 0xD8)}  # markers without a length


class Size(NamedTuple):
    """Width and height in pixels, as the header has them; 0 is possible."""

    width: int
    height: int


def image_format(data: bytes) -> str | None:
    """One of `FORMATS`, by the first bytes; None for everything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None


def pixels(data: bytes, kind: str) -> Size | None:
    """The size of an image; None where the header does not tell.

    Args:
        data: The image.
        kind: What `image_format` found.
    """
    if kind == "png":
        return Size(_big(data[16:20]), _big(data[20:24])) if data[12:16] == b"IHDR" and len(data) >= 24 else None
    if kind == "gif":
        return Size(_little(data[6:8]), _little(data[8:10])) if len(data) >= 10 else None
    return _jpeg(data) if kind == "jpeg" else _webp(data)


def _jpeg(data: bytes) -> Size | None:
    """Segment by segment to the first that opens a frame; thumbnails lie inside segments and are skipped."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _JPEG_BARE:
            at += 2
        elif marker in _JPEG_FRAMES:
            return Size(_big(data[at + 7 : at + 9]), _big(data[at + 5 : at + 7]))
        else:
            at += 2 + max(_big(data[at + 2 : at + 4]), 2)
    return None


def _webp(data: bytes) -> Size | None:
    chunk = data[12:16]
    if len(data) < 30:
        return None
    if chunk == b"VP8X":
        return Size(_little(data[24:27]) + 1, _little(data[27:30]) + 1)
    if chunk == b"VP8L" and data[20] == 0x2F:
        bits = _little(data[21:25])
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return Size(_little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF)
    return None


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
