"""What has changed between the judge of a recorded run and one that is to go on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adjudge.errors import ConfigError, shorten
from adjudge.journal import Journal

_MOST = 12  # differences that a message names


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Each difference in a line, those of weights, tools and corpora first.

    Args:
        old: From `Judge.record`.
        new: The same of the other judge.
    """
    told = []
    for what, name in (("models", "weights of the model"), ("tools", "tool"), ("decide", "method of the node")):
        before, after = old["fingerprint"][what], new["fingerprint"][what]
        told += [f"{name} {key!r}: {_pair(before, after, key)}" for key in _changed(before, after)]
    if old.get("prompts") != new.get("prompts"):
        told.append("the prompts that ship with adjudge are others")
    before, after = _flat(old["spec"]), _flat(new["spec"])
    return told + [f"{key}: {_pair(before, after, key)}" for key in _changed(before, after)]


def check_same(journal: Journal, digest: str, record: Mapping[str, Any]) -> None:
    """Refuse to go on with a run that another judge began.

    Args:
        journal: Of the run.
        digest: Of the judge's fingerprint.
        record: From `Judge.record`.

    Raises:
        ConfigError: The run has results of another judge and none of this one; with the differences.
    """
    graphs = journal.graphs()
    if not graphs or digest in graphs:
        return
    found = differences(list(graphs.values())[-1], record)
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    told = "\n  ".join(found[:_MOST] + more) or "the digest"
    problem = f"this run was judged by something else; these differ:\n  {told}\n"
    hint = "name another run, or allow it (--allow-changes): unchanged calls are then used again, others are made"
    raise ConfigError(problem, file=str(journal.path), hint=hint)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def _pair(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> str:
    old, new = (shorten(side[key]) if key in side else "nothing" for side in (before, after))
    return f"{old} then, {new} now"


def _flat(value: object, path: str = "") -> dict[str, Any]:
    """A nested value by dotted key paths."""
    if not isinstance(value, dict | list):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {key: leaf for name, item in items for key, leaf in _flat(item, f"{path}.{name}".lstrip(".")).items()}
