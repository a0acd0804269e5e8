"""The main text of an HTML page, by trafilatura. It runs in a child process: see `pages.py`.

A page can be written so that parsing takes minutes (a tag with 100,000 attributes takes libxml2 quadratic time), and a
thread could not be stopped.
"""

from __future__ import annotations

import codecs
import re

from adjudge.tools.corpus.passages import load_trafilatura

# Encodings of the web; Python knows others that decompress, take quadratic time or interpret escapes.
_CHARSET = re.compile(
    r"utf-8|utf-16(-[bl]e)?|ascii|iso8859-\d+|cp\d+|koi8-\w|mac-\w+|gb\w+|big5\w*|euc_\w+|shift_jis\w*|iso2022_\w+|johab"
)


def read(data: bytes, charset: str) -> dict[str, str]:
    """Title and text of a page; paragraphs are separated by an empty line.

    Args:
        data: The page.
        charset: As the server declares it; the page's own declaration counts when it is empty or unknown.
    """
    trafilatura = load_trafilatura()
    page: bytes | str = data
    if (codec := codec_of(charset)) and codec != "utf-8":
        # Read back as UTF-8 bytes: a declaration inside the page would make text of another encoding an error.
        page = re.sub(rb"(?i)charset\s*=|encoding\s*=", b"was=", data.decode(codec, "replace").encode())
    found = trafilatura.bare_extraction(page, with_metadata=True)
    # Pages without a main part (indexes, forms) have no extraction; their plain text is better than nothing.
    text = (found and found.text) or trafilatura.html2txt(page) or ""
    return {"title": (found and found.title) or "", "text": text.strip().replace("\n", "\n\n")}


def codec_of(charset: str) -> str:
    """Python's name of a declared charset; empty when it is none, or none of the web's."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):  # also names with a null byte
        return ""
    return name if _CHARSET.fullmatch(name) else ""
