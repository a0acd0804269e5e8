"""A closed world: things with a colour, a maker and so on, and questions about them whose answers are looked up.

The judge searches for the thing, reads its one passage, and names the response that the passage supports: by the letter
of one of twelve (`choice`) or of six (`few`, for a model that reads more tokens), or in a written verdict between two
(`written`). The responses of a kind of question are all its values, in one order, so a policy of a million weights has
only to find the value in the passage; to compare twelve responses with it, which stand at other places each time, it
does not learn within thousands of traces.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from adjudge.types.verdicts import letter

Task = Literal["choice", "few", "written"]
VALUES = {
    "colour": "red blue green grey black white brown pink gold silver violet orange".split(),
    "material": "oak pine brass clay glass wool silk iron stone paper leather amber".split(),
    "place": "Oslo Rome Lima Cairo Paris Delhi Quito Accra Hanoi Tunis Riga Bern".split(),
    "maker": "baker tailor miner sailor painter farmer smith potter weaver doctor singer monk".split(),
}
SYLLABLES = "ba ko mi ru ze ta lo fi ne su ga vo di pe ha".split()
THINGS, HELD_OUT = 600, 80
CHOICES: dict[Task, int] = {"choice": 12, "few": 6, "written": 2}
GRAPHS: dict[Task, str] = {
    "choice": "mode: listwise\n",
    "few": "mode: listwise\n",
    "written": "mode: pairwise\nscale: {labels: [A, B]}\n",
}
GRAPH = """\
name: small
models: {{default: {{provider: auto, max_tokens: 64}}}}
tools:
  corpus: {{kind: corpus_search, k: 1, passage_chars: 200, max_chars: 200, description: Search.}}
nodes:
  gather: {{agent: executor, tools: [corpus], max_turns: 1, brief: true}}
  judge: {{agent: judge, thread: gather, decide: {decide}, brief: true, repair: 0}}
edges: {{start: gather, gather: judge, judge: end}}
orders: given
"""


class Thing(NamedTuple):
    """One document."""

    name: str
    has: dict[str, str]

    @property
    def text(self) -> str:
        """The passage."""
        has = self.has
        return f"{self.name} is {has['colour']} and of {has['material']}, from {has['place']}, by a {has['maker']}."


def things(task: Task, seed: int = 0) -> list[Thing]:
    """All of the world, in the order of a seed."""
    chance = random.Random(seed)
    names = sorted({"".join(chance.choices(SYLLABLES, k=3)).capitalize() for _ in range(4 * THINGS)})
    drawn = chance.sample(names, THINGS)
    return [Thing(name, {kind: chance.choice(responses(task, kind)) for kind in VALUES}) for name in drawn]


def responses(task: Task, kind: str) -> list[str]:
    """The values between which a judge decides."""
    return sorted(VALUES[kind][: CHOICES[task]])


def cases(world: Sequence[Thing], task: Task, seed: int) -> list[dict[str, Any]]:
    """One case for each thing and kind of question."""
    rows = []
    for thing in world:
        for kind in VALUES:
            values = responses(task, kind)
            rows.append(
                {
                    "id": f"{thing.name}/{kind}",
                    "prompt": f"What {kind} has {thing.name}?",
                    "responses": [{"text": f"It is {value}."} for value in values],
                    "label": letter(values.index(thing.has[kind])),
                    "metadata": {
                        "source": thing.name,
                        "kind": kind,
                        "gold_tools": ["corpus"],
                        "right": thing.has[kind],
                        "reference": {"text": thing.text},
                    },
                }
            )
    random.Random(seed).shuffle(rows)
    return rows


def write(folder: Path, task: Task) -> None:
    """`train.jsonl`, `dev.jsonl` (of things that are not trained on), `corpus.jsonl` and `graph.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)
    world = things(task)
    documents = [{"id": thing.name, "title": thing.name, "text": thing.text} for thing in world]
    for name, rows in (
        ("corpus", documents),
        ("train", cases(world[HELD_OUT:], task, 1)),
        ("dev", cases(world[:HELD_OUT], task, 2)),
    ):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    decide = "generate" if task == "written" else "logprobs"
    (folder / "graph.yaml").write_text(GRAPHS[task] + GRAPH.format(decide=decide), encoding="utf-8")
