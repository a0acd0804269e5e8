"""Images of a case that are named by a web address: fetched by us, under the rules for pages."""

from __future__ import annotations

import asyncio

import pytest

from adjudge.errors import ToolError
from adjudge.tools.web import fetch_image
from adjudge.tools.web.mock import PUBLIC, MockWeb, page, redirect
from adjudge.tools.web.visit import IMAGE_BYTES

URL = "http://www.example.org/cat.png"
PNG = page(b"\x89PNG\r\n\x1a\n", "image/png")


def fetched(web: MockWeb, url: str = URL, seconds: float = 20.0) -> bytes:
    async def go() -> bytes:
        async with web.serving():
            return await fetch_image(url, network=web.network(), seconds=seconds)

    return asyncio.run(go())


def test_an_image_is_fetched_also_behind_a_redirect() -> None:
    web = MockWeb({"/cat.png": redirect("/real.png"), "/real.png": PNG})
    assert fetched(web) == b"\x89PNG\r\n\x1a\n"
    assert "cookie" not in web.asked[-1].headers


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (page("<html></html>", "text/html"), "only these can be read: image/png"),
        (page("<svg/>", "image/svg+xml"), "only these can be read"),
        (page(b"\0" * (IMAGE_BYTES + 1), "image/png"), "at most"),
        (page("", "image/png", status="403 Forbidden"), "answered 403"),
        (redirect("http://169.254.169.254/latest/meta-data"), "169.254.169.254"),
        (redirect("http://www.example.org:22/"), "port 22"),
        (redirect("/cat.png"), "redirects more than"),
    ],
)
def test_what_is_no_image_or_lies_inside_is_refused(answer: bytes, told: str) -> None:
    web = MockWeb({"/cat.png": answer})
    with pytest.raises(ToolError, match=told):
        fetched(web)
    assert set(web.routed) == {(PUBLIC, 80)}


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "http://[::1]/a.png", "http://2130706433/a.png"])
def test_addresses_of_the_inside_are_not_asked(url: str) -> None:
    web = MockWeb({"/a.png": PNG})
    with pytest.raises(ToolError):
        fetched(web, url)
    assert web.routed == []


def test_a_name_that_turns_to_the_inside_is_refused() -> None:
    pages = {"/cat.png": redirect("/again.png"), "/again.png": PNG}
    web = MockWeb(pages, {"www.example.org": [[PUBLIC], ["10.0.0.1"]]})
    with pytest.raises(ToolError):
        fetched(web)
    assert [asked.path for asked in web.asked] == ["/cat.png"]


def test_a_server_that_never_answers_is_left() -> None:
    async def stay(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    with pytest.raises(ToolError, match=r"within 0\.3 seconds"):
        fetched(MockWeb({"/cat.png": stay}), seconds=0.3)
