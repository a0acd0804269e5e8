"""Every mistake in a judge file is refused at load: its place, what was found, what is allowed, what is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ConfigError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel

FILE = """\
name: mine
mode: pairwise
scale: {min: 1, max: 10}
models:
  default: auto
tools:
  corpus: {kind: corpus_search}
nodes:
  gather: {agent: executor, tools: [corpus]}
  judge: {agent: judge, thread: gather}
edges:
  start: gather
  gather: judge
  judge: end
"""


async def own(work: Any, run: Any) -> Any:
    raise AssertionError("never called")


def load(path: Path, text: str, **more: Any) -> Judge:
    path.write_text(text)
    return Judge.load(path, model=ScriptedModel(), **more)


def mistake(tmp_path: Path, *changes: tuple[str, str], **more: Any) -> ConfigError:
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "judge.yaml", text, **more)
    assert caught.value.file == str(tmp_path / "judge.yaml")
    return caught.value


def test_the_file_that_the_mistakes_are_put_into_is_right(tmp_path: Path) -> None:
    assert load(tmp_path / "judge.yaml", FILE).spec.name == "mine"


MISTAKES = [
    # what is changed, into what, line, key, part of the message, nearest name
    ("scale:", "sacle:", 3, "sacle", "unknown key", "scale"),
    ("agent: judge,", "agent: judge, decied: auto,", 10, "nodes.judge.decied", "unknown key", "decide"),
    ("agent: judge", "agent: jugde", 10, "nodes.judge.agent", "unknown agent", "judge"),
    ("tools: [corpus]", "tools: [corpsu]", 9, "nodes.gather.tools.0", "unknown tool", "corpus"),
    ("kind: corpus_search", "kind: corpus_serach", 7, "tools.corpus.kind", "unknown value", "corpus_search"),
    ("agent: judge,", "agent: judge, model: defualt,", 10, "nodes.judge.model", "unknown model", "default"),
    ("thread: gather", "thread: gahter", 10, "nodes.judge.thread", "unknown thread", "gather"),
    ("mode: pairwise", "mode: pairwsie", 2, "mode", "unknown value", "pairwise"),
    ("gather: judge", "gather: {doen: judge}", 13, "edges.gather.doen", "never reports this status", "done"),
    ("gather: judge", "gather: jugde", 13, "edges.gather", "an edge to nowhere", "judge"),
    ("start: gather", "start: gahter", 12, "edges.start", "an edge to nowhere", "gather"),
    ("start: gather", "start: end", 12, "edges.start", "an edge to nowhere", None),
    ("judge: end", "jugde: end", 14, "edges.jugde", "an edge from a node that does not exist", "judge"),
    ("gather: judge", "gather: {failed: judge}", 13, "edges.gather", "no target for the status 'done'", None),
    ("start: gather", "start: judge", 9, "nodes.gather", "no edge leads to this node", None),
    ("judge: end", "judge: gather", 13, "edges.gather", "no path leads from here to 'end'", None),
    ("judge: end", "judge: {done: end, failed: gather}", 13, "edges.gather", "a loop without a bound", None),
    ("  start: gather\n", "", 11, "edges", "no edge says where the graph begins", None),
    ("  gather: judge\n", "", 11, "edges", "no edge leads on from the node 'gather'", None),
    ("start: gather", "start: {done: gather}", 12, "edges.start", "the start has no status", None),
    ("{min: 1, max: 10}", "{labels: [X, Y]}", 3, "scale.labels", "labels of a pairwise judge are A and B", None),
    ("{min: 1, max: 10}", "{min: 10, max: 1}", 3, "scale", "min must be below max", None),
    ("{min: 1, max: 10}", "{min: 1, max: .inf}", 3, "scale.max", "finite", None),
    ("mode: pairwise", "mode: answer", 10, "nodes.judge", "a judge cannot decide in mode answer", None),
    ("mode: pairwise", "mode: pairwise\nsamples: 3", 3, "samples", "at temperature 0 all votes", None),
    ("mode: pairwise", "mode: pairwise\nsamples: 0", 3, "samples", "greater than or equal to 1", None),
    ("mode: pairwise", "mode: pairwise\nname: again", 3, "name", "twice", None),
    ("mode: pairwise", "mode: pairwise\nlimits: {second: 3}", 3, "limits.second", "unknown key", "seconds"),
    ("mode: pairwise", "mode: pairwise\nlimits: {seconds: 0}", 3, "limits.seconds", "greater than 0", None),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "problem", "near"), MISTAKES)
def test_a_mistake_names_its_place_and_the_nearest_name(
    tmp_path: Path, old: str, new: str, line: int, key: str, problem: str, near: str | None
) -> None:
    error = mistake(tmp_path, (old, new))
    message = str(error)
    assert problem in message
    assert (error.line, error.key) == (line, key)
    if near is not None:
        assert near in error.allowed
        assert f"did you mean {near!r}?" in message


@pytest.mark.parametrize("name", ["end", "start", "fresh", "a.b", "a:b", "a|b", "judge.merge", "", " ", "__start__"])
def test_names_that_would_collide_are_refused(name: str) -> None:
    spec = {"name": "x", "mode": "pairwise", "nodes": {name: {"agent": "judge"}}, "edges": {"start": name, name: "end"}}
    with pytest.raises(ConfigError, match="may not be called this"):
        Judge(spec, models={"default": ScriptedModel()})


@pytest.mark.parametrize("name", ["outcome", "votes", "case", "status", "a-b_2"])
def test_names_that_only_look_special_work(name: str) -> None:
    spec = {"name": "x", "mode": "pairwise", "nodes": {name: {"agent": "judge"}}, "edges": {"start": name, name: "end"}}
    assert Judge(spec, models={"default": ScriptedModel()}).spec.nodes


def test_a_graph_in_which_nobody_decides_is_refused() -> None:
    spec = {"name": "x", "mode": "pairwise", "nodes": {"g": {"agent": "executor"}}, "edges": {"start": "g", "g": "end"}}
    with pytest.raises(ConfigError, match="no node gives a verdict"):
        Judge(spec, models={"default": ScriptedModel()})


def test_a_loop_with_a_bound_is_allowed(tmp_path: Path) -> None:
    text = FILE.replace("judge: end", "judge: {done: end, failed: gather}") + "limits: {visits: 3}\n"
    assert load(tmp_path / "judge.yaml", text).spec.limits.visits == 3


def test_samples_above_temperature_0_are_allowed(tmp_path: Path) -> None:
    text = FILE.replace("default: auto", "default: {temperature: 0.7}") + "samples: 3\n"
    assert load(tmp_path / "judge.yaml", text).spec.samples == 3


def test_a_variable_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADJUDGE_NOWHERE", raising=False)
    error = mistake(tmp_path, ("kind: corpus_search", "kind: corpus_search, path: '${ADJUDGE_NOWHERE}'"))
    assert "the environment variable ADJUDGE_NOWHERE is not set" in str(error)
    assert (error.line, error.key) == (7, "tools.corpus.path")


def test_a_variable_of_another_program_has_to_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME_OF_X", "secret")
    error = mistake(tmp_path, ("kind: corpus_search", "kind: corpus_search, path: '${HOME_OF_X}'"))
    assert "not allowed here" in str(error)
    assert "secret" not in str(error)


def test_a_variable_of_a_model_that_is_replaced_need_not_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ADJUDGE_NOWHERE", raising=False)
    text = FILE.replace("default: auto", "default: {model: '${ADJUDGE_NOWHERE}', temperature: 0.5}")
    assert load(tmp_path / "judge.yaml", text).spec.models["default"].temperature == 0.5


def test_a_graph_that_does_not_exist_is_told_what_there_is() -> None:
    with pytest.raises(ConfigError) as caught:
        Judge.load("evidnce")
    assert "did you mean 'evidence'?" in str(caught.value)
    assert {"direct", "evidence", "rubric"} <= set(caught.value.allowed)


def test_an_override_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown key.*did you mean 'orders'"):
        Judge.load("direct", model=ScriptedModel(), order="one")


def test_agents_given_in_python_are_known(tmp_path: Path) -> None:
    text = FILE.replace("agent: judge, thread: gather", "agent: own, any_setting: 3")
    with pytest.raises(ConfigError, match="unknown agent"):
        load(tmp_path / "judge.yaml", text)
    assert load(tmp_path / "judge.yaml", text, agents={"own": own})
