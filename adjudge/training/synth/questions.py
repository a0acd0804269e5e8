"""Questions that one statement of a document answers, in many forms; each names the document or its key words.

A statement whose asked value stands after a preposition gives an exact question (`In which year was Bloom released?`);
otherwise the question asks what the document says about the statement's key words. No question holds the asked value.
"""

from __future__ import annotations

import random
import re
from typing import NamedTuple

from adjudge.training.synth.document import Document
from adjudge.training.synth.kinds import PAST, STOP
from adjudge.training.synth.values import Value, without

ASKED_AROUND = 0.5  # share of the questions for a value that name its surroundings, where no exact one can be made
_LONGEST = 24  # words of a statement that becomes a question
_AUX = "was|is|were|are|has been|had been|have been|can be|will be"
_CLAUSE = re.compile(
    rf"^(?P<subject>[^,;:()]{{2,70}}?) (?P<verb>{_AUX}|{'|'.join(PAST)}) (?P<rest>[^;:()]+)\.$",
)
_WH: dict[tuple[str, str], tuple[str, ...]] = {
    ("date", "in"): ("In which year", "When", "In what year"),
    ("date", "on"): ("On what date", "When", "On which day"),
    ("date", "since"): ("Since when",),
    ("person", "by"): ("By whom", "By which person"),
    ("group", "by"): ("By which organisation", "By whom"),
    ("name", "by"): ("By whom or what",),
    ("place", "in"): ("Where", "In which place", "In what place"),
    ("place", "at"): ("Where", "At which place"),
    ("place", "to"): ("To which place",),
    ("place", "from"): ("From which place",),
    ("place", "near"): ("Near which place",),
    ("person", "with"): ("With whom",),
    ("person", "to"): ("To whom",),
    ("group", "for"): ("For which organisation",),
    ("group", "at"): ("At which institution",),
    ("group", "with"): ("With which organisation",),
}
_ABOUT = (
    "What does the article on {name} say about {words}?",
    "What is said about {words} in the text on {name}?",
    "What do we learn about {words} in connection with {name}?",
    "Tell me about {name}: {words}.",
    "What is known of {name} with regard to {words}?",
    "Concerning {name}, what is reported about {words}?",
    'Which facts does the article "{name}" give about {words}?',
    "{name}: what does the source say about {words}?",
    "I am reading about {name}. What is there to say about {words}?",
    "Could you explain {words} with respect to {name}?",
    "Describe {name} as regards {words}.",
    "How does the text describe {words} when it speaks of {name}?",
)
_TOPIC = (
    'In the study on "{name}", what was reported about {words}?',
    "What did the study find or describe about {words}? ({name})",
    "{name}? What does the paper say about {words}?",
    'Regarding the question "{name}?", what is reported on {words}?',
    "What does the abstract state about {words}? The paper asks: {name}?",
    "A paper asks: {name}? What do its authors write about {words}?",
)
_AROUND = {
    "date": ("Which date or time is given", "When, according to the source, was it", "What date is mentioned"),
    "number": ("Which figure is given", "What number is stated", "How many, or how much, is mentioned"),
    "person": ("Who is named", "Which person is mentioned", "Who, according to the source, was it"),
    "place": ("Which place is named", "Where, according to the source, was it", "What place is mentioned"),
    "entity": ("What is named", "Which name or thing is mentioned", "What exactly is mentioned"),
}
_WHERE = ("with {words} ({name})", "with {words} in the article on {name}", "with {name} and {words}")
_WHAT = ("What is {name}?", "What can you tell me about {name}?", "Give a short account of {name}.", "Describe {name}.")


class Question(NamedTuple):
    """A question."""

    text: str
    exact: bool  # it asks for the value, which alone would answer it


def ask(
    document: Document, statement: str, value: Value | None, random: random.Random, *, exactly: bool = False
) -> Question:
    """A question that the statement answers.

    Args:
        document: Where it stands.
        statement: The fact asked for.
        value: The part that is asked for; None asks for the statement as a whole.
        random: Which form.
        exactly: Whether it must ask for the value.
    """
    if value is not None and (text := _exact(document, statement, value, random)):
        return Question(text, True)
    words, name = key_words(statement, document, value, random), document.about.rstrip("?. ").replace('"', "")
    if value is not None and words and (exactly or random.random() < ASKED_AROUND):
        asked = random.choice(_AROUND[value.type if value.type in _AROUND else value.sort])
        where = random.choice(_WHERE).format(words=words, name=name)
        return Question(f"{asked} in connection {where}?", True)
    if not words:
        return Question(random.choice(_WHAT).format(name=name), False)
    forms = _TOPIC if document.topic else _ABOUT
    return Question(random.choice(forms).format(name=name, words=words), False)


def _exact(document: Document, statement: str, value: Value, random: random.Random) -> str:
    """`In which year was Bloom released by EMI?`, where the value stands after a preposition; else nothing."""
    forms = _WH.get((value.type if value.sort == "entity" else value.sort, value.before))
    left = without(statement, value)
    match = _CLAUSE.match(left) if left != statement and len(left.split()) <= _LONGEST else None
    if forms is None or match is None or not document.name or document.name not in match["subject"]:
        return ""
    subject, verb, rest = match["subject"], match["verb"], match["rest"]
    if rest.count(",") > 1 or re.search(r"\b(?:and|but|or|who|which|that)$", rest):
        return ""
    first, *more = ["did", PAST[verb]] if verb in PAST else verb.split()
    subject = f"the{subject[3:]}" if subject.startswith("The ") else subject
    return " ".join([random.choice(forms), first, subject, *more, rest]) + "?"


def key_words(statement: str, document: Document, value: Value | None, random: random.Random) -> str:
    """One or two runs of words of the statement that tell it apart, without the value and the title's words."""
    taken = set(re.findall(r"\w+", f"{document.name} {value.text if value else ''}".lower()))
    text = statement if value is None else f"{statement[: value.start]} | {statement[value.end :]}"
    runs = _runs(text, taken)
    chosen = random.sample(runs, min(len(runs), random.choice((1, 2, 2))))
    return " and ".join(sorted(chosen, key=text.find))


def _runs(text: str, taken: set[str]) -> list[str]:
    """Up to four neighbouring words with a meaning of their own, each run once."""
    found: list[str] = []
    for part in re.split(r"[^\w\s'’-]", text):
        words: list[str] = []
        for word in [*part.split(), "the"]:
            if len(word) > 2 and word.lower() not in STOP | taken:
                words.append(word)
                continue
            if sum(map(len, words)) > 5:
                found.append(" ".join(words[:4]))
            words = []
    return list(dict.fromkeys(found))
