"""Where push messages may go. A browser names the address, so it may be anything: only public hosts are asked.

The address of the host is looked up once and that address is connected to, so a name that changes its mind between the
check and the connection leads nowhere else.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

__all__ = ["BadEndpoint", "Endpoint", "Resolve", "parse_endpoint", "public_address"]

_LONGEST = 2_000
_HTTPS = 443
_LONGEST_LABEL = 63
"""Characters of one part of a host's name (RFC 1035)."""
_LEADS_ON = [ip_network(text) for text in ("::/96", "64:ff9b::/96", "2002::/16")]
"""Addresses that hold an IPv4 address, to which a gateway leads on: it may be any."""


class BadEndpoint(ValueError):
    """An address to which nothing is sent; the message is the end of a sentence, and does not show the address."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of one browser at a push service."""

    host: str
    path: str

    @property
    def origin(self) -> str:
        """The push service."""
        return f"https://{self.host}"


Resolve = Callable[[str], tuple[str, int]]
"""Returns the IP address and the port of a host; raises BadEndpoint or OSError where there is none."""


def parse_endpoint(text: str) -> Endpoint:
    """Returns the parts of an endpoint.

    Raises:
        BadEndpoint: it is not the HTTPS address, on port 443, of a host that has a name.
    """
    if len(text) > _LONGEST:
        raise BadEndpoint(f"is longer than {_LONGEST} characters")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise BadEndpoint("holds characters that no address has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadEndpoint("is not an address") from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or parts.username is not None or parts.password is not None or parts.fragment:
        raise BadEndpoint("is not an https address without user and fragment")
    if port not in (None, _HTTPS):
        raise BadEndpoint("names a port other than 443")
    labels = host.split(".")
    fits = all(0 < len(label) <= _LONGEST_LABEL for label in labels)
    if len(labels) < 2 or not fits or not labels[-1].isalpha() or not set(host) <= _NAME:
        raise BadEndpoint("does not name a public host")
    return Endpoint(host, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


_NAME = set("abcdefghijklmnopqrstuvwxyz0123456789.-")


def public_address(host: str) -> tuple[str, int]:
    """Returns the address of a host, and the port of HTTPS.

    Raises:
        BadEndpoint: one of its addresses is not public.
        OSError: it has none.
    """
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, _HTTPS, type=socket.SOCK_STREAM)]
    if not found or not all(map(_is_public, found)):
        raise BadEndpoint("leads to an address that is not public")
    return found[0], _HTTPS


def _is_public(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    return address.is_global and not address.is_multicast and not any(address in network for network in _LEADS_ON)
