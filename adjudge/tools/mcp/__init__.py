"""The tools of an MCP server, started as a child process or reached over HTTP.

    tools:
      files: {kind: mcp, command: "python server.py", env: {TOKEN: "${ADJUDGE_TOKEN}"}}
      wiki:  {kind: mcp, url: "http://127.0.0.1:8000/mcp", tools: [search]}

One entry gives several tools, named after the entry and the server's tool: `files_read`, `wiki_search`. The connection
is opened when the judge is loaded and stays open; one that breaks is opened again at the next call. A server is trusted
as the judge file that names it is: it runs without a sandbox. What it says is untrusted text.
"""

from adjudge.tools.mcp.settings import McpSettings
from adjudge.tools.mcp.tools import build

__all__ = ["McpSettings", "build"]
