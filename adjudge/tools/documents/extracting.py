"""The text of a PDF by page, for tools that come upon one elsewhere."""

from __future__ import annotations

from adjudge.errors import ToolError
from adjudge.tools.documents.kinds import kind_of
from adjudge.tools.documents.opening import MOST_BYTES
from adjudge.tools.documents.shelf import parse


async def extract_pdf_pages(data: bytes, *, max_pages: int = 200, seconds: float = 20.0) -> list[tuple[int, str]]:
    """The pages of a PDF with their text as Markdown, read in a child process.

    Args:
        data: The file, up to 32 MiB.
        max_pages: How many pages are read; those after are left out.
        seconds: Longest parsing. Pages read by then are returned, unless a single page takes all of it.

    Returns:
        Page numbers, counted from 1, with the page's text; empty for a page that is a picture.

    Raises:
        ToolError: It is no PDF, is malformed, needs a password, or takes too much time or memory.
    """
    if len(data) > MOST_BYTES:
        raise ToolError(f"the PDF is larger than {MOST_BYTES // 2**20} MiB")
    if (kind := kind_of(data)) != "pdf":
        raise ToolError(f"the file is not a PDF, but {kind}")
    value = await parse(data, "pdf", most=max_pages, seconds=seconds)
    return [(number, text or "") for number, text in enumerate(value["pages"], 1)]
