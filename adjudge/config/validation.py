"""Documents to pydantic values; what pydantic reports becomes errors that point into the file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from adjudge.config.document import Document, KeyPath
from adjudge.config.environment import interpolate
from adjudge.config.schema import Spot, field_names, literals, locate, tags
from adjudge.errors import ConfigError

M = TypeVar("M", bound=BaseModel)

_SHOULD_BE = {
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
}
_SAFE = (  # core error types whose message quotes the limit, never the value
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
    "multiple_of",
    "finite_number",
    "string_too_short",
    "string_too_long",
    "string_pattern_mismatch",
    "too_short",
    "too_long",
)


class InvalidDocument(ConfigError):
    """Every mistake in one document, one line each; the attributes are those of the first.

    Args:
        mistakes: At least one, in the order in which they stand in the file.
    """

    def __init__(self, mistakes: Sequence[ConfigError]) -> None:
        self.mistakes = tuple(mistakes)
        first = self.mistakes[0]
        super().__init__(
            first.problem,
            file=first.file,
            line=first.line,
            key=first.key,
            found=first.found,
            allowed=first.allowed,
            hint=first.hint,
        )

    def _message(self) -> str:
        return "\n".join(map(str, self.mistakes))


def validate(model: type[M], document: Document, environ: Mapping[str, str] | None = None) -> M:
    """Fill in the variables of a document and read it as a model.

    The top-level key `env` lists variables; it reaches the model only if that has a field of this name.

    Args:
        model: A pydantic model, best frozen and with `extra="forbid"`.
        document: What the file and the overrides say.
        environ: Environment variables; those of the process by default.

    Raises:
        InvalidDocument: The document does not fit; a `ConfigError` that lists every mistake.
        ConfigError: A variable is not allowed or not set.
    """
    filled = interpolate(document, environ)
    data = filled.data
    if isinstance(data, dict) and "env" not in model.model_fields:
        data = {key: value for key, value in data.items() if key != "env"}
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
    # Raised outside the handler: as its cause, pydantic's error would show the values of variables in tracebacks.
    raise InvalidDocument(_mistakes(model, document, filled, details, ConfigError))


def mistakes(
    model: type[BaseModel], document: Document, error: ValidationError, kind: type[ConfigError] = ConfigError
) -> list[ConfigError]:
    """What pydantic found wrong with a document without variables, in the order in which it stands in the file."""
    return _mistakes(model, document, document, error.errors(include_url=False), kind)


class _Found(NamedTuple):
    detail: ErrorDetails
    spot: Spot


def _mistakes(
    model: type[BaseModel], document: Document, filled: Document, details: list[ErrorDetails], kind: type[ConfigError]
) -> list[ConfigError]:
    found = [_Found(detail, locate(model, detail["loc"])) for detail in details]
    groups = _merged(_pruned(found))
    errors = [_mistake(model, document, filled, group, kind) for group in groups]
    return sorted(errors, key=lambda error: math.inf if error.line is None else error.line)


def _pruned(found: list[_Found]) -> list[_Found]:
    """Of each union keep the member that the author meant: the one that got furthest, with the fewest mistakes.

    Members that all stumble over the union's own place stay; they are merged into one line.
    """
    depth = 0
    while any(len(item.spot.branches) > depth for item in found):
        tried: dict[Any, dict[str, list[_Found]]] = {}
        for item in found:
            if len(item.spot.branches) > depth:
                branch = item.spot.branches[depth]
                tried.setdefault(branch.union, {}).setdefault(branch.label, []).append(item)
        dropped: set[int] = set()
        for members in tried.values():
            inner = {label: items for label, items in members.items() if not _shallow(items, depth)}
            best = min(inner, key=lambda label: len(inner[label]), default=None)
            dropped |= {id(i) for label, items in members.items() if best not in (None, label) for i in items}
        found = [item for item in found if id(item) not in dropped]
        depth += 1
    return found


def _shallow(items: list[_Found], depth: int) -> bool:
    """Whether a member of a union failed as a whole: the value is of another type, or not among its values."""
    return all(
        len(item.detail["loc"]) == len(item.spot.branches[depth].union) + 1
        and (item.detail["type"] in _SHOULD_BE or item.detail["type"] == "literal_error")
        for item in items
    )


def _merged(found: list[_Found]) -> list[list[_Found]]:
    """Mistakes of several members of one union at the same place belong together."""
    groups: dict[Any, list[_Found]] = {}
    for number, item in enumerate(found):
        key = ("union", item.spot.path, item.spot.branches[0].union) if item.spot.branches else number
        groups.setdefault(key, []).append(item)
    return list(groups.values())


def _mistake(
    model: type[BaseModel], document: Document, filled: Document, group: list[_Found], kind: type[ConfigError]
) -> ConfigError:
    detail, spot = group[0]
    found = _lookup(document.data, spot.path)
    match detail["type"]:
        case "extra_forbidden":
            return document.error(
                "unknown key", spot.path, kind=kind, found=str(spot.path[-1]), allowed=field_names(spot.parents)
            )
        case "missing":
            return document.error("this key is missing", spot.path, kind=kind)
        case "union_tag_not_found":
            path = (*spot.path, _discriminator(detail))
            return document.error("this key is missing", path, kind=kind, allowed=tags(spot.schemas))
        case "union_tag_invalid":
            path = (*spot.path, _discriminator(detail))
            found = _lookup(document.data, path)
            return document.error("unknown value", path, kind=kind, found=_scalar(found), allowed=tags(spot.schemas))
    allowed = tuple(dict.fromkeys(name for item in group for name in literals(item.spot.schemas)))
    problem = _expectation(group) or _words(model, document, filled, detail, spot)
    if problem.startswith("should") and not _is_scalar(found):
        problem += f", not {_kind_of(found)}"
    return document.error(problem, spot.path, kind=kind, found=_scalar(found), allowed=allowed)


def _expectation(group: list[_Found]) -> str | None:
    """What the place should hold, when every mistake in a group says just that."""
    kinds = list(dict.fromkeys(item.detail["type"] for item in group))
    if all(kind in ("literal_error", "enum") for kind in kinds):
        return "unknown value"
    words = dict.fromkeys("an allowed value" if k in ("literal_error", "enum") else _SHOULD_BE.get(k) for k in kinds)
    if None in words:
        return None
    return "should be " + " or ".join(str(word) for word in words)


def _words(model: type[BaseModel], document: Document, filled: Document, detail: ErrorDetails, spot: Spot) -> str:
    """Pydantic's message or that of a validator, without the value of any variable."""
    if detail["type"] in _SAFE or _lookup(document.data, spot.path) == _lookup(filled.data, spot.path):
        return _message(detail)
    # A validator may quote what it was given. What it says about the text `${NAME}` itself cannot give a value away.
    try:
        model.model_validate(document.data)
    except ValidationError as error:
        for other in error.errors(include_url=False):
            if (other["loc"], other["type"]) == (detail["loc"], detail["type"]):
                return _message(other)
    return "this is not valid once its environment variables are filled in"


def _message(detail: ErrorDetails) -> str:
    if detail["type"] in ("value_error", "assertion_error"):
        return str(detail["ctx"]["error"]) or "this is not valid"
    return detail["msg"].replace("Input should", "should", 1)


def _discriminator(detail: ErrorDetails) -> str:
    return str(detail["ctx"]["discriminator"]).strip("'")


def _lookup(data: Any, path: KeyPath) -> Any:
    for part in path:
        try:
            data = data[part]
        except (LookupError, TypeError):
            return None
    return data


def _is_scalar(value: object) -> bool:
    return value is not None and not isinstance(value, dict | list | tuple)


def _scalar(value: object) -> object:
    """What to show as found: not whole mappings and lists, which hide the point and may hold a key."""
    return value if _is_scalar(value) else None


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    return "a mapping" if isinstance(value, dict) else "a list"
