"""Pairs that a chat model writes: question, good response and one labelled defect, checked, told what is wrong once.

    teacher = Teacher(open_model("Qwen/Qwen3-8B"), journal=Journal("runs/synth/journal.sqlite"))
    async for made in teacher.pairs(jobs): ...

Every call goes through `Run` and so through the journal: the same command goes on where it stopped. A reply that
cannot be used costs one pair, never the batch.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from adjudge.agents.prompts import fill
from adjudge.errors import LimitExceeded, ModelError
from adjudge.fences import clean, fence
from adjudge.journal import Journal
from adjudge.models import ChatModel, Sampling
from adjudge.run import Run
from adjudge.training.synth.defects import Defect
from adjudge.training.synth.document import Document
from adjudge.training.synth.pairs import WITHOUT, Label, Pair, pair_id
from adjudge.training.synth.teaching.checks import Written, problem
from adjudge.types import Case, Message, Position
from adjudge.types.messages import assistant, text_of, user

READ_CHARS = 6000  # of a document
MAX_TOKENS = 900  # of a reply
SIZES = ("a few words", "one sentence", "two sentences", "three or four sentences")
OUTAGES = 8  # calls in a row that find no model, after which the batch stops: it can go on later
_KEYS = ("question", "good", "bad", "right", "wrong")
_DEFECTS: dict[Defect, tuple[str, str, str]] = {
    "entity": (
        "one person, place, organisation or thing is replaced by another of the same kind, best one that the document "
        "names too",
        "the right name, as it stands in good",
        "the name that stands in its place in bad",
    ),
    "number": (
        "one number is replaced by another of similar size",
        "the right number, as it stands in good",
        "the number that stands in its place in bad",
    ),
    "date": (
        "one date or year is replaced by another of the same form",
        "the right date, as it stands in good",
        "the date that stands in its place in bad",
    ),
    "attribution": (
        "what one person or thing did, said or is, is ascribed to another that the document names",
        "who or what it is rightly ascribed to, as it stands in good",
        "who or what stands in its place in bad",
    ),
    "negation": (
        "one statement is turned into its contrary, by a negation put in or taken out or by a word for the opposite",
        "the words of good that are turned",
        "the words that stand in their place in bad",
    ),
    "omission": (
        "the key fact that the question asks for is left out, and another true fact of the document fills its place",
        "the key fact, word for word as it stands in good and nowhere in bad",
        "an empty string",
    ),
    "addition": (
        "a plausible claim that the document does not support stands in the place of a supported one",
        "the supported claim, word for word as it stands in good",
        "the unsupported claim, word for word as it stands in bad",
    ),
}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {key: {"type": "string"} for key in _KEYS},
    "required": list(_KEYS),
    "additionalProperties": False,
}


class Job(NamedTuple):
    """One pair to write."""

    document: Document
    defect: Label


class Failed(NamedTuple):
    """A job without a pair."""

    job: Job
    kind: Literal["unreadable", "refused_by_checks", "model_failure"]
    detail: str


class Teacher:
    """Writes pairs with a model.

    Args:
        model: Any chat model.
        journal: Where calls are kept and looked up.
        seed: Base of all seeds.
        concurrency: Calls at a time.
    """

    def __init__(
        self, model: ChatModel, *, journal: Journal | None = None, seed: int = 0, concurrency: int = 8
    ) -> None:
        self._model = model
        self._journal = journal
        self._seed = seed
        self._concurrency = concurrency
        self._outages = 0

    async def pairs(self, jobs: Sequence[Job]) -> AsyncIterator[Pair | Failed]:
        """What became of each job, in their order.

        Raises:
            ModelError: The model was away for several jobs in a row.
            JournalError: The journal cannot be read or written.
        """
        gate = asyncio.Semaphore(self._concurrency)

        async def one(job: Job) -> Pair | Failed:
            async with gate:
                return await self._made(job)

        tasks = [asyncio.create_task(one(job)) for job in jobs]
        try:
            for task in tasks:
                yield await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _made(self, job: Job) -> Pair | Failed:
        run = self._run(job)
        try:
            made = await self._written(job, run)
        except (ModelError, LimitExceeded) as error:
            self._outages += isinstance(error, ModelError) and error.kind == "unavailable"
            if self._outages >= OUTAGES and isinstance(error, ModelError):
                raise
            return Failed(job, "model_failure", str(error))
        self._outages = 0
        return made

    def _run(self, job: Job) -> Run:
        case = Case(id=f"{job.document.id}/{job.defect}", prompt=clean(job.document.about))
        return Run(case, {"teacher": self._model}, seed=self._seed, journal=self._journal)

    async def _written(self, job: Job, run: Run) -> Pair | Failed:
        defect: Defect = "entity" if job.defect == WITHOUT else job.defect
        messages: list[Message] = [user(self._asked(job, defect))]
        failed = Failed(job, "unreadable", "")
        for attempt in range(2):
            said = await self._said(run, "pair", messages, attempt, _SCHEMA)
            written = _read(said)
            wrong = "reply with one JSON object of five strings"
            if written is not None:
                wrong = problem(written, defect, f"{job.document.title}\n{job.document.text[:READ_CHARS]}")
                if not wrong:
                    return await self._without(job, run, written) if job.defect == WITHOUT else _pair(job, written)
            failed = Failed(job, "unreadable" if written is None else "refused_by_checks", wrong)
            messages += [assistant(said), user(f"This cannot be used: {wrong}. Write the whole JSON object again.")]
        return failed

    async def _without(self, job: Job, run: Run, written: Written) -> Pair | Failed:
        """The bad response is an answer from memory: bad for certain only where it lacks the right value."""
        asked = fill(_prompt("without"), size=_size(job), question=fence("question", written.question))
        said = " ".join((await self._said(run, "without", [user(asked)], 0, None)).split())
        if not said or written.right.lower() in said.lower():
            return Failed(job, "refused_by_checks", "the answer from memory is empty or holds the right value")
        return _pair(job, written._replace(bad=said, wrong=""))

    async def _said(
        self, run: Run, node: str, messages: Sequence[Message], attempt: int, schema: dict[str, Any] | None
    ) -> str:
        enforced = schema if "json_schema" in self._model.info.abilities else None
        sampling = Sampling(temperature=0.7, max_tokens=MAX_TOKENS, json_schema=enforced)
        at = Position(run.case.id, node, attempt=attempt)
        reply = await run.chat(at, "teacher", messages, sampling=sampling)
        return text_of(reply.choices[0].message["content"])

    def _asked(self, job: Job, defect: Defect) -> str:
        what, right, wrong = _DEFECTS[defect]
        document = fence("document", f"{job.document.title}\n\n{job.document.text[:READ_CHARS]}")
        name = "the paper by its subject" if job.document.topic or not job.document.title else "what the title names"
        return fill(
            _prompt("pair"), name=name, size=_size(job), defect=what, right=right, wrong=wrong, document=document
        )


def _prompt(name: str) -> str:
    text = files(__package__).joinpath(f"{name}.md").read_text("utf-8")
    return re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL).strip()


def _size(job: Job) -> str:
    """A length class that the job's name gives, so that it is the same on a resume."""
    return SIZES[int(pair_id(job.document, job.defect, "", "")[-6:], 16) % len(SIZES)]


def _read(said: str) -> Written | None:
    """The first JSON object in a reply, if it holds the five texts."""
    found = re.search(r"\{.*\}", said, re.DOTALL)
    try:
        value = json.loads(found[0]) if found else None
    except ValueError:
        return None
    if not isinstance(value, dict) or not all(isinstance(value.get(key, ""), str) for key in _KEYS):
        return None
    return Written(*(" ".join(clean(value.get(key, "")).split()) for key in _KEYS))


def _pair(job: Job, written: Written) -> Pair:
    name = pair_id(job.document, written.question, written.good, written.bad)
    return Pair(
        name,
        job.document,
        written.question,
        written.good,
        written.bad,
        job.defect,
        written.right,
        written.wrong,
        maker="teacher",
    )
