"""A recipe with all that it names opened and checked: every mistake is told before the first weight is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from adjudge.cases import read_cases
from adjudge.errors import CaseError, ConfigError
from adjudge.judge import Judge
from adjudge.models.base import ModelSpec
from adjudge.models.local.source import Source
from adjudge.tools.corpus.passages import Document
from adjudge.tools.corpus.reading import reader
from adjudge.training.pairs import in_pairs
from adjudge.training.recipe import Recipe
from adjudge.training.rewards import Mixed, build
from adjudge.training.rewards.mact import MactGlobal
from adjudge.training.rollouts.attempts import POLICY, Plan, policy_settings
from adjudge.training.rollouts.measures import Measure, open_measures
from adjudge.training.rollouts.policy import Policy, check_template
from adjudge.types import Case


class Cases(NamedTuple):
    """What is trained on and what is held out."""

    train: dict[str, Case]
    held_out: dict[str, Case]
    stages: tuple[dict[str, Case], ...]  # of each stage of the warm start
    documents: dict[str, Document]  # of the corpus, by id
    bad: tuple[CaseError, ...]  # rows that are no cases, or have no label
    digests: dict[str, str]  # sha256 of each file's content


class Prepared(NamedTuple):
    """A recipe, opened."""

    recipe: Recipe
    base: Path  # where its relative paths start
    cases: Cases
    mixed: Mixed
    tokenizer: Any
    measures: tuple[Measure, ...]

    def plan(self, settings: Sequence[str] = ()) -> Plan:
        """The graph with the policy in it.

        Args:
            settings: Further overrides of the graph.

        Raises:
            ConfigError: The graph does not take them, or has no such agents.
        """
        recipe = self.recipe
        overrides = policy_settings(recipe.trained, recipe.policy.max_tokens) | {"orders": "given"}
        unopened = Policy(_Nobody(), self.tokenizer)
        judge = Judge.load(
            recipe.graph,
            model={POLICY: unopened},
            corpus=self.base / recipe.data.corpus,
            settings=[*recipe.settings, *settings],
            **overrides,
        )
        if unknown := sorted(set(recipe.agents) - set(judge.spec.nodes)):
            raise ConfigError("the graph has no such agent", key="agents", found=unknown[0], allowed=judge.spec.nodes)
        return Plan(judge, recipe.segment, self.tokenizer.eos_token_id, recipe.seed, self.measures)


class _Nobody:
    async def complete(self, *_: Any, **__: Any) -> Any:
        raise ConfigError("nobody has given this policy a model")


def prepare(recipe: Recipe, base: Path) -> Prepared:
    """Open what a recipe names; no weights are loaded.

    Raises:
        ConfigError: A file, a reward, a setting of the graph, the policy's folder or its chat template is wrong.
        MissingPackage: Something that training needs is not installed.
    """
    mixed = build(recipe.rewards)
    measures = _measures(recipe, mixed, base)
    tokenizer = load_tokenizer(recipe)
    check_template(tokenizer)
    prepared = Prepared(recipe, base, _cases(recipe, base), mixed, tokenizer, measures)
    for settings in [(), *(stage.settings for stage in recipe.warm_start.stages)]:
        prepared.plan(settings)
    return prepared


def _measures(recipe: Recipe, mixed: Mixed, base: Path) -> tuple[Measure, ...]:
    by_label = {reward.name for reward in mixed.rewards if isinstance(reward, MactGlobal) and reward.by == "label"}
    needed = {reward.name for reward in mixed.rewards} & {"criteria_gain", "mact_agents", "mact_global"} - by_label
    if unpaid := sorted(needed - recipe.measures.gives):
        hint = "measures: {criteria_gain: {model: …}} or {mact: {graph: …, model: …}}"
        raise ConfigError("nobody measures what this reward pays for", key=f"rewards.{unpaid[0]}", hint=hint)
    return open_measures(recipe.measures, base)


def load_tokenizer(recipe: Recipe) -> Any:
    """The policy's tokenizer."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(weights(recipe))


def weights(recipe: Recipe) -> str:
    """Where the policy's weights are: a folder, or a name on the hub."""
    name = recipe.policy.model
    if name == "embedded" or Path(name).expanduser().is_dir():
        return str(Source(ModelSpec(provider="local", model=name)).path())
    return name


def _cases(recipe: Recipe, base: Path) -> Cases:
    data, bad = recipe.data, list[CaseError]()
    train, held_out = (
        _labelled(base / data.train, "data.train", bad),
        _labelled(base / data.held_out, "data.held_out", bad),
    )
    if data.limit is not None and data.limit < len(train):
        train = {case.id: case for case in in_pairs(train.values(), recipe.seed)[: data.limit]}
    stages = []
    for number, stage in enumerate(recipe.warm_start.stages):
        key = f"warm_start.stages.{number}.data"
        stages.append(train if stage.data is None else _labelled(base / stage.data, key, bad))
    for cases in (train, *stages):
        if shared := sorted(set(cases) & set(held_out)):
            raise ConfigError("a case is trained on and held out", key="data", found=shared[0])
    corpus = hashlib.sha256()
    documents = {item.source.split("#", 1)[-1]: item for item in reader(base / data.corpus)(corpus)}
    files = dict.fromkeys(
        [data.train, data.held_out, *(stage.data for stage in recipe.warm_start.stages if stage.data)]
    )
    digests = {name: hashlib.sha256((base / name).read_bytes()).hexdigest() for name in files}
    return Cases(train, held_out, tuple(stages), documents, tuple(bad), digests | {data.corpus: corpus.hexdigest()})


def _labelled(path: Path, key: str, bad: list[CaseError]) -> dict[str, Case]:
    if not path.is_file():
        raise ConfigError("there is no such file", key=key, found=str(path), hint="see `adjudge synth`")
    found = {}
    for case in read_cases(path, on_error=bad.append):
        if case.label is None:
            bad.append(CaseError(f"case {case.id!r} has no label, so nothing can be learnt from it", key="label"))
        else:
            found[case.id] = case
    if not found:
        raise ConfigError("there is no labelled case", key=key, file=str(path), hint="see `adjudge synth`")
    return found
