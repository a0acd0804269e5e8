"""A search agent over a corpus, for `guide`: a chat model proposes searches and the answer, a tool searches.

    agent = CorpusSearcher(open_model("Qwen/Qwen3-8B"), corpus_search("corpus.jsonl"))
    guide(agent, Judge.load("information_gain"), n=4)("Who wrote Middlemarch?").answer

The model sees the whole history of its search, so a long one needs a model with a long context; only the judge's view
of it is kept short. Of several calls in one reply the first is taken. The agent is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from adjudge.agents.prompts import prompt
from adjudge.errors import ConfigError, ModelError, ToolError
from adjudge.fences import fence
from adjudge.models import ChatModel, Sampling
from adjudge.tools import Tool, ToolContext, ToolOutput
from adjudge.types import Case, Message, Step, Trajectory, Usage
from adjudge.types.messages import system, user

WARM = Sampling(temperature=1.0)  # proposals should differ


class CorpusSearcher:
    """A search agent.

    Args:
        model: Proposes steps; it has to be able to call tools.
        corpus: What it searches with, such as `corpus_search("corpus.jsonl")`.
        sampling: How the model is sampled; the seed is that of the proposal.

    Attributes:
        usage: What the model has cost so far, without seconds.

    Raises:
        ConfigError: The model cannot call tools.
    """

    def __init__(self, model: ChatModel, corpus: Tool, *, sampling: Sampling = WARM) -> None:
        if "tools" not in model.info.abilities:
            problem = f"the model {model.info.name!r} ({model.info.provider}) cannot call tools"
            raise ConfigError(problem, key="model", hint="use a model that can, or an agent of your own")
        self._model = model
        self._corpus = corpus
        self._sampling = sampling
        self.usage = Usage()

    async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
        """The model's next step; None where it says nothing.

        Raises:
            ModelError: The model failed, or its reply was cut off.
        """
        sampling = self._sampling._replace(seed=seed) if "seed" in self._model.info.abilities else self._sampling
        reply = await self._model.chat(_conversation(prompt, steps), tools=[self._corpus.schema], sampling=sampling)
        spent = Usage(model_calls=1, tokens_in=reply.usage.tokens_in, tokens_out=reply.usage.tokens_out)
        self.usage += spent
        choice = reply.choices[0]
        if choice.finish in ("length", "content_filter"):
            raise ModelError(f"the proposal was not finished ({choice.finish})", kind="malformed")
        said = Trajectory.from_messages([choice.message]).steps
        return said[0] if said and said[0].render().strip() else None

    async def execute(self, step: Step) -> str:
        """The passages that a search finds, as text.

        Raises:
            ToolError: It is another tool, or the query cannot be used.
        """
        if step.tool != self._corpus.name:
            raise ToolError(f"there is no tool {step.tool!r}; the only one is {self._corpus.name}")
        output = await self._corpus.call(step.arguments, ToolContext(Case(prompt=step.thought), {}, {}))
        return _told(output)


def _conversation(asked: str, steps: Sequence[Step]) -> list[Message]:
    """The search so far, results fenced."""
    shown = [
        step if step.observation is None else step.model_copy(update={"observation": fence("result", step.observation)})
        for step in steps
    ]
    return [system(prompt("searcher")), user(asked), *Trajectory(steps=tuple(shown)).to_messages()]


def _told(output: ToolOutput) -> str:
    found = [f"{item.title}\n{item.excerpt}" if item.title else item.excerpt for item in output.evidence]
    return "\n\n".join(text for text in (output.text, *found) if text) or "No results."
