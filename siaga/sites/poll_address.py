"""Addresses of polled devices: a host, a web address with the expected answer, an SNMP agent, an OID.

As data, and as people write them in the sites file. They must not contain a password, because addresses are shown.
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
"""The native keys of a probe."""
MAX_MATCH = 200
"""Characters of an expected text at most."""


class BadAddress(ValueError):
    """An address is not valid. The message is the end of a sentence that begins with the value: `is no host …`."""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """A host by name or IP address, and an optional port."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        if self.port is None:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A web address to GET.

    `target`: path and query. `status`: the expected status; `None` for any 2xx or 3xx.
    `match`: the expected text in the body; empty for any.
    """

    secure: bool
    host: str
    port: int
    target: str
    status: int | None = None
    match: str = ""

    @property
    def authority(self) -> str:
        """Host and port for the `Host` header."""
        usual = 443 if self.secure else 80
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == usual else f"{name}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.target}"


@dataclass(frozen=True, slots=True)
class Oid:
    """An OID: one value, or with `table` all values below it, which are added (`*`) or counted (`#`)."""

    number: str
    table: str = ""


def read_probe_address(text: str) -> HostAddress | WebAddress:
    """Returns the address of a probe.

    Raises:
        BadAddress: it is neither a host nor a web address.
    """
    return read_web(text) if "://" in text else read_host(text)


def read_host(text: str) -> HostAddress:
    """Returns a host: `ap-1.lan`, `192.0.2.7` or `2001:db8::7`; with a port `192.0.2.7:8291` or `[2001:db8::7]:22`.

    Raises:
        BadAddress: it is no host.
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
        # digits and dots only: a mistyped IP address, which no resolver should guess at
        return bool(_NAME.fullmatch(name)) and not re.fullmatch(r"[0-9.]+", name)
    return True


def read_web(text: str) -> WebAddress:
    """Returns a web address. Its fragment is the expected answer: `#match=Selamat%20datang`, `#status=401`, or both
    with `&`.

    Raises:
        BadAddress: it is no http or https address, has a password, or its fragment has another form.
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
    """Returns a numeric OID, with or without a leading dot. `.*` or `.#` at its end means all values below it.

    Raises:
        BadAddress: it is no OID.
    """
    found = _OID.fullmatch(text)
    if found is None or any(int(arc) > 0xFFFF_FFFF for arc in found[1].split(".")):
        raise BadAddress("is no OID in numbers such as 1.3.6.1.2.1.1.3.0")
    return Oid(found[1], (found[2] or "")[1:])
