"""Reading a page: what comes back of it, which pages may be read, redirects, encodings and certificates."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from adjudge.errors import ConfigError, ToolError
from adjudge.tools import FetchSettings, Tool, ToolContext, ToolOutput, build_tool, fetch
from adjudge.tools.web.mock import PUBLIC, MockWeb, page, redirect
from adjudge.types import Case, Document, Evidence, Response

URL = "http://www.example.org/page"
FACTS = [
    "Middlemarch is a novel by George Eliot, first published in eight instalments in 1871 and 1872.",
    "Its setting is a fictional town in the English Midlands in the years from 1829 to 1832.",
    "Virginia Woolf called it one of the few English novels written for grown-up people.",
    "Dorothea Brooke marries Edward Casaubon, a scholar who will never finish his great book.",
]
ARTICLE = "\n".join(f"<p>{fact} {'It goes on about other matters for a while. ' * 22}</p>" for fact in FACTS)
HTML = f"<html><head><title>Middlemarch &amp; more</title></head><body><article>{ARTICLE}</article></body></html>"


def fetched(
    web: MockWeb,
    url: str,
    question: str = "",
    *,
    case: Case | None = None,
    evidence: Sequence[Evidence] = (),
    trusted: ssl.SSLContext | None = None,
    **settings: Any,
) -> ToolOutput:
    """What `fetch` makes of a URL; the case names it unless another case is given."""
    known = {f"E{number}": item for number, item in enumerate(evidence, 1)}
    context = ToolContext(case or Case(prompt=f"Read {url} ."), known, {})

    async def go() -> ToolOutput:
        async with web.serving():
            made = fetch(network=settings.pop("network", None) or web.network(trusted), **settings)
            return await made.call({"url": url, "question": question}, context)

    return asyncio.run(go())


def test_the_passages_that_bear_on_the_question_come_back_in_page_order() -> None:
    output = fetched(MockWeb({"/page": page(HTML, "text/html; charset=utf-8")}), URL, "Woolf about Dorothea", k=2)
    assert [item.excerpt[:20] for item in output.evidence] == [FACTS[2][:20], FACTS[3][:20]]
    assert {item.source for item in output.evidence} == {URL}
    assert {item.title for item in output.evidence} == {"Middlemarch & more"}
    assert output.text == "2 of 4 passages of the page, nearest to the question."


def test_without_a_question_that_of_the_case_is_used() -> None:
    web = MockWeb({"/page": page("\n\n".join(fact + " filler" * 150 for fact in FACTS))})
    output = fetched(web, URL, case=Case(prompt=f"Who is Casaubon? See {URL}."), k=1)
    assert output.evidence[0].excerpt.startswith("Dorothea")


def test_when_no_passage_shares_a_word_with_the_question_the_first_come_and_that_is_said() -> None:
    output = fetched(MockWeb({"/page": page("\n\n".join(fact + " x" * 500 for fact in FACTS))}), URL, "zebra", k=2)
    assert output.evidence[0].excerpt.startswith("Middlemarch")
    assert output.text == "2 of 4 passages of the page, first; none shares a word with the question."


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        ("plain ünïcode", "text/plain; charset=UTF-8", "plain ünïcode"),
        ("latin: café".encode("latin-1"), 'text/plain;charset="ISO-8859-1"', "latin: café"),
        ("wide 東京".encode("utf-16"), "text/plain", "wide 東京"),
        ("\ufeffmarked", "text/plain", "marked"),
        ("a\r\nb", "text/markdown", "a\nb"),
        ('{"born": 1819}', "application/json", '{"born": 1819}'),
        (
            "<html><p>日本語です。</p></html>".encode("shift_jis"),
            "text/html; charset=Shift_JIS",
            "日本語です。",
        ),
        (
            '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><p>Café au lait.</p>',
            "application/xhtml+xml",
            "Café au lait.",
        ),
        (
            '<?xml version="1.0" encoding="koi8-r"?><html><p>Café au lait.</p></html>'.encode("latin-1"),
            "text/html; charset=latin1",  # the server's word counts, not the page's
            "Café au lait.",
        ),
        ("zip is no charset", "text/plain; charset=zip", "zip is no charset"),
        ("nor is punycode", "text/plain; charset=punycode", "nor is punycode"),
    ],
)
def test_text_is_read_in_its_encoding(body: bytes | str, kind: str, expected: str) -> None:
    output = fetched(MockWeb({"/page": page(body, kind)}), URL)
    assert output.evidence[0].excerpt == expected


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"packed")),
        ("GZIP", gzip.compress(b"packed")),
        ("deflate", zlib.compress(b"packed")),
        ("deflate", deflated(b"packed")),  # some servers leave zlib's frame out
        ("identity", b"packed"),
        ("gzip", gzip.compress(b"packed") + b"what follows is left out"),
    ],
)
def test_compressed_pages_are_unpacked(encoding: str, packed: bytes) -> None:
    web = MockWeb({"/page": page(packed, Content_Encoding=encoding)})
    assert fetched(web, URL).evidence[0].excerpt == "packed"


def test_a_redirect_is_followed_and_the_source_is_where_it_led() -> None:
    web = MockWeb(
        {
            "/page": redirect("/next?a=1", "301 Moved Permanently"),
            "/next?a=1": redirect("//other.example.com/last#part", "307 Temporary Redirect"),
            "/last": page("here"),
        }
    )
    assert fetched(web, URL).evidence[0].source == "http://other.example.com/last"
    assert [asked.headers["host"] for asked in web.asked] == ["www.example.org"] * 2 + ["other.example.com"]


def test_a_pdf_is_read_by_what_was_given_and_cited_by_page() -> None:
    async def read_pdf(data: bytes) -> list[tuple[int, str]]:
        assert data == b"%PDF-1.7 "
        return [(1, "Contents"), (2, "Casaubon is a scholar")]

    web = MockWeb({"/page": page(b"%PDF-1.7 ", "application/pdf")})
    output = fetched(web, URL, "Casaubon", read_pdf=read_pdf)
    assert [(item.source, item.excerpt) for item in output.evidence] == [(f"{URL}#page=2", "Casaubon is a scholar")]
    with pytest.raises(ToolError, match="PDF is not supported here"):
        fetched(web, URL)


PLAIN = {"/page": page("here"), "/page?a=1&b=2": page("here"), "/": page("here"), "/a_(b)": page("here")}


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (URL, URL),
        (URL, f"See {URL}."),
        (URL, f"[a page]({URL}), or not"),
        (URL, f"**{URL}** and <{URL}>"),
        (URL, f"見る{URL}。次"),
        (URL, f"{URL}#section shows"),
        (f"{URL}#section", f"{URL} shows"),
        (f"{URL}?a=1&b=2", f'"{URL}?a=1&b=2"'),
        ("http://www.example.org/", "http://www.example.org says"),
        ("http://www.example.org", "http://www.example.org/ says"),
        ("http://www.example.org/a_(b)", "(http://www.example.org/a_(b))"),
        ("HTTP://WWW.example.org/page", f"{URL}"),
    ],
)
def test_a_url_that_the_case_names_may_be_fetched(url: str, text: str) -> None:
    assert fetched(MockWeb(PLAIN), url, case=Case(prompt=text)).evidence[0].excerpt == "here"


@pytest.mark.parametrize(
    "case",
    [
        Case(prompt=[{"role": "user", "content": [{"type": "text", "text": f"see {URL}"}]}]),
        Case(prompt="?", responses=["A", f"as {URL} says"]),
        Case(prompt="?", responses=[Response(trajectory={"steps": [{"thought": "t", "observation": URL}]})]),
        Case(prompt="?", reference=URL),
        Case(prompt="?", documents=(Document(id="d", text=f"cited: {URL}"),)),
        Case(prompt="?", trajectory={"steps": [{"tool": "f", "arguments": {"url": URL}}]}),
    ],
)
def test_wherever_in_the_case_it_stands(case: Case) -> None:
    assert fetched(MockWeb(PLAIN), URL, case=case).evidence


def test_a_url_that_a_search_has_found_may_be_fetched() -> None:
    found = [Evidence(excerpt="x", source=f"{URL}#top")]
    assert fetched(MockWeb(PLAIN), URL, case=Case(prompt="?"), evidence=found).evidence


def test_other_urls_may_be_fetched_only_where_that_is_allowed() -> None:
    case = Case(prompt="?")
    with pytest.raises(ToolError, match=r"may not be fetched: only pages that the case names or a search has found"):
        fetched(MockWeb(PLAIN), URL, case=case)
    with pytest.raises(ToolError, match=r"or on example\.com may be"):
        fetched(MockWeb(PLAIN), URL, case=case, allow=["example.com"])
    assert fetched(MockWeb(PLAIN), URL, case=case, allow=["Example.org"]).evidence
    assert fetched(MockWeb(PLAIN), URL, case=case, allow="any").evidence


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (page("", status="404 Not Found"), "answered 404"),
        (page("", status="500 Oops"), "answered 500"),
        (page("", status="304 Not Modified"), "answered 304"),
        (page("x", status="206 Partial Content"), "answered 206"),
        (page("", status="302 Found"), "answered 302"),  # without a location
        (page(""), "holds no text"),
        (page("<html><script>go()</script></html>", "text/html"), "holds no text"),
        (b"", "could not be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nbroken off", "could not be read"),
        (b"not http at all\r\n\r\n", "could not be read"),
    ],
)
def test_what_gives_no_page_is_told(answer: bytes, told: str) -> None:
    with pytest.raises(ToolError, match=told) as raised:
        fetched(MockWeb({"/page": answer}), URL)
    assert len(str(raised.value)) < 400


def test_a_name_without_address_is_told() -> None:
    async def failing(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    web = MockWeb(PLAIN)
    with pytest.raises(ToolError, match=r"the host 'www\.example\.org' could not be resolved: Name or service"):
        fetched(web, URL, network=web.network()._replace(resolve=failing))
    with pytest.raises(ToolError, match="has no address"):
        fetched(MockWeb(PLAIN, names={"www.example.org": [[]]}), URL)


def test_the_next_address_is_tried_when_one_refuses() -> None:
    web = MockWeb(PLAIN, names={"www.example.org": [["2606:2800::1", PUBLIC]]})
    with socket.socket() as closed:  # bound but not listening: connecting is refused
        closed.bind(("127.0.0.1", 0))

        def route(address: str, port: int) -> tuple[str, int]:
            return ("127.0.0.1", closed.getsockname()[1]) if ":" in address else web.route(address, port)

        assert fetched(web, URL, network=web.network()._replace(route=route)).evidence


def test_nobody_there_is_told() -> None:
    web = MockWeb(PLAIN)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = closed.getsockname()
        with pytest.raises(ToolError, match=r"http://www\.example\.org could not be read"):
            fetched(web, URL, network=web.network()._replace(route=lambda *_: nowhere))


def authority(*names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server shows that has a certificate for these names, and what a client trusts."""
    issuer = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    issuer.issue_cert(*names).configure_cert(server)
    issuer.configure_trust(client)
    return server, client


def test_https_verifies_the_name_of_the_host_though_an_address_is_connected_to() -> None:
    server, client = authority("www.example.org")
    secure, shown = "https://www.example.org/page", []
    server.sni_callback = lambda _, name, __: shown.append(name)
    web = MockWeb(PLAIN, tls=server)
    assert fetched(web, secure, trusted=client).evidence[0].source == secure
    assert shown == ["www.example.org"]
    assert web.routed == [(PUBLIC, 443)]
    with pytest.raises(ToolError, match="certificate"):
        fetched(MockWeb(PLAIN, tls=server), "https://www.example.com/page", trusted=client)
    with pytest.raises(ToolError, match="certificate"):
        fetched(MockWeb(PLAIN, tls=server), secure)  # the authority is not among those that are trusted


def test_a_request_says_who_asks_and_carries_nothing_else() -> None:
    web = MockWeb(PLAIN)
    fetched(web, URL)
    asked = web.asked[0].headers
    assert sorted(asked) == ["accept", "accept-encoding", "connection", "host", "user-agent"]
    assert "adjudge" in asked["user-agent"]


def test_the_environment_sets_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetched(MockWeb(PLAIN), URL).evidence


def test_own_networks_can_be_allowed_and_metadata_never() -> None:
    names: dict[str, list[Sequence[str]]] = {"wiki.intern": [["10.1.2.3"]], "cloud.intern": [["169.254.169.254"]]}
    settings: dict[str, Any] = {"allow": "any", "allow_private": True, "ports": [8080]}
    web = MockWeb(PLAIN, names)
    assert fetched(web, "http://wiki.intern:8080/page", **settings).evidence
    assert web.routed == [("10.1.2.3", 8080)]
    with pytest.raises(ToolError, match="link-local"):
        fetched(MockWeb(PLAIN, names), "http://cloud.intern:8080/page", **settings)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"k": 0}, "k"),
        ({"k": 21}, "k"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": 60}, "seconds"),
        ({"max_bytes": 10}, "max_bytes"),
        ({"ports": [0]}, "ports"),
        ({"allow": "wikipedia.org"}, "allow"),  # a bare string is not a list of its letters
        ({"allow": ["https://wikipedia.org"]}, "allow"),
        ({"allow": ["wikipedia.org/wiki"]}, "allow"),
        ({"allow": ["wikipedia.org:8080"]}, "allow"),
        ({"allow": [""]}, "allow"),
        ({"block": ["nonsense"]}, "block"),
        ({"block": ["example.org/a b"]}, "block"),
    ],
)
def test_wrong_settings_are_found_when_the_tool_is_made(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        fetch(**settings)
    assert raised.value.key == key


def test_a_graph_file_can_ask_for_it() -> None:
    made = build_tool(FetchSettings.model_validate({"kind": "fetch", "allow": ["wikipedia.org"]}), Path())
    assert isinstance(made, Tool)
    assert list(made.parameters["properties"]) == ["url", "question"]
    assert made.parameters["required"] == ["url"]
    with pytest.raises(ValidationError):
        FetchSettings.model_validate({"kind": "fetch", "allow": "everything"})


def test_what_a_fetch_depends_on_is_in_its_fingerprint() -> None:
    made = [fetch(), fetch(k=3), fetch(allow="any"), fetch(block=["example.org"]), fetch(block_defaults=False)]
    assert len({tool.fingerprint for tool in made}) == len(made)
    assert fetch().fingerprint == fetch().fingerprint
