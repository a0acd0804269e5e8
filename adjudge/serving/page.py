"""The OpenAPI document as a page: plain HTML, nothing loaded from anywhere, no scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "X-Frame-Options": "DENY"}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "pre{background:#f4f4f4;padding:.7em;overflow:auto;font-size:13px}code{font-size:14px}"
    "h2{border-top:1px solid #ccc;padding-top:.7em;margin-top:1.5em}summary{cursor:pointer}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#222}}"
)


def page(openapi: Mapping[str, Any]) -> HTMLResponse:
    """The page.

    Args:
        openapi: The document of /openapi.json.
    """
    info = openapi["info"]
    title = escape(f"{info['title']} {info['version']}")
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>",
        f"<h1>{title}</h1><p>{escape(info.get('description', ''))}",
        '<p>For programs: <a href="openapi.json">openapi.json</a>.',
        *_operations(openapi["paths"]),
        "<h2>Schemas</h2>",
        *(_schema(name, schema) for name, schema in openapi["components"]["schemas"].items()),
    ]
    return HTMLResponse("\n".join(parts), headers=_POLICY)


def _operations(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
            yield f"<p>{escape(operation.get('summary', ''))}. {escape(operation.get('description', ''))}"
            for name in ("parameters", "requestBody"):
                if name in operation:
                    yield f"<p>{'Parameters' if name == 'parameters' else 'Body'}:{_shown(operation[name])}"


def _schema(name: str, schema: Any) -> str:
    return f"<details><summary><code>{escape(name)}</code></summary>{_shown(schema)}</details>"


def _shown(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"
