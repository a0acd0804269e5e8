"""A closed world: things with a colour, a maker and so on, and questions about them whose answers are looked up.

The judge searches for the thing, reads its one passage, and names the response that the passage supports: by the letter
of one of eight (`choice`), or in a written verdict between two (`written`).
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

Task = Literal["choice", "written"]
VALUES = {
    "colour": "red blue green grey black white brown pink gold silver violet orange".split(),
    "material": "oak pine brass clay glass wool silk iron stone paper leather amber".split(),
    "place": "Oslo Rome Lima Cairo Paris Delhi Quito Accra Hanoi Tunis Riga Bern".split(),
    "maker": "baker tailor miner sailor painter farmer smith potter weaver doctor singer monk".split(),
}
SYLLABLES = "ba ko mi ru ze ta lo fi ne su ga vo di pe ha".split()
THINGS, HELD_OUT, CHOICES = 400, 80, 8
GRAPHS = {
    "choice": "mode: listwise\n",
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


def things(seed: int = 0) -> list[Thing]:
    """All of the world, in the order of a seed."""
    chance = random.Random(seed)
    names = sorted({"".join(chance.choices(SYLLABLES, k=3)).capitalize() for _ in range(4 * THINGS)})
    drawn = chance.sample(names, THINGS)
    return [Thing(name, {kind: chance.choice(values) for kind, values in VALUES.items()}) for name in drawn]


def cases(world: Sequence[Thing], task: Task, seed: int) -> list[dict[str, Any]]:
    """One case for each thing and kind; the wrong responses are other values of the kind.

    They are sentences, so that a value is the same token in them as in the passage.
    """
    chance, rows = random.Random(seed), []
    for thing in world:
        for kind, values in VALUES.items():
            right, many = thing.has[kind], CHOICES if task == "choice" else 2
            responses = chance.sample([value for value in values if value != right], many - 1)
            place = chance.randrange(many)
            responses.insert(place, right)
            rows.append(
                {
                    "id": f"{thing.name}/{kind}",
                    "prompt": f"What {kind} has {thing.name}?",
                    "responses": [{"text": f"It is {response}."} for response in responses],
                    "label": "ABCDEFGH"[place],
                    "metadata": {
                        "source": thing.name,
                        "gold_tools": ["corpus"],
                        "right": right,
                        "reference": {"text": thing.text},
                    },
                }
            )
    chance.shuffle(rows)
    return rows


def write(folder: Path, task: Task) -> None:
    """`train.jsonl`, `dev.jsonl` (of things that are not trained on), `corpus.jsonl` and `graph.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)
    world = things()
    documents = [{"id": thing.name, "title": thing.name, "text": thing.text} for thing in world]
    for name, rows in (
        ("corpus", documents),
        ("train", cases(world[HELD_OUT:], task, 1)),
        ("dev", cases(world[:HELD_OUT], task, 2)),
    ):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    decide = "logprobs" if task == "choice" else "generate"
    (folder / "graph.yaml").write_text(GRAPHS[task] + GRAPH.format(decide=decide), encoding="utf-8")
