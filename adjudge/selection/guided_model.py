"""A chat model whose every reply is the best of several, judged as a step: it guides any agent that is built on it.

    guided = GuidedModel(open_model("Qwen/Qwen3-8B"), Judge.load("information_gain"), n=4)
    agent = create_agent(to_langchain(guided), tools=[…])          # or any LangGraph graph, or a chain

What the agent has said and got back so far is the trajectory; each drawn reply is a candidate next step, with its tool
calls, before they run. See `guide` for how one is chosen. Replies that were cut off or withheld are candidates only
where all are. A conversation that cannot be read as steps gets the first reply, and the choice says so.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from typing import Any

from adjudge.agents import Scorer
from adjudge.cases.foreign import Part, conversation, lead, task_of, turns_of
from adjudge.config import Document
from adjudge.errors import CaseError, ConfigError, ModelError
from adjudge.judge import Judge
from adjudge.models import ChatModel, ModelInfo, Reply, Sampling, Scored
from adjudge.models import Choice as Drawn
from adjudge.models.base import OnText
from adjudge.selection.search import Choice, Search, step_of
from adjudge.types import Case, Message, Step, Usage
from adjudge.types.messages import text_of

_KEPT = 4096  # summaries, and choices, that are remembered
_BROKEN = ("length", "content_filter")


class GuidedModel:
    """A chat model guided by a judge of steps.

    Args:
        model: Draws the replies.
        judge: See `guide`.
        n: Replies drawn for each that is given, at least 1.
        temperature: Of the draws, where the caller's sampling has 0: replies should differ.

    Attributes:
        choices: What was chosen among, latest last; the last few thousand.
        usage: What the judge has cost so far.

    Raises:
        ConfigError: The judge is of another mode, or `n` is below 1.
    """

    def __init__(self, model: ChatModel, judge: Judge | Scorer, n: int = 4, *, temperature: float = 1.0) -> None:
        if isinstance(judge, Judge) and judge.spec.mode != "step":
            hint = "use a graph of mode step, such as information_gain"
            raise ConfigError("a model is guided by a judge of steps", key="mode", found=judge.spec.mode, hint=hint)
        if n < 1:
            raise ConfigError("this is a number of at least 1", key="n", found=n)
        self._model = model
        self._judge = judge
        self._n = n
        self._temperature = temperature
        self._summaries: OrderedDict[str, str] = OrderedDict()
        self.choices: deque[Choice] = deque(maxlen=_KEPT)
        self.usage = Usage()

    @property
    def info(self) -> ModelInfo:
        """That of the model which draws; of its abilities those to chat and to call tools."""
        info = self._model.info
        return info._replace(abilities=info.abilities & {"chat", "tools", "json_schema", "n", "images", "seed"})

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[dict[str, Any]] = (),
        sampling: Sampling = Sampling(),
        n: int = 1,
        on_text: OnText | None = None,
    ) -> Reply:
        """The best of several replies; see `ChatModel.chat`.

        The usage is that of all draws; what the judge costs is in `usage`.

        Raises:
            ModelError: The model failed, or drew fewer replies than were asked for.
        """
        warm = sampling if sampling.temperature > 0 else sampling._replace(temperature=self._temperature)
        drawn = await self._model.chat(messages, tools=tools, sampling=warm, n=self._n * n)
        if len(drawn.choices) < n:
            problem = f"{self._model.info.name} drew {len(drawn.choices)} of {self._n * n} replies"
            raise ModelError(problem, kind="malformed")
        chosen = [await self._best(messages, drawn.choices[place::n]) for place in range(n)]
        if on_text is not None:
            on_text(text_of(chosen[0].message["content"]))
        return drawn._replace(choices=tuple(chosen))

    async def _best(self, messages: Sequence[Message], drawn: Sequence[Drawn]) -> Drawn:
        usable = [one for one in drawn if one.finish not in _BROKEN] or list(drawn)
        try:
            search = self._search(messages)
            proposals = [step_of([one.message]) for one in usable]
        except CaseError as error:
            self.choices.append(Choice((), (), 0, judged=False, failure=str(error)))
            return usable[0]
        keys = list(_keys(search.case, search.steps))
        search.summaries = self._known(keys)
        chosen = await search.choose(proposals)
        self._remember(dict(zip(keys, search.summaries, strict=False)))
        self.usage += search.usage
        self.choices.append(search.choices[-1])
        return usable[chosen]

    def _search(self, messages: Sequence[Message]) -> Search:
        """The conversation as a task and its steps.

        Raises:
            CaseError: It is none.
        """
        turns = turns_of(Part.whole(Document([dict(message) for message in messages], "<messages>")))
        start = lead(turns)
        search = Search(Case(prompt=task_of(turns[:start]) or ""), self._judge)
        search.steps = list(conversation(turns, start).steps)
        return search

    def _known(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Summaries of the first steps, as far as they are remembered."""
        known = []
        for key in keys:
            if key not in self._summaries:
                break
            self._summaries.move_to_end(key)
            known.append(self._summaries[key])
        return tuple(known)

    def _remember(self, made: dict[str, str]) -> None:
        self._summaries.update(made)
        while len(self._summaries) > _KEPT:
            self._summaries.popitem(last=False)

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        """Not guided: a step is judged as a message."""
        return await self._model.complete(token_ids, sampling, n=n)

    async def score(self, prefix: Sequence[Message], continuations: Sequence[str]) -> Scored:
        """That of the model."""
        return await self._model.score(prefix, continuations)

    async def aclose(self) -> None:
        """Free the model that draws; the judge is the caller's."""
        await self._model.aclose()


def _keys(case: Case, steps: Sequence[Step]) -> Iterator[str]:
    """What the summary after each step depends on: task, steps so far, and the results before this one."""
    digest, result = hashlib.sha256(case.id.encode()), ""
    for step in steps:
        told = json.dumps([result, step.unexecuted().model_dump(mode="json")], sort_keys=True)
        digest.update(hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest())
        yield digest.hexdigest()
        result = step.observation or ""
