"""Tests whether a host is reachable: by ICMP if the machine permits it, else by TCP.

A ping socket (`SOCK_DGRAM`) needs no root if `net.ipv4.ping_group_range` allows it, as with Debian's systemd. If it
does not, or no echo comes back, TCP connections are tried to common ports of access points and servers. A refused
connection is an answer, too: the host refused it.
"""

import errno
import ipaddress
import os
import secrets
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from gateway.pollers.interface import Answer, Said, Unasked
from siaga.sites.poll_address import HostAddress

__all__ = ["OWN_FAULT", "NoName", "excuse", "has_link", "reach", "resolve"]

PORTS = (80, 443, 22, 53, 8291)
"""HTTP, HTTPS, SSH, DNS, and RouterOS (8291): a device that answers on none of these drops everything."""
PINGS = 3
"""Echo requests before a host counts as silent: one lost packet is not a failure."""
OWN_FAULT = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM})
"""Errors of this machine, not of the host: no route, no address, its own firewall."""
_ANSWERED = frozenset({0, errno.ECONNREFUSED, errno.ECONNRESET})
_INTERFACES = Path("/sys/class/net")
IFF_LOOPBACK = 0x8

Endpoint = tuple[socket.AddressFamily, str]
"""Family and IP address."""


class NoName(Exception):
    """A name has no address. `known`: the name service said so; otherwise it did not answer."""

    def __init__(self, host: str, *, known: bool) -> None:
        super().__init__(f"the name {host} has no address" if known else f"no name service answers for {host}")
        self.known = known


def has_link(interfaces: Path = _INTERFACES) -> bool:
    """Returns whether a network interface of this machine, except loopback, has a carrier; True if unknown."""
    try:
        found = [(path, int((path / "flags").read_text(), 16)) for path in interfaces.iterdir() if path.is_dir()]
        wired = [path for path, flags in found if not flags & IFF_LOOPBACK]
        # Bridges and tunnels stay up without a cable, so they count only if there are no physical interfaces.
        wired = [path for path in wired if (path / "device").exists()] or wired
        states = [(path / "operstate").read_text().strip() for path in wired]
    except (OSError, ValueError):
        return True
    # Some drivers always report `unknown` (operstates.rst of the kernel); `down` and the like are certain.
    return not states or any(state in ("up", "unknown", "dormant") for state in states)


class _Lookup(threading.Thread):
    """One lookup by the machine's resolver, which has no timeout of ours: without a name service it takes half a
    minute. Concurrent lookups of the same name share one thread.
    """

    under_way: ClassVar[dict[tuple[str, int], "_Lookup"]] = {}
    _starting: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, host: str, port: int) -> None:
        super().__init__(name=f"look up {host[:40]}", daemon=True)
        self._what = host, port
        self.answer: Endpoint | NoName = NoName(host, known=False)

    @classmethod
    def of(cls, host: str, port: int) -> "_Lookup":
        with cls._starting:
            lookup = cls.under_way.get((host, port))
            if lookup is None:
                lookup = cls.under_way[host, port] = cls(host, port)
                lookup.start()
            return lookup

    def run(self) -> None:
        try:
            self.answer = _look_up(*self._what)
        except NoName as problem:
            self.answer = problem
        finally:
            with self._starting:
                self.under_way.pop(self._what, None)


def resolve(host: str, port: int, within: float) -> Endpoint:
    """Returns the first address of a host. `within`: timeout in seconds.

    Raises:
        NoName: it has no address, or the name service does not answer in time.
    """
    if _is_literal(host):
        return _look_up(host, port)
    lookup = _Lookup.of(host, port)
    lookup.join(within)
    if lookup.is_alive():
        raise NoName(host, known=False)
    if isinstance(lookup.answer, NoName):
        raise lookup.answer
    return lookup.answer


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _look_up(host: str, port: int) -> Endpoint:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as problem:
        unknown = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
        raise NoName(host, known=problem.errno in unknown) from None
    except UnicodeError:
        raise NoName(host, known=True) from None
    family, _, _, _, address = found[0]
    return family, str(address[0])


def reach(address: HostAddress, timeout: float, link: Callable[[], bool] = has_link) -> Answer:
    """Returns whether a host is reachable. `timeout`: seconds after its name is resolved, which may take as long."""
    try:
        endpoint = resolve(address.host, address.port or PORTS[0], timeout)
    except NoName as problem:
        return Said(yes=False, how=str(problem)) if problem.known else Unasked(str(problem))
    deadline = time.monotonic() + timeout
    if address.port is None:
        echo = _ping(endpoint, time.monotonic() + timeout / 2)
        if echo is not None:
            return echo
    return excuse(_knock(endpoint, (address.port,) if address.port else PORTS, deadline), endpoint[1], link)


def excuse(answer: Answer, host: str, link: Callable[[], bool]) -> Answer:
    """Returns the answer; inconclusive if the host is silent and the gateway itself has no link."""
    here = host in ("localhost", "::1") or host.startswith("127.")
    if not isinstance(answer, Said) or answer.yes or here or link():
        return answer
    return Unasked("no network interface of the gateway has a link")


def _ping(endpoint: Endpoint, deadline: float) -> Said | None:
    """Returns an echo; `None` if pings are not permitted, or none came back."""
    family, host = endpoint
    version6 = family == socket.AF_INET6
    protocol = socket.IPPROTO_ICMPV6 if version6 else socket.IPPROTO_ICMP
    request, reply = (128, 129) if version6 else (8, 0)
    mark = secrets.token_bytes(16)
    begun = time.monotonic()
    pause = (deadline - begun) / PINGS
    try:
        with socket.socket(family, socket.SOCK_DGRAM, protocol) as pings:
            pings.connect((host, 0))
            for number in range(PINGS):
                sent = time.monotonic()
                pings.send(struct.pack("!BBHHH", request, 0, 0, 0, number) + mark)  # the kernel sets checksum and id
                while (left := sent + pause - time.monotonic()) > 0:
                    pings.settimeout(left)
                    try:
                        answer = pings.recv(256)
                    except TimeoutError:
                        break
                    if answer[:1] == bytes([reply]) and answer[8:] == mark:
                        return Said(yes=True, how="answers a ping", latency=(time.monotonic() - sent) * 1000)
    except OSError:
        return None  # not permitted, or no route: a TCP connection finds out which
    return None


def _knock(endpoint: Endpoint, ports: Sequence[int], deadline: float) -> Answer:
    """Connect to several ports at once. The first accepted or refused connection shows that the host is there."""
    family, host = endpoint
    begun = time.monotonic()
    problems: list[int] = []
    with selectors.DefaultSelector() as waiting:
        try:
            for port in ports:
                connection = socket.socket(family, socket.SOCK_STREAM)
                connection.setblocking(False)
                waiting.register(connection, selectors.EVENT_WRITE, port)
                code = connection.connect_ex((host, port))
                if code != errno.EINPROGRESS:
                    waiting.unregister(connection)
                    connection.close()
                    if code in _ANSWERED:
                        return _answered(port, code, begun)
                    problems.append(code)
            while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
                for key, _ in waiting.select(left):
                    connection = key.fileobj  # type: ignore[assignment] # only sockets were registered
                    code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code in _ANSWERED:
                        return _answered(key.data, code, begun)
                    waiting.unregister(connection)
                    connection.close()
                    problems.append(code)
        finally:
            for key in list(waiting.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr] # only sockets were registered
    return _nobody(ports, problems)


def _answered(port: int, code: int, begun: float) -> Said:
    verb = "takes" if code == 0 else "refuses"
    return Said(yes=True, how=f"{verb} a connection to port {port}", latency=(time.monotonic() - begun) * 1000)


def _nobody(ports: Sequence[int], problems: Sequence[int]) -> Answer:
    own = [code for code in problems if code in OWN_FAULT]
    if len(own) == len(ports):
        return Unasked(f"the gateway has no way there: {os.strerror(own[0])}")
    others = [code for code in problems if code not in OWN_FAULT]
    why = os.strerror(others[0]) if others else "no answer"
    return Said(yes=False, how=f"neither ping nor port {', '.join(map(str, ports))}: {why}")
