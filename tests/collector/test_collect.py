"""The collector stores, then acknowledges: step by step."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collector.collector import FIRST_PAUSE, LIMIT_SAID_FOR, LONGEST_PAUSE
from siaga.model.observation import Arrival
from siaga.mqtt.way import WAY
from siaga.wire.batch import LIVE_EDGE
from tests.collector.desk import CLIFF, EPOCH, NOW, SHORE, Desk, T, batch, gate, topic, village


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def test_a_batch_is_stored_then_acknowledged_then_the_broker_forgets_it(desk: Desk) -> None:
    desk.publish(batch(1, gate(T), {"n": "gw/alive", "t": T, "vb": True}, packed=True))
    assert desk.collector.collect(0)
    assert desk.stored() == {("gerbang-1", "gate_open"): [(T, True)], ("gw", "alive"): [(T, True)]}
    assert desk.acks() == [(CLIFF, EPOCH, 1)]
    assert desk.unacknowledged() == 0
    assert not desk.collector.collect(0), "nothing is left to do"


def test_a_batch_is_logged_by_its_id_when_it_is_stored(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, WAY), capture_logs() as said:
        desk.publish(batch(1, gate(T)))
        assert desk.collector.collect(0)
    [line] = [each for each in said if each["event"] == "batch_stored"]
    assert (line["batch"], line["village"], line["repeated"]) == (f"{EPOCH}/1", CLIFF, False)


def test_many_batches_are_one_write_and_one_acknowledgement_each(desk: Desk) -> None:
    for seq in range(20):
        desk.publish(batch(seq, gate(T + seq)), topic(SHORE if seq % 2 else CLIFF))
    assert desk.collector.collect(0)
    assert len(desk.faulty.writes) == 1
    assert sorted(desk.seqs()) == list(range(20))


def test_a_group_is_full_with_so_many_readings(tmp_path: Path) -> None:
    desk = Desk(tmp_path, max_readings=10)
    for seq in range(4):
        desk.publish(batch(seq, *[gate(T + seq * 10 + second) for second in range(6)]))
    assert desk.collector.collect(0)
    assert desk.seqs() == [0, 1]
    assert desk.collector.collect(0)
    assert desk.seqs() == [2, 3]
    desk.close()


def test_a_batch_that_comes_twice_is_stored_once_and_acknowledged_twice(desk: Desk) -> None:
    for _ in range(2):
        desk.publish(batch(1, gate(T)))
        assert desk.collector.collect(0)
    assert desk.stored() == {("gerbang-1", "gate_open"): [(T, True)]}
    assert desk.seqs() == [1, 1]


def test_a_repetition_changes_neither_when_it_was_received_nor_what_was_put_there_since(desk: Desk) -> None:
    first, again = batch(1, gate(T, True)), batch(1, gate(T, True), sent=T + 60, packed=True)
    for payload in (first, batch(2, gate(T, False)), first, again):
        desk.publish(payload)
        assert desk.collector.collect(0)
        desk.clock.advance(60_000)
    assert desk.stored() == {("gerbang-1", "gate_open"): [(T, False)]}
    assert [point.received for points, _ in desk.faulty.writes for point in points] == [NOW, NOW + 60_000]
    assert desk.seqs() == [1, 2, 1, 1]


def test_a_repetition_within_one_group_is_no_exception(desk: Desk) -> None:
    first = batch(1, gate(T, True))
    for payload in (first, batch(2, gate(T, False)), first):
        desk.publish(payload)
    assert desk.collector.collect(0)
    assert desk.stored() == {("gerbang-1", "gate_open"): [(T, False)]}
    assert desk.seqs() == [1, 2, 1]


def test_the_same_number_with_other_content_is_another_batch(desk: Desk) -> None:
    for second in range(2):
        desk.publish(batch(1, gate(T + second)))
        assert desk.collector.collect(0)
    assert desk.stored() == {("gerbang-1", "gate_open"): [(T, True), (T + 1, True)]}


def test_an_empty_batch_is_acknowledged(desk: Desk) -> None:
    desk.publish(batch(3))
    assert desk.collector.collect(0)
    assert desk.seqs() == [3]
    assert desk.quarantined() == []


def test_while_the_store_is_away_nothing_is_acknowledged_and_nothing_more_is_taken(desk: Desk) -> None:
    desk.faulty.away = True
    desk.publish(batch(1, gate(T)))
    assert not desk.collector.collect(0)
    assert desk.collector.problem == "the store is away"
    for seq in range(2, 50):
        desk.publish(batch(seq, gate(T + seq)))
    for _ in range(20):
        desk.clock.advance(LONGEST_PAUSE)
        assert not desk.collector.collect(0)
    assert desk.acks() == []
    assert desk.unacknowledged() == 49
    assert desk.transport.inbound == 48, "one message is in hand, the others stay at the broker"

    desk.faulty.away = False
    desk.clock.advance(LONGEST_PAUSE)
    while desk.collector.collect(0):
        pass
    assert desk.collector.problem is None
    assert sorted(desk.seqs()) == list(range(1, 50))
    assert [time for time, _ in desk.stored()["gerbang-1", "gate_open"]] == [T, *range(T + 2, T + 50)]
    assert desk.unacknowledged() == 0


def test_attempts_grow_rarer_and_start_anew_after_a_success(desk: Desk) -> None:
    desk.faulty.away = True
    desk.publish(batch(1, gate(T)))
    waits = []
    for _ in range(8):
        assert not desk.collector.collect(0)
        waits.append(desk.collector.wait())
        desk.clock.advance(waits[-1] - 1)
        assert not desk.collector.collect(0), "not before its time"
        desk.clock.advance(1)
    assert waits == [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(8)]
    desk.faulty.away = False
    assert desk.collector.collect(0)
    desk.faulty.away = True
    desk.publish(batch(2, gate(T)))
    assert not desk.collector.collect(0)
    assert desk.collector.wait() == FIRST_PAUSE


def test_stored_but_cut_off_before_the_acknowledgement(desk: Desk) -> None:
    desk.publish(batch(1, gate(T)))
    group = desk.collector.gather(0)
    assert group is not None
    desk.transport.cut()
    assert not desk.collector.commit(group), "no way to say that it is stored"
    assert desk.stored() == {("gerbang-1", "gate_open"): [(T, True)]}

    desk.transport.restore()
    desk.clock.advance(FIRST_PAUSE)
    assert desk.collector.commit(group)
    assert desk.seqs() == [1]
    assert len(desk.faulty.writes) == 1, "it is not written again"
    assert desk.unacknowledged() == 1, "the broker had no PUBACK on the old connection and sends it again"
    assert desk.collector.collect(0)
    assert desk.seqs() == [1]
    assert desk.unacknowledged() == 0


def test_killed_after_the_write_and_before_the_acknowledgement(desk: Desk) -> None:
    desk.publish(batch(1, gate(T)))
    desk.transport.before_publish = lambda _topic, _payload: False  # the ack is lost with the process
    group = desk.collector.gather(0)
    assert group is not None
    assert desk.collector.commit(group)
    assert desk.acks() == []
    desk.transport.before_publish = None
    desk.publish(batch(1, gate(T)))  # the gateway sends again what was not acknowledged
    assert desk.collector.collect(0)
    assert desk.seqs() == [1]
    assert desk.stored() == {("gerbang-1", "gate_open"): [(T, True)]}


def test_a_late_batch_leaves_an_arrival_and_a_fresh_one_does_not(desk: Desk) -> None:
    edge = (NOW - LIVE_EDGE) / 1000
    desk.publish(batch(1, gate(edge)))
    desk.publish(batch(2, gate(edge - 0.001), gate(T)))
    desk.publish(batch(3, gate(T + 100_000)), topic(SHORE))
    assert desk.collector.collect(0)
    assert desk.store.arrivals(0) == [Arrival(CLIFF, "gw", NOW, NOW - LIVE_EDGE - 1, NOW)]
    assert desk.counted("siaga_collector_late_batches_total") == 1


def test_a_gateway_that_catches_up_leaves_one_note_for_a_stretch_and_another_for_another(desk: Desk) -> None:
    hour, day = 3600, 86400
    for seq in range(6):
        desk.publish(batch(seq, gate(T - hour + seq * 60), gate(T - hour + seq * 60 + 59)))
    desk.publish(batch(7, gate(T - day)))
    desk.publish(batch(8, gate(T - hour)), topic(SHORE))
    assert desk.collector.collect(0)
    assert sorted(desk.store.arrivals(0)) == [
        Arrival(CLIFF, "gw", NOW, NOW - day * 1000, NOW - day * 1000),
        Arrival(CLIFF, "gw", NOW, NOW - hour * 1000, NOW - hour * 1000 + 359_000),
        Arrival(SHORE, "gw", NOW, NOW - hour * 1000, NOW - hour * 1000),
    ]


def test_the_time_of_receipt_is_kept_beside_each_reading(desk: Desk) -> None:
    desk.clock.advance(1234)
    desk.publish(batch(1, gate(T - 5)))
    assert desk.collector.collect(0)
    assert [point.received for points, _ in desk.faulty.writes for point in points] == [NOW + 1234]


def test_a_village_imported_a_moment_ago_is_known(desk: Desk) -> None:
    desk.publish(batch(1, gate(T)))
    assert desk.collector.collect(0)
    desk.registry.replace([village("35.10.15.2099", "baru-1"), village(CLIFF, "gerbang-9")], NOW)
    desk.clock.advance(100)
    desk.publish(batch(2, gate(T, device="baru-1")), topic("35.10.15.2099"))
    desk.publish(batch(3, gate(T, device="gerbang-9")))
    assert desk.collector.collect(0)
    assert desk.seqs() == [1, 2, 3]
    assert desk.quarantined() == []


def test_before_the_registry_is_read_nothing_is_called_unknown(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.engine.dispose()
    home, moved = tmp_path / "siaga.db", tmp_path / "moved"
    home.rename(moved)
    home.mkdir()
    desk.publish(batch(1, gate(T)))
    assert not desk.collector.collect(0)
    assert desk.transport.inbound == 1
    home.rmdir()
    moved.rename(home)
    desk.clock.advance(10_000)
    assert desk.collector.collect(0)
    assert desk.seqs() == [1]
    desk.close()


def test_while_the_database_is_away_refusals_wait_and_readings_go_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(batch(1, gate(T)))
    assert desk.collector.collect(0)
    desk.engine.dispose()
    home, moved = tmp_path / "siaga.db", tmp_path / "moved"
    home.rename(moved)
    home.mkdir()
    desk.publish(batch(2, gate(T + 1)))
    desk.publish(b"bukan batch")
    assert desk.collector.collect(0)
    assert desk.seqs() == [1, 2]
    assert not desk.refusals.flush()
    assert desk.refusals.problem is not None
    assert desk.refusals.waiting == 1
    home.rmdir()
    moved.rename(home)
    desk.clock.advance(10_000)
    assert len(desk.quarantined()) == 1
    assert desk.refusals.problem is None
    desk.close()


def test_a_mistake_of_ours_costs_one_batch_and_not_its_neighbours(desk: Desk) -> None:
    desk.faulty.bug = "gerbang-2"
    desk.publish(batch(1, gate(T)))
    desk.publish(batch(2, gate(T, device="gerbang-2")))
    desk.publish(batch(3, gate(T)), topic(SHORE))
    assert desk.collector.collect(0)
    assert desk.seqs() == [1, 3]
    assert desk.quarantined() == [(topic(), "siaga cannot store this batch because of a defect in siaga (KeyError)")]
    assert desk.unacknowledged() == 0


def test_what_a_limit_of_the_store_stands_against_stays_with_its_gateway(desk: Desk) -> None:
    desk.faulty.full = "gerbang-2"
    over, sound = batch(1, gate(T), gate(T, device="gerbang-2")), batch(2, gate(T + 1))
    for payload in (over, sound, over):
        desk.publish(payload)
    assert desk.collector.collect(0)
    assert desk.seqs() == [2]
    assert desk.quarantined() == []
    assert desk.collector.limit == "the telemetry store takes no more devices: limit exceeded: (100000)"
    assert desk.unacknowledged() == 0  # the broker need not keep it: the gateway sends it again
    desk.faulty.full = None
    desk.clock.advance(LIMIT_SAID_FOR + 1)
    desk.publish(over)
    assert desk.collector.collect(0)
    assert desk.seqs() == [1]
    assert desk.collector.limit is None
    assert desk.stored()["gerbang-2", "gate_open"] == [(T, True)]


def test_what_a_gateway_refused_is_kept_where_people_look(desk: Desk) -> None:
    refusal = {
        "time": T - 3.5,
        "topic": "tele/pintu/SENSOR",
        "reason": "is not JSON",
        "bytes": "{\\xff aa:bb:cc:dd:ee:ff",
    }
    desk.publish(json.dumps(refusal).encode(), topic(what="refused"))
    desk.publish(b'{"time": "kemarin"}', topic(what="refused"))
    assert desk.collector.collect(0)
    assert len(desk.quarantined()) == 2
    theirs, ours = reversed(desk.quarantine.items())
    assert (theirs.village, theirs.time, theirs.topic) == (CLIFF, NOW - 3500, "tele/pintu/SENSOR")
    assert (theirs.reason, theirs.bytes) == ("is not JSON", "{\\xff xx:xx:xx:xx:xx:xx")
    assert ours.topic == topic(what="refused")
    assert desk.acks() == []
    assert desk.unacknowledged() == 0
