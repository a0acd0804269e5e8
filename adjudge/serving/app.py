"""The server as an ASGI application.

    app = serving_app([Judge.load("rubric", model="http://127.0.0.1:8000/v1")])

`adjudge serve` runs it; so does any other ASGI server, in a single process: queue, counts and judgements in progress
are not shared between processes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from adjudge import __version__
from adjudge.errors import ConfigError, JournalError
from adjudge.judge import Judge
from adjudge.serving.door import Door
from adjudge.serving.refusals import Refused, answer
from adjudge.serving.routes import JUDGING, router
from adjudge.serving.settings import Settings
from adjudge.serving.state import Serving

OPENAPI = "/openapi.json"
_DESCRIPTION = (
    "Judges that gather evidence and cite it. A judgement that could not be made is `unscored` with its reason, and a "
    "reward that is missing is null: a failure is never a score."
)


def serving_app(judges: Sequence[Judge], settings: Settings | None = None) -> FastAPI:
    """The application. It closes the judges when it is shut down.

    Args:
        judges: Each is asked for by the name of its graph.
        settings: What is allowed; `Settings()` by default.

    Raises:
        ConfigError: There is no judge, two have the same name, or one may read images from files.
    """
    chosen = settings or Settings()
    serving = Serving(judges, chosen)
    app = FastAPI(
        title="adjudge",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,  # these two load scripts from elsewhere
        redoc_url=None,
        openapi_url=OPENAPI,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.serving = serving
    app.include_router(router)
    errors: tuple[type[Exception], ...] = (Refused, ConfigError, JournalError, RequestValidationError, HTTPException)
    for kind in (*errors, ExceptionGroup):
        app.add_exception_handler(kind, answer)
    app.add_middleware(
        Door,
        settings=chosen,
        gate=serving.gate,
        metrics=serving.metrics,
        routes=[OPENAPI, *(getattr(route, "path", "") for route in router.routes)],
        judging=JUDGING,
    )
    app.openapi = lambda: _openapi(app, secured=chosen.token is not None)  # type: ignore[method-assign]  # as FastAPI has it
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.serving.aclose()


def _openapi(app: FastAPI, *, secured: bool) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        if secured:
            schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            schema["security"] = [{"token": []}]
        _name_graphs(schema, list(app.state.serving.judges))
        app.openapi_schema = schema
    return app.openapi_schema


def _name_graphs(schema: dict[str, Any], names: list[str]) -> None:
    """Show what `graph` may be, wherever it stands."""
    forms = [form["properties"] for form in schema["components"]["schemas"].values() if "properties" in form]
    places = [form["graph"] for form in forms if "anyOf" in form.get("graph", {})]
    for methods in schema["paths"].values():
        for operation in methods.values():
            places += [item["schema"] for item in operation.get("parameters", ()) if item["name"] == "graph"]
    for place in places:
        place["anyOf"] = [{"type": "string", "enum": names}, {"type": "null"}]
