"""Recipes: a training run as one YAML file, validated before anything is loaded.

    recipe = load_recipe("embedded")        # one that ships, or a path

A recipe names the judge's graph, which of its agents are the policy, the data, the rewards and their weights, and the
two stages: a warm start on traces of an oracle, then GRPO.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from adjudge.config import Document, apply_overrides, read_yaml, validate
from adjudge.errors import ConfigError
from adjudge.training.grpo.settings import GroupSettings, MonitorSettings
from adjudge.training.rollouts.measures import MeasureSettings
from adjudge.training.rollouts.rows import Segment
from adjudge.types import Frozen

FOLDER = Path(__file__).parent / "recipes"
Steps = Annotated[int, Field(ge=0, le=1_000_000)]


class LoraSettings(Frozen):
    """A low-rank adapter (Hu et al. 2021) on the linear maps of the layers."""

    r: int = Field(default=16, ge=1, le=1024)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    first_layer: int = Field(default=0, ge=0, description="Layers below stay as they are, which is quicker.")


class PolicySettings(Frozen):
    """The model that is trained."""

    model: str = Field(default="embedded", description="`embedded`, a folder with weights, or a name on the hub.")
    adapter: str | None = Field(default=None, description="Folder of a LoRA to go on from.")
    lora: LoraSettings | None = Field(default=LoraSettings(), description="null: all weights are trained.")
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    max_tokens: int = Field(default=64, ge=1, description="Most tokens of one reply.")


class AgentSettings(Frozen):
    """A node of the graph."""

    trainable: bool = True


class DataSettings(Frozen):
    """Cases as `adjudge synth` writes them, and the corpus that is searched."""

    train: str
    held_out: str
    corpus: str
    limit: int | None = Field(default=None, ge=1, description="Most training cases; drawn with the seed.")


class StageSettings(Frozen):
    """A stretch of the warm start, with its own settings of the graph: easy ones first."""

    steps: Steps
    learns: Literal["all", "search", "comparison", "verdict", "search_and_verdict"] = Field(
        default="all",
        description="`search`: the first turn alone. `comparison`: which response a passage supports, in a prompt "
        "shorter than the graph's. `verdict`: the last turn alone, from both orders of a pair at once. "
        "`search_and_verdict`: so, and the first turn; for graphs with these two turns.",
    )
    evidence: Literal["passage", "search"] = Field(
        default="passage",
        description="What a `comparison` shows: the one passage that the label rests on, or all that the oracle's "
        "search brings, of which most may be beside the point.",
    )
    data: str | None = Field(default=None, description="Other cases than `data.train`, of the same corpus.")
    rows: int = Field(ge=1, description="Traces; each is seen about steps · batch / rows times.")
    learning_rate: float | None = Field(default=None, gt=0, description="Instead of the warm start's.")
    batch: int | None = Field(
        default=None, ge=1, description="Instead of the warm start's; pairs, where both are learnt."
    )
    single: float = Field(
        default=0.1, ge=0, description="Weight of the likelihood of each order's verdict, beside that of both together."
    )
    settings: tuple[str, ...] = Field(default=(), description="Overrides of the graph: `tools.corpus.k=1`.")


class WarmStartSettings(Frozen):
    """Supervised training on traces of the oracle or of a teacher."""

    stages: tuple[StageSettings, ...] = ()
    tool: str = Field(default="corpus", description="The search that the oracle uses.")
    teacher: str | None = Field(
        default=None,
        description="A model, named as for `adjudge judge`, whose own traces are learnt instead of the oracle's, where "
        "its verdict is right. Through any graph; for the oracle it has to be one of a search and a letter.",
    )
    batch: int = Field(default=16, ge=1, description="Traces of a step; pairs, where both orders are learnt at once.")
    at_once: int = Field(default=4, ge=1, description="Of them in one forward pass.")
    learning_rate: float = Field(default=5e-4, gt=0)
    warmup: int = Field(default=10, ge=0)
    save_every: int = Field(
        default=20, ge=1, description="Steps between checkpoints, and between looks at held-out cases."
    )
    evaluate_cases: int = Field(default=64, ge=1)


class GrpoStage(Frozen):
    """Reinforcement learning. A step takes `prompts` cases, `generations` rollouts each."""

    steps: Steps = 0
    prompts: int = Field(default=4, ge=1)
    generations: int = Field(default=8, ge=2)
    at_once: int = Field(default=4, ge=1, description="Rows of one forward pass.")
    temperature: float = Field(default=1.0, gt=0)
    learning_rate: float = Field(default=2e-5, gt=0)
    beta: float = Field(default=0.0, ge=0, description="Weight of the KL term.")
    epsilon: float = Field(default=0.2, gt=0)
    groups: GroupSettings = GroupSettings()
    evaluate_every: int = Field(default=20, ge=1)
    evaluate_cases: int = Field(default=64, ge=1)
    save_every: int = Field(default=10, ge=1, description="With a monitor each evaluation saves instead.")


class VllmSettings(Frozen):
    """Where rollouts are sampled with a GPU: in the training process, or by a server that TRL keeps in step."""

    mode: Literal["colocate", "server"] = "colocate"
    server_base_url: str | None = None
    gpu_memory_utilization: float = Field(default=0.3, gt=0, le=1)
    tensor_parallel_size: int = Field(default=1, ge=1)
    max_model_length: int | None = Field(default=None, ge=1)


class Recipe(Frozen):
    """A training run."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    description: str = ""
    policy: PolicySettings = PolicySettings()
    graph: str
    settings: tuple[str, ...] = Field(default=(), description="Overrides of the graph.")
    agents: dict[str, AgentSettings] = Field(
        min_length=1, description="Nodes of the graph; the trained are the policy."
    )
    segment: Segment = "last"
    data: DataSettings
    rewards: dict[str, dict[str, Any]] = Field(min_length=1)
    measures: MeasureSettings = Field(default=MeasureSettings(), description="Models that some rewards need.")
    warm_start: WarmStartSettings = WarmStartSettings()
    grpo: GrpoStage = GrpoStage()
    vllm: VllmSettings | None = None
    monitor: MonitorSettings | None = None
    trainer: dict[str, Any] = Field(
        default_factory=dict, description="Further settings of TRL's GRPOConfig: `deepspeed`, `bf16`, …"
    )
    report_to: tuple[Literal["tensorboard", "trackio", "wandb"], ...] = ()
    seed: int = Field(default=0, ge=0)

    @property
    def trained(self) -> tuple[str, ...]:
        """The nodes that are the policy."""
        return tuple(name for name, agent in self.agents.items() if agent.trainable)


def load_recipe(name_or_path: str | Path, settings: Sequence[str] = ()) -> tuple[Recipe, Path]:
    """A recipe, and the folder from which its paths start.

    Args:
        name_or_path: One that ships (`embedded`, `evidence_8b`, `evidence_multi`), or a YAML file.
        settings: Overrides as the command line takes them: `grpo.steps=10`.

    Raises:
        ConfigError: There is none, or something in it is wrong; file, line and key are named.
    """
    document, base = _find(name_or_path)
    recipe = validate(Recipe, apply_overrides(document, settings))
    if not recipe.trained:
        raise ConfigError("no agent is trained", file=document.name, key="agents", hint="gather: {trainable: true}")
    return recipe, base


def shipped() -> list[str]:
    """Names of the recipes that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def _find(name_or_path: str | Path) -> tuple[Document, Path]:
    text = str(name_or_path)
    if text in shipped():
        return read_yaml(FOLDER / f"{text}.yaml"), Path.cwd()
    path = Path(text).expanduser()
    if path.suffix in (".yaml", ".yml") or path.exists():
        return read_yaml(path), path.resolve().parent
    raise ConfigError("there is no such recipe", found=text, allowed=shipped(), hint="or name a YAML file")
