"""Make the example cases and their corpus from the labelled data sets (see SOURCES.md); drawn with a seed, not picked.

    python -m examples.cases.make_cases --data ../shared/data

The corpus holds, for each case, its gold passages and what a search of the whole corpus finds for the question and for
each response, so that a search of the excerpt meets the same rivals as a search of the whole.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

from adjudge.tools import Tool
from adjudge.types import Case
from benchmarks import pairs

FOLDER = Path(__file__).parent
SEED = 2026


def draw(found: list[pairs.Pair], count: int) -> list[pairs.Pair]:
    """Pairs of different questions, drawn with the seed."""
    by_question = {pair.question: pair for pair in random.Random(SEED).sample(found, len(found))}
    return random.Random(SEED).sample(sorted(by_question.values(), key=lambda pair: pair.case.id), count)


def excerpt(rows: list[dict[str, Any]], tool: Tool, chosen: list[pairs.Pair], source: str) -> list[dict[str, str]]:
    """The rows of a corpus that belong to the chosen cases."""
    wanted: set[str] = set()
    for pair in chosen:
        wanted |= {row["text"] for row in rows if {row.get("title"), row.get("id")} & set(pair.gold)}
        queries = [pair.case.question, *(f"{pair.case.question} {r.text[:300]}" for r in pair.case.responses)]
        found = {item.excerpt[:80] for query in queries for item in pairs.search(tool, query)}
        wanted |= {row["text"] for row in rows if any(head[:50] in row["text"] for head in found)}
    kept = [row for row in rows if row["text"] in wanted]
    return [
        {"id": f"{source}-{number}", "title": row.get("title", ""), "text": row["text"], "source": source}
        for number, row in enumerate(kept)
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def case_row(case: Case) -> dict[str, Any]:
    """A case as it stands in the file."""
    return {
        "id": case.id,
        "prompt": case.prompt,
        "responses": [response.text for response in case.responses],
        "label": case.label,
        "metadata": case.metadata,
    }


def main() -> None:
    """Write cases.jsonl and corpus.jsonl beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled data sets")
    data = parser.parse_args().data
    hotpot_rows = read_rows(pairs.hotpot_corpus(data))
    feedback_rows = read_rows(pairs.feedback_corpus(data))
    pubmed_rows = [{**row, "title": ""} for row in pairs.pubmed_corpus(data)]
    sources: list[tuple[str, list[dict[str, Any]], list[pairs.Pair], int]] = [
        ("hotpotqa", hotpot_rows, list(pairs.hotpot_pairs(data, pairs.corpus_tool(hotpot_rows))), 4),
        ("qa_feedback", feedback_rows, list(pairs.feedback_pairs(data)), 3),
        ("pubmedqa", pubmed_rows, list(pairs.pubmed_pairs(data)), 3),
    ]
    cases: list[dict[str, Any]] = []
    corpus: list[dict[str, str]] = []
    for name, rows, found, count in sources:
        chosen = draw(found, count)
        cases += [case_row(pair.case) for pair in chosen]
        corpus += excerpt(rows, pairs.corpus_tool(rows), chosen, name)
    write(FOLDER / "cases.jsonl", cases)
    write(FOLDER / "corpus.jsonl", corpus)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL corpus."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main()
