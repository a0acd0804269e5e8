"""Variables of the environment inside a document: `${ADJUDGE_X}` and `${ADJUDGE_X:-default}`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from adjudge.config.document import Document, KeyPath
from adjudge.errors import ConfigError

PREFIX = "ADJUDGE_"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\})?")


def interpolate(document: Document, environ: Mapping[str, str] | None = None) -> Document:
    """Fill in the variables in every text value; keys, and the list `env` itself, stay as they are.

    `${NAME:-default}` takes the default when the variable is unset or empty, as in a shell; `$${` stands for `${`.
    A value stays text: `${ADJUDGE_N}` is "4", which pydantic reads as a number where one is wanted.

    Args:
        document: Its top-level key `env` may list names that do not begin with `ADJUDGE_`.
        environ: The variables; those of the process by default.

    Raises:
        ConfigError: A variable is not allowed or not set, or a `${` does not begin a reference.
    """
    variables = os.environ if environ is None else environ
    listed = _listed(document)

    def fill(text: str, path: KeyPath) -> str:
        return _REFERENCE.sub(lambda match: _resolve(match, document, path, listed, variables), text)

    data = document.data
    if isinstance(data, dict):
        return replace(document, data={k: v if k == "env" else _walk(v, (k,), fill) for k, v in data.items()})
    return replace(document, data=_walk(data, (), fill))


def _listed(document: Document) -> tuple[str, ...]:
    names = document.data.get("env") if isinstance(document.data, dict) else None
    if names is None:
        return ()
    if not isinstance(names, list | tuple):
        raise document.error("env should be a list of names of environment variables", ("env",), found=names)
    for number, name in enumerate(names):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise document.error("this is not the name of an environment variable", ("env", number), found=name)
    return tuple(names)


def _walk(value: Any, path: KeyPath, fill: Callable[[str, KeyPath], str]) -> Any:
    if isinstance(value, str):
        return fill(value, path)
    if isinstance(value, dict):
        return {key: _walk(item, (*path, key), fill) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, (*path, number), fill) for number, item in enumerate(value)]
    return value


def _resolve(
    match: re.Match[str], document: Document, path: KeyPath, listed: tuple[str, ...], variables: Mapping[str, str]
) -> str:
    if match[0] == "$${":
        return "${"
    name, default = match["name"], match["default"]
    if name is None:
        raise _unreadable(match, document, path)
    if not name.startswith(PREFIX) and name not in listed:
        hint = f"add {name} to the list `env:` at the top of the file, or write $${{ for a plain ${{"
        allowed = (f"names that begin with {PREFIX}", *listed)
        raise document.error("this variable is not allowed here", path, found=match[0], allowed=allowed, hint=hint)
    value = variables.get(name)
    if default is not None:
        return value or default
    if value is None:
        hint = f"set {name}, or write ${{{name}:-default}}"
        raise document.error(f"the environment variable {name} is not set", path, found=match[0], hint=hint)
    return value


def _unreadable(match: re.Match[str], document: Document, path: KeyPath) -> ConfigError:
    shown = match.string[match.start() : match.start() + 40]
    allowed = ("${NAME}", "${NAME:-default}, with no braces in the default", "$${ for a plain ${")
    return document.error("this ${ does not begin a variable", path, found=shown, allowed=allowed)
