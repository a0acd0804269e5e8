"""How long the prompts of a judge of steps get over thirty steps, and what of the early steps is still in them.

Real prompts of the shipped graph, for a search whose results are three passages of HotpotQA each. In every third result
(`few`, ten facts), or in every result and in longer words (`many`, thirty), a fact that the task asks for is planted.
The summarizer is a script that keeps the sentences which share three words with the task, the oldest going first when
there is no room. So this shows what the graph does: that prompts are bounded, that a summary is carried on from step to
step, and how much fits. It cannot show what a model would keep, or invent, since the script knows what is asked for.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from adjudge import Case, Judge, ScriptedModel, Step
from adjudge.agents.budget import tokens_of
from adjudge.agents.seeding import content_words
from adjudge.agents.trajectory_summarizer import HEADINGS
from adjudge.models.scripted import Request
from adjudge.selection.search import Search
from adjudge.types.messages import text_of

STEPS = 30
N = 4  # candidates of a choice: the judge is asked once for each
SHOWN = (1, 5, 10, 20, 30)
QUESTION = "Which code number does each of the weather stations have?"
BUDGET = 800  # tokens of a summary, as in the shipped graph
_SENTENCE = re.compile(r"[^.\n]+[.\n]?")
_FENCED = re.compile(r"<<<(?:summary so far|result of the last step) \S+\n(.*?)\n\S+>>>", re.DOTALL)
Count = Callable[[str], int]


class Path30(NamedTuple):
    """A search of thirty steps."""

    steps: list[Step]
    planted: dict[int, str]  # step -> code number


class Moment(NamedTuple):
    """One choice of the next step."""

    judged: int  # tokens of one prompt of the judge
    summed: int  # tokens of the summarizer's prompt before it; 0 without
    recall: float  # share of the facts found so far whose code is in the judge's prompt


def path(passages: Sequence[str], seed: int, *, many: bool) -> Path30:
    """A search, with facts planted in the middle of its results."""
    draw = random.Random(f"{seed}/{many}")
    planted: dict[int, str] = {}
    steps = []
    for number in range(STEPS):
        texts = draw.sample(list(passages), 3)
        if many or number % 3 == 0:
            planted[number] = str(draw.randint(10_000, 99_999))
            texts[1] = f"{texts[1]} {_fact(number, planted[number], draw, many=many)} {texts[2]}"
        query = " ".join(draw.sample(texts[0].split(), 3))
        thought = f"I have not seen all stations, so I look for {query}."
        steps.append(Step(thought=thought, tool="search", arguments={"query": query}, observation="\n\n".join(texts)))
    return Path30(steps, planted)


def _fact(number: int, code: str, draw: random.Random, *, many: bool) -> str:
    if not many:
        return f"The weather station no. {number} has the code number {code}."
    told = f"stands {draw.randint(100, 999)} metres above the sea, was built in {draw.randint(1900, 1990)}"
    return f"The weather station no. {number}, which {told} and is read twice a day, has the code number {code}."


def extract(request: Request) -> str:
    """The script: a summary, or a score."""
    if "confirmed_knowledge" not in request.text:
        return json.dumps({"dimensions": [{"name": "progress", "assessment": "some"}], "score": 0})
    wanted = content_words(QUESTION)
    body = "\n".join(_FENCED.findall(text_of(request.messages[-1]["content"])))
    kept = [s.strip().removeprefix("Confirmed knowledge: ") for s in _SENTENCE.findall(body.replace("no. ", "no "))]
    facts = list(dict.fromkeys(s for s in kept if len(content_words(s) & wanted) >= 3))
    room = BUDGET - 80
    while sum(tokens_of(fact) + 1 for fact in facts) > room:
        facts.pop(0)
    return json.dumps(dict.fromkeys(HEADINGS, "–") | {"confirmed_knowledge": " ".join(facts)})


def arms() -> dict[str, Callable[[], tuple[Judge, ScriptedModel]]]:
    """What the judge sees of the steps before."""
    return {
        "full history": lambda: _without("full"),
        "last 2 steps": lambda: _without("last"),
        "summary, extractive script": lambda: _with(ScriptedModel(extract)),
        "summary, cut to its end": lambda: _with(ScriptedModel(_certain, embedded=True)),
    }


def _with(model: ScriptedModel) -> tuple[Judge, ScriptedModel]:
    """The shipped graph; for the embedded model it makes summaries without a model, by cutting."""
    return Judge.load("information_gain", model=model), model


def _without(history: str) -> tuple[Judge, ScriptedModel]:
    model = ScriptedModel(extract)
    nodes = {"judge": {"agent": "judge", "each": True, "history": history}}
    spec = {"name": history, "mode": "step", "scale": {"min": -4, "max": 4}, "nodes": nodes, "orders": "one"}
    limits = {"model_calls": 100, "tokens": 10_000_000, "seconds": 900}
    edges = {"start": "judge", "judge": "end"}
    return Judge({**spec, "edges": edges, "limits": limits}, models={"default": model}), model


def _certain(request: Request) -> Any:
    from adjudge.models import Choice, TokenLogprob
    from adjudge.types.messages import assistant

    return Choice(assistant("E"), logprobs=(TokenLogprob("E", 0.0, (("E", 0.0),)),))


async def walk(judge: Judge, model: ScriptedModel, made: Path30, count: Count) -> list[Moment]:
    """The choice of each step after the first, with what is known then; the last is made after all thirty."""
    search = Search(Case(id="walk", prompt=QUESTION), judge)
    moments = []
    for number, step in enumerate(made.steps):
        search.steps.append(step)
        model.requests.clear()
        await search.choose([Step(thought=f"Next I try {place}.", tool="search") for place in range(2)])
        texts = [request.text for request in model.requests]
        judged = max((text for text in texts if "confirmed_knowledge" not in text), key=len)
        summed = max((count(text) for text in texts if "confirmed_knowledge" in text), default=0)
        due = [code for place, code in made.planted.items() if place <= number]
        recall = sum(code in judged for code in due) / len(due)
        moments.append(Moment(count(judged), summed, recall))
    return moments


def measure(data: Path, trajectories: int, count: Count, done: Callable[[], None]) -> dict[str, dict[str, Any]]:
    """Means over trajectories at each step, by kind and arm."""
    corpus = (data / "hotpotqa_100" / "derived_corpus.jsonl").read_text("utf-8").splitlines()
    texts = [text for line in corpus if 60 < len((text := json.loads(line)["text"]).split()) < 250]
    found: dict[str, dict[str, Any]] = {}
    for kind, many in (("few", False), ("many", True)):
        found[kind] = {}
        for name, make in arms().items():
            judge, model = make()
            walks = []
            for seed in range(trajectories):
                walks.append(asyncio.run(walk(judge, model, path(texts, seed, many=many), count)))
                done()
            found[kind][name] = _means(walks)
    return found


def _means(walks: Sequence[Sequence[Moment]]) -> dict[str, list[float]]:
    return {
        key: [statistics.mean(getattr(moments[place], key) for moments in walks) for place in range(STEPS)]
        for key in Moment._fields
    }


def plot(found: dict[str, dict[str, Any]], target: Path) -> None:
    """Prompt length and recall over the steps."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    steps = range(1, STEPS + 1)
    styles = ("-", "-", "-", "--")  # two arms share a line in the last panel
    for style, (name, arm) in zip(styles, found["few"].items(), strict=True):
        panels[0].plot(steps, arm["judged"], style, label=name)
        panels[1].plot(steps, arm["recall"], style, label=name)
        panels[2].plot(steps, found["many"][name]["recall"], style, label=name)
    panels[0].set(title="prompt of the judge", xlabel="steps done", ylabel="tokens")
    panels[1].set(title="10 short facts", xlabel="steps done", ylabel="facts in the prompt", ylim=(-0.03, 1.03))
    panels[2].set(title="30 long facts", xlabel="steps done", ylabel="facts in the prompt", ylim=(-0.03, 1.03))
    panels[0].legend(fontsize=8)
    figure.savefig(target, dpi=110)
