"""Tools that reach out: search the web, and read a page of it.

    tools = {"search": web_search(), "fetch": fetch()}

What they must never do stands in the modules: `addresses.py`, `urls.py`, `network.py` and `named.py` say what may be
fetched, `client.py` and `bodies.py` how, `blocking.py` what is no evidence.
"""

from adjudge.tools.web.cache import Hit
from adjudge.tools.web.fetch import FetchSettings, fetch
from adjudge.tools.web.network import Network
from adjudge.tools.web.search import Provider, WebSearchSettings, web_search
from adjudge.tools.web.visit import fetch_image

__all__ = ["FetchSettings", "Hit", "Network", "Provider", "WebSearchSettings", "fetch", "fetch_image", "web_search"]
