"""Which IP addresses a page may be fetched from: public ones, whatever way they are written or wrapped.

    refusal("93.184.216.34")            # "": may be reached
    refusal("::ffff:169.254.169.254")   # "a link-local address, where clouds keep their metadata"

The lists are our own, after the IANA special-purpose registries: `ipaddress.is_global` differs between Python versions
and calls multicast and the IPv6 wrappings of private IPv4 addresses global. What a machine's own public address
serves, and public ranges that a site uses as private ones, cannot be told from here.
"""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

# Refused always. A single public address can be a cloud's metadata service, and a private one too.
_METADATA = frozenset(
    map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "192.0.0.192"))
)
_NEVER = {
    "0.0.0.0/8": "an unspecified address",
    "169.254.0.0/16": "a link-local address, where clouds keep their metadata",
    "192.0.0.0/24": "an address reserved for protocols",
    "192.0.2.0/24": "an address reserved for documentation",
    "192.88.99.0/24": "a reserved address",
    "198.51.100.0/24": "an address reserved for documentation",
    "203.0.113.0/24": "an address reserved for documentation",
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": "a reserved or broadcast address",
    "::/128": "an unspecified address",
    "64:ff9b:1::/48": "an address of a local translation",
    "100::/64": "a discarded address",
    "2001::/23": "an address reserved for protocols and tunnels",
    "2001:db8::/32": "an address reserved for documentation",
    "3fff::/20": "an address reserved for documentation",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a site-local address",
    "ff00::/8": "a multicast address",
}
# Refused unless `allow_private`: one's own networks.
_OWN = {
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "an address shared behind a carrier's NAT",
    "127.0.0.0/8": "a loopback address",
    "172.16.0.0/12": "a private address",
    "192.168.0.0/16": "a private address",
    "198.18.0.0/15": "an address of a test network",
    "::1/128": "a loopback address",
    "fc00::/7": "a private address",
}
_NEVER_IN = [(ipaddress.ip_network(net), why) for net, why in _NEVER.items()]
_OWN_IN = [(ipaddress.ip_network(net), why) for net, why in _OWN.items()]
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def refusal(address: str, *, allow_private: bool = False) -> str:
    """Why an address may not be reached, as a noun; empty when it may.

    Args:
        address: An IPv4 or IPv6 address as a resolver writes it.
        allow_private: Whether private and loopback addresses may be reached. Link-local, multicast, reserved and
            metadata addresses never are.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "not an IP address"
    return _refusal(ip, allow_private)


def _refusal(ip: IPv4Address | IPv6Address, allow_private: bool) -> str:
    if ip in _METADATA:
        return "an address where clouds keep their metadata"
    if isinstance(ip, IPv6Address) and ip.scope_id:
        return "a link-local address"
    for inner in _embedded(ip):
        if why := _refusal(inner, allow_private):
            return f"{why} inside an IPv6 address"
    if why := _listed(ip, _NEVER_IN):
        return why
    if why := _listed(ip, _OWN_IN):
        return "" if allow_private else why
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST and ip not in _NAT64 and ip.ipv4_mapped is None:
        return "a reserved address"
    return ""


def _listed(ip: IPv4Address | IPv6Address, nets: list[tuple[IPv4Network | IPv6Network, str]]) -> str:
    return next((why for net, why in nets if ip.version == net.version and ip in net), "")


def _embedded(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to: mapped, 6to4, Teredo, NAT64, ISATAP."""
    if isinstance(ip, IPv4Address):
        return []
    low = IPv4Address(int(ip) & 0xFFFFFFFF)
    found = [inner for inner in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())) if inner is not None]
    if ip in _NAT64 or (int(ip) >> 32) & 0xFFFFFFFF in (0x00005EFE, 0x02005EFE):  # RFC 6052; RFC 5214
        found.append(low)
    return found


def ipv4_of(host: str) -> IPv4Address | None:
    """The IPv4 address that a host name spells in decimal, octal or hexadecimal, in one to four parts, as browsers do.

    Source: WHATWG URL, "IPv4 parser". None: it is a name.

    Raises:
        ValueError: Its last label is a number, so it is no name, but it is no address either.
    """
    labels = host.split(".")
    if not _NUMERIC.fullmatch(labels[-1]):
        return None
    if len(labels) > 4 or not all(map(_NUMERIC.fullmatch, labels)):
        raise ValueError(f"{host} is neither a name nor an address")
    *front, last = map(_number, labels)
    if any(part > 255 for part in front) or last >= 256 ** (4 - len(front)):
        raise ValueError(f"{host} is out of the range of addresses")
    return IPv4Address(sum(part << 8 * (3 - place) for place, part in enumerate(front)) + last)


def _number(text: str) -> int:
    if len(text) > 40:  # no address needs as many digits
        raise ValueError("the number is too long")
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if len(text) > 1 and text[0] == "0" else int(text)
