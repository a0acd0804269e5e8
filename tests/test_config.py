from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from adjudge.config import (
    Document,
    InvalidDocument,
    apply_overrides,
    interpolate,
    parse_yaml,
    read_yaml,
    validate,
)
from adjudge.errors import ConfigError


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Executor(Strict):
    agent: Literal["executor"]
    tools: tuple[str, ...] = ()
    max_turns: int = Field(default=6, gt=0)


class Decider(Strict):
    agent: Literal["judge", "answerer"]
    decide: Literal["auto", "logprobs", "json"] = "auto"
    child: Annotated[Executor | Decider, Field(discriminator="agent")] | None = None


class Endpoint(Strict):
    model: str
    base_url: str = "http://x"
    api_key: SecretStr | None = None
    context: int | None = None
    timeout: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _url(self) -> Self:
        if not self.base_url.startswith("http"):
            raise ValueError(f"base_url must begin with http, found {self.base_url!r}")
        return self


class Spec(Strict):
    name: str = "x"
    nodes: dict[str, Annotated[Executor | Decider, Field(discriminator="agent")]] = {}
    models: dict[str, str | Endpoint] = {}
    edges: dict[str, str | dict[str, str]] = {}
    steps: list[Executor] = []
    samples: int | Literal["auto"] = 1


def failure(text: str, model: type[BaseModel] = Spec, environ: Mapping[str, str] | None = None) -> InvalidDocument:
    with pytest.raises(InvalidDocument) as caught:
        validate(model, parse_yaml(text, "judge.yaml"), environ or {})
    return caught.value


# --- reading


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),  # YAML 1.1 reads False
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("", None),
        ("12", 12),
        ("0x1F", 31),
        ("0o17", 15),
        ("1_000", "1_000"),  # YAML 1.1 reads 1000
        ("0b11", "0b11"),
        ("12:30", "12:30"),  # YAML 1.1 reads 750
        ("2024-01-31", "2024-01-31"),  # a date is not JSON
        ("1e-5", 1e-5),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("!!str 12", "12"),
        ("'12'", "12"),
        ("<<", "<<"),
        ("=", "="),
        ('"\\ud83d\\ude00"', "\U0001f600"),  # as JSON writes it
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    assert parse_yaml(f"key: {text}\n").data == {"key": value}


def test_keys_are_text_as_written() -> None:
    assert parse_yaml("1: a\ntrue: b\nnull: c\n2024-01-01: d\n").data == {
        "1": "a",
        "true": "b",
        "null": "c",
        "2024-01-01": "d",
    }


def test_the_line_of_every_key_path_is_known() -> None:
    document = parse_yaml("# head\na:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n")
    places = {(): 2, ("a",): 2, ("a", "b"): 3, ("a", "c"): 4, ("a", "c", 0): 5, ("a", "c", 1, "d"): 6}
    assert {path: document.place(path) for path in places} == places
    assert document.place(("a", "b", "unknown")) == 3


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a", "stands twice, first in line 1"),
        ("n:\n  j: 1\n  j: 2\n", 3, "n.j", "stands twice, first in line 2"),
        ("1: a\n'1': b\n", 2, "1", "stands twice"),
        ("a: [1\nb: 2\n", 2, None, "not YAML"),
        ("a: b: c\n", 1, None, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, None, "not YAML"),
        ("a: *b\n", 1, None, "undefined alias"),
        ("a: &x [*x]\n", 1, "a.0", "contains itself"),
        ("a: &x {<<: *x}\n", 1, "a", "contains itself"),
        ("a: 1\nb: !python/object x\n", 2, "b", "tag"),
        ("a: !!set {x}\n", 1, "a", "tag"),
        ("? [a]\n: 1\n", 1, None, "key should be text"),
        ("a: 1\n---\nb: 2\n", 2, None, "single document"),
        ("- a\n", 1, None, "should be a mapping"),
        ("just text\n", 1, None, "should be a mapping"),
        ("", None, None, "empty"),
        ("# only a comment\n", None, None, "empty"),
        ("a: 1\nb: \x01\n", 2, None, "U+0001"),
        ('a: "\\ud83d"\n', 1, "a", "surrogate"),
        ("%YAML 1.1\n---\na: no\n", None, None, "YAML 1.2"),
        (f"a: {'9' * 5000}\n", 1, "a", "too many digits"),
        (f"a: {'[' * 5000}", None, None, "too deeply"),
        ("a: 1\n<<: 2\n", 2, "<<", "only mappings can be merged"),
    ],
)
def test_broken_yaml_is_an_error_with_file_line_and_key(
    text: str, line: int | None, key: str | None, words: str
) -> None:
    with pytest.raises(ConfigError, match="(?s)" + words.replace("+", r"\+")) as caught:
        parse_yaml(text, "judge.yaml")
    assert (caught.value.file, caught.value.line, caught.value.key) == ("judge.yaml", line, key)


def test_aliases_and_merge_keys_expand_and_own_keys_win() -> None:
    document = parse_yaml("base: &b {x: 1, y: 2}\nother: &o {z: 3}\nuse:\n  <<: [*b, *o]\n  y: 9\ncopy: *b\n")
    assert document.data["use"] == {"x": 1, "y": 9, "z": 3}
    assert document.data["copy"] == {"x": 1, "y": 2}
    assert (document.place(("use", "x")), document.place(("use", "y"))) == (1, 5)


def test_an_alias_bomb_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(ConfigError, match="aliases expand"):
        parse_yaml("\n".join(lines))


def test_a_large_file_without_aliases_is_no_bomb() -> None:
    assert len(parse_yaml("a: [" + "x, " * 20_000 + "x]").data["a"]) == 20_001


def test_an_anchor_may_be_used_again() -> None:
    assert parse_yaml("a: &x 1\nb: &x 2\nc: *x\n").data["c"] == 2


def test_files_that_cannot_be_read_are_config_errors(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match="0xff is not UTF-8") as caught:
        read_yaml(wrong)
    assert caught.value.line == 2
    with pytest.raises(ConfigError, match="no such file"):
        read_yaml(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="folder"):
        read_yaml(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml("a\0b")


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(path).data == {"a": 1}


yamlish = st.text(st.sampled_from(list("ab1:-?[]{},&*!|>'\"%@`#~.<=\\ux0 \n\t\r\x00\x85\u2028é")), max_size=60)


@given(st.one_of(yamlish, st.text()))
def test_any_text_is_a_document_or_a_config_error(text: str) -> None:
    try:
        document = parse_yaml(text)
        document = interpolate(document, {})
    except ConfigError:
        return
    assert isinstance(document.data, dict)


@given(st.binary())
def test_any_file_is_a_document_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    try:
        document = read_yaml(path)
    except ConfigError:
        return
    assert isinstance(document.data, dict)


# --- variables

ENVIRON = {"ADJUDGE_X": "value", "ADJUDGE_EMPTY": "", "HF_TOKEN": "hf-secret", "ADJUDGE_DOLLAR": "${ADJUDGE_X}"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${ADJUDGE_X}", "value"),
        ("a ${ADJUDGE_X} b ${ADJUDGE_X}", "a value b value"),
        ("${ADJUDGE_NONE:-default}", "default"),
        ("${ADJUDGE_NONE:-}", ""),
        ("${ADJUDGE_EMPTY:-default}", "default"),  # as in a shell
        ("${ADJUDGE_EMPTY}", ""),
        ("${ADJUDGE_X:-default}", "value"),
        ("${ADJUDGE_NONE:-http://h:1/v1?a=$b}", "http://h:1/v1?a=$b"),
        ("$${ADJUDGE_X}", "${ADJUDGE_X}"),
        ("$$${ADJUDGE_X}", "$${ADJUDGE_X}"),
        ("${ADJUDGE_DOLLAR}", "${ADJUDGE_X}"),  # what a variable holds is not read again
        ("$ADJUDGE_X costs $5 {x}", "$ADJUDGE_X costs $5 {x}"),
    ],
)
def test_variables_are_filled_in(text: str, value: str) -> None:
    document = Document({"a": [{"b": text}]}, "x.yaml", {})
    assert interpolate(document, ENVIRON).data == {"a": [{"b": value}]}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("${HF_TOKEN}", "not allowed here.*names that begin with ADJUDGE_.*env:"),
        ("${HOME:-x}", "not allowed here"),
        ("${ADJUDGE_NONE}", "ADJUDGE_NONE is not set"),
        ("${ADJUDGE_X", "does not begin a variable"),
        ("${}", "does not begin a variable"),
        ("${a b}", "does not begin a variable"),
        ("${ADJUDGE_X:=1}", "does not begin a variable"),
        ("${ADJUDGE_NONE:-${ADJUDGE_X}}", "does not begin a variable"),
    ],
)
def test_a_wrong_reference_is_an_error_with_its_place_and_no_value(value: str, words: str) -> None:
    document = parse_yaml(f"a: 1\nb:\n  c: '{value}'\n", "judge.yaml")
    with pytest.raises(ConfigError, match=words) as caught:
        interpolate(document, ENVIRON)
    assert (caught.value.file, caught.value.line, caught.value.key) == ("judge.yaml", 3, "b.c")
    assert "secret" not in str(caught.value)


def test_the_list_env_allows_further_names_and_does_not_reach_a_model_without_that_field() -> None:
    document = parse_yaml("env: [HF_TOKEN]\nname: ${HF_TOKEN}\n")
    assert validate(Spec, document, ENVIRON).name == "hf-secret"


def test_a_model_that_declares_env_gets_it() -> None:
    class WithEnv(Spec):
        env: tuple[str, ...] = ()

    assert validate(WithEnv, parse_yaml("env: [HF_TOKEN]\n"), {}).env == ("HF_TOKEN",)


@pytest.mark.parametrize(
    ("text", "key"), [("env: HF_TOKEN\n", "env"), ("env: [a, 'b c']\n", "env.1"), ("env: [1]\n", "env.0")]
)
def test_a_malformed_env_list_is_an_error(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Spec, parse_yaml(text), {})
    assert caught.value.key == key


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ADJUDGE_TEST_NAME", "from the process")
    assert validate(Spec, parse_yaml("name: ${ADJUDGE_TEST_NAME}")).name == "from the process"


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    document = Document({"a": text.replace("${", "$${")}, "x", {})
    assert interpolate(document, {}).data == {"a": text}


@given(st.text(st.sampled_from(list("${}:-ADJUDGE_X "))))
def test_any_text_is_filled_in_or_is_a_config_error(text: str) -> None:
    try:
        result = interpolate(Document({"a": text}, "x", {}), ENVIRON).data["a"]
    except ConfigError:
        return
    assert result == text or "${" in text


SECRET = "sk-verysecret-123"


@pytest.mark.parametrize(
    "text",
    [
        "models: {m: {model: a, base_url: '${ADJUDGE_SECRET}'}}",  # the validator quotes it
        "models: {m: {model: a, base_url: '${ADJUDGE_SECRET}', context: '${ADJUDGE_FOUR}'}}",  # nor as raw text
        "models: {m: {model: a, base_url: 'x${ADJUDGE_SECRET}x'}}",
        "models: {m: {model: a, context: '${ADJUDGE_SECRET}'}}",
        "samples: ${ADJUDGE_SECRET}",
        "nodes: {a: {agent: '${ADJUDGE_SECRET}'}}",
        "nodes: {a: {agent: judge, decide: '${ADJUDGE_SECRET}'}}",
        "nodes: '${ADJUDGE_SECRET}'",
        "junk: '${ADJUDGE_SECRET}'",
        'name: ["${ADJUDGE_SECRET}"]',
        "steps: ['${ADJUDGE_SECRET}']",
    ],
)
def test_the_value_of_a_variable_never_shows_in_an_error_or_its_traceback(text: str) -> None:
    error = failure(text, environ={"ADJUDGE_SECRET": SECRET, "ADJUDGE_FOUR": "4"})
    shown = "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(error.__context__)
    assert SECRET not in shown
    assert "verysecret" not in shown


def test_found_shows_the_reference_instead_of_the_value() -> None:
    assert failure("samples: ${ADJUDGE_S}", environ={"ADJUDGE_S": SECRET}).found == "${ADJUDGE_S}"
    error = failure("models: {m: {model: a, base_url: '${ADJUDGE_S}'}}", environ={"ADJUDGE_S": SECRET})
    assert error.problem == "base_url must begin with http, found '${ADJUDGE_S}'"


def test_limits_are_told_for_values_that_came_from_variables() -> None:
    error = failure("models: {m: {model: a, timeout: '${ADJUDGE_T}'}}", environ={"ADJUDGE_T": "-1"})
    assert error.problem == "should be greater than 0"


# --- overrides


@pytest.mark.parametrize(
    ("override", "data"),
    [
        ("models.default.model=x", {"models": {"default": {"model": "x"}}, "nodes": {"a": [1, 2]}}),  # was a scalar
        ("models.default=auto2", {"models": {"default": "auto2"}, "nodes": {"a": [1, 2]}}),
        ("new.deep.key=1", {"models": {"default": "auto"}, "nodes": {"a": [1, 2]}, "new": {"deep": {"key": 1}}}),
        ("nodes.a.1=9", {"models": {"default": "auto"}, "nodes": {"a": [1, 9]}}),
        ("nodes.a.0.b=9", {"models": {"default": "auto"}, "nodes": {"a": [{"b": 9}, 2]}}),
        ("nodes.a=[x, {y: no}]", {"models": {"default": "auto"}, "nodes": {"a": ["x", {"y": "no"}]}}),
        ("nodes=", {"models": {"default": "auto"}, "nodes": None}),
        ("nodes=''", {"models": {"default": "auto"}, "nodes": ""}),
        ("nodes=a=b", {"models": {"default": "auto"}, "nodes": "a=b"}),
        ("nodes=http://h:8/v1", {"models": {"default": "auto"}, "nodes": "http://h:8/v1"}),
        ("nodes=1.5", {"models": {"default": "auto"}, "nodes": 1.5}),
    ],
)
def test_an_override_from_the_command_line_sets_its_path(override: str, data: object) -> None:
    document = parse_yaml("models: {default: auto}\nnodes: {a: [1, 2]}\n")
    before = repr(document)
    assert apply_overrides(document, [override]).data == data
    assert repr(document) == before


def test_overrides_from_python_keep_their_values() -> None:
    document = apply_overrides(parse_yaml("name: x\n"), {"models.m.model": "no: yes", "samples": 3})
    assert document.data == {"name": "x", "models": {"m": {"model": "no: yes"}}, "samples": 3}


def test_later_overrides_win() -> None:
    assert apply_overrides(parse_yaml("a: 1"), ["a=2", "a.b=3", "a.c=4"]).data == {"a": {"b": 3, "c": 4}}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("name", "needs a value.*--set key.path=value"),
        ("=x", "key path"),
        ("a..b=x", "key path"),
        (".a=x", "key path"),
        ("name=[1", "not YAML"),
        ("name=@x", "not YAML.*quotes"),
        ("name=a: b", "flow form.*quotes"),
        ("name=- a", "flow form"),
        ("name=*x", "undefined alias"),
        ("name={a: 1, a: 2}", "stands twice"),
        ("list.2=x", "list of 2.*allowed: 0 to 1"),
        ("list.-1=x", "list of 2"),
        ("list.x.y=1", "list of 2"),
        ("list.٣=x", "list of 2"),
    ],
)
def test_a_malformed_override_is_a_config_error(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        apply_overrides(parse_yaml("name: x\nlist: [a, b]\n"), [override])


def test_one_text_instead_of_a_list_of_overrides_is_refused() -> None:
    with pytest.raises(ConfigError, match="list or a mapping"):
        apply_overrides(parse_yaml("a: 1"), "a=2")


def test_errors_in_overridden_values_name_the_override_instead_of_a_line() -> None:
    document = parse_yaml("nodes:\n  a: {agent: judge, decide: auto}\n  b: {agent: jugde}\n", "judge.yaml")
    document = apply_overrides(document, ["nodes.a.decide=atuo", "nodes.c={agent: executor, max_turns: 0}"])
    with pytest.raises(InvalidDocument) as caught:
        validate(Spec, document, {})
    by_key = {mistake.key: mistake for mistake in caught.value.mistakes}
    assert by_key["nodes.b.agent"].line == 3
    assert by_key["nodes.a.decide"].line is None
    assert "--set nodes.a.decide" in str(by_key["nodes.a.decide"])
    assert "--set nodes.c" in str(by_key["nodes.c.max_turns"])
    assert document.place(("nodes", "a", "decide")) == "override"
    assert document.place(("nodes", "a", "agent")) == 2


def test_a_variable_that_is_overridden_need_not_exist() -> None:
    document = apply_overrides(parse_yaml("name: ${ADJUDGE_ABSENT}"), ["name=x"])
    assert validate(Spec, document, {}).name == "x"


def test_references_work_in_overrides() -> None:
    document = apply_overrides(parse_yaml("name: x"), ["name=${ADJUDGE_X}"])
    assert validate(Spec, document, ENVIRON).name == "value"


@given(st.lists(st.text(st.sampled_from(list("ab.=01[]{}:,'\" ")), max_size=12), max_size=3))
def test_any_overrides_apply_or_are_a_config_error(overrides: list[str]) -> None:
    document = parse_yaml("a: {b: [1, {a: 2}]}\nb: x\n")
    try:
        changed = apply_overrides(document, overrides)
    except ConfigError:
        return
    assert isinstance(changed.data, dict)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=5))
def test_a_value_set_from_python_is_found_at_its_path(value: Any) -> None:
    assert apply_overrides(parse_yaml("a: {b: 1}"), {"a.b.c": value}).data == {"a": {"b": {"c": value}}}


# --- validation


def test_a_good_file_becomes_a_frozen_model() -> None:
    text = """
name: x
nodes:
  gather: {agent: executor, tools: [search]}
  judge: {agent: judge, child: {agent: executor}}
models: {default: auto, other: {model: m}}
edges: {start: gather, gather: {done: judge}}
samples: auto
"""
    spec = validate(Spec, parse_yaml(text))
    assert isinstance(spec.nodes["judge"], Decider)
    assert isinstance(spec.models["other"], Endpoint)
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "y"  # type: ignore[misc]  # that it fails is the point


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("name: x\nnoodes: {}\n", 2, "noodes", "unknown key; found 'noodes'; allowed: name, nodes,.*mean 'nodes'"),
        (
            "nodes:\n  j:\n    agent: judge\n    dceide: auto\n",
            4,
            "nodes.j.dceide",
            "unknown key.*allowed: agent, decide, child; did you mean 'decide'",
        ),
        (
            "nodes:\n  j:\n    agent: judge\n    decide: atuo\n",
            4,
            "nodes.j.decide",
            "unknown value; found 'atuo'; allowed: auto, logprobs, json; did you mean 'auto'",
        ),
        (
            "nodes:\n  j:\n    agent: jugde\n",
            3,
            "nodes.j.agent",
            "unknown value; found 'jugde'; allowed: executor, judge, answerer; did you mean 'judge'",
        ),
        ("nodes:\n  j:\n    decide: auto\n", 2, "nodes.j.agent", "is missing; allowed: executor, judge, answerer"),
        ("nodes:\n  executor:\n    agent: executor\n    x: 1\n", 4, "nodes.executor.x", "unknown key"),  # tag = name
        (
            "nodes:\n  j:\n    agent: judge\n    child:\n      agent: executor\n      max_turns: 0\n",
            6,
            "nodes.j.child.max_turns",
            "should be greater than 0; found 0",
        ),
        ("nodes:\n  j: 5\n", 2, "nodes.j", "should be a mapping; found 5"),
        ("nodes: [a]\n", 1, "nodes", "should be a mapping, not a list"),
        ("nodes:\n", 1, "nodes", "should be a mapping, not null"),
        ("models:\n  m:\n    base_url: http://x\n", 2, "models.m.model", "is missing"),
        ("models:\n  m:\n    model: x\n    modle: y\n", 4, "models.m.modle", "allowed: model, base_url.*'model'"),
        ("models:\n  m:\n    model: [x]\n", 3, "models.m.model", "should be text, not a list"),
        ("models:\n  m: 5\n", 2, "models.m", "should be text or a mapping; found 5"),
        ("models:\n  m: {model: x, base_url: ftp}\n", 2, "models.m", "base_url must begin with http, found 'ftp'"),
        ("edges:\n  a: {done: 1}\n", 2, "edges.a.done", "should be text; found 1"),
        ("steps:\n  - agent: executor\n  - agent: executor\n    tols: []\n", 4, "steps.1.tols", "did you mean 'tools'"),
        ("steps:\n  - {agent: judge}\n", 2, "steps.0.agent", "unknown value; found 'judge'; allowed: executor"),
        ("samples: x\n", 1, "samples", "should be a whole number or an allowed value; found 'x'; allowed: auto"),
        ("name: no\nsamples: 1.5\n", 2, "samples", "whole number"),
    ],
)
def test_a_mistake_is_told_with_line_key_found_allowed_and_the_nearest_name(
    text: str, line: int, key: str, words: str
) -> None:
    error = failure(text)
    assert len(error.mistakes) == 1, str(error)
    assert (error.file, error.line, error.key) == ("judge.yaml", line, key)
    with pytest.raises(InvalidDocument, match=words):
        raise error


def test_every_mistake_is_listed_in_the_order_of_the_file() -> None:
    error = failure("smaples: 2\nnodes:\n  a: {agent: executor, max_turns: many}\n  b: {agent: x}\nname: [x]\n")
    assert [mistake.key for mistake in error.mistakes] == ["smaples", "nodes.a.max_turns", "nodes.b.agent", "name"]
    assert len(str(error).splitlines()) == 4
    assert error.key == "smaples"
    assert error.found == "smaples"
    assert "samples" in error.allowed


def test_field_aliases_are_the_names_shown() -> None:
    class Aliased(Strict):
        inner_name: int = Field(alias="shown")

    assert failure("shwon: 1\nshown: 2\n", Aliased).allowed == ("shown",)


def test_of_a_union_of_models_the_nearest_member_is_explained() -> None:
    class Left(Strict):
        a: int
        b: int
        c: int

    class Right(Strict):
        x: int
        y: int = 0

    class Either(Strict):
        one: Left | Right

    error = failure("one:\n  x: 1\n  z: 2\n", Either)
    assert [(mistake.key, mistake.allowed) for mistake in error.mistakes] == [("one.z", ("x", "y"))]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["judge", "executor"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*Spec.model_fields, "a", "agent", "model", "child"]), inner, max_size=4)
        ),
        max_leaves=12,
    ).map(lambda value: value if isinstance(value, dict) else {"nodes": value, "models": value})
)
def test_any_data_is_a_model_or_mistakes_whose_keys_lead_into_the_data(data: dict[str, Any]) -> None:
    listed: list[ConfigError] = []
    try:
        validate(Spec, Document(data, "any", {(): 1}), {})
    except InvalidDocument as error:
        listed += error.mistakes
    except ConfigError:
        return  # the text held ${
    for mistake in listed:
        inner: Any = data
        for part in (mistake.key or "").split(".")[:-1]:
            inner = inner[int(part)] if isinstance(inner, list) else inner[part]
