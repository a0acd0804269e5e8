"""A search agent whose every step is the best of several, chosen by a judge of steps before it runs.

    python examples/guided_search.py
    python examples/guided_search.py --model Qwen/Qwen3-8B --corpus corpus.jsonl "Who wrote Middlemarch?"

Without `--model` no model is needed: a rule proposes searches (words of the question, names in what was found) and the
answer (the sentence found that shares the most words with the question), and a script stands in for the judge's model.
Both are far below a real model; they show how the parts fit.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from adjudge import Judge, ScriptedModel, Step, corpus_search, open_model
from adjudge.agents.seeding import content_words
from adjudge.agents.trajectory_summarizer import HEADINGS
from adjudge.models.scripted import Request
from adjudge.selection.guide import Guided, Searched, guide
from adjudge.selection.search_agent import CorpusSearcher
from adjudge.tools import Tool, ToolContext
from adjudge.types import Case
from adjudge.types.messages import text_of

CORPUS = Path(__file__).parent / "cases" / "corpus.jsonl"
QUESTION = "Name the mother of Edward Stafford, 4th Baron Stafford, who was the daughter of the Earl of Derby."
_NAME = re.compile(r"[A-Z][a-z]+(?: [A-Z][a-z]+)+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_FENCED = re.compile(r"<<<(.+?) ([0-9a-f]{16})\n(.*?)\n\2>>>", re.DOTALL)
_KNOWN = ("summary so far", "summary of the steps so far", "result of the last step")


class RuleSearcher:
    """An agent without a model.

    Args:
        corpus: What it searches with.
    """

    def __init__(self, corpus: Tool) -> None:
        self.corpus = corpus

    async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
        """A search, or from the third step on now and then an answer."""
        draw = random.Random(f"{seed}/{prompt}")
        found = "\n".join(step.observation or "" for step in steps)
        if len(steps) >= 2 and draw.random() < 0.5:
            return Step(thought=_best(prompt, found))
        words = re.findall(r"\w+", prompt)
        query = " ".join(draw.sample(words, min(3, len(words))))
        names = sorted(set(_NAME.findall(found)))
        if names and draw.random() < 0.5:
            query = draw.choice(names)
        return Step(thought=f"I look for {query}.", tool="corpus_search", arguments={"query": query})

    async def execute(self, step: Step) -> str:
        """What the search finds."""
        output = await self.corpus.call(step.arguments, ToolContext(Case(prompt="search"), {}, {}))
        return "\n".join(f"{item.title}: {item.excerpt}" for item in output.evidence) or output.text


def _best(question: str, found: str) -> str:
    wanted = content_words(question)
    return max(_SENTENCE.split(found), key=lambda sentence: len(content_words(sentence) & wanted), default="")


def script(request: Request) -> str:
    """A stand-in for the judge's model: words of the question that are new to the search are worth a point each."""
    parts = {name: body for name, _, body in _FENCED.findall(text_of(request.messages[-1]["content"]))}
    asked = content_words(parts["task"])
    known = content_words(" ".join(parts.get(name, "") for name in _KNOWN)) & asked
    if "confirmed_knowledge" in request.text:
        return json.dumps(dict.fromkeys(HEADINGS, "–") | {"confirmed_knowledge": " ".join(sorted(known))})
    said = content_words(parts["current step"]) & asked
    worth = len(said - known) if "Action:" in parts["current step"] else len(said)
    return json.dumps({"dimensions": [{"name": "progress", "assessment": f"{worth} words"}], "score": min(4, worth)})


def guided(corpus: Path, model: str | None, n: int) -> Guided:
    """The agent with its judge; one model is both, if there is one."""
    search = corpus_search(corpus, k=3)
    if model is None:
        return guide(RuleSearcher(search), Judge.load("information_gain", model=ScriptedModel(script)), n, max_steps=6)
    opened = open_model(model)
    return guide(CorpusSearcher(opened, search), Judge.load("information_gain", model=model), n, max_steps=10)


def show(found: Searched) -> str:
    """Every choice with its scores, and the answer."""
    lines = []
    for number, choice in enumerate(found.choices):
        lines.append(f"step {number}")
        for place, (step, score) in enumerate(zip(choice.proposals, choice.scores, strict=True)):
            told = " ".join(step.render().split())[:90]
            lines.append(
                f"  {'>' if place == choice.chosen else ' '} {'  – ' if score is None else f'{score:4.1f}'}  {told}"
            )
    usage = found.usage
    lines.append(f"judge: {usage.model_calls} calls, {usage.tokens_in + usage.tokens_out} tokens")
    lines.append(f"{found.stopped}: {found.answer}" if found.answer is not None else found.stopped)
    return "\n".join([*lines, *found.failures])


def main(words: Sequence[str] | None = None) -> None:
    """Search and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="JSONL file or folder of documents")
    parser.add_argument("--model", help="of agent and judge; it has to be able to call tools")
    parser.add_argument("-n", type=int, default=4, help="proposals at each step")
    chosen = parser.parse_args(words)
    print(show(guided(chosen.corpus, chosen.model, chosen.n)(chosen.question)))


if __name__ == "__main__":
    main()
