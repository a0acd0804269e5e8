"""Open pictures, alone or as pages of a PDF, and read the text on them. Runs in a child process.

The text is read by rapidocr with the models that its package brings; no model is ever fetched.
"""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from adjudge.errors import ToolError
from adjudge.tools.documents import pdf
from adjudge.tools.documents.content import content
from adjudge.tools.documents.kinds import Kind
from adjudge.tools.documents.layout import Box, Cell, markdown, rows

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 40_000_000  # of a picture that is opened
PAGE_SIDE = 2000  # pixels of a page of a PDF whose text is read: about 170 dots per inch of A4
OCR_PIXELS, OCR_SIDE = 4_000_000, 4000  # a larger picture is made smaller before its text is read
_MARGIN = 0.25  # of a box's height: how far it reaches beyond its text on each side
_FORMATS = {"png": ("PNG",), "jpeg": ("JPEG",)}


def read(data: bytes, kind: Kind) -> dict[str, Any]:
    """A picture as a document of one page that has yet to be read; it is decoded, so that damage is found now."""
    _open(data, kind)
    return content([None])


def texts(data: bytes, kind: Kind, pages: Sequence[int], seconds: float, threads: int) -> dict[str, Any]:
    """The lines of text on pages, as `[text, x0, y0, x1, y1]` with places relative to the page, from 0 to 1.

    Args:
        data: The file.
        kind: `pdf`, `png` or `jpeg`.
        pages: Their numbers, counted from 1.
        seconds: No further page is begun after this time; at least one is read.
        threads: How many threads may work on it.
    """
    deadline = time.monotonic() + seconds
    reader = _reader(threads)
    found: dict[str, Any] = {}
    for page in pages:
        if found and time.monotonic() > deadline:
            break
        picture = _sized(_sheet(data, kind, page, PAGE_SIDE))
        lines = markdown(rows(_cells(reader, picture)))
        found[str(page)] = [[line.text, *_relative(line.box, picture.width, picture.height)] for line in lines]
    return found


def shown(data: bytes, kind: Kind, page: int, side: int) -> dict[str, Any]:
    """A page as a PNG whose longer side has at most `side` pixels: base64, width and height."""
    picture = _sheet(data, kind, page, side)
    picture.thumbnail((side, side))
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=False)
    return {
        "png": base64.b64encode(written.getvalue()).decode("ascii"),
        "width": picture.width,
        "height": picture.height,
    }


def _sheet(data: bytes, kind: Kind, page: int, side: int) -> Image:
    return pdf.render(data, page, side) if kind == "pdf" else _open(data, kind)


def _open(data: bytes, kind: Kind) -> Image:
    """A picture, upright and in colour, checked for its size before a pixel of it is decoded."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # ours is checked below, and is lower
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS[kind])
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise ToolError(
                f"the picture has {width} × {height} pixels; at most {MOST_PIXELS // 10**6} million are read"
            )
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        # Pillow raises SyntaxError for a broken PNG, and ValueError for text in one that unpacks to too much.
        raise ToolError(f"the picture is damaged or cut off, so it cannot be read ({error})") from error
    return _on_white(upright)


def _on_white(picture: Image) -> Image:
    """Without transparency, which would read as black."""
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return picture.convert("RGB")


def _sized(picture: Image) -> Image:
    """A picture in the size in which its text is read best: small ones doubled, large ones reduced."""
    width, height = picture.size
    scale = 2.0 if 2 * max(width, height) <= PAGE_SIDE else 1.0
    scale = min(scale, OCR_SIDE / max(width, height), (OCR_PIXELS / (width * height)) ** 0.5)
    if scale == 1.0:
        return picture
    return picture.resize((max(1, round(width * scale)), max(1, round(height * scale))))


def _relative(box: Box | None, width: int, height: int) -> list[float]:
    if box is None:
        raise AssertionError("what was read off a picture has a place")
    shares = box.x0 / width, box.y0 / height, box.x1 / width, box.y1 / height
    return [round(min(max(share, 0.0), 1.0), 3) for share in shares]


def _reader(threads: int) -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            # Guesses which lines stand upside down: of one table it turned over 2 of 98 upright cells.
            "Global.use_cls": False,
            "Global.max_side_len": OCR_SIDE,
            # The default enlarges every picture until its shorter side has 736 pixels: twice the work, no better.
            "Det.limit_type": "max",
            "Det.limit_side_len": OCR_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _cells(reader: Any, picture: Image) -> list[Cell]:
    import numpy

    result = reader(numpy.asarray(picture)[:, :, ::-1])  # (height, width, 3) in the order blue, green, red
    if result.boxes is None or result.txts is None:
        return []
    cells = []
    for corners, text in zip(result.boxes, result.txts, strict=True):
        xs, ys = corners[:, 0], corners[:, 1]
        box = Box(float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))
        if text.strip():
            cells.append(Cell(text.strip(), _tight(box)))
    return cells


def _tight(box: Box) -> Box:
    """A box without the margin that the reader adds on each side, by which neighbouring cells would touch."""
    margin = min(_MARGIN * (box.y1 - box.y0), 0.25 * (box.x1 - box.x0))
    return box._replace(x0=box.x0 + margin, x1=box.x1 - margin)
