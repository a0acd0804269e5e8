"""A bare loop that uses a tool: ask, call the function, append, until nothing is asked for; then ask for a verdict."""

from __future__ import annotations

import argparse
import json
from typing import Any

from benchmarks.peers.drivers.bare import FORMAT, Client, opening
from benchmarks.peers.drivers.harness import Answer, Many, Task, drive, side_by_side

TOOL = {
    "type": "function",
    "function": {
        "name": "lookup",
        "description": "Look up a fact.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string", "description": "What to look for."}},
            "required": ["query"],
            "additionalProperties": False,
        },
    },
}
VERDICT = {"role": "user", "content": "Now compare the two responses and reply with the verdict as one JSON object."}


async def lookup(query: str) -> str:
    """The local function that stands for a tool."""
    return f"About {query}: the title page of the first edition names George Eliot."


def prepare(options: argparse.Namespace) -> Many:
    """The judge of many tasks."""
    client = Client(options.base_url, options.in_flight)

    async def one(task: Task) -> Answer:
        messages = opening(task)
        while True:
            message = await client.chat(messages, tools=[TOOL])
            messages.append(message)
            calls: list[dict[str, Any]] = message.get("tool_calls") or []
            if not calls:
                break
            for call in calls:
                found = await lookup(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": found})
        verdict = await client.chat([*messages, VERDICT], response_format=FORMAT)
        return Answer(score=json.loads(verdict["content"])["scores"])

    return side_by_side(one, options.in_flight)


if __name__ == "__main__":
    drive("httpx-aiohttp", prepare)
