"""One GET of a web address, limited in time and size. Redirects are not followed.

It uses a plain socket, because the whole exchange has one deadline. The usual clients restart their timeout with each
byte, so a server that sends a byte now and then would hold them for hours. `http.client` parses the answer.
"""

import errno
import io
import os
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import IO

from gateway.pollers.interface import Answer, Said, Unasked
from gateway.pollers.reach import OWN_FAULT, NoName, excuse, has_link, resolve
from siaga.sites.poll_address import WebAddress

__all__ = ["MAX_BODY", "check_internet", "fetch"]

MAX_BODY = 256_000
"""Bytes of a body that are searched for the expected text; the rest is not read."""
MAX_RECEIVED = 400_000
"""Bytes of headers and body that are read from a socket at most."""
_SPOKE = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE})
"""Errors that the other end caused, so it is there."""
USER_AGENT = "siaga-probe"


@dataclass(frozen=True, slots=True)
class _Page:
    """An HTTP answer.

    `elsewhere`: the host of a redirect. `matches`: it contains the expected text. `empty`: it has no body.
    `latency`: ms.
    """

    status: int
    elsewhere: str
    matches: bool
    empty: bool
    latency: float


class _NoAnswer(Exception):
    """There is no HTTP answer; the message says why.

    `own`: the gateway's own network is at fault. `spoke`: the server is there, but its answer was unusable.
    """

    def __init__(self, why: str, *, own: bool = False, spoke: bool = False) -> None:
        super().__init__(why)
        self.own, self.spoke = own, spoke


class _Timed(io.RawIOBase):
    """Reads from a socket until a deadline, `MAX_RECEIVED` bytes at most."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline, self._left = connection, deadline, MAX_RECEIVED

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # BufferedReader gives a memoryview
        wait = self._deadline - time.monotonic()
        if wait <= 0:
            raise TimeoutError
        if self._left <= 0:
            return 0
        self._connection.settimeout(wait)
        count = self._connection.recv_into(buffer[: self._left])
        self._left -= count
        return count

    def makefile(self, _mode: str) -> IO[bytes]:
        """Returns a buffered reader, as `HTTPResponse` expects of a socket."""
        return io.BufferedReader(self, 8192)


def fetch(address: WebAddress, *, healthy: bool, timeout: float, link: Callable[[], bool] = has_link) -> Answer:
    """Returns whether an address answers: with the expected status and text if `healthy`, else with anything.

    `timeout`: seconds, and as long again to resolve the name.
    """
    try:
        page = _get(address, timeout, trusted=healthy, body=MAX_BODY if address.match else 0)
    except _NoAnswer as problem:
        if problem.own:
            return Unasked(str(problem))
        said = Said(yes=problem.spoke and not healthy, how=str(problem))
        return said if problem.spoke else excuse(said, address.host, link)
    if not healthy:
        return Said(yes=True, how=f"answers with {page.status}", latency=page.latency)
    wrong = _wrong(page, address)
    return Said(yes=not wrong, how=wrong or f"answers with {page.status}", latency=page.latency)


def _wrong(page: _Page, address: WebAddress) -> str:
    if address.status is None and not 200 <= page.status < 400:
        return f"answers with {page.status}"
    if address.status is not None and page.status != address.status:
        return f"answers with {page.status} and not with {address.status}"
    return "" if page.matches else f"answers with {page.status}, but without the text that is due"


def check_internet(address: WebAddress, timeout: float, link: Callable[[], bool] = has_link) -> Answer:
    """Returns whether the internet answers, rather than a captive portal. `timeout`: seconds, twice with the lookup.

    A missing route or name service means no internet. But if the gateway itself has no link, the answer is
    inconclusive: it does not know what other clients have.
    """
    try:
        page = _get(address, timeout, trusted=True, body=1)
    except _NoAnswer as problem:
        return excuse(Said(yes=False, how=f"no internet: {problem}"), address.host, link)
    if page.status == 204 or (page.status == 200 and page.empty):  # some carriers' proxies turn one into the other
        return Said(yes=True, how="the internet answers", latency=page.latency)
    if page.status == 200 or 300 <= page.status < 400 or page.status == 511:  # 511: RFC 6585, for captive portals
        to = f" to {page.elsewhere}" if page.elsewhere else ""
        return Said(yes=False, how=f"a captive portal answers in its place, with {page.status}{to}")
    return Said(yes=False, how=f"no internet: {address.host} answers with {page.status} where 204 is due")


def _get(address: WebAddress, timeout: float, *, trusted: bool, body: int) -> _Page:
    """Returns the answer to a GET. `trusted`: the certificate must be valid. `body`: bytes to read at most.

    Raises:
        _NoAnswer: there is no HTTP answer.
    """
    begun = time.monotonic()
    try:
        family, host = resolve(address.host, address.port, timeout)
    except NoName as problem:
        raise _NoAnswer(str(problem), own=not problem.known) from None
    deadline = time.monotonic() + timeout
    try:
        with socket.socket(family, socket.SOCK_STREAM) as plain:
            plain.settimeout(timeout)
            plain.connect((host, address.port))
            with _secured(plain, address, deadline, trusted=trusted) as connection:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                connection.sendall(_request(address))
                return _read(connection, address, body, begun, deadline)
    except ssl.SSLCertVerificationError as problem:
        raise _NoAnswer(f"its certificate is not good: {problem.verify_message}", spoke=True) from None
    except TimeoutError:
        raise _NoAnswer(f"no answer within {timeout:.1f} s") from None
    except ssl.SSLError as problem:
        raise _NoAnswer(f"no TLS: {problem.reason or 'broken off'}", spoke=True) from None
    except (HTTPException, ValueError) as problem:
        raise _NoAnswer(f"what answers is no HTTP: {type(problem).__name__}", spoke=True) from None
    except OSError as problem:
        why = os.strerror(problem.errno) if problem.errno else "broken off"
        raise _NoAnswer(why, own=problem.errno in OWN_FAULT, spoke=problem.errno in _SPOKE) from None


def _secured(plain: socket.socket, address: WebAddress, deadline: float, *, trusted: bool) -> socket.socket:
    if not address.secure:
        return plain
    context = ssl.create_default_context()
    if not trusted:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    plain.settimeout(max(0.001, deadline - time.monotonic()))
    return context.wrap_socket(plain, server_hostname=address.host)


def _request(address: WebAddress) -> bytes:
    lines = [
        f"GET {address.target} HTTP/1.1",
        f"Host: {address.authority}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Cache-Control: no-cache",
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _read(connection: socket.socket, address: WebAddress, length: int, begun: float, deadline: float) -> _Page:
    answer = HTTPResponse(_Timed(connection, deadline), method="GET")  # type: ignore[arg-type] # all that it asks of it
    answer.begin()
    body = answer.read(length) if length else b""
    return _Page(
        status=answer.status,
        elsewhere=_host_of(answer.getheader("Location", "")),
        matches=address.match.encode() in body,
        empty=not body,
        latency=(time.monotonic() - begun) * 1000,
    )


def _host_of(location: str) -> str:
    """Returns the host of a redirect only: the rest of such an address may contain a client's hardware address."""
    return location.partition("://")[2].partition("/")[0].rpartition("@")[2][:100]
