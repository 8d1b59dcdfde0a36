"""Changes of the sites file reach a gateway by themselves: published retained, kept on disk, adopted."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.sites_copy import SitesCopy
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.model.clock import ManualClock
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.mqtt import Message, MqttTransport
from siaga.mqtt.worker import turn
from siaga.run import sites_publisher
from siaga.run.services import import_sites
from siaga.run.sites_publisher import QUIET, SitesPublisher
from siaga.sites.published import PublishedSites, read_published, write_published
from siaga.sites.writing import village_part
from siaga.wire.topics import sites_topic
from tests.provision.central_broker import VILLAGE, CentralBroker, sites_of
from tests.servers import Influxd, Mosquitto
from tests.story.system import SIAGA, System
from tests.wait import until

NOW = 1_795_982_439_000
TOPIC = sites_topic(VILLAGE, "gw")


def village(*devices: str, code: str = VILLAGE, remote: bool = True) -> Village:
    gate = Facility("gerbang", "gate", "Gerbang", tuple(Device(each, Adapter.SENML, 60_000) for each in devices))
    return Village(code, "Kampunganyar", -8.19, 114.3, "Asia/Jakarta", (gate,), remote=remote)


class Registry:
    """Villages and their version, as the database has them."""

    def __init__(self, *villages: Village) -> None:
        self.now: Sequence[Village] = villages
        self.number = 1

    def version(self) -> int:
        return self.number

    def villages(self) -> Sequence[Village]:
        return self.now

    def change(self, *villages: Village) -> None:
        self.now, self.number = villages, self.number + 1


class Centre:
    """A publisher on a broker in memory, and somebody who listens to what it sends."""

    def __init__(self, broker: MemoryBroker, registry: Registry) -> None:
        self.clock = ManualClock(NOW)
        self._worker = SitesPublisher(registry, MemoryTransport(broker, "sites"), self.clock)
        self.ear = MemoryTransport(broker, "ear")
        self.ear.subscribe("siaga/v1/+/gateway/+/sites")

    def settle(self) -> list[Message]:
        """Let it do all that is due; what it published meanwhile."""
        for _ in range(8):
            turn(self._worker)
            self.clock.advance(QUIET)
        heard = []
        while (message := self.ear.receive(0)) is not None:
            self.ear.acknowledge(message)
            heard.append(message)
        return heard


def test_a_village_is_told_once_and_again_only_when_it_changed() -> None:
    broker, registry = MemoryBroker(), Registry(village("a"), village("b", code="35.10.15.2013", remote=False))
    centre = Centre(broker, registry)
    (told,) = centre.settle()
    assert told.topic == TOPIC
    assert read_published(told.payload).village == village("a")
    assert centre.settle() == []
    registry.change(village("a"), village("c", code="35.10.15.2013", remote=False))
    assert centre.settle() == [], "the change was another village's"
    registry.change(village("a", "b"))
    (told,) = centre.settle()
    assert [device.id for device in read_published(told.payload).village.facilities[0].devices] == ["a", "b"]


def test_while_nothing_changes_no_village_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(village("a"), village("a", code="35.10.15.2013"))
    centre = Centre(MemoryBroker(), registry)
    centre.settle()
    digested: list[str] = []

    def noting(each: Village) -> dict[str, object]:
        digested.append(each.code)
        return village_part(each)

    monkeypatch.setattr(sites_publisher, "village_part", noting)
    centre.settle()
    assert digested == []
    registry.change(village("a", "b"), village("a", code="35.10.15.2013"))
    assert len(centre.settle()) == 1
    assert set(digested) == {VILLAGE}, "of a country's villages only the one that changed"


def test_after_a_restart_nothing_is_sent_that_the_broker_has() -> None:
    broker, registry = MemoryBroker(), Registry(village("a"))
    Centre(broker, registry).settle()
    again = Centre(broker, registry)
    assert [message.retain for message in again.settle()] == [True], "only what was retained"


def test_a_village_that_is_remote_no_more_and_an_earlier_topic_are_cleared() -> None:
    broker, registry = MemoryBroker(), Registry(village("a"))
    broker.publish(sites_topic("99.99.99.9999", "gw"), b"another registry's", retain=True)
    centre = Centre(broker, registry)
    centre.settle()
    registry.change(village("a", "gw"))  # a device has the gateway's name now
    assert [(each.topic, bool(each.payload)) for each in centre.settle()] == [
        (sites_topic(VILLAGE, "gw-2"), True),
        (TOPIC, False),
    ]
    registry.change(village("a", "gw", remote=False))
    assert [(each.topic, each.payload) for each in centre.settle()] == [(sites_topic(VILLAGE, "gw-2"), b"")]


def copy(directory: Path, given: Village, made: int = 10) -> tuple[SitesCopy, list[None]]:
    refused: list[None] = []
    return SitesCopy(directory, PublishedSites(given, made), lambda: refused.append(None)), refused


def test_a_copy_is_adopted_and_kept_over_a_restart(tmp_path: Path) -> None:
    sites, refused = copy(tmp_path, village("a"))
    assert sites.take_change() == village("a")
    assert sites.hear(Message(TOPIC, write_published(village("a"), 20), retain=True))
    assert sites.take_change() is None, "the same"
    assert not (tmp_path / "sites.json").exists(), "and nothing written"
    assert sites.hear(Message(TOPIC, write_published(village("a", "b"), 30), retain=True))
    assert sites.take_change() == village("a", "b")
    assert copy(tmp_path, village("a"))[0].village == village("a", "b"), "later than the gateway's own file"
    assert copy(tmp_path, village("c"), made=40)[0].village == village("c"), "a newer file is brought"
    assert copy(tmp_path, village("c", code="35.10.15.2013"))[0].village.code == "35.10.15.2013"
    assert not refused


def test_what_the_centre_published_counts_also_where_it_is_older_than_the_own_file(tmp_path: Path) -> None:
    """The centre judges by its registry, so the gateway serves what that has. A start without a link has the newer."""
    sites, _ = copy(tmp_path, village("c"), made=40)
    retained = Message(TOPIC, write_published(village("a", "b"), 20), retain=True)
    assert sites.hear(retained)
    assert sites.village == village("a", "b")
    again, _ = copy(tmp_path, village("c"), made=40)
    assert again.village == village("c")
    assert again.hear(retained)
    assert again.village == village("a", "b")


def test_one_that_could_not_be_kept_is_kept_when_it_arrives_again(tmp_path: Path) -> None:
    lost = tmp_path / "card"
    sites, _ = copy(lost, village("a"))
    message = Message(TOPIC, write_published(village("a", "b"), 20), retain=True)
    assert sites.hear(message)
    assert sites.village == village("a", "b"), "it is used all the same"
    lost.mkdir()
    assert sites.hear(message)
    assert copy(lost, village("a"))[0].village == village("a", "b")


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b"{", "it is not a JSON object"),
        (b"[1]", "it is not a JSON object"),
        (b'{"made": "x", "sites": {}}', "made is not a time"),
        (b'{"made": 1, "sites": {"villages": [{"code": 1, "colour": 2}]}}', "line 1: "),
        (b'{"made": 1, "sites": {"villages": []}}', "it has 0 villages"),
        (write_published(village("a", code="35.10.15.2013"), 20), "they are of 35.10.15.2013, another village"),
        (b"x" * (1 << 20) + b"x", "bytes, and 1048576 are allowed"),
    ],
    ids=["cut off", "a list", "no time", "mistakes", "no village", "another village", "too large"],
)
def test_what_cannot_be_used_is_told_and_changes_nothing(tmp_path: Path, payload: bytes, sentence: str) -> None:
    sites, refused = copy(tmp_path, village("a"))
    sites.take_change()
    assert sites.hear(Message(TOPIC, payload))
    assert sites.take_change() is None
    assert sentence in (sites.problem or "")
    assert len(refused) == 1
    assert sites.hear(Message(TOPIC, write_published(village("a", "b"), 20)))
    assert sites.problem is None


def test_other_topics_and_an_empty_message_are_not_its_business(tmp_path: Path) -> None:
    sites, _ = copy(tmp_path, village("a"))
    sites.take_change()
    assert not sites.hear(Message(f"siaga/v1/{VILLAGE}/gateway/gw/ack", b"{}"))
    assert not sites.hear(Message(sites_topic("35.10.15.2013", "gw"), write_published(village("b"), 20)))
    assert sites.hear(Message(TOPIC, b""))
    assert sites.take_change() is None


def test_a_damaged_copy_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "sites.json").write_bytes(write_published(village("a", "b"), 20)[:-9])
    assert copy(tmp_path, village("a"))[0].village == village("a")
    (tmp_path / "sites.json").write_bytes(write_published(replace(village("b"), code="35.10.15.2013"), 20))
    assert copy(tmp_path, village("a"))[0].village == village("a")


# With everything real


@contextmanager
def process(directory: Path, *command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A siaga process with its own log; ended as an operator does."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")}
    with (directory / f"{command[0]}.log").open("ab") as log:
        running = subprocess.Popen(
            [str(SIAGA), *command], env=clean | environment, stdout=log, stderr=log, cwd=directory
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
            try:
                assert running.wait(10) == 0
            finally:
                running.kill()
                sys.stderr.write((directory / f"{command[0]}.log").read_text()[-4000:])


@pytest.mark.servers
def test_from_one_file_a_gateway_runs_and_takes_every_later_change(tmp_path: Path) -> None:
    """A gateway knows only the file of the district, over TLS; a device is added at the centre alone."""
    device = "{{id: {}, adapter: senml, every: 1m}}"
    with Mosquitto() as village_broker, Influxd() as influxd, CentralBroker(codes=[VILLAGE]) as broker:
        store = influxd.store_url()
        centre = {"SIAGA_STORE_URL": store, "SIAGA_DATA_DIR": str(tmp_path / "data")}
        (tmp_path / "gateway.yaml").write_text(broker.issue(VILLAGE).text())
        (tmp_path / "gateway.yaml").chmod(0o600)
        on_site = {
            "SIAGA_GATEWAY_FILE": str(tmp_path / "gateway.yaml"),
            "SIAGA_VILLAGE_MQTT_URL": village_broker.url,
            "SIAGA_DATA_DIR": str(tmp_path / "gateway"),
        }

        def speaks(who: str, value: int, seen: Callable[[], object]) -> None:
            """A device publishes until the centre has it."""
            with closing(MqttTransport(village_broker.url, who)) as there:
                until(lambda: there.connected)

                def again() -> object:
                    there.publish(f"siaga/v1/{VILLAGE}/{who}/senml", b'[{"n":"battery","v":%d}]' % value)
                    return seen()

                until(again, 60, f"the centre has what {who} says")

        url = broker.service_url("collector")
        with (
            System(
                tmp_path, sites_of(VILLAGE), "api", SIAGA_STORE_URL=store, SIAGA_MQTT_URL=broker.service_url("api")
            ) as api,
            process(tmp_path, "collector", SIAGA_MQTT_URL=url, **centre),
        ):

            def battery(who: str) -> object:
                signals = api.get(f"/devices/{VILLAGE}/{who}")["signals"]
                return signals.get("battery", {}).get("value")

            with process(tmp_path, "gateway", **on_site):
                until(lambda: api.get(f"/villages/{VILLAGE}")["link"]["state"] == "online", 60, "the gateway is heard")
                speaks("gerbang-1", 50, lambda: battery("gerbang-1") == 50)
                changed = sites_of(VILLAGE, devices=device.format("gerbang-1") + ", " + device.format("gerbang-2"))
                (tmp_path / "changed.yaml").write_text(changed)
                settings = broker.settings.model_copy(update={"data_dir": tmp_path / "data"})
                assert import_sites(settings, tmp_path / "changed.yaml").changed == 1
                speaks("gerbang-2", 60, lambda: battery("gerbang-2") == 60)
            broker.stop()
            with process(tmp_path, "gateway", **on_site):  # without the centre it knows the new device all the same
                check = [str(SIAGA), "gateway", "check", "--data-dir", str(tmp_path / "gateway")]
                until(lambda: b"gerbang-2" in subprocess.run(check, capture_output=True, check=False).stdout)
            broker.start()
