"""Take a response body in, counted on the wire and after decompression, and stop at the first byte too many.

zlib is asked for no more than still fits, so a compressed bomb never unfolds in memory.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from adjudge.errors import ToolError, shorten

ACCEPTED = "gzip, deflate"  # what we ask for; whatever else a server sends is refused


async def read_body(chunks: AsyncIterator[bytes], encoding: str, most: int) -> bytes:
    """The whole body, decompressed.

    Args:
        chunks: The body as it comes over the wire.
        encoding: The Content-Encoding header.
        most: Bytes that it may have, both on the wire and decompressed.

    Raises:
        ToolError: It is larger, broken off, damaged, or compressed in a way that was not asked for.
    """
    decoder = _decoder(encoding.strip().lower())
    body, taken = bytearray(), 0
    async for chunk in chunks:
        taken += len(chunk)
        if taken > most:
            raise _too_large(most)
        body += decoder.decode(chunk, most + 1 - len(body))
        if len(body) > most:
            raise _too_large(most)
        if decoder.done:
            break
    if taken and not decoder.complete:
        raise ToolError("the page broke off before its end")
    return bytes(body)


def _too_large(most: int) -> ToolError:
    return ToolError(f"the page is larger than {most:,} bytes, which is the most that is read; try another source")


def _decoder(encoding: str) -> _Plain | _Zipped:
    if encoding in ("", "identity"):
        return _Plain()
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Zipped(gzip="gzip" in encoding)
    raise ToolError(f"the page is compressed as {shorten(encoding)}, and only {ACCEPTED} can be read")


class _Plain:
    """A body that is not compressed."""

    done = False
    complete = True

    def decode(self, data: bytes, most: int) -> bytes:
        return data[:most]


class _Zipped:
    """One gzip or deflate stream; what follows it is left out, as browsers do."""

    def __init__(self, *, gzip: bool) -> None:
        self._head = b""
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if gzip else None

    @property
    def done(self) -> bool:
        return self._inflate is not None and self._inflate.eof

    complete = done

    def decode(self, data: bytes, most: int) -> bytes:
        if self._inflate is None:  # "deflate" is sent with and without zlib's two bytes in front
            self._head += data
            if len(self._head) < 2:
                return b""
            data = self._head
            wrapped = data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        try:
            return self._inflate.decompress(data, most)
        except zlib.error as error:
            raise ToolError(f"the page's compression is damaged: {error}") from error
