"""The judge file: its fields, and the checks that need the whole of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from adjudge.agents import KINDS, NodeSettings
from adjudge.agents.answerer import AnswererSettings
from adjudge.agents.executor import ExecutorSettings
from adjudge.agents.judge import JudgeSettings
from adjudge.agents.planner import PlannerSettings
from adjudge.agents.process_judge import ProcessJudgeSettings
from adjudge.agents.step_executor import StepExecutorSettings
from adjudge.agents.summarizer import SummarizerSettings
from adjudge.agents.trajectory_summarizer import TrajectorySummarizerSettings
from adjudge.models import ModelSpec, parse_model
from adjudge.run import Limits
from adjudge.tools import ToolSpec
from adjudge.types import Frozen, Mode, Scale

END = "end"
START = "start"
FRESH = "fresh"  # the thread of an agent with a prompt of its own
OnConflict = Literal["average", "unscored"]


class CustomSettings(NodeSettings):
    """A node whose agent is a Python function given to `Judge`; its settings are the function's own affair."""

    model_config = ConfigDict(frozen=True, extra="allow")


def _kind(value: Any) -> str:
    agent = value.get("agent") if isinstance(value, Mapping) else getattr(value, "agent", None)
    return agent if agent in KINDS else "custom"


NodeSpec = Annotated[
    Annotated[ExecutorSettings, Tag("executor")]
    | Annotated[JudgeSettings, Tag("judge")]
    | Annotated[AnswererSettings, Tag("answerer")]
    | Annotated[SummarizerSettings, Tag("summarizer")]
    | Annotated[TrajectorySummarizerSettings, Tag("trajectory_summarizer")]
    | Annotated[PlannerSettings, Tag("planner")]
    | Annotated[StepExecutorSettings, Tag("step_executor")]
    | Annotated[ProcessJudgeSettings, Tag("process_judge")]
    | Annotated[CustomSettings, Tag("custom")],
    Discriminator(_kind),
]


def _model(value: object) -> object:
    return parse_model(value) if isinstance(value, str) else value


AnyModel = Annotated[ModelSpec, BeforeValidator(_model), WithJsonSchema({"type": ["string", "object"]})]


class GraphSpec(Frozen):
    """A judge file, validated field by field. `check` sees to what the fields say about each other."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    description: str = ""
    mode: Mode
    scale: Scale = Scale(min=1, max=10)
    env: tuple[str, ...] = Field(default=(), description="Further environment variables that values may name.")
    models: dict[str, AnyModel] = Field(default_factory=lambda: {"default": ModelSpec()})
    tools: dict[str, ToolSpec] = Field(default_factory=dict)
    nodes: dict[str, NodeSpec] = Field(min_length=1)
    edges: dict[str, str | dict[str, str]]
    orders: Literal["one", "both", "given"] = "both"
    on_conflict: OnConflict = "average"
    samples: int = Field(default=1, ge=1, le=1000, description="Votes per order.")
    seed: int = Field(default=0, ge=0)
    limits: Limits = Limits()

    def targets(self, node: str) -> dict[str, str]:
        """Where each status of a node leads; the key `*` stands for every status but `failed`."""
        edge = self.edges.get(node, {})
        return {"*": edge} if isinstance(edge, str) else dict(edge)

    def summarized(self, summarizer: str) -> str | None:
        """The node whose thread a summarizer keeps short: the one whose status `over_budget` leads to it."""
        return next((name for name in self.nodes if self.targets(name).get("over_budget") == summarizer), None)

    def budget(self, node: str) -> int | None:
        """Tokens of what was gathered that a node may have in its prompt, where a summarizer keeps it short."""
        own = self.targets(node).get("over_budget")
        keepers = {name: keeper for name, keeper in self.nodes.items() if isinstance(keeper, SummarizerSettings)}
        if own in keepers:
            return keepers[own].budget_tokens
        return max((keeper.budget_tokens for keeper in keepers.values()), default=None)
