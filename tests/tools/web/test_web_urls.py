"""How URLs and addresses are read: one meaning each, the same in every spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ToolError
from adjudge.tools.web.addresses import refusal
from adjudge.tools.web.urls import redirected, target_of


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("http://example.org:443/a", "http://example.org:443/a"),
        ("http://example.org:/a", "http://example.org/a"),
        ("http://example.org./a", "http://example.org/a"),
        (" http://example.org/a ", "http://example.org/a"),
        ("http://example.org?q=1", "http://example.org/?q=1"),
        ("http://example.org/a#b", "http://example.org/a"),
        ("http://example.org/a?b#c?d", "http://example.org/a?b"),
        ("http://example.org/caf\u00e9?q=\u6771", "http://example.org/caf%C3%A9?q=%E6%9D%B1"),
        ("http://example.org/caf%C3%A9", "http://example.org/caf%C3%A9"),
        ('http://example.org/"<>`', "http://example.org/%22%3C%3E%60"),
        ("http://example.org/@a:b", "http://example.org/@a:b"),
        ("http://b\u00fccher.example/", "http://xn--bcher-kva.example/"),
        ("http://XN--BCHER-KVA.example/", "http://xn--bcher-kva.example/"),
        ("http://ex\u00e4mple\u3002org/", "http://xn--exmple-cua.org/"),
        ("http://a_b.example.org/", "http://a_b.example.org/"),
        ("http://010.8.8.8/", "http://8.8.8.8/"),
        ("http://0x8080808/", "http://8.8.8.8/"),
        ("http://8.8.2056/", "http://8.8.8.8/"),
        ("http://[2606:2800:0:0:0:0:0:1]:80/", "http://[2606:2800::1]/"),
        ("http://[2606:2800::1]:8080/", "http://[2606:2800::1]:8080/"),
        ("http://1a.example/", "http://1a.example/"),
        ("http://127.0.0.1.example.org/", "http://127.0.0.1.example.org/"),
    ],
)
def test_spellings_of_a_url_are_one(url: str, read: str) -> None:
    assert target_of(url).url == read
    assert target_of(read).url == read


@pytest.mark.parametrize(
    ("location", "read"),
    [
        ("/b", "https://example.org/b"),
        ("b?c", "https://example.org/a/b?c"),
        ("?c", "https://example.org/a/x?c"),
        ("//example.com/b", "https://example.com/b"),
        ("http://example.com", "http://example.com/"),
        ("../../b", "https://example.org/b"),
        ("", "https://example.org/a/x"),
    ],
)
def test_redirects_may_be_relative(location: str, read: str) -> None:
    assert redirected(target_of("https://example.org/a/x"), location).url == read


@given(st.text(alphabet=st.sampled_from(list("htps:/.@\\#?[]%0127xaé①。\t\n-_")), max_size=40))
def test_whatever_is_read_as_a_url_has_one_host_and_reads_the_same_again(text: str) -> None:
    try:
        target = target_of(f"http://{text}")
    except ToolError:
        return
    assert target.url.isascii()
    assert target_of(target.url) == target
    assert not set(target.host) & set("@/\\#?%[] \t\n")


PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2606:4700::1111", "2a00:1450::1"]
WRAPPED = ["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]  # public IPv4 inside IPv6


@pytest.mark.parametrize("address", PUBLIC + WRAPPED)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert refusal(address) == ""


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "::1", "fd12::1", "100.64.0.1", "::ffff:192.168.0.1"])
def test_own_networks_only_where_that_is_allowed(address: str) -> None:
    assert refusal(address)
    assert refusal(address, allow_private=True) == ""


METADATA = ["169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200", "::ffff:169.254.169.254"]
OTHER = ["fe80::1", "fe80::1%eth0", "224.0.0.1", "::", "0.0.0.0", "255.255.255.255", "64:ff9b::a9fe:a9fe", "nonsense"]


@pytest.mark.parametrize("address", METADATA + OTHER)
def test_metadata_link_local_and_reserved_addresses_never(address: str) -> None:
    assert refusal(address, allow_private=True)
