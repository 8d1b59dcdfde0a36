"""Polling: which devices, when, and what happens to the answers; and the whole path to the centre on real sockets."""

import random
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from gateway import Gateway, GatewayMetrics
from gateway.pollers import Credentials, Polling, ThreadedAsker
from gateway.pollers.asking import AT_ONCE, Answered
from gateway.pollers.interface import Agent, Answer, Internet, Question, Said, Unasked, Values
from gateway.pollers.schedule import Key
from gateway.sites_copy import SitesCopy
from siaga.broker.memory import MemoryTransport
from siaga.model.clock import ManualClock, SystemClock
from siaga.model.sites import Village
from siaga.run.gateways import Asking, GatewayPart, Served
from siaga.sites.poll_address import read_web
from siaga.sites.published import PublishedSites
from tests.gateway.places import CODE, MINUTE, NOW, device, village
from tests.gateway.pollers.peers import BlackHole, Peer, page
from tests.gateway.pollers.snmpd import ROUTEROS, Snmpd
from tests.gateway.yard import Everybody, TightDisk, Yard
from tests.servers import Mosquitto
from tests.wait import PATIENCE, until

CHECK = read_web("http://check.example/generate_204")
YES = Said(yes=True, how="answers", latency=12.0)
NO = Said(yes=False, how="no answer")
RADIO, SERVICE = device("ap-1", "probe", "192.0.2.7"), device("web-1", "probe", "https://desa.example/")
AGENT = device("ap-2", "snmp", "192.0.2.8", {"1.3.6.1.4.1.99999.1.0": "clients"})
PLACE = village(("free_wifi", [RADIO, AGENT]), ("it_service", [SERVICE]))


class Scripted:
    """Answers as the test says, after a delay on the test's clock, without network."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.takes = 0
        self.answer: Callable[[Question], Answer] = lambda _: YES
        self.asked: list[tuple[int, Key, Question, float]] = []
        self._open: list[Answered] = []

    def ask(self, key: Key, question: Question, timeout: float) -> None:
        now = self._clock.monotonic()
        self.asked.append((now, key, question, timeout))
        self._open.append(Answered(key, question, self.answer(question), now + self.takes))

    def answers(self) -> list[Answered]:
        now = self._clock.monotonic()
        done = [each for each in self._open if each.at <= now]
        self._open = [each for each in self._open if each.at > now]
        return done

    def ring(self, bell: Callable[[], None]) -> None: ...

    def close(self) -> None: ...

    def times(self, device_id: str) -> list[int]:
        return [now for now, key, _, _ in self.asked if key[1] == device_id]


class AskingYard(Yard):
    """A gateway in memory whose devices are asked by a script."""

    def __init__(self, directory: Path, villages: list[Village]) -> None:
        self.asker: Scripted | None = None
        super().__init__(directory, villages)

    def start(self) -> None:
        self.village_side = MemoryTransport(self.devices, "gateway", clean=False)
        self.centre_side = MemoryTransport(self.district, "gateway")
        self.buffer = TightDisk(self._path)
        self.metrics = GatewayMetrics(CollectorRegistry())
        self.script = Scripted(self.clock)
        chance = random.Random(1)
        self.polling = Polling(self.script, chance, self.metrics, internet=CHECK)
        self.gateway = Gateway(
            self._villages,
            self.village_side,
            self.centre_side,
            self.buffer,
            self.clock,
            chance,
            self.metrics,
            polling=self.polling,
        )


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[AskingYard]:
    yard = AskingYard(tmp_path, [PLACE])
    yield yard
    yard.buffer._db.close()


def by_kind(internet: Answer = YES, others: Answer = YES) -> Callable[[Question], Answer]:
    return lambda question: internet if isinstance(question, Internet) else others


def test_answers_reach_the_centre_at_the_time_at_which_they_came(yard: AskingYard) -> None:
    yard.script.takes = 3_000
    yard.after(20)
    [(asked, *_)] = [each for each in yard.script.asked if each[1][1] == "web-1"]
    assert yard.centre.values("web-1", "service_ok") == [(NOW + asked + 3_000, True)]
    assert yard.centre.values("web-1", "latency") == [(NOW + asked + 3_000, 12.0)]
    assert [value for _, value in yard.centre.values("ap-1", "wifi_up")] == [True]
    assert yard.centre.values("ap-1", "online") == [], "only a birth or a last will says that"


def test_each_device_is_asked_once_in_its_every_with_a_time_well_below_it(yard: AskingYard) -> None:
    yard.after(600, step=0.5)
    for name in ("ap-1", "web-1", "ap-2", "internet"):
        gaps = [after - before for before, after in pairwise(yard.script.times(name))]
        assert len(gaps) >= 9
        assert all(50_000 <= gap <= 61_000 for gap in gaps), gaps
    assert {timeout for *_, timeout in yard.script.asked} == {5.0}


def test_an_agent_that_is_silent_is_asked_less_often_and_at_once_as_before_when_it_is_back(yard: AskingYard) -> None:
    silent = Unasked("no answer", slow=True)
    yard.script.answer = lambda question: silent if isinstance(question, Agent) else NO
    yard.after(1_800, step=0.5)
    gaps = [after - before for before, after in pairwise(yard.script.times("ap-2"))]
    assert all(50_000 <= gap <= 61_000 for gap in gaps[:2]), "as its `every` says"
    assert max(gaps) == 4 * MINUTE
    assert gaps[-3:] == [4 * MINUTE] * 3
    probed = [after - before for before, after in pairwise(yard.script.times("ap-1"))]
    assert max(probed) <= 61_000, "that nobody answers a probe is an observation, and is made as often as ever"
    yard.script.answer = lambda _: Values({"1.3.6.1.4.1.99999.1.0": 4}, version="1")
    yard.after(600, step=0.5)
    values = yard.centre.values("ap-2", "clients")
    assert max(after - before for (before, _), (after, _) in pairwise(values)) <= 61_000
    *_, (_, _, question, timeout) = [each for each in yard.script.asked if each[1][1] == "ap-2"]
    assert isinstance(question, Agent)
    assert (question.version, question.at_once, timeout) == ("1", 16, 5.0)


def test_the_internet_is_asked_once_for_all_and_told_to_each(tmp_path: Path) -> None:
    # Two villages, four probes, one of which reports each five minutes
    slow = device("ap-9", "probe", "192.0.2.9", every=5 * MINUTE)
    other = village(("free_wifi", [device("ap-1", "probe", "192.0.2.7"), slow]), code="35.10.15.2013")
    yard = AskingYard(tmp_path, [PLACE, other])
    yard.after(900, step=0.5)
    checks = yard.script.times("internet")
    assert 14 <= len(checks) <= 18
    yard.gateway.close()  # what waits for company is sent
    yard.turn()
    assert len(yard.centre.values("ap-1", "internet")) == len(checks)
    assert len(yard.centre.values("web-1", "internet")) == len(checks)
    assert len(yard.centre.values("ap-1", "internet", "35.10.15.2013")) == len(checks)
    assert yard.centre.values("ap-2", "internet") == [], "an agent has no internet check"
    late = [time for time, _ in yard.centre.values("ap-9", "internet", "35.10.15.2013")]
    assert all(4 * MINUTE <= after - before <= 6 * MINUTE for before, after in pairwise(late))
    assert len(late) in (3, 4)

    # When it fails, all of them report it at once
    yard.script.answer = by_kind(internet=Said(yes=False, how="a captive portal answers in its place, with 302"))
    yard.after(70, step=0.5)
    for name in ("ap-1", "ap-9"):
        assert yard.centre.values(name, "internet", "35.10.15.2013")[-1][1] is False
    yard.buffer._db.close()


def test_where_nothing_can_be_said_nothing_is_and_the_log_says_why_once(yard: AskingYard) -> None:
    yard.after(20)
    yard.script.answer = lambda _: Unasked("no network interface of the gateway has a link")
    before = dict(yard.centre.stored)
    with capture_logs() as logs:
        yard.after(300, step=1)
    new = {name for (_, name, _, _) in yard.centre.stored.keys() - before.keys()}
    assert new == {"gw"}, "its heartbeat alone"
    polled = [log for log in logs if log["event"] == "polled"]
    assert sorted(log["device"] for log in polled) == ["ap-1", "ap-2", "internet", "web-1"]
    assert yard.metrics.unasked._value.get() >= 16
    assert yard.polling.states[CODE, "ap-1"] == "no network interface of the gateway has a link"


def test_a_radio_that_is_off_is_an_observation_and_it_is_logged_when_it_goes_and_when_it_is_back(
    yard: AskingYard,
) -> None:
    yard.after(20)
    with capture_logs() as logs:
        yard.script.answer = by_kind(others=NO)
        yard.after(180, step=1)
        yard.script.answer = by_kind(others=YES)
        yard.after(60, step=1)
    states = [value for _, value in yard.centre.values("ap-1", "wifi_up")]
    assert states[0] is True
    assert states[-1] is True
    assert states.count(False) >= 3
    assert [log["how"] for log in logs if log.get("device") == "ap-1"] == ["no answer", "answers"]


def test_one_bad_value_of_an_agent_is_refused_and_shown_at_the_centre(yard: AskingYard) -> None:
    yard.script.answer = by_kind(others=Values({"1.3.6.1.4.1.99999.1.0": b"02:00:00:00:00:01"}))
    yard.after(20)
    assert yard.centre.values("ap-2", "clients") == []
    [refusal] = [each for each in yard.centre.refused if each["topic"] == "snmp/ap-2"]
    assert "clients" in str(refusal["reason"])
    assert "02:00" not in str(refusal), "a station's address never leaves the village"


def test_a_device_that_cannot_be_asked_is_logged_and_the_others_are(tmp_path: Path) -> None:
    wrong = device("ap-8", "snmp", "192.0.2.8", {"ifOperStatus": "wifi_up"})
    with capture_logs() as logs:
        yard = AskingYard(tmp_path, [village(("free_wifi", [RADIO, wrong]))])
        yard.after(20)
    assert yard.script.times("ap-8") == []
    assert yard.script.times("ap-1") != []
    assert [log["how"] for log in logs if log.get("device") == "ap-8"] == [
        "cannot be asked: its address, or a key of its map, is no OID in numbers such as 1.3.6.1.2.1.1.3.0"
    ]
    yard.buffer._db.close()


def test_an_answer_to_a_question_of_before_the_import_is_nobody_s(yard: AskingYard) -> None:
    yard.script.takes = 3_000
    until_asked = 0
    while not yard.script.times("ap-1"):
        yard.after(0.25)
        until_asked += 1
        assert until_asked < 100
    moved = village(("free_wifi", [device("ap-1", "probe", "192.0.2.99")]))
    yard.gateway.update([moved])
    yard.after(8)
    assert yard.centre.values("ap-1", "wifi_up") == []
    yard.after(120, step=0.5)
    assert yard.centre.values("ap-1", "wifi_up") != [], "it is asked at its new address"


def test_before_the_clock_is_set_nobody_is_asked(tmp_path: Path) -> None:
    yard = AskingYard(tmp_path, [PLACE])
    yard.clock.jump(-NOW)
    yard.after(60, step=1)
    assert yard.script.asked == []
    yard.clock.jump(NOW)
    yard.after(20)
    assert yard.script.asked != []
    yard.buffer._db.close()


def test_a_gateway_without_such_devices_asks_nobody(tmp_path: Path) -> None:
    yard = AskingYard(tmp_path, [village(("night_guard", [device("pos-1", "senml")]))])
    yard.after(120, step=1)
    assert yard.script.asked == []
    yard.buffer._db.close()


def test_a_message_on_a_topic_of_a_device_that_is_asked_is_refused(yard: AskingYard) -> None:
    yard.say(f"siaga/v1/{CODE}/ap-1/senml", '[{"n":"wifi_up","vb":true}]')
    yard.turn()
    yard.turn()
    assert [each["topic"] for each in yard.centre.refused] == [f"siaga/v1/{CODE}/ap-1/senml"]


# Threads


def test_threads_are_few_answers_are_complete_and_a_failure_is_an_answer_too() -> None:
    gate, running, most = threading.Event(), 0, 0
    lock = threading.Lock()

    def answer(question: Question, timeout: float) -> Answer:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(PATIENCE)
        with lock:
            running -= 1
        if timeout == 1:
            raise RuntimeError("a mistake of ours")
        return YES

    rung = threading.Event()
    asker = ThreadedAsker(SystemClock(), answer, at_once=3)
    asker.ring(rung.set)
    with capture_logs() as logs:
        for number in range(10):
            asker.ask((CODE, f"ap-{number}"), Internet(CHECK), 1 if number == 5 else 2)
        until(lambda: running == 3)
        assert asker.answers() == []
        gate.set()
        found: list[Answered] = []

        def all_found() -> bool:
            found.extend(asker.answers())
            return len(found) == 10

        until(all_found)
    assert most == 3
    assert rung.is_set()
    assert {each.key[1]: each.answer for each in found} == {
        f"ap-{number}": Unasked("asking failed: RuntimeError") if number == 5 else YES for number in range(10)
    }
    assert [log["event"] for log in logs] == ["poll_failed"]
    asker.close()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("poller-")])


def test_one_device_that_hangs_does_not_hold_up_the_end() -> None:
    hanging = threading.Event()

    def answer(question: Question, timeout: float) -> Answer:
        hanging.wait(30)
        return YES

    asker = ThreadedAsker(SystemClock(), answer)
    asker.ask((CODE, "ap-1"), Internet(CHECK), 1)
    [thread] = until(lambda: [thread for thread in threading.enumerate() if thread.name.startswith("poller-")])
    asker.close()
    assert thread.daemon, "the process ends without it"
    hanging.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert AT_ONCE >= 8


# The whole path


def test_from_real_devices_through_the_gateway_to_the_centre(tmp_path: Path, mosquitto: Mosquitto) -> None:
    # The agent's own counters of 64 bits come after a while, or never: what is read is ours
    received = f"{ROUTEROS}.1.4.1"
    objects: dict[str, tuple[str, object]] = {
        received: ("counter64", 2**40),
        f"{ROUTEROS}.3.1.6.3": ("gauge", 4),
        f"{ROUTEROS}.3.1.6.7": ("gauge", 9),
    }
    with (
        Snmpd(objects) as snmpd,
        Peer(page("200 OK", b"hidup")) as web,
        BlackHole() as gone,
        Peer(page("204 No")) as net,
    ):
        place = village(
            (
                "free_wifi",
                [
                    device("ap-1", "probe", f"127.0.0.1:{web.port}", every=2_000),
                    device("ap-2", "probe", f"127.0.0.1:{gone.port}", every=2_000),
                    device(
                        "ap-3",
                        "snmp",
                        str(snmpd.address),
                        {
                            "1.3.6.1.2.1.2.2.1.8.1": "wifi_up",
                            f"{ROUTEROS}.3.1.6.*": "clients",
                            received: "rx_bytes",
                            "1.3.6.1.2.1.1.3.0": "uptime",
                            f"{ROUTEROS}.9.9.0": "rssi",
                        },
                        every=2_000,
                    ),
                ],
            ),
            ("it_service", [device("web-1", "probe", f"http://127.0.0.1:{web.port}/#match=hidup", every=2_000)]),
            remote=True,
        )
        served = [Served([place])]
        part = GatewayPart(
            tmp_path,
            mosquitto.url,
            mosquitto.url,
            lambda: served.pop() if served else None,
            SystemClock(),
            GatewayMetrics(CollectorRegistry()),
            sites=SitesCopy(tmp_path, PublishedSites(place, 0), lambda: None),
            asking=Asking(net.web("/generate_204"), Credentials(Snmpd.community)),
        )
        heard = Listening(mosquitto)
        part.start()
        try:
            until(lambda: heard.last().items() >= EXPECTED.items(), what="every device has said what it can")
            until(lambda: {"rx_bytes", "uptime"} <= heard.signals("ap-3"), what="a value may come with the next batch")
            assert heard.signals("ap-3") == {"wifi_up", "clients", "rx_bytes", "uptime"}
            assert heard.signals("web-1") == {"service_ok", "latency", "internet"}
            assert heard.signals("ap-2") == {"wifi_up", "internet"}
            net.behaviour = page("302 Found", b"", "Location: http://portal.example/")
            until(lambda: heard.last().get(("ap-1", "internet")) is False, what="the portal is seen")
        finally:
            part.stop()
            heard.close()


EXPECTED: dict[tuple[str, str], object] = {
    ("ap-1", "wifi_up"): True,
    ("ap-1", "internet"): True,
    ("ap-2", "wifi_up"): False,
    ("ap-3", "wifi_up"): True,
    ("ap-3", "clients"): 13,
    ("web-1", "service_ok"): True,
}


class Listening:
    """The centre's side: the batches received, unpacked."""

    def __init__(self, mosquitto: Mosquitto) -> None:
        from siaga.mqtt import MqttTransport

        self._transport = MqttTransport(mosquitto.url, "listening")
        self._transport.subscribe("siaga/v1/+/gateway/+/batch")
        self._values: dict[tuple[str, str], tuple[int, object]] = {}
        until(lambda: self._transport.connected)

    def last(self) -> dict[tuple[str, str], object]:
        from siaga.wire.batch import decode_batch

        while (message := self._transport.receive(0)) is not None:
            for point in decode_batch(message.payload, CODE, SystemClock().now(), Everybody()).points:
                for signal, value in point.values.items():
                    if self._values.get((point.device, signal), (0, None))[0] <= point.time:
                        self._values[point.device, signal] = (point.time, value)
            self._transport.acknowledge(message)
        return {track: value for track, (_, value) in self._values.items()}

    def signals(self, name: str) -> set[str]:
        return {signal for device_id, signal in self.last() if device_id == name}

    def close(self) -> None:
        self._transport.close()
