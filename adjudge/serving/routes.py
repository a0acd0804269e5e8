"""What can be asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Discriminator, Tag, TypeAdapter, ValidationError
from starlette.responses import HTMLResponse, JSONResponse, Response

from adjudge import __version__
from adjudge.errors import CaseError
from adjudge.judge.rank import Plan
from adjudge.serving.forms import JudgementRequest, RankRequest, ShownAs, case_of
from adjudge.serving.gate import Ticket
from adjudge.serving.jobs import Watch
from adjudge.serving.page import page
from adjudge.serving.peers import OpenRlhfRequest, TrlRequest, VerlBatchRequest, VerlRequest
from adjudge.serving.refusals import ErrorReply, Refused, invalid
from adjudge.serving.replies import Graph, Graphs, Health, Results
from adjudge.serving.rewards import PENALTY, RewardForm, RewardReply, RewardRequest
from adjudge.serving.state import Serving
from adjudge.serving.streaming import EVENT_SCHEMA, MEDIA_TYPE, Tell, event_json, name_of, result_json, stream
from adjudge.serving.strict import StrictRoute
from adjudge.types import JudgeResult, RankResult, Strategy

REWARDS = ("/v1/rewards", "/get_reward")  # the second is OpenRLHF's
JUDGING = ("/v1/judgements", "/v1/rank", *REWARDS)
_FORMS: dict[str, type[RewardForm]] = {  # by the key that only this form has
    "cases": RewardRequest,
    "completions": TrlRequest,
    "query": OpenRlhfRequest,
    "solution_str": VerlRequest,
    "solution_strs": VerlBatchRequest,
}


def _serving(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving


def _ticket(request: Request) -> Ticket:
    ticket: Ticket = request.state.ticket
    return ticket


def _wants_events(accept: Annotated[str, Header(description="`text/event-stream` for events.")] = "") -> bool:
    return MEDIA_TYPE in accept.lower()


TheServing = Annotated[Serving, Depends(_serving)]
TheTicket = Annotated[Ticket, Depends(_ticket)]
Streamed = Annotated[bool, Depends(_wants_events)]
OTHERS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorReply} for status in (400, 401, 403, 408, 413, 415, 422, 500, 503)
}
router = APIRouter(route_class=StrictRoute, responses=OTHERS)


def _events(model: type[Any]) -> dict[int | str, dict[str, Any]]:
    text = "The result; with `stream`, events, the last of them `result`."
    return {200: {"model": model, "description": text, "content": {MEDIA_TYPE: {"itemSchema": EVENT_SCHEMA}}}}


@router.post("/v1/judgements", summary="Judge one case or several", responses=_events(JudgeResult | Results))  # type: ignore[arg-type]  # a union is a form of its own
async def judgements(asked: JudgementRequest, serving: TheServing, ticket: TheTicket, streamed: Streamed) -> Response:
    """The result of `case`, or the `results` of `cases` in their order."""
    served = serving.judge(asked.graph)
    if asked.case is not None:
        case = _case(asked.case)
        try:
            served.judge.check(case)
        except CaseError as error:
            raise invalid(error, "case") from error

        async def judge(watch: Watch | None) -> JudgeResult:
            return await served.judgement(case, ticket, watch=watch, streamed=watch is not None)

        return await _one(judge, streamed or asked.stream, "case")
    rows = list(enumerate(asked.cases or ()))
    serving.check_count(rows)
    if not (streamed or asked.stream):
        results = await served.side_by_side(rows, lambda row: served.judgement_of(row[1], row[0], ticket))
        return JSONResponse({"results": [result_json(result) for result in results]})

    async def tell_all(tell: Tell) -> None:
        async def tell_one(row: tuple[int, Any]) -> None:
            number, raw = row
            result = await served.judgement_of(raw, number, ticket, watch=_watch(tell, number), streamed=True)
            tell("result", {"type": "result", "index": number, "result": result_json(result)})

        await served.side_by_side(rows, tell_one)

    return stream(tell_all)


@router.post("/v1/rank", summary="Rank the responses of a case", responses=_events(RankResult))
async def rank(asked: RankRequest, serving: TheServing, ticket: TheTicket, streamed: Streamed) -> Response:
    """Evidence is gathered once; the strategy says which responses are compared."""
    served = serving.judge(asked.graph)
    case = _case(asked.case)
    plan = Plan(asked.strategy, asked.budget, asked.confidence, asked.goal)

    async def ranking(watch: Watch | None) -> RankResult:
        return await served.ranking(case, plan, ticket, watch=watch, streamed=watch is not None)

    return await _one(ranking, streamed or asked.stream, "case")


RewardBody = Annotated[
    Annotated[RewardRequest, Tag("cases")]
    | Annotated[TrlRequest, Tag("completions")]
    | Annotated[OpenRlhfRequest, Tag("query")]
    | Annotated[VerlRequest, Tag("solution_str")]
    | Annotated[VerlBatchRequest, Tag("solution_strs")],
    Discriminator(lambda raw: _form_key(raw)),
]
AnyReward = Annotated[Any, Body(), ShownAs(TypeAdapter(RewardBody).core_schema)]


async def rewards(
    asked: AnyReward,
    serving: TheServing,
    ticket: TheTicket,
    graph: Annotated[str | None, Query(description="For forms whose body cannot name it.")] = None,
    strategy: Annotated[Strategy | None, Query(description="The same.")] = None,
    penalty: Annotated[float | None, Query(description=PENALTY, allow_inf_nan=False)] = None,
) -> Response:
    """A reward for each response, in the form of the request: ours, TRL's, OpenRLHF's or verl's."""
    form = _form(asked)
    served = serving.judge(form.graph or graph)
    rows = form.rows()
    serving.check_count(rows)
    chosen = form.strategy or strategy or "pointwise"
    form.check_group(rows, chosen)
    given = form.penalty if form.penalty is not None else penalty
    rewarded = await served.rewards(rows, chosen, given, ticket)
    return JSONResponse(form.reply(rewarded))


for _path in REWARDS:
    router.post(
        _path,
        summary="Reward responses",
        responses={200: {"model": RewardReply | Any, "description": "Rewards, in the form of the request."}},
        operation_id=_path.strip("/").replace("/", "_"),
    )(rewards)


@router.get("/v1/graphs", summary="The judges that are served", response_model=Graphs)
async def graphs(serving: TheServing) -> Graphs:
    """Their names are what `graph` may be."""
    return Graphs(graphs=tuple(Graph.of(served.judge) for served in serving.judges.values()))


@router.get("/healthz", summary="Whether requests are taken", response_model=Health)
async def healthz(serving: TheServing) -> Response:
    """503 while the server is shutting down. It needs no token."""
    draining = serving.gate.draining
    health = Health(status="stopping" if draining else "ok", version=__version__)
    return JSONResponse(health.model_dump(), 503 if draining else 200)


@router.get("/metrics", summary="Counts for Prometheus", response_class=Response)
async def metrics(serving: TheServing) -> Response:
    """In Prometheus's text format."""
    return serving.metrics.reply()


@router.get("/", summary="This page", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """Plain HTML without scripts; /openapi.json is for programs."""
    return page(request.app.openapi())


def _case(raw: Any) -> Any:
    try:
        return case_of(raw)
    except CaseError as error:
        raise invalid(error, "case") from error


async def _one(make: Callable[[Watch | None], Awaitable[Any]], streamed: bool, place: str) -> Response:
    if not streamed:
        try:
            return JSONResponse(result_json(await make(None)))
        except CaseError as error:  # what only shows when it is judged: an image that is none
            raise invalid(error, place) from error

    async def tell_all(tell: Tell) -> None:
        result = await make(_watch(tell, 0))
        tell("result", {"type": "result", "index": 0, "result": result_json(result)})

    return stream(tell_all)


def _watch(tell: Tell, index: int) -> Watch:
    return lambda event: tell(name_of(event), event_json(event, index))


def _form_key(raw: Any) -> str | None:
    return next((key for key in _FORMS if key in raw), None) if isinstance(raw, dict) else None


def _form(raw: Any) -> RewardForm:
    key = _form_key(raw)
    if key is None:
        problem = "this is no request for rewards in any of the forms that are known"
        raise Refused(422, "invalid", problem, allowed=_FORMS, hint="it has one of these keys; see docs/serving.md")
    try:
        return _FORMS[key].model_validate(raw)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
