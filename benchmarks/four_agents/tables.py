"""Tables of TabFact and TAT-QA that fit into one passage, with a key column and numbers.

Rows are cut to the first that fit; whatever holds a character that a prompt would quote or escape is left out.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from adjudge.evaluation.benchmarks.markdown import markdown_table

MOST_CHARACTERS = 1100  # of the Markdown: a passage of the corpus tool holds 1,200
MOST_ROWS, FEWEST_ROWS = 12, 3
MOST_COLUMNS = 7
_PLAIN = re.compile(r"[ !#-:=?-\[\]-{}~]+")  # printable ASCII without ; " < > | and the backslash
_NUMBER = re.compile(r"\(?-?[$]? ?(\d{1,3}(,\d{3})+|\d+)(\.\d+)? ?%?\)?")


class Sheet(NamedTuple):
    """A table whose first column names its rows."""

    id: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def markdown(self) -> str:
        """The table as it is shown."""
        return markdown_table(self.header, self.rows)

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the rows."""
        return tuple(row[0] for row in self.rows)

    def cell(self, key: str, column: str) -> str:
        """The text of a cell.

        Raises:
            KeyError: There is no such row or column.
        """
        if key not in self.keys or column not in self.header:
            raise KeyError(f"{key}, {column}")
        return self.rows[self.keys.index(key)][self.header.index(column)]

    def numeric(self) -> list[str]:
        """Columns that hold numbers only."""
        columns = enumerate(self.header[1:], 1)
        return [name for place, name in columns if all(number(row[place]) is not None for row in self.rows)]

    def textual(self) -> list[str]:
        """Columns that hold no number at all."""
        columns = enumerate(self.header[1:], 1)
        return [name for place, name in columns if all(number(row[place]) is None for row in self.rows)]


def number(text: str) -> Decimal | None:
    """The number in a cell; parentheses make it negative, as in financial tables."""
    text = " ".join(text.split())
    if _NUMBER.fullmatch(text) is None:
        return None
    value = Decimal(re.sub(r"[^\d.]", "", text))
    return -value if "(" in text or "-" in text else value


def sheets(data: Path) -> list[Sheet]:
    """All tables that can be used, each once: those of TabFact first, in the order of their files."""
    found = [*_tabfact(data / "tabfact_small_test"), *_tatqa(data / "tatqa_dev")]
    usable = [sheet for sheet in found if sheet is not None and len(sheet.numeric()) >= 2]
    return list({sheet.markdown: sheet for sheet in usable}.values())


def sheet_of(id: str, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Sheet | None:
    """A table cut to what fits; None where it cannot be used."""
    names = [" ".join(name.split()) or "item" for name in header][:MOST_COLUMNS]
    kept = [tuple(" ".join(cell.split()) for cell in row[: len(names)]) for row in rows[:MOST_ROWS]]
    if len(set(names)) < len(names) or len(kept) < FEWEST_ROWS or {len(row) for row in kept} != {len(names)}:
        return None
    texts = [title, *names, *(cell for row in kept for cell in row)]
    keys = [row[0] for row in kept]
    if not all(_PLAIN.fullmatch(text) for text in texts) or len(set(keys)) < len(keys):
        return None
    for count in range(len(kept), FEWEST_ROWS - 1, -1):
        sheet = Sheet(id, title, tuple(names), tuple(kept[:count]))
        if len(sheet.markdown) <= MOST_CHARACTERS:
            return sheet
    return None


def _tabfact(folder: Path) -> Iterator[Sheet | None]:
    captions = json.loads((folder / "derived_small_test_examples.json").read_text("utf-8"))
    for name, (_, _, caption) in captions.items():
        path = folder / "csv" / Path(name).name
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, delimiter="#")
        yield sheet_of(path.name.removesuffix(".html.csv"), caption, header, _named(rows))


def _named(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Rows up to the first whose name came before: the first column is taken as the key."""
    seen: set[str] = set()
    kept: list[Sequence[str]] = []
    for row in rows:
        if not row or row[0] in seen:
            break
        seen.add(row[0])
        kept.append(row)
    return kept


def _tatqa(folder: Path) -> Iterator[Sheet | None]:
    for entry in json.loads((folder / "tatqa_dataset_dev.json").read_text("utf-8")):
        lines: list[list[str]] = entry["table"]["table"]
        top = next((place for place, line in enumerate(lines) if all(line[1:]) and len(set(line)) == len(line)), None)
        if top is None:
            continue
        header, below = lines[top], [line for line in lines[top + 1 :] if line[0] and any(line[1:])]
        rows = [line for line in below if all(number(cell) is not None for cell in line[1:])]
        name = entry["table"]["uid"][:8]
        yield sheet_of(name, f"financial report {name}", header, _named(rows))
