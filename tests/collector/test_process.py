"""Collectors as processes, on a real Mosquitto and a real InfluxDB that stop and start again."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from siaga.database import connect
from siaga.database.quarantine import Quarantine
from tests.collector.post import Gateways, Post
from tests.servers import Influxd, Mosquitto
from tests.wait import PATIENCE, until


@pytest.fixture
def influx() -> Iterator[Influxd]:
    """A server for this test alone, which may stop it."""
    with Influxd() as server:
        yield server


@pytest.fixture
def post(mosquitto: Mosquitto, influx: Influxd, tmp_path: Path) -> Post:
    return Post(mosquitto, influx, tmp_path)


def resident(pid: int) -> int:
    """Returns the resident memory in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def test_the_store_is_stopped_and_started_again(influx: Influxd, tmp_path: Path) -> None:
    # This broker pushes everything without waiting for PUBACKs: the collector has to limit itself.
    with Mosquitto(["max_inflight_messages 0", "max_queued_messages 0"]) as mosquitto:
        post = Post(mosquitto, influx, tmp_path)
        with Gateways(mosquitto) as gateways, post.collector() as collector:
            gateways.insist(range(5))
            before = resident(collector.pid)
            influx.stop()

            # 120 MB of batches, several times what the collector may hold
            gateways.send(*range(100, 700), size=200_000)
            quiet = time.monotonic()
            assert not any(seq >= 100 for seq in gateways.acknowledged)
            grown = resident(collector.pid) - before
            assert 10_000_000 < grown < 80_000_000, f"{grown} bytes"

            influx.start()
            gateways.hears(*range(100, 700), timeout=60)
            assert all(gateways.acknowledged[seq] > quiet for seq in range(100, 700))
            assert post.stored() == gateways.times(range(5)) | gateways.times(range(100, 700))


def test_killed_in_the_middle_everything_acknowledged_is_in_the_store(post: Post) -> None:
    with Gateways(post.mosquitto) as gateways:
        sent = 0
        for _ in range(3):
            with post.collector() as collector:
                gateways.insist(range(sent, sent + 1))
                gateways.send(*range(sent, sent + 300))
                some = sent + 20
                until(lambda some=some: len(gateways.acknowledged) > some, what="it is at work")  # type: ignore[misc]  # bound now
                collector.send_signal(signal.SIGKILL)
                collector.wait(PATIENCE)
            sent += 300
            assert post.stored() >= {gateways.START + seq for seq in list(gateways.acknowledged)}
        with post.collector():
            gateways.insist(range(sent), timeout=60)
        assert post.stored() == gateways.times(range(sent))


def test_what_the_broker_kept_after_a_crash_needs_no_second_sending(post: Post) -> None:
    with Gateways(post.mosquitto) as gateways:
        with post.collector() as collector:
            gateways.insist(range(1))
            collector.send_signal(signal.SIGKILL)
            collector.wait(PATIENCE)
        gateways.send(*range(10, 60))
        with post.collector():
            gateways.hears(*range(10, 60))


def test_two_collectors_share_the_work_and_one_may_be_killed(post: Post, influx: Influxd) -> None:
    other = Post(post.mosquitto, influx, post.directory)  # a database of its own shows who stored what
    with Gateways(post.mosquitto) as gateways, post.collector("a"), other.collector("b") as second:
        sent = until_both_work(gateways, post, other)
        gateways.send(*range(sent, sent + 100))
        gateways.hears(*range(sent, sent + 100))
        once = gateways.times(range(sent, sent + 100))
        assert len(post.stored() & once) + len(other.stored() & once) == 100, "the work is shared, not done twice"
        second.send_signal(signal.SIGKILL)
        second.wait(PATIENCE)
        gateways.insist(range(sent + 100, sent + 300), timeout=60)
        assert post.stored() | other.stored() == gateways.times(range(sent + 300))


def test_one_that_was_stopped_is_dealt_nothing_any_more(post: Post, influx: Influxd) -> None:
    """This holds if another one runs beside it, and if another one replaces it with a directory of its own."""
    other = Post(post.mosquitto, influx, post.directory)
    with Gateways(post.mosquitto) as gateways:
        with post.collector("a"), other.collector("b") as second:
            sent = until_both_work(gateways, post, other)
            second.send_signal(signal.SIGTERM)
            assert second.wait(10) == 0
            gateways.send(*range(sent, sent + 20))
            gateways.hears(*range(sent, sent + 20))
        with post.collector("c"):
            gateways.insist(range(sent + 20, sent + 21))
            gateways.send(*range(sent + 21, sent + 40))
            gateways.hears(*range(sent + 21, sent + 40))


def until_both_work(gateways: Gateways, post: Post, other: Post) -> int:
    """Send until two collectors, each with its own database, have stored some. Returns how many batches it sent."""
    sent = 0
    while not (post.stored() and other.stored()):
        assert sent < 500, "two collectors run and one does everything"
        gateways.insist(range(sent, sent + 20))
        sent += 20
    return sent


def test_it_ends_within_ten_seconds_also_while_the_store_hangs(post: Post) -> None:
    with Gateways(post.mosquitto) as gateways, post.collector() as collector:
        gateways.insist(range(3))
        post.influxd.freeze()
        try:
            gateways.send(*range(10, 20))
            began = time.monotonic()
            collector.send_signal(signal.SIGTERM)
            assert collector.wait(15) == 0
            assert time.monotonic() - began < 10
        finally:
            post.influxd.thaw()
        with post.collector():
            gateways.insist(range(10, 20))
        assert post.stored() == gateways.times(range(3)) | gateways.times(range(10, 20))


def test_started_before_broker_and_store_it_waits_for_them(post: Post) -> None:
    post.influxd.stop()
    post.mosquitto.stop()
    with post.collector() as collector:
        post.mosquitto.start()
        with Gateways(post.mosquitto) as gateways:
            post.influxd.start()
            gateways.insist(range(5))
        assert collector.poll() is None
    assert post.stored() == gateways.times(range(5))


def test_a_field_of_another_type_in_the_store_costs_that_reading(post: Post) -> None:
    post.influxd.write(post.name, "telemetry,village=35.10.15.2012,device=lain gate_open=1.5 1764000000000")
    with Gateways(post.mosquitto) as gateways, post.collector():
        gateways.insist(range(3))
    engine = connect(post.database_url)
    items = Quarantine(engine).items()
    engine.dispose()
    assert {item.village for item in items} == {"35.10.15.2012", "35.10.15.2013"}
    assert all("the telemetry store does not take this" in item.reason for item in items)
    assert any('"gerbang-1/gate_open"' in item.bytes for item in items)
