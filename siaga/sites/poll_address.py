"""Addresses of devices that are asked: a host, a web address with what its answer has to be, an SNMP agent, an OID.

As data and as people write them in the sites file. A password has no place there: an address may be shown.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

__all__ = [
    "PROBE_KEYS",
    "BadAddress",
    "HostAddress",
    "Oid",
    "WebAddress",
    "read_host",
    "read_oid",
    "read_probe_address",
    "read_web",
]

_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?", re.ASCII | re.IGNORECASE
)
_OID = re.compile(r"\.?([0-2](?:\.(?:0|[1-9][0-9]{0,9})){1,127})(\.[*#])?", re.ASCII)
_BRACKETED = re.compile(r"\[([^\]]*)\](?::(.*))?", re.DOTALL)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
PROBE_KEYS = ("reachability", "latency", "internet")
"""What a probe finds out."""
MAX_MATCH = 200
"""Characters of a text that an answer has to hold."""


class BadAddress(ValueError):
    """An address that cannot be asked; the message goes on from the value: `is no host such as …`."""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """A host by name or IP address, and a port where one is written."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        if self.port is None:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An address to GET. `target` is path and query. `status`: the one that is due; `None`: any of 2xx and 3xx.

    `match` is a text that the body has to hold; the empty text is in every body.
    """

    secure: bool
    host: str
    port: int
    target: str
    status: int | None = None
    match: str = ""

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header has them."""
        usual = 443 if self.secure else 80
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == usual else f"{name}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.target}"


@dataclass(frozen=True, slots=True)
class Oid:
    """What to ask an SNMP agent for: one value, or with `table` all below, to be summed (`*`) or counted (`#`)."""

    number: str
    table: str = ""


def read_probe_address(text: str) -> HostAddress | WebAddress:
    """The address of a probe.

    Raises:
        BadAddress: it is neither a host nor a web address.
    """
    return read_web(text) if "://" in text else read_host(text)


def read_host(text: str) -> HostAddress:
    """A host: `ap-1.lan`, `192.0.2.7`, `2001:db8::7`, each also with a port (`192.0.2.7:8291`, `[2001:db8::7]:22`).

    Raises:
        BadAddress: it is none.
    """
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed:
        name, port = bracketed[1], bracketed[2]
    elif text.count(":") == 1:
        name, _, port = text.partition(":")
    else:
        name, port = text, None
    if not _is_host(name) or (bracketed and ":" not in name) or "/" in text:
        raise BadAddress("is no host such as 192.0.2.7 or ap-1.lan")
    if port is None:
        return HostAddress(name)
    if not _PORT.fullmatch(port) or int(port) > 65_535:
        raise BadAddress("has no port of 1 to 65535 after the colon")
    return HostAddress(name, int(port))


def _is_host(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        # Numbers and dots alone are an IP address with a mistake, which no resolver should make a guess of
        return bool(_NAME.fullmatch(name)) and not re.fullmatch(r"[0-9.]+", name)
    return True


def read_web(text: str) -> WebAddress:
    """A web address. Its fragment says what is due: `#match=Selamat%20datang`, `#status=401`, or both with `&`.

    Raises:
        BadAddress: it is no http or https address, holds a password, or its fragment says something else.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadAddress("is no web address such as https://desa.example/status") from None
    if parts.scheme not in ("http", "https") or not host or not text.isprintable() or " " in text:
        raise BadAddress("is no web address such as https://desa.example/status")
    if parts.username is not None or parts.password is not None:
        raise BadAddress("holds a user name or a password: whoever reads the sites file would have it")
    if not _is_host(host) or not text.isascii() or port == 0:
        raise BadAddress("is no web address in ASCII such as https://desa.example/status")
    secure = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    status, match = _due(parts.fragment)
    return WebAddress(secure, host, port or (443 if secure else 80), target, status, match)


def _due(fragment: str) -> tuple[int | None, str]:
    status, match = None, ""
    if not fragment:
        return status, match
    try:
        pairs = parse_qsl(fragment, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise BadAddress("ends with a # part that is not #match=TEXT or #status=200") from None
    for key, value in pairs:
        if key == "match" and 0 < len(value) <= MAX_MATCH:
            match = value
        elif key == "status" and re.fullmatch("[1-5][0-9][0-9]", value, re.ASCII):
            status = int(value)
        else:
            raise BadAddress("ends with a # part that is not #match=TEXT or #status=200")
    return status, match


def read_oid(text: str) -> Oid:
    """An OID in numbers, with or without the dot before it; `.*` or `.#` at its end asks for all below.

    Raises:
        BadAddress: it is none.
    """
    found = _OID.fullmatch(text)
    if found is None or any(int(arc) > 0xFFFF_FFFF for arc in found[1].split(".")):
        raise BadAddress("is no OID in numbers such as 1.3.6.1.2.1.1.3.0")
    return Oid(found[1], (found[2] or "")[1:])
