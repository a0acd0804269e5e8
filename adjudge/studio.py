"""The judges that ship, as LangGraph Studio and the LangGraph server find them (`langgraph.json`).

Input is a case as JSON (`{"case": {"prompt": …, "responses": […]}}`), output its result. Models come from the
environment (`ADJUDGE_MODEL`, `ADJUDGE_BASE_URL`), else the embedded one. The judge's own graph runs inside the node,
with its `Run` as context, which a remote caller could not supply; its events are streamed as custom events.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from adjudge.judge import Judge
from adjudge.types import Case, Event


class StudioState(TypedDict, total=False):
    """What goes in and what comes out."""

    case: dict[str, Any]
    result: dict[str, Any]


def studio_graph(judge: Judge) -> Any:
    """A compiled graph of one node that judges a case."""

    async def node(state: StudioState) -> StudioState:
        write = get_stream_writer()
        case = Case.model_validate(state["case"])
        result = await judge.ajudge(case, on_event=lambda event: write(_plain(event)))
        return {"result": result.to_dict(trajectory=True)}

    graph: StateGraph[StudioState, None, StudioState, StudioState] = StateGraph(StudioState)
    graph.add_node("judge", node)
    graph.add_edge(START, "judge")
    graph.add_edge("judge", END)
    return graph.compile(name=judge.spec.name)


def _plain(event: Event) -> dict[str, Any]:
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    shown = {k: v.model_dump(mode="json") if isinstance(v, BaseModel) else v for k, v in fields.items()}
    return {"event": type(event).__name__, **shown}


def direct() -> Any:
    """The graph `direct`."""
    return studio_graph(Judge.load("direct"))


def evidence() -> Any:
    """The graph `evidence`."""
    return studio_graph(Judge.load("evidence"))


def rubric() -> Any:
    """The graph `rubric`."""
    return studio_graph(Judge.load("rubric"))


def web_evidence() -> Any:
    """The graph `web_evidence`."""
    return studio_graph(Judge.load("web_evidence"))
