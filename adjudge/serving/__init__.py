"""Judges over HTTP: judgements, rankings, and rewards for trainers.

    adjudge serve --graph rubric --model http://127.0.0.1:8000/v1

    from adjudge.serving import RemoteReward
    trainer = GRPOTrainer(..., reward_funcs=RemoteReward("http://127.0.0.1:8100"))

Needs `pip install "adjudge[serve]"`; the client (`RemoteReward`) does not. See docs/serving.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adjudge.errors import MissingPackage

if TYPE_CHECKING:
    from adjudge.serving.app import serving_app
    from adjudge.serving.client import RemoteReward
    from adjudge.serving.server import serve
    from adjudge.serving.settings import Settings

__all__ = ["RemoteReward", "Settings", "serve", "serving_app"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        match name:
            case "RemoteReward":
                from adjudge.serving.client import RemoteReward as found
            case "Settings":
                from adjudge.serving.settings import Settings as found  # type: ignore[assignment]
            case "serve":
                from adjudge.serving.server import serve as found  # type: ignore[assignment]
            case _:
                from adjudge.serving.app import serving_app as found  # type: ignore[assignment]
    except ModuleNotFoundError as error:
        if (package := str(error.name)).partition(".")[0] not in (
            "fastapi",
            "uvicorn",
            "starlette",
            "prometheus_client",
            "h11",
        ):
            raise
        raise MissingPackage(package, needed_for="the server", install='pip install "adjudge[serve]"') from error
    return found
