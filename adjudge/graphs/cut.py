"""A graph cut before its judge: what comes before is run once, the judge as often as a group has comparisons.

    case ─► gather ⇄ summarize ─✂─► judge(0, 1)  judge(1, 0)  judge(0, 2)  …

So evidence is gathered once for all responses of a group and shared by all comparisons (ours).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from adjudge.errors import ConfigError
from adjudge.graphs.build import Graph, build, source_of
from adjudge.graphs.entry import Member, cast, guarded, work_of
from adjudge.graphs.orders import Forks
from adjudge.graphs.spec import END, START, GraphSpec
from adjudge.graphs.state import State
from adjudge.run import Run
from adjudge.types import Vote


class Cut(NamedTuple):
    """A judge node, and the graph before it."""

    node: str
    member: Member
    source: str  # the node whose thread it continues
    before: Graph | None  # not compiled; None: the judge comes first
    forks: Forks

    async def vote(self, state: State, run: Run, order: tuple[int, ...], sample: int) -> Vote:
        """One look of the judge at some responses; a failure is an `Unscored` outcome.

        Args:
            state: What the graph before came to.
            run: Of this look alone, with the evidence that was gathered.
            order: 0-based responses in the order shown.
            sample: Which of several votes on this order.
        """
        work = work_of(self.node, state, self.source, order, sample)
        return cast(work, await guarded(self.member, work, run), run, whole=False).vote


def cut(spec: GraphSpec, members: Mapping[str, Member]) -> Cut:
    """Cut a graph before its judge.

    Args:
        spec: A checked graph.
        members: The agent of each node.

    Raises:
        ConfigError: It has no judge or several, or something follows the judge.
    """
    judges = {name: member.forks for name, member in members.items() if member.forks is not None}
    if len(judges) != 1:
        raise ConfigError(
            f"the graph {spec.name!r} cannot rank a group: that takes exactly one node with the agent judge",
            key="nodes",
            found=sorted(judges) or "none",
        )
    ((name, forks),) = judges.items()
    if set(spec.targets(name).values()) != {END}:
        hint = f"write `{name}: {END}`"
        raise ConfigError("a group can be ranked only where the judge is the last node", key=f"edges.{name}", hint=hint)
    return Cut(name, members[name], source_of(spec, name), _before(spec, members, name), forks)


def _before(spec: GraphSpec, members: Mapping[str, Member], judge: str) -> Graph | None:
    if set(spec.targets(START).values()) == {judge}:
        return None
    nodes = {name: node for name, node in spec.nodes.items() if name != judge}
    edges: dict[str, str | dict[str, str]] = {}
    for source in (START, *nodes):
        ends = {status: END if target == judge else target for status, target in spec.targets(source).items()}
        edges[source] = ends["*"] if set(ends) == {"*"} else ends
    rest = {name: member for name, member in members.items() if name != judge}
    return build(spec.model_copy(update={"nodes": nodes, "edges": edges}), rest)
