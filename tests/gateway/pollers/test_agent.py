"""SNMP against Debian's snmpd: objects that exist arrive, missing ones give no value, no request takes long."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Self

import pytest

from gateway.pollers.agent import MAX_ROWS, Credentials, ask_agent
from gateway.pollers.interface import Agent, Answer, Unasked, Values
from gateway.pollers.patience import Patience
from siaga.sites.poll_address import HostAddress
from tests.gateway.pollers.snmpd import ENDLESS, ENTERPRISE, GROWING, ROUTEROS, Snmpd
from tests.wait import PATIENCE

UPTIME, LO_STATUS, LO_IN = "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.2.2.1.8.1", "1.3.6.1.2.1.31.1.1.1.6.1"
MANY = 60
"""Rows of a table that does not fit into one packet."""

OBJECTS: dict[str, tuple[str, object]] = {
    f"{ENTERPRISE}.1.0": ("integer", 1),
    f"{ENTERPRISE}.2.0": ("gauge", 4294967295),
    f"{ENTERPRISE}.3.0": ("counter64", 2**63 - 1),
    f"{ENTERPRISE}.4.0": ("string", "12"),
    f"{ENTERPRISE}.5.0": ("timeticks", 4250),
    f"{ENTERPRISE}.6.0": ("integer", -67),
    f"{ENTERPRISE}.7.0": ("octet", "ff 00 41"),
    **{f"{ENTERPRISE}.9.{row}": ("gauge", row) for row in range(1, MANY + 1)},
    f"{ROUTEROS}.3.1.6.3": ("gauge", 4),
    f"{ROUTEROS}.3.1.6.7": ("gauge", 9),
    **{f"{ROUTEROS}.2.1.3.2.0.0.0.0.{station}.3": ("integer", -60 - station) for station in range(3)},
}


@pytest.fixture(scope="module")
def snmpd() -> Iterator[Snmpd]:
    with Snmpd(OBJECTS) as server:
        yield server


COMMUNITY = Credentials(Snmpd.community)
USER = Credentials(user=Snmpd.user, auth_password=Snmpd.auth_password, privacy_password=Snmpd.privacy_password)


def values(answer: Answer) -> Values:
    assert isinstance(answer, Values), answer
    return answer


@pytest.mark.parametrize("credentials", [COMMUNITY, USER], ids=["v2c", "v3"])
def test_values_and_tables_come_with_a_community_and_with_a_user(snmpd: Snmpd, credentials: Credentials) -> None:
    oids = tuple(f"{ENTERPRISE}.{number}.0" for number in range(1, 8))
    answer = values(ask_agent(Agent(snmpd.address, oids, (f"{ROUTEROS}.3.1.6",)), credentials, 10))
    assert answer.single == dict(zip(oids, [1, 4294967295, 2**63 - 1, b"12", 4250, -67, b"\xff\x00A"], strict=True))
    assert answer.tables == {f"{ROUTEROS}.3.1.6": [4, 9]}
    assert answer.how == ""


def test_the_agent_s_own_interfaces_and_uptime(snmpd: Snmpd) -> None:
    answer = values(ask_agent(Agent(snmpd.address, (UPTIME, LO_STATUS, LO_IN), ()), COMMUNITY, 10))
    assert answer.single[LO_STATUS] in (1, 2)
    assert isinstance(answer.single[LO_IN], int)
    assert isinstance(answer.single[UPTIME], int)


def test_what_the_agent_does_not_have_is_not_there_and_costs_nothing_else(snmpd: Snmpd) -> None:
    missing, table, there = f"{ENTERPRISE}.8.0", f"{ENTERPRISE}.10", f"{ENTERPRISE}.1.0"
    answer = values(ask_agent(Agent(snmpd.address, (missing, there), (table,)), COMMUNITY, 10))
    assert answer.single == {there: 1}
    assert answer.tables == {table: []}
    assert answer.how == f"it has no {missing}; it has nothing under {table}"


def test_more_than_fits_into_one_packet(snmpd: Snmpd) -> None:
    oids = tuple(f"{ENTERPRISE}.9.{row}" for row in range(1, MANY + 1))
    answer = values(ask_agent(Agent(snmpd.address, oids, (f"{ENTERPRISE}.9",)), COMMUNITY, 10))
    assert list(answer.single.values()) == list(range(1, MANY + 1))
    assert answer.tables == {f"{ENTERPRISE}.9": list(range(1, MANY + 1))}


def test_a_table_has_a_bound(snmpd: Snmpd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pollers.agent.MAX_ROWS", MANY - 1)
    answer = values(ask_agent(Agent(snmpd.address, (), (f"{ENTERPRISE}.9",)), COMMUNITY, 10))
    assert answer.tables == {}
    assert answer.how == f"{ENTERPRISE}.9 has no end within {MANY - 1} rows, and is not read"
    assert MAX_ROWS > 500, "the real bound is far above what an access point has"


@pytest.mark.parametrize("version", ["2c", "1"])
def test_a_table_without_an_end_is_called_what_it_is_and_costs_nothing_else(snmpd: Snmpd, version: str) -> None:
    there = f"{ENTERPRISE}.1.0"
    question = Agent(snmpd.address, (there,), (ENDLESS, GROWING, f"{ROUTEROS}.3.1.6"), version)
    answer = values(ask_agent(question, COMMUNITY, 10))
    assert answer.single == {there: 1}
    assert answer.tables == {f"{ROUTEROS}.3.1.6": [4, 9]}
    assert answer.how == (
        f"{ENDLESS} never ends: after {ENDLESS}.3 the agent goes back to {ENDLESS}.1; "
        f"{GROWING} has no end within {MAX_ROWS} rows, and is not read"
    )


class Picky:
    """A proxy before an agent that forwards only what this agent accepts. Agents of version 1 drop the rest silently.

    `longest`: the largest request it accepts, bytes. `seen`: the versions of the requests received.
    """

    def __init__(self, agent: Snmpd, *, versions: tuple[int, ...] = (0, 1), longest: int = 65_507) -> None:
        self._agent, self._versions, self._longest = agent, versions, longest
        self.seen: list[int] = []
        self._here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._here.bind(("127.0.0.1", 0))
        self.address = HostAddress("127.0.0.1", self._here.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._relay, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._here.sendto(b"", self._here.getsockname())

    def _relay(self) -> None:
        with self._here, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
            there.connect(("127.0.0.1", self._agent.port))
            there.settimeout(5)
            while True:
                request, whom = self._here.recvfrom(65_507)
                if not request:
                    return
                version = request[request.index(b"\x02\x01") + 2]  # the first integer of the message
                self.seen.append(version)
                if version in self._versions and len(request) <= self._longest:
                    there.send(request)
                    self._here.sendto(there.recv(65_507), whom)


def test_an_agent_that_speaks_version_1_only_is_asked_in_it(snmpd: Snmpd) -> None:
    oids = (f"{ENTERPRISE}.1.0", f"{ENTERPRISE}.8.0", f"{ENTERPRISE}.6.0", UPTIME)
    with Picky(snmpd, versions=(0,)) as old:
        answer = values(ask_agent(Agent(old.address, oids, (f"{ROUTEROS}.3.1.6",)), COMMUNITY, 4))
        assert answer.version == "1"
        assert answer.single.keys() == {f"{ENTERPRISE}.1.0", f"{ENTERPRISE}.6.0", UPTIME}
        assert answer.tables == {f"{ROUTEROS}.3.1.6": [4, 9]}
        assert answer.how == f"it has no {ENTERPRISE}.8.0", "one that is gone costs the others nothing"
        assert old.seen[0] == 1
        old.seen.clear()
        again = values(ask_agent(Agent(old.address, oids, (), answer.version), COMMUNITY, 4))
        assert again.single.keys() == answer.single.keys()
        assert set(old.seen) == {0}, "then it is asked in what it speaks"


def test_an_agent_that_takes_small_requests_only_is_asked_for_less_at_once(snmpd: Snmpd) -> None:
    """Missing answers are noted and the others kept; the next poll asks for half as many at once."""
    oids = tuple(f"{ENTERPRISE}.9.{row}" for row in range(1, 9))
    with Picky(snmpd, longest=120) as small:
        patience, polls = Patience("2c"), 0
        while True:
            question = patience.asked(Agent(small.address, oids, ()))
            assert isinstance(question, Agent)
            answer = ask_agent(question, COMMUNITY, 2)
            patience, polls = patience.after(answer), polls + 1
            if isinstance(answer, Values) and len(answer.single) == len(oids):
                break
            assert polls < 5
        assert polls > 1
        assert patience.silent == 0


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("public"),
        Credentials(user=Snmpd.user, auth_password="another password", privacy_password=Snmpd.privacy_password),
        Credentials(user=Snmpd.user, auth_password=Snmpd.auth_password, privacy_password="another password"),
        Credentials(user="nobody", auth_password=Snmpd.auth_password, privacy_password=Snmpd.privacy_password),
        Credentials(user=Snmpd.user, privacy_password=Snmpd.privacy_password),
    ],
    ids=["community", "password", "privacy password", "user", "privacy without a password"],
)
def test_with_other_credentials_nothing_can_be_said_and_none_are_told(snmpd: Snmpd, credentials: Credentials) -> None:
    answer = ask_agent(Agent(snmpd.address, (UPTIME,), ()), credentials, 1)
    assert isinstance(answer, Unasked), answer
    for secret in ("public", "another password", Snmpd.auth_password, Snmpd.privacy_password):
        assert secret not in answer.how
        assert secret not in repr(credentials)


def test_an_agent_that_says_nothing_costs_no_more_than_its_time() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        answer = ask_agent(Agent(HostAddress("127.0.0.1", silent.getsockname()[1]), (UPTIME,), ()), COMMUNITY, 0.6)
        assert time.monotonic() - begun < PATIENCE
        asked = 0
        silent.setblocking(False)
        while True:
            try:
                silent.recv(2000)
            except BlockingIOError:
                break
            asked += 1
    assert isinstance(answer, Unasked)
    assert answer.slow
    assert not answer.spoke
    assert answer.how.startswith("the SNMP agent does not answer in version 2c or 1: it is off, denies this host")
    assert asked == 4, "a packet may be lost: it is asked once more in each version, and not for ever"


def test_nobody_at_the_port_says_nothing_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    begun = time.monotonic()
    answer = ask_agent(Agent(HostAddress("127.0.0.1", port), (UPTIME,), ()), COMMUNITY, 2 * PATIENCE)
    assert isinstance(answer, Unasked)
    assert time.monotonic() - begun < PATIENCE


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\x30", b"garbage", bytes(1400), b"\x30\x84\xff\xff\xff\xff\x02\x01\x01", b"\x30\x82" + b"\xff" * 1300],
    ids=["empty", "cut off", "text", "zeros", "a length past the end", "all ones"],
)
def test_an_agent_that_answers_nonsense_says_nothing(garbage: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as odd:
        odd.bind(("127.0.0.1", 0))
        odd.settimeout(5)

        def answer_once() -> None:
            _, whom = odd.recvfrom(2000)
            odd.sendto(garbage, whom)

        thread = threading.Thread(target=answer_once)
        thread.start()
        answer = ask_agent(Agent(HostAddress("127.0.0.1", odd.getsockname()[1]), (UPTIME,), ()), COMMUNITY, 0.6)
        thread.join()
    assert isinstance(answer, Unasked | Values), answer
    assert not isinstance(answer, Values) or answer.single == {}


def test_a_table_that_takes_too_long_does_not_cost_the_single_values(
    snmpd: Snmpd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(*_: object) -> list[object]:
        raise TimeoutError

    monkeypatch.setattr("gateway.pollers.agent._Reading._walk", too_long)
    question = Agent(snmpd.address, (f"{ENTERPRISE}.1.0",), (f"{ENTERPRISE}.9",))
    answer = values(ask_agent(question, COMMUNITY, 10))
    assert answer.single == {f"{ENTERPRISE}.1.0": 1}
    assert answer.tables == {}
    assert answer.how == f"{ENTERPRISE}.9 is not read: no answer"
    assert isinstance(ask_agent(Agent(snmpd.address, (), (f"{ENTERPRISE}.9",)), COMMUNITY, 10), Unasked)
