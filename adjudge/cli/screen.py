"""What the commands print, and where: the one place where text becomes terminal output.

Nothing is interpreted as markup, and whatever is printed loses its control sequences here, so a case, a page or a
model's reply cannot move the cursor, change colours, or forge a line of its own. Without a terminal, lines are plain
and not wrapped.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

Part = str | tuple[str, str]  # text, or text with a style
# Control characters but line feed and tab, and what is invisible or turns the direction of text around. The joiners of
# emoji and of Persian (U+200C, U+200D) are left in. Unlike `fences.clean` this leaves fences as they are.
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


class Screen:
    """Lines for a person on standard output (on standard error in JSON mode), data on standard output.

    Args:
        data: Standard output is for JSON lines alone.
        busy: Whether a line that changes says what is going on, where standard output is a terminal.
    """

    def __init__(self, *, data: bool = False, busy: bool = False) -> None:
        self.err = _console(stderr=True)
        self.out = self.err if data else _console(stderr=False)
        self._status: Status | None = None
        if busy and not data and self.out.is_terminal and not self.out.is_dumb_terminal:
            self._status = self.out.status(Text(""), spinner="line")

    def line(self, *parts: Part, indent: int = 0) -> None:
        """One line; line breaks inside the parts become spaces."""
        self._print(self.out, _assemble(parts), indent)

    def block(self, text: str, indent: int = 0, style: str = "") -> None:
        """Text with its own line breaks."""
        self._print(self.out, Text(printable(text), style), indent)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table of text."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(one_line(cell)) for cell in row))
        self.show(table)

    def show(self, renderable: RenderableType) -> None:
        """Something of rich's own that holds no text from outside."""
        self.out.print(renderable)

    def note(self, *parts: Part) -> None:
        """One line beside the output, on standard error."""
        self._beside(_assemble(parts))

    def error(self, message: str) -> None:
        """What went wrong, on standard error."""
        self._beside(Text.assemble(("error: ", "bold red"), printable(message)))

    def warning(self, message: str) -> None:
        """What may go wrong, on standard error."""
        self._beside(Text.assemble(("warning: ", "bold yellow"), printable(message)))

    def data(self, value: Mapping[str, Any]) -> None:
        """One JSON object on a line of its own; pure ASCII, so that nothing in it reaches a terminal as a command."""
        sys.stdout.write(json.dumps(value) + "\n")
        sys.stdout.flush()

    def busy(self, text: str) -> None:
        """Say what is going on, on a terminal."""
        if self._status is not None:
            self._status.update(Text(one_line(text), "dim"))
            self._status.start()

    def idle(self) -> None:
        """Take the changing line away."""
        if self._status is not None:
            self._status.stop()

    def _beside(self, text: Text) -> None:
        if self._status is not None:  # both streams may be the same terminal
            self._status.stop()
        self._print(self.err, text, 0)

    def _print(self, console: Console, text: Text, indent: int) -> None:
        if console.is_terminal:
            console.print(Padding(text, (0, 0, 0, indent), expand=False))
            return
        for part in text.split(allow_blank=True) or [text]:
            part.pad_left(indent if part.plain else 0)
            console.print(part, soft_wrap=True)


def printable(text: str) -> str:
    """Text from outside with control sequences, and characters that hide or turn text, made visible."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Text from outside on a single line, without control sequences."""
    return " ".join(printable(text).split())


def excerpt(text: str, width: int = 100) -> str:
    """The beginning of a text on one line, at most `width` characters."""
    short = one_line(text[: 4 * width])
    return short if len(short) <= width else f"{short[: width - 1].rstrip()}…"


def _console(*, stderr: bool) -> Console:
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def _assemble(parts: Sequence[Part]) -> Text:
    text = Text()
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        # Not `one_line`: the blanks at the ends of our own parts stand between two of them.
        text.append(printable(words).replace("\n", " ").replace("\t", " "), style)
    return text
