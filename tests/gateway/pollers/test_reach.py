"""Whether a host is reachable: by ping where the machine permits it, by TCP connections everywhere."""

import errno
import socket
import threading
import time
from pathlib import Path

import pytest

from gateway.pollers.interface import Answer, Said, Unasked, Values
from gateway.pollers.reach import NoName, _nobody, excuse, has_link, reach, resolve
from siaga.sites.poll_address import HostAddress
from tests.gateway.pollers.peers import BlackHole, Peer, page
from tests.servers import free_port
from tests.wait import PATIENCE


def pings_are_permitted() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


def said(answer: Answer) -> Said:
    assert isinstance(answer, Said), answer
    return answer


def test_a_host_is_there_by_ping_where_the_machine_permits_it_else_by_a_connection() -> None:
    answer = said(reach(HostAddress("127.0.0.1"), 4))
    assert answer.yes
    assert ("ping" in answer.how) == pings_are_permitted()
    assert answer.latency is not None
    assert 0 < answer.latency < 4000


def test_a_connection_that_is_taken_says_that_somebody_is_there() -> None:
    with Peer(page("200 OK")) as peer:
        answer = said(reach(HostAddress("127.0.0.1", peer.port), 4))
    assert answer.yes
    assert answer.how == f"takes a connection to port {peer.port}"


def test_a_connection_that_is_refused_says_so_too() -> None:
    port = free_port()
    answer = said(reach(HostAddress("127.0.0.1", port), 4))
    assert answer.yes
    assert answer.how == f"refuses a connection to port {port}"


def test_a_host_that_drops_everything_is_not_there_and_costs_no_more_than_its_time() -> None:
    with BlackHole() as hole:
        begun = time.monotonic()
        answer = said(reach(HostAddress("127.0.0.1", hole.port), 0.4))
        assert time.monotonic() - begun < PATIENCE
    assert not answer.yes
    assert answer.latency is None
    assert "no answer" in answer.how


@pytest.mark.parametrize(
    ("problems", "answer"),
    [
        ([], "no"),
        ([errno.EHOSTUNREACH] * 2, "no"),
        ([errno.ETIMEDOUT], "no"),
        ([errno.ENETUNREACH] * 2, "nothing"),
        ([errno.ENETDOWN, errno.ENETUNREACH], "nothing"),
        ([errno.EPERM] * 2, "nothing"),
        ([errno.EADDRNOTAVAIL] * 2, "nothing"),
        ([errno.ENETUNREACH], "no"),
    ],
    ids=[
        "silence",
        "nobody has the address on the own network",
        "one timed out by the kernel, one of siaga",
        "no route",
        "interface down",
        "the gateway's own firewall",
        "the gateway has no address",
        "no route once, silence once",
    ],
)
def test_only_what_is_no_fault_of_the_gateway_says_something_of_the_host(problems: list[int], answer: str) -> None:
    judged = _nobody([80, 443], problems)
    assert {Said: "no", Unasked: "nothing", Values: ""}[type(judged)] == answer
    assert not isinstance(judged, Said) or not judged.yes


@pytest.mark.parametrize(
    ("host", "link", "kept"),
    [("192.0.2.7", True, True), ("192.0.2.7", False, False), ("127.0.0.1", False, True), ("::1", False, True)],
    ids=["with a link", "without a link", "itself, without a link", "itself by IPv6"],
)
def test_a_silent_host_says_nothing_while_the_gateway_hangs_on_no_network(host: str, link: bool, kept: bool) -> None:
    no = Said(yes=False, how="no answer")
    assert (excuse(no, host, lambda: link) == no) is kept
    yes = Said(yes=True, how="answers")
    assert excuse(yes, host, lambda: link) == yes


# Name, flags as the kernel has them, operstate, whether there is hardware
LO, BRIDGE, TUNNEL = ("lo", "0x9", "unknown", False), ("br0", "0x1003", "up", False), ("wg0", "0x91", "unknown", False)


def wire(state: str, name: str = "eth0") -> tuple[str, str, str, bool]:
    return (name, "0x1003", state, True)


@pytest.mark.parametrize(
    ("interfaces", "link"),
    [
        ([LO, wire("up")], True),
        ([LO, wire("down")], False),
        ([LO, wire("lowerlayerdown")], False),
        ([LO, wire("down"), wire("up", "wlan0")], True),
        ([LO, wire("unknown")], True),
        ([LO, wire("down"), BRIDGE, TUNNEL], False),
        ([LO, ("eth0", "0x1003", "up", False)], True),
        ([LO], True),
        ([], True),
    ],
    ids=[
        "cable in",
        "cable out",
        "lower layer down",
        "cable out, Wi-Fi up",
        "a driver that does not say",
        "cable out, bridge and tunnel up",
        "in a container",
        "loopback alone",
        "nothing known",
    ],
)
def test_a_link_is_an_interface_with_a_carrier(
    tmp_path: Path, interfaces: list[tuple[str, str, str, bool]], link: bool
) -> None:
    for name, flags, state, hardware in interfaces:
        (tmp_path / name).mkdir()
        (tmp_path / name / "flags").write_text(flags + "\n")
        (tmp_path / name / "operstate").write_text(state + "\n")
        if hardware:
            (tmp_path / name / "device").mkdir()
    assert has_link(tmp_path) is link


def test_where_the_kernel_does_not_tell_there_is_a_link() -> None:
    assert has_link(Path("/nonexistent"))


@pytest.mark.parametrize(
    ("code", "known"),
    [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False), (socket.EAI_FAIL, False)],
    ids=["there is no such name", "no name server answers", "the name server fails"],
)
def test_a_name_that_does_not_exist_is_a_no_and_a_silent_name_service_says_nothing(
    monkeypatch: pytest.MonkeyPatch, code: int, known: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "…")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NoName) as problem:
        resolve("ap-1.lan", 80, 5)
    assert problem.value.known is known
    answer = reach(HostAddress("ap-1.lan"), 1)
    assert isinstance(answer, Said if known else Unasked)
    assert "ap-1.lan" in answer.how


def test_a_resolver_that_hangs_costs_no_more_than_the_time_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, release = [], threading.Event()

    def hang(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        release.wait(2 * PATIENCE)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 80))]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", hang)
        begun = time.monotonic()
        for _ in range(3):
            answer = reach(HostAddress("ap-1.lan"), 0.1)
            assert isinstance(answer, Unasked), "no name service: nothing is known of the device"
        assert time.monotonic() - begun < PATIENCE
        assert asked == ["ap-1.lan"], "who asks meanwhile waits for the same answer"
        release.set()
        assert resolve("ap-1.lan", 80, 10) == (socket.AF_INET, "192.0.2.7")
