"""The rewards that a recipe can name, and what it says of them.

rewards:
  verdict: {weight: 1.0}
  tool_use: {weight: 0.3, gated: true}

build({"verdict": {"weight": 1.0}, "tool_use": {"weight": 0.3, "gated": True}}) # -> Mixed
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Literal, cast, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from adjudge.errors import ConfigError
from adjudge.training.rewards.base import Mixed, Reward
from adjudge.training.rewards.citations import Faithfulness
from adjudge.training.rewards.format import WellFormed
from adjudge.training.rewards.generative_rlhfv import PairedScores
from adjudge.training.rewards.length import LengthControl
from adjudge.training.rewards.locals import CriteriaGain
from adjudge.training.rewards.mact import MactAgents, MactGlobal
from adjudge.training.rewards.prints import PrintsComparison, PrintsScore
from adjudge.training.rewards.tool_use import ToolUse
from adjudge.training.rewards.verdict import VerdictReward

BUILT: dict[str, type[Reward]] = {
    "verdict": VerdictReward,
    "tool_use": ToolUse,
    "format": WellFormed,
    "citations": Faithfulness,
    "length": LengthControl,
    "prints_score": PrintsScore,
    "prints_comparison": PrintsComparison,
    "paired_scores": PairedScores,
    "criteria_gain": CriteriaGain,
    "mact_agents": MactAgents,
    "mact_global": MactGlobal,
}
_WEIGHT = "weight"


def build(settings: Mapping[str, Mapping[str, object]], key: str = "rewards") -> Mixed:
    """The rewards of a recipe.

    Args:
        settings: Name of a reward to its settings; `weight` is 1 where it is not said.
        key: Where they stand in the recipe, for messages.

    Raises:
        ConfigError: There is none, or a name, a setting or a value is wrong.
    """
    if not isinstance(settings, Mapping) or not settings:
        raise ConfigError("at least one reward is needed", key=key, allowed=BUILT)
    rewards = tuple(_reward(name, told, f"{key}.{name}") for name, told in settings.items())
    weights = tuple(_weight(told, f"{key}.{name}.{_WEIGHT}") for name, told in settings.items())
    return Mixed(rewards, weights)


def settings_of(name: str) -> dict[str, object]:
    """The settings of a reward with their types; without `weight`, which each has.

    Raises:
        ConfigError: No reward has this name.
    """
    kind = _kind(name, name)
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}  # type: ignore[arg-type]  # each is a dataclass


def _kind(name: str, key: str) -> type[Reward]:
    if name not in BUILT:
        raise ConfigError("there is no such reward", key=key, found=name, allowed=BUILT)
    return BUILT[name]


def _reward(name: str, told: Mapping[str, object], key: str) -> Reward:
    kind = _kind(name, key)
    if not isinstance(told, Mapping):
        raise ConfigError(
            "the settings of a reward are a mapping", key=key, found=told, hint=f"{name}: {{weight: 1.0}}"
        )
    known = settings_of(name)
    own = {setting: value for setting, value in told.items() if setting != _WEIGHT}
    for setting in own:
        if setting not in known:
            problem = "this reward has no such setting"
            raise ConfigError(problem, key=f"{key}.{setting}", found=setting, allowed=[_WEIGHT, *known])
    values = {setting: _read(known[setting], value, f"{key}.{setting}") for setting, value in own.items()}
    try:
        return kind(**values)
    except ConfigError as error:
        place = f"{key}.{error.key}"
        raise ConfigError(error.problem, key=place, found=error.found, allowed=error.allowed) from error


def _weight(told: Mapping[str, object], key: str) -> float:
    return cast(float, _read(float, told.get(_WEIGHT, 1.0), key))


def _read(kind: object, value: object, key: str) -> object:
    """A value from a recipe as the type of a setting; nothing is converted but a list into a tuple."""
    try:
        reader: TypeAdapter[object] = TypeAdapter(kind)  # type: ignore[arg-type]  # a type that is not known here
        return reader.validate_json(to_json(value, fallback=str), strict=True)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"]
    problem = f"this setting{message.removeprefix('Input')}"
    raise ConfigError(problem, key=key, found=value, allowed=_literals(kind))


def _literals(kind: object) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    return [name for part in get_args(kind) for name in _literals(part)]
