"""Bad input on the gateways' topics is counted and quarantined with one sentence, and affects nothing else."""

import gzip
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from siaga.database.unknown_devices import unknown_devices
from siaga.model.sites import Adapter
from siaga.wire.batch import MAX_PACKED, MAX_UNPACKED
from siaga.wire.unknown_device import UnknownDevice, encode_unknown
from tests.collector.desk import CLIFF, NOWHERE, SHORE, Desk, T, batch, gate, topic


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def refusals(label: str) -> float:
    return REGISTRY.get_sample_value("siaga_refused_total", {"reason": label}) or 0.0


NOISE = random.Random(5).randbytes(MAX_PACKED + 1)  # incompressible: the batch is too large even packed
REFUSED_WHOLE = [
    pytest.param(topic(), b"\xff\xfe\x00{", "not_json", "is not JSON", id="not UTF-8"),
    pytest.param(topic(), b"mati suri", "not_json", "is not JSON", id="not JSON"),
    pytest.param(topic(), b"", "not_json", "is not JSON", id="nothing"),
    pytest.param(topic(), batch(1, gate(T))[:-9], "not_json", "is not JSON", id="cut off"),
    pytest.param(topic(), b'{"senml":' + b"[" * 100_000, "not_json", "is not JSON", id="nested 100,000 deep"),
    pytest.param(topic(), b" " * 1_100_000, "too_large", "1100000 bytes", id="1.1 MB"),
    pytest.param(topic(), b"\x1f\x8b" + NOISE, "too_large", "bytes, more than", id="over 1 MB packed"),
    pytest.param(
        topic(), gzip.compress(b" " * (MAX_UNPACKED + 1), 1), "too_large", "unpacks to more than", id="16 MB unpacked"
    ),
    pytest.param(topic(), gzip.compress(b"0" * 10**7, 1) * 40, "too_large", "bytes, more than", id="a bomb of 400 MB"),
    pytest.param(topic(), gzip.compress(batch(1))[:-5], "not_gzip", "ends too early", id="gzip cut off"),
    pytest.param(topic(), b"\x1f\x8b" + b"x" * 50, "not_gzip", "begins as gzip and is not", id="no gzip"),
    pytest.param(topic(), gzip.compress(batch(1)) + b"!", "not_gzip", "goes on after its end", id="more than gzip"),
    pytest.param(topic(), b"[1, 2]", "envelope", "a batch is an object", id="no object"),
    pytest.param(topic(), batch(-1, gate(T)), "envelope", "seq: -1", id="negative seq"),
    pytest.param(topic(), batch(True, gate(T)), "envelope", "seq: True", id="a boolean seq"),
    pytest.param(topic(), batch(2**64, gate(T)), "envelope", "seq: ", id="a seq beyond 64 bits"),
    pytest.param(topic(), batch(1, gate(T), epoch="kemarin"), "envelope", "'kemarin' is not a UUID", id="no UUID"),
    pytest.param(topic(), batch(1, gate(T), epoch=7), "envelope", "epoch: '7'", id="epoch a number"),
    pytest.param(topic(), batch(1, gate(T), sent="now"), "envelope", "sent: now", id="sent a word"),
    pytest.param(topic(), batch(1, gate(T), senml={"n": 1}), "senml", "an array of records", id="senml no array"),
    pytest.param(
        topic(), batch(1, {**gate(T), "wajib_": 1}), "senml", "'wajib_' must be understood", id="a label with _"
    ),
    pytest.param(topic(), batch(1, {**gate(T), "bver": 99}), "senml", "bver is 99", id="a version to come"),
    pytest.param(topic(), batch(1, {"bn": "a" * 2000}, gate(T)), "senml", "bn has 2000", id="an endless base name"),
    pytest.param(topic(NOWHERE), batch(1, gate(T)), "unknown_village", "not a village", id="unknown village"),
    pytest.param(topic("desa"), batch(1, gate(T)), "foreign_topic", "is not the code", id="no village"),
    pytest.param(
        topic(gateway="GW 1"), batch(1, gate(T)), "foreign_topic", "not the id of a gateway", id="no gateway id"
    ),
    pytest.param(topic(what="refused"), b"[]", "not_refusal", "not a refusal", id="no refusal"),
]


@pytest.mark.parametrize(("to", "payload", "label", "says"), REFUSED_WHOLE)
def test_refused_as_a_whole(desk: Desk, to: str, payload: bytes, label: str, says: str) -> None:
    before = refusals(label)
    desk.publish(batch(1, gate(T)), topic(SHORE))
    desk.publish(payload, to)
    desk.publish(batch(2, gate(T + 1)), topic(SHORE))
    assert desk.collector.collect(0)

    [(where, reason)] = desk.quarantined()
    assert where == to
    assert says in reason
    assert "Traceback" not in reason
    assert "\n" not in reason
    assert refusals(label) == before + 1
    assert desk.seqs() == [1, 2], "the neighbours are acknowledged, the refused batch never"
    assert desk.stored(SHORE) == {("gerbang-1", "gate_open"): [(T, True), (T + 1, True)]}
    assert desk.stored(CLIFF) == {}
    assert desk.unacknowledged() == 0, "it has its PUBACK: otherwise it would come again for ever"
    assert all(len(item.bytes) <= 4 * 256 for item in desk.quarantine.items())


REFUSED_RECORDS = [
    pytest.param(gate(T, device="hantu"), "unknown_device", "'hantu' is no device of the village", id="unknown device"),
    pytest.param(
        {"n": "gerbang-1/suhu", "t": T, "v": 30}, "unknown_signal", "'suhu' is no signal", id="unknown signal"
    ),
    pytest.param({"n": "gerbang-1", "t": T, "v": 30}, "unknown_signal", "is no signal", id="no signal"),
    pytest.param({"n": "gerbang-1/gate_open", "t": T, "v": 17}, "wrong_value", "gate_open", id="a number for a flag"),
    pytest.param({"n": "gerbang-1/gate_open", "t": T, "vs": "ya"}, "wrong_value", "gate_open", id="a word"),
    pytest.param({"n": "gerbang-1/clients", "t": T, "v": 1.5}, "wrong_value", "clients", id="half a client"),
    pytest.param({"n": "gerbang-1/clients", "t": T, "v": 2**63}, "wrong_value", "clients", id="beyond 64 bits"),
    pytest.param({"n": "gerbang-1/power", "t": T, "v": None}, "senml", "not a number", id="null"),
    pytest.param({"n": "gerbang-1/power", "t": T, "v": float("nan")}, "senml", "not a number", id="NaN"),
    pytest.param({"n": "gerbang-1/power", "t": T, "v": float("inf")}, "senml", "not a number", id="infinite"),
    pytest.param({"n": "gerbang-1/power", "t": 1e12, "v": 1}, "senml", "is not between", id="a time beyond 2262"),
    pytest.param({"n": "gerbang-1/alive", "t": T, "vb": True}, "unknown_device", "gateway", id="a device alive"),
    pytest.param(7, "senml", "a record is an object", id="no object"),
]


@pytest.mark.parametrize(("record", "label", "says"), REFUSED_RECORDS)
def test_one_bad_record_costs_that_record(desk: Desk, record: object, label: str, says: str) -> None:
    before = refusals(label)
    desk.publish(batch(4, gate(T), record, gate(T, device="gerbang-2")))
    assert desk.collector.collect(0)
    [(where, reason)] = desk.quarantined()
    assert where == topic()
    assert says in reason
    assert refusals(label) == before + 1
    assert desk.seqs() == [4], "the batch is stored without it"
    assert desk.stored() == {("gerbang-1", "gate_open"): [(T, True)], ("gerbang-2", "gate_open"): [(T, True)]}


def test_a_batch_full_of_bad_records_is_counted_whole_and_shown_in_part(desk: Desk) -> None:
    before = refusals("unknown_device")
    desk.publish(batch(1, *[gate(T + n, device="hantu") for n in range(5_000)], gate(T)))
    assert desk.collector.collect(0)
    assert refusals("unknown_device") == before + 5_000
    assert 0 < len(desk.quarantined()) <= 200
    assert desk.seqs() == [1]


def test_a_flood_of_refusals_has_a_bound_and_a_counter(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for _ in range(6_000):
        desk.refusals.note("not_json", "is not JSON", village=CLIFF, topic=topic(), payload="{")
    assert desk.refusals.waiting == 5_000
    assert desk.counted("siaga_collector_lost_quarantine_rows_total") == 1_000
    desk.close()


def test_gateway_topics_that_are_not_for_the_collector_are_let_be(desk: Desk) -> None:
    desk.transport.subscribe("siaga/v1/#")
    desk.publish(b'{"state":"online"}', topic(what="status"))
    desk.publish(b"online", f"siaga/v1/{CLIFF}/gerbang-1/status")
    assert desk.collector.collect(0)
    assert desk.quarantined() == []
    assert desk.unacknowledged() == 0


def test_a_value_that_is_not_plausible_is_dropped_counted_and_shown(desk: Desk) -> None:
    """It is no refusal: the batch is stored and acknowledged, and the quarantine shows one value of each signal."""

    def dropped(signal: str) -> float:
        return REGISTRY.get_sample_value("siaga_implausible_total", {"signal": signal}) or 0.0

    before, refused_before = (dropped("illuminance"), dropped("battery")), refusals("implausible")
    light, charge = "gerbang-1/illuminance", "gerbang-1/battery"
    bad = [{"n": light, "t": T + at, "v": 65535} for at in range(3)]
    desk.publish(batch(1, gate(T), *bad, {"n": charge, "t": T, "v": 101}, {"n": light, "t": T, "v": 12.5}))
    assert desk.collector.collect(0)

    assert desk.seqs() == [1]
    assert desk.stored(CLIFF) == {
        ("gerbang-1", "gate_open"): [(T, True)],
        ("gerbang-1", "illuminance"): [(T, 12.5)],
    }
    assert (dropped("illuminance"), dropped("battery")) == (before[0] + 3, before[1] + 1)
    assert refusals("implausible") == refused_before
    assert [reason for _, reason in desk.quarantined()] == [
        "illuminance: 65535.0 is not plausible and was dropped",
        "battery: 101.0 is not plausible and was dropped",
    ]


def test_an_unknown_device_is_kept_beside_the_quarantine_its_newest_report_alone(desk: Desk) -> None:
    for count in (1, 2):
        device = UnknownDevice(
            CLIFF, "gw", Adapter.TASMOTA, "lampu", T * 1000, T * 1000, count, 60_000, "t", "b", {"POWER": "ON"}, {}
        )
        desk.publish(encode_unknown(device), topic(what="refused"))
    before = refusals("unknown_device")
    assert desk.collector.collect(0.1)
    desk.unknown.flush()
    with desk.engine.connect() as connection:
        assert unknown_devices(connection) == [device]
    assert desk.quarantined() == []
    assert refusals("unknown_device") == before, "it is not refused"


def test_reports_of_unknown_devices_are_written_seldom_and_have_a_limit(desk: Desk) -> None:
    def flood(start: int) -> None:
        for n in range(start, start + 600):
            device = UnknownDevice(CLIFF, "gw", Adapter.SHELLY, f"h-{n}", T, T * 1000 + n, 1, 60_000, "t", "b", {}, {})
            desk.unknown.note(device)

    flood(0)
    desk.unknown.flush()
    flood(600)
    flood(1_200)
    assert desk.counted("siaga_collector_lost_quarantine_rows_total") == 200, "1,000 wait at most"
    desk.unknown.flush()
    with desk.engine.connect() as connection:
        assert unknown_devices(connection)[0].address == "h-599", "two seconds pass between two writes"
    desk.clock.advance(2_000)
    desk.unknown.flush()
    with desk.engine.connect() as connection:
        found = unknown_devices(connection, limit=1_000)
    assert (found[0].address, len(found)) == ("h-1599", 200)
