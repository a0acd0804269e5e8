"""Groups of responses with what people said of them.

`qa_feedback`: four answers, people compared each two. `topicalchat`: six replies, people's mean rating.
AgentProcessBench: five search trajectories, which of them people called right; the judge sees their last messages,
since two whole ones often do not fit into its context. Groups in which people tie everywhere tell nothing of a ranking:
they are left out and counted.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from adjudge.evaluation.benchmarks import BENCHMARKS, Corpus, Loaded, load_benchmark
from adjudge.evaluation.gold import Compared, gold_of
from adjudge.types import TIE, Case, Response, letter

Matrix = tuple[tuple[float, ...], ...]


class Group(NamedTuple):
    """A group, and what people said."""

    case: Case  # without a label
    better: Matrix  # [i][j]: 1 where people prefer response i, 0 where they prefer j, ½ where they call it even

    def wanted(self, members: Sequence[int]) -> list[float]:
        """People's score of some of the responses: how many of the others each beats, a tie counting ½ (Copeland)."""
        return [sum(self.better[one][other] for other in members if other != one) for one in members]

    def tied(self, members: Sequence[int]) -> bool:
        """Whether people prefer none of these to another."""
        return len(set(self.wanted(members))) == 1


class Pool(NamedTuple):
    """The groups of a data set, in an order drawn with a seed."""

    name: str
    groups: Sequence[Group]
    tied: int  # groups left out, because people tie everywhere
    corpus: Corpus | None


def feedback(data: Path) -> Pool:
    """QA-Feedback."""
    loaded = _loaded("qa_feedback_groups", data)
    return _pool("qa_feedback", loaded, map(_of_pairs, loaded.cases))


def _of_pairs(case: Case) -> Group:
    gold = gold_of(case, "listwise")
    assert isinstance(gold, Compared)
    count = len(case.responses)
    better = [[0.5] * count for _ in range(count)]
    for (one, other), winner in gold.pairs.items():
        if winner != TIE:
            better[one][other] = float(winner == letter(one))
            better[other][one] = 1 - better[one][other]
    return _shuffled(case, case.responses, better)


def dialogues(data: Path) -> Pool:
    """Topical-Chat with the ratings of USR."""
    loaded = _loaded("topicalchat", data)
    return _pool("topicalchat_usr", loaded, _of_scores(loaded, lambda case: (case.responses[0], float(case.label))))


def answers(data: Path) -> Pool:
    """The last messages of AgentProcessBench's trajectories."""
    loaded = _loaded("agentprocessbench", data)

    def read(case: Case) -> tuple[Response, float]:
        assert case.trajectory is not None
        return Response(text=case.trajectory.steps[-1].render()), float(case.metadata["final"])

    return _pool("agentprocessbench_hotpotqa, last message", loaded, _of_scores(loaded, read))


def _of_scores(loaded: Loaded, read: Callable[[Case], tuple[Response, float]]) -> Iterator[Group]:
    """One group for all cases that share a prompt."""
    by_prompt: dict[str, list[Case]] = defaultdict(list)
    for case in loaded.cases:
        by_prompt[str(case.metadata["group"])].append(case)
    for cases in by_prompt.values():
        responses, scores = zip(*map(read, cases), strict=True)
        better = [[0.5 * ((one > other) - (one < other)) + 0.5 for other in scores] for one in scores]
        yield _shuffled(cases[0], responses, better)


def _shuffled(case: Case, responses: Sequence[Response], better: Sequence[Sequence[float]]) -> Group:
    """Files list systems in one order: a drawn one tells the judge nothing."""
    order = list(range(len(responses)))
    random.Random(f"groups/{case.id}").shuffle(order)
    shown = Case(id=f"groups/{case.id}", prompt=case.prompt, responses=tuple(responses[place] for place in order))
    return Group(shown, tuple(tuple(better[one][other] for other in order) for one in order))


def _loaded(name: str, data: Path) -> Loaded:
    loaded = load_benchmark(BENCHMARKS[name], data)
    if loaded.bad_rows:
        raise loaded.bad_rows[0]
    return loaded


def _pool(name: str, loaded: Loaded, groups: Iterable[Group]) -> Pool:
    found = list(groups)
    apart = [group for group in found if not group.tied(range(len(group.better)))]
    random.Random(f"0/{name}").shuffle(apart)
    return Pool(name, apart, len(found) - len(apart), loaded.corpus)
