"""Where pydantic's error locations point: key paths as they stand in a file, and what a model accepts there.

A location mixes keys with labels of union members (`models.default.ModelSpec.top_p`). Which is which is read off the
model's core schema, never guessed from the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel

from adjudge.config.document import KeyPath

Schema = dict[str, Any]
_LISTS = ("list", "set", "frozenset", "generator")


class Branch(NamedTuple):
    """A member of a union that was tried: the location of the union, and the member's label."""

    union: tuple[str | int, ...]
    label: str


class Spot(NamedTuple):
    """Where an error stands."""

    path: KeyPath
    schemas: list[Schema]  # what is accepted there; several when a union's member cannot be told apart
    parents: list[Schema]  # what is accepted one key further up
    branches: list[Branch]  # members of unions on the way, outermost first


def locate(model: type[BaseModel], loc: tuple[str | int, ...]) -> Spot:
    """Follow an error's location through a model."""
    model.model_rebuild()
    top: Schema = dict(model.__pydantic_core_schema__)
    definitions: dict[str, Schema] = {}
    _collect(top, definitions)
    path: list[str | int] = []
    branches: list[Branch] = []
    schemas, parents = list(_bare(top, definitions)), []
    for position, part in enumerate(loc):
        unions = [schema for schema in schemas if schema["type"] == "union" and len(schema["choices"]) > 1]
        if unions:
            branches.append(Branch(loc[:position], str(part)))
            schemas = [found for union in unions for found in _member(union, str(part), definitions)]
        elif tagged := [s for s in schemas if s["type"] == "tagged-union" and part in s["choices"]]:
            schemas = [found for union in tagged for found in _bare(union["choices"][part], definitions)]
        elif part == "[key]":  # the key itself is wrong, not the value under it
            break
        else:
            path.append(part)
            parents = schemas
            schemas = [found for schema in schemas for found in _child(schema, part, definitions)]
    return Spot(tuple(path), schemas, parents, branches)


def field_names(schemas: list[Schema]) -> tuple[str, ...]:
    """The keys that a model or typed dict accepts, in the order of their definition."""
    names: dict[str, None] = {}
    for schema in schemas:
        if schema["type"] in ("model-fields", "typed-dict", "dataclass-args"):
            names.update(dict.fromkeys(_fields(schema)))
    return tuple(names)


def tags(schemas: list[Schema]) -> tuple[str, ...]:
    """The values that a discriminator accepts."""
    return tuple(str(tag) for schema in schemas if schema["type"] == "tagged-union" for tag in schema["choices"])


def literals(schemas: list[Schema]) -> tuple[str, ...]:
    """The values that a Literal or Enum accepts."""
    values: list[object] = []
    for schema in schemas:
        if schema["type"] == "literal":
            values += schema["expected"]
        elif schema["type"] == "enum":
            values += [member.value for member in schema["members"]]
    return tuple("null" if value is None else str(value) for value in values)


def _collect(schema: Any, definitions: dict[str, Schema]) -> None:
    """Note every schema that may be referred to, wherever it stands."""
    pending = [schema]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if "ref" in item and item.get("type") != "definition-ref":
                definitions[item["ref"]] = item
            pending += [value for key, value in item.items() if key not in ("metadata", "serialization", "expected")]
        elif isinstance(item, list | tuple):
            pending += item


def _bare(schema: Schema, definitions: dict[str, Schema]) -> Iterator[Schema]:
    """A schema without what is wrapped around it: defaults, validators, None, references."""
    kind = schema["type"]
    if kind == "definition-ref":
        yield from _bare(definitions[schema["schema_ref"]], definitions)
    elif kind == "json-or-python":
        yield from _bare(schema["python_schema"], definitions)
    elif kind == "lax-or-strict":
        yield from _bare(schema["lax_schema"], definitions)
    elif kind == "chain":
        yield from _bare(schema["steps"][-1], definitions)
    elif kind == "union" and len(schema["choices"]) == 1:
        yield from _bare(_choice(schema["choices"][0]), definitions)
    elif isinstance(schema.get("schema"), dict):
        yield from _bare(schema["schema"], definitions)
    else:
        yield schema


def _child(schema: Schema, part: str | int, definitions: dict[str, Schema]) -> Iterator[Schema]:
    kind = schema["type"]
    if kind in ("model-fields", "typed-dict", "dataclass-args"):
        if (field := _fields(schema).get(str(part))) is not None:
            yield from _bare(field["schema"], definitions)
    elif kind == "dict" and "values_schema" in schema:
        yield from _bare(schema["values_schema"], definitions)
    elif kind in _LISTS and "items_schema" in schema:
        yield from _bare(schema["items_schema"], definitions)
    elif kind == "tuple" and isinstance(part, int):
        items = schema["items_schema"]
        yield from _bare(items[min(part, len(items) - 1)], definitions)


def _fields(schema: Schema) -> dict[str, Schema]:
    fields = schema["fields"]
    pairs = [(field["name"], field) for field in fields] if isinstance(fields, list) else list(fields.items())
    return {_shown(name, field): field for name, field in pairs}


def _shown(name: str, field: Schema) -> str:
    alias = field.get("validation_alias")
    return alias if isinstance(alias, str) else name


def _member(union: Schema, label: str, definitions: dict[str, Schema]) -> list[Schema]:
    """The members of a union that a label may mean; all of them when it names none."""
    choices = [_choice(choice) for choice in union["choices"]]
    labels = [choice[1] if isinstance(choice, tuple) else None for choice in union["choices"]]
    named = [c for c, own in zip(choices, labels, strict=True) if label in (own, _name(c, definitions))]
    named = named or [c for c in choices if label.endswith(f"{_name(c, definitions)}]")]  # function-after[…, Model]
    named = named or [c for c in choices if label.startswith(f"{_name(c, definitions)}[")]  # list[Model]
    return [bare for choice in named or choices for bare in _bare(choice, definitions)]


def _choice(choice: Any) -> Schema:
    schema: Schema = choice[0] if isinstance(choice, tuple) else choice
    return schema


def _name(schema: Schema, definitions: dict[str, Schema]) -> str:
    while schema["type"] == "definition-ref" or (schema["type"] != "model" and isinstance(schema.get("schema"), dict)):
        is_reference = schema["type"] == "definition-ref"
        schema = definitions[schema["schema_ref"]] if is_reference else schema["schema"]
    return str(schema["cls"].__name__ if "cls" in schema else schema["type"])
