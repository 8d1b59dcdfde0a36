"""A batch says which it is and what was read; what is wrong with it is refused, all of it or one record."""

import gzip
import json
import uuid
import zlib

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.observation import Point, Reading
from siaga.model.signals import SIGNALS, SignalType
from siaga.wire.batch import (
    MAX_PACKED,
    MAX_UNPACKED,
    BatchId,
    UnreadableBatch,
    decode_ack,
    decode_any_batch,
    decode_batch,
    encode_ack,
    encode_batch,
)
from siaga.wire.batch_records import MAX_DESCRIBED, TakenRecords, take_records, take_records_generally
from siaga.wire.senml import UnreadablePack
from siaga.wire.usual_batch import read_usual

VILLAGE = "35.10.15.2012"
DEVICES = frozenset({"gerbang-1", "lampu-1"})
EPOCH = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
T = 1_732_000_000
NOW = (T + 60) * 1000


def payload(*records: object, **envelope: object) -> bytes:
    document = {"epoch": EPOCH, "seq": 42, "sent": T + 0.5, "senml": list(records)} | envelope
    return json.dumps(document).encode()


def points(*records: object) -> list[Point]:
    return decode_batch(payload(*records), VILLAGE, NOW, DEVICES).points


def test_a_batch_becomes_points_of_one_device_and_time() -> None:
    batch = decode_batch(
        payload(
            {"n": "gerbang-1/gate_open", "t": T, "vb": True},
            {"n": "gerbang-1/battery", "t": T, "v": 88},
            {"n": "gerbang-1/battery", "t": T + 0.25, "v": 87.5},
            {"n": "lampu-1/lamp_on", "t": T - 600, "vb": False},
            {"n": "gw/alive", "t": T, "vb": True},
        ),
        VILLAGE,
        NOW,
        DEVICES,
    )
    assert batch.id == BatchId(EPOCH, 42)
    assert batch.sent == T * 1000 + 500
    assert batch.points == [
        Point(VILLAGE, "gerbang-1", T * 1000, NOW, {"gate_open": True, "battery": 88.0}),
        Point(VILLAGE, "gerbang-1", T * 1000 + 250, NOW, {"battery": 87.5}),
        Point(VILLAGE, "lampu-1", (T - 600) * 1000, NOW, {"lamp_on": False}),
        Point(VILLAGE, "gw", T * 1000, NOW, {"alive": True}),
    ]
    assert (batch.readings, batch.refused_count) == (5, 0)
    assert (batch.first, batch.last) == ((T - 600) * 1000, T * 1000 + 250)


def test_of_two_at_one_time_the_later_stays() -> None:
    (point,) = points(
        {"n": "gerbang-1/gate_open", "t": T, "vb": True}, {"n": "gerbang-1/gate_open", "t": T, "vb": False}
    )
    assert point.values == {"gate_open": False}


def test_a_record_without_a_time_was_observed_when_it_came() -> None:
    assert points({"n": "gerbang-1/gate_open", "vb": True})[0].time == NOW


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ({"n": "gerbang-1/battery", "v": 88}, 88.0),
        ({"n": "gerbang-1/gate_open", "v": 1}, True),
        ({"n": "gerbang-1/clients", "v": 7}, 7),
        ({"n": "gerbang-1/clients", "v": 7.0}, 7),
        ({"n": "gerbang-1/rx_bytes", "v": 2**63 - 1}, 2**63 - 1),
        ({"n": "gerbang-1/checkin", "v": 1}, 1),
        ({"n": "gerbang-1/checkin", "vb": True}, 1),
        ({"n": "gerbang-1/checkin", "v": 0}, 0),
        ({"bn": "gerbang-", "n": "1/power", "u": "W", "v": 5}, 5.0),
        ({"bv": 2, "n": "gerbang-1/power", "v": 5}, 7.0),
        ({"n": "gw/alive", "v": 1}, True),
    ],
)
def test_values_are_typed_as_their_signals(record: dict[str, object], value: object) -> None:
    for timed in (record | {"t": T}, record):  # the short way and the general one
        (point,) = points(timed)
        (found,) = point.values.values()
        assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("record", "kind", "reason"),
    [
        ({"n": "gerbang-9/gate_open", "vb": True}, "unknown_device", "'gerbang-9' is no device of the village"),
        ({"n": "gerbang-1/gate", "vb": True}, "unknown_signal", "'gate' is no signal"),
        ({"n": "gerbang-1", "vb": True}, "unknown_signal", "'' is no signal"),
        ({"n": "gerbang-1/gate_open/x", "vb": True}, "unknown_signal", "'gate_open/x' is no signal"),
        ({"n": "gerbang-1/gate_open", "v": 2}, "wrong_value", "gate_open: '2'"),
        ({"n": "gerbang-1/gate_open", "vs": "open"}, "wrong_value", "gate_open: 'open'"),
        ({"n": "gerbang-1/power", "vb": True}, "wrong_value", "power: 'True'"),
        ({"n": "gerbang-1/clients", "v": 1.5}, "wrong_value", "clients: '1.5'"),
        ({"n": "gerbang-1/rx_bytes", "v": 2**63}, "wrong_value", "rx_bytes"),
        ({"n": "gerbang-1/power", "s": 5}, "wrong_value", "power: 'None'"),
        ({"n": "gerbang-1/alive", "vb": True}, "unknown_device", "'gerbang-1' is no gateway"),
        ({"n": "Gw/alive", "vb": True}, "unknown_device", "'Gw' is no gateway"),
        ({"n": "gw/gate_open", "vb": True}, "unknown_device", "'gw' is no device"),
        ({"n": "gerbang 1/gate_open", "vb": True}, "senml", "not a name"),
        ({"n": "gerbang-1/power", "v": "5"}, "senml", "v is '5', not a number"),
        ({"n": "gerbang-1/power", "v": float("nan")}, "senml", "v is nan"),
        ({"n": "gerbang-1/power", "v": 5, "t": "x"}, "senml", "t is 'x'"),
        (["gerbang-1/power", 5], "senml", "a record is an object"),
    ],
)
def test_a_bad_record_is_refused_alone(record: object, kind: str, reason: str) -> None:
    good = {"n": "lampu-1/lamp_on", "t": T, "vb": True}
    timed = record | {"t": record.get("t", T)} if isinstance(record, dict) else record
    batch = decode_batch(payload({"n": "gw/alive", "t": T, "vb": True}, timed, good), VILLAGE, NOW, DEVICES)
    assert [point.device for point in batch.points] == ["gw", "lampu-1"]
    assert batch.refused_count == 1
    (refused,) = batch.refused
    assert refused.kind == kind
    assert reason in refused.reason
    assert refused.sample == json.dumps(timed, separators=(",", ":"))


def test_of_very_many_bad_records_some_are_described_and_all_counted() -> None:
    records = [{"n": "gerbang-9/gate_open", "t": T, "vb": True}] * 5_000
    batch = decode_batch(payload(*records), VILLAGE, NOW, DEVICES)
    assert batch.refused_count == 5_000
    assert len(batch.refused) == MAX_DESCRIBED


def test_what_is_shown_of_a_bad_record_is_masked() -> None:
    record = {"n": "gerbang-9/clients", "t": T, "v": 1, "sta": "a4:5e:60:c2:11:09"}
    (refused,) = decode_batch(payload(record), VILLAGE, NOW, DEVICES).refused
    assert '"sta":"xx:xx:xx:xx:xx:xx"' in refused.sample


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        pytest.param(b"", "not_json", id="nothing"),
        pytest.param(b"\xff\xfe\x00", "not_json", id="not UTF-8"),
        pytest.param(b"[" * 500_000, "not_json", id="nested deeply"),
        pytest.param(b"[]", "envelope", id="no object"),
        pytest.param(b"{}", "envelope", id="empty"),
        pytest.param(payload(epoch="x"), "envelope", id="an epoch that is no UUID"),
        pytest.param(payload(epoch=5), "envelope", id="an epoch that is no text"),
        pytest.param(payload(epoch=EPOCH + "\n"), "envelope", id="an epoch with more behind"),
        pytest.param(payload(seq=-1), "envelope", id="a negative number"),
        pytest.param(payload(seq="1"), "envelope", id="a number as a text"),
        pytest.param(payload(seq=True), "envelope", id="a boolean number"),
        pytest.param(payload(seq=1.0), "envelope", id="a fractional number"),
        pytest.param(payload(seq=2**63), "envelope", id="a number that no store keeps"),
        pytest.param(payload(sent="now"), "envelope", id="a time of sending that is none"),
        pytest.param(payload(sent=float("nan")), "envelope", id="a time of sending that is not finite"),
        pytest.param(payload(sent=1e30), "envelope", id="a time of sending beyond time"),
        pytest.param(payload(senml=None), "senml", id="no records"),
        pytest.param(payload(senml={"n": "x"}), "senml", id="records that are no array"),
        pytest.param(payload({"n": "gerbang-1/power", "v": 1, "new_": 1}), "senml", id="a label to be understood"),
        pytest.param(b"x" * (MAX_PACKED + 1), "too_large", id="too large"),
        pytest.param(gzip.compress(b" " * (MAX_UNPACKED + 1), 1), "too_large", id="too large inside"),
        pytest.param(gzip.compress(b"[" * MAX_UNPACKED, 1), "not_json", id="deep and large inside"),
        pytest.param(gzip.compress(b"[" + b"[]," * 5_000_000, 1), "not_json", id="a bomb of small things"),
        pytest.param(gzip.compress(payload())[:-9], "not_gzip", id="cut off"),
        pytest.param(gzip.compress(payload()) + b"x", "not_gzip", id="with more behind"),
        pytest.param(gzip.compress(payload()) + gzip.compress(b" ")[:-9], "not_gzip", id="a second part cut off"),
        pytest.param(gzip.compress(payload()) + gzip.compress(b"") * 40_000, "not_gzip", id="thousands of parts"),
        pytest.param(gzip.compress(b" " * (MAX_UNPACKED // 2 + 1)) * 2, "too_large", id="too large together"),
        pytest.param(b"\x1f\x8b" + bytes(50), "not_gzip", id="not gzip after all"),
    ],
)
def test_what_is_no_batch_is_said_to_be_none(raw: bytes, kind: str) -> None:
    with pytest.raises(UnreadableBatch) as refused:
        decode_batch(raw, VILLAGE, NOW, DEVICES)
    assert refused.value.kind == kind
    assert len(refused.value.reason) < 300


def test_a_batch_may_be_packed_piece_by_piece() -> None:
    whole = encode_batch(BatchId(EPOCH, 7), NOW, [Reading("gerbang-1", "power", T * 1000, 2.5)], pack=False)
    packed = b"".join(gzip.compress(whole[at : at + 10]) for at in range(0, len(whole), 10))
    assert decode_batch(packed, VILLAGE, NOW, DEVICES) == decode_batch(whole, VILLAGE, NOW, DEVICES)


def test_a_batch_may_hold_nothing_and_say_nothing_of_its_sending() -> None:
    document = orjson.dumps({"epoch": EPOCH, "seq": 0, "senml": [], "later": {"x": 1}})
    batch = decode_batch(document, VILLAGE, NOW, DEVICES)
    assert (batch.id.seq, batch.sent, batch.points, batch.first) == (0, None, [], None)


READINGS = st.lists(
    st.builds(
        Reading,
        device=st.sampled_from(sorted(DEVICES)),
        signal=st.sampled_from(["power", "battery"]),
        time=st.integers(T * 1000, T * 1000 + 5) | st.integers(1_577_836_800_000, 9_223_372_035_999),
        value=st.floats(0, 100),
    ),
    max_size=30,
)


@given(READINGS, st.booleans())
@settings(max_examples=100, deadline=None)
def test_what_a_gateway_sends_is_what_the_centre_stores(readings: list[Reading], pack: bool) -> None:
    raw = encode_batch(BatchId(EPOCH, 7), NOW, readings, pack=pack)
    batch = decode_batch(raw, VILLAGE, NOW, DEVICES)
    assert (batch.id, batch.sent, batch.readings, batch.refused_count) == (BatchId(EPOCH, 7), NOW, len(readings), 0)
    stored = {(p.device, signal, p.time): value for p in batch.points for signal, value in p.values.items()}
    assert stored == {(r.device, r.signal, r.time): r.value for r in readings}
    assert len(batch.points) == len({(r.device, r.time) for r in readings})


def test_a_time_that_senml_would_take_as_relative_is_not_sent() -> None:
    with pytest.raises(ValueError, match="not a time"):
        encode_batch(BatchId(EPOCH, 1), NOW, [Reading("gerbang-1", "power", 60_000, 1.0)])


def test_a_minute_of_a_village_fits_into_few_bytes() -> None:
    # 20 devices with three signals, once a minute, on a link of 100 kbit/s that others use too
    devices = [f"lampu-{number}" for number in range(20)]
    readings = [
        Reading(device, signal, T * 1000 + 137 * number, value)
        for number, device in enumerate(devices)
        for signal, value in (("lamp_on", True), ("power", 11.5 + number), ("rssi", -60.0 - number))
    ]
    assert len(encode_batch(BatchId(EPOCH, 1), NOW, readings)) < 900


def test_an_acknowledgement_names_the_batch() -> None:
    batch = BatchId(str(uuid.uuid4()), 42)
    assert orjson.loads(encode_ack(batch)) == {"epoch": batch.epoch, "seq": 42}
    assert decode_ack(encode_ack(batch)) == batch


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"epoch":"x","seq":1}', b'{"seq":1}', b'"' + b"x" * 2_000 + b'"'])
def test_what_is_no_acknowledgement(raw: bytes) -> None:
    with pytest.raises(UnreadableBatch):
        decode_ack(raw)


NAMES = st.sampled_from(
    [
        *(
            f"{device}/{signal}"
            for device in ("gerbang-1", "gerbang-1", "lampu-1", "gerbang-9", "gw")
            for signal in SIGNALS
        ),
        "power",
        "/",
        "a b",
        "",
    ]
)
VALUES: st.SearchStrategy[object] = st.sampled_from(
    [0, 1, -1, 2, 0.0, 1.5, 65535, True, False, None, "open", 2**63, 2**64 - 1, -(2**63), [], {}]
)
TIMES: st.SearchStrategy[object] = st.sampled_from(
    [T, T, T + 0.5, T + 1, 0, -5, 2**28, 2**28 - 1, 1e12, None, "x", True]
)
NUMBERS = st.sampled_from([0, 1, -1, 2, 0.0, 1.0, 1.5, 65535, 65535.0, 10_001, 2**63, 2**63 - 1, -(2**63)])
PLAIN_TIMES = st.sampled_from([T, T, T + 0.5, T + 0.001, 2**28])
# What gateways send: some of it wrong, none of it unusual
PLAIN = st.builds(
    lambda start, value, end: start | value | end,
    st.fixed_dictionaries({"n": NAMES.filter(len)}),
    NUMBERS.map(lambda value: {"v": value}) | st.booleans().map(lambda value: {"vb": value}),
    st.fixed_dictionaries({"t": PLAIN_TIMES}, optional={"x": VALUES, "u": st.just("W")}),
)
BASED = st.builds(
    lambda base, name, value: base | name | value,
    st.fixed_dictionaries(
        {},
        optional={
            "bt": PLAIN_TIMES | TIMES,
            "bn": st.sampled_from(["gerbang-1/", "gerbang-1/", "lampu-1/", "gw/", "gerbang-", ""]),
        },
    ),
    st.sampled_from([*SIGNALS, "1/power"]).map(lambda name: {"n": name}),
    NUMBERS.map(lambda value: {"v": value}) | st.booleans().map(lambda value: {"vb": value}),
)
FOLLOWING = st.builds(
    lambda name, value: name | value,
    st.sampled_from([*SIGNALS, "1/power"]).map(lambda name: {"n": name}),
    NUMBERS.map(lambda value: {"v": value}) | st.booleans().map(lambda value: {"vb": value}),
)
ODD = st.dictionaries(
    st.sampled_from(["n", "u", "v", "vb", "vs", "vd", "s", "t", "ut", "bn", "bt", "bu", "bv", "bs", "bver", "x", "x_"]),
    NAMES | VALUES | TIMES,
    max_size=5,
)
ORDINARY = st.lists(PLAIN, max_size=8) | st.builds(
    lambda first, rest: [first, *rest], BASED, st.lists(BASED | FOLLOWING, max_size=8)
)
ANYTHING = st.builds(lambda pack, odd, at: [*pack[:at], odd, *pack[at:]], ORDINARY, ODD | VALUES, st.integers(0, 8))


def taken(way: str, pack: list[object]) -> TakenRecords | str:
    try:
        take = take_records if way == "short" else take_records_generally
        return take(pack, VILLAGE, NOW, DEVICES)
    except UnreadablePack as error:
        return str(error)


IMPLAUSIBLE = [
    ("clients", [-1, 10_001, 65535], [0, 10_000]),
    ("rx_bytes", [-1], [0, 2**62]),
    ("tx_bytes", [-1], [0]),
    ("power", [-1_000_000.5, 1_000_001], [-1_000_000, 1_000_000.0]),
    ("energy", [-0.5], [0, 1e9]),
    ("illuminance", [-1, 200_000.5, 65535, 65535.0, 65534, 54612.5, 99999.999], [0, 200_000, 65533, 99999.0]),
    ("nh3", [-1, 10_000.5], [0, 10_000]),
    ("latency", [-1], [0, 1e6]),
    ("battery", [-1, 100.5, 255], [0, 100]),
    ("rssi", [0, -0.5, 31, -150.5], [-1, -150.0]),
    ("uptime", [-1], [0]),
]
"""Section 2 of the contract, column `plausible`: what says nothing, and the last that says something."""


@pytest.mark.parametrize("way", ["short", "general"])
@pytest.mark.parametrize(("signal", "bad", "good"), IMPLAUSIBLE, ids=[each[0] for each in IMPLAUSIBLE])
def test_what_is_not_plausible_is_dropped_and_its_neighbours_are_kept(
    way: str, signal: str, bad: list[float], good: list[float]
) -> None:
    pack: list[object] = [{"bn": "gerbang-1/", "bt": T, "n": "gate_open", "vb": True}]
    pack += [{"bt": T + 1 + at, "n": signal, "v": value} for at, value in enumerate([*bad, *good])]
    pack += [{"n": "lamp_on", "vb": False}]
    found = taken(way, pack)
    assert isinstance(found, TakenRecords)
    kept = [value for point in found.points for name, value in point.values.items() if name == signal]
    assert kept == good
    assert found.implausible == {signal: len(bad)}
    assert [each.kind for each in found.doubtful] == ["implausible"]
    assert (found.readings, found.refused_count) == (len(good) + 2, 0)
    # a time whose values were all dropped has no point
    assert len(found.points) == 1 + len(good)


def test_every_signal_with_a_range_is_tried() -> None:
    assert {name for name, signal in SIGNALS.items() if signal.plausible is not None} == {
        each[0] for each in IMPLAUSIBLE
    }


def test_under_a_gateways_name_only_its_heartbeat_is_taken() -> None:
    pack: list[object] = [
        {"bn": "gerbang-1/", "bt": T, "n": "gate_open", "vb": True},
        {"bn": "gw/", "bt": T, "n": "alive", "vb": True},
        {"n": "gate_open", "vb": True},
        {"bt": T + 1, "n": "gate_open", "vb": True},
    ]
    found = take_records(pack, VILLAGE, NOW, DEVICES)
    assert [(point.device, list(point.values)) for point in found.points] == [
        ("gerbang-1", ["gate_open"]),
        ("gw", ["alive"]),
    ]
    assert [record.kind for record in found.refused] == ["unknown_device"] * 2


@given(ORDINARY | ANYTHING)
@settings(max_examples=200, deadline=None)
def test_the_short_way_and_the_general_way_have_the_same_result(pack: list[object]) -> None:
    assert repr(taken("short", pack)) == repr(taken("general", pack))


@given(st.lists(st.sampled_from(sorted(SIGNALS.values(), key=lambda s: s.name)), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_ordinary_batches_of_every_signal_have_it_too(signals: list[object]) -> None:
    samples = {SignalType.BOOL: True, SignalType.INT: 5, SignalType.FLOAT: 2.5, SignalType.EVENT: 1}
    negative = {"rssi": -60.5}
    pack = [
        {
            "n": f"{'gw' if s.name == 'alive' else 'gerbang-1'}/{s.name}",
            "t": T + i // 3,
            "vb" if s.type is SignalType.BOOL else "v": negative.get(s.name, samples[s.type]),
        }
        for i, s in enumerate(SIGNALS[getattr(signal, "name", "")] for signal in signals)
    ]
    short = taken("short", list(pack))
    assert repr(short) == repr(taken("general", list(pack)))
    assert isinstance(short, TakenRecords)
    assert (short.readings, short.refused_count) == (len(pack), 0)


NUMERALS = st.sampled_from(
    [
        "0",
        "-0",
        "-0.0",
        "60",
        "60.00",
        "6e1",
        "6E+1",
        "0.1",
        "1e-400",
        "5e-324",
        "1e308",
        "1e400",
        "65535",
        "9223372036854775807",
        "9223372036854775808",
        "-1",
        "18446744073709551616",
        "9007199254740993.0",
        "01",
        "+1",
        ".5",
        "1.",
        "true",
        "false",
        "null",
        "NaN",
        '"5"',
        "[]",
    ]
) | st.just("1" + 400 * "0")
STARTS = st.sampled_from(["1732000000", "1732000000.001", "1732000000.0005", "268435456", "268435455", "9.3e9", "null"])
NAMED = st.sampled_from(
    [
        f"{device}{signal}"
        for device in ("gerbang-1/", "lampu-1/", "gw/", "")
        for signal in ("power", "alive", "clients")
    ]
    + ["gate_open", "gerbang-1/energy", "\\u0070ower", "pow\\u00e9r", "\\ud800", "p\x01", "p\xe9"]
)
RECORD_TEXTS = st.builds(
    '{{{base}"n":"{name}"{value}{more}}}'.format,
    base=st.sampled_from(["", "", '"bn":"gerbang-1/",', '"bn":"gw/",', '"bn":"lampu-1",', '"bn":null,'])
    | STARTS.map(lambda time: f'"bt":{time},')
    | STARTS.map(lambda time: f'"bn":"lampu-1/", "bt":{time},'),
    name=NAMED,
    value=NUMERALS.map(lambda value: f',"v":{value}') | st.sampled_from([',"vb":true', ',"vb":false,"v":1', ""]),
    more=st.sampled_from(["", "", ',"u":"W"', ',"u":null', ',"x":1', ',"n":"power"', ","])
    | STARTS.map(lambda time: f',"t":{time}'),
)
BATCH_TEXTS = st.builds(
    lambda records, end: f'{{"epoch":"{EPOCH}","senml":[{",".join(records)}],{end}'.encode("latin-1"),
    st.lists(RECORD_TEXTS, max_size=4),
    st.sampled_from(
        ['"seq":1}', '"seq":-1}', '"seq":1,"sent":5.5}', '"sent":1e99,"seq":1}', '"seq":1,"x":1}', '"seq":1']
    ),
)


def decoded(way: str, text: bytes) -> str:
    try:
        decode = decode_batch if way == "short" else decode_any_batch
        batch = decode(text, VILLAGE, NOW, DEVICES)
        found = batch._replace(refused=list(batch.refused), implausible=dict(batch.implausible))
        return repr(found._replace(doubtful=list(batch.doubtful)))
    except UnreadableBatch as error:
        return f"{error.kind}: {error}"


@given(BATCH_TEXTS)
@settings(max_examples=400, deadline=None)
def test_a_text_has_the_same_result_however_it_is_read(text: bytes) -> None:
    assert decoded("short", text) == decoded("general", text)


@given((ORDINARY | ANYTHING).map(lambda pack: payload(*pack)))
@settings(max_examples=200, deadline=None)
def test_a_pack_has_the_same_result_however_it_is_read(text: bytes) -> None:
    assert decoded("short", text) == decoded("general", text)


@pytest.mark.parametrize(
    "records",
    [
        [{"bn": "gw/", "bt": T, "n": "alive", "vb": True}, {"bn": "gerbang-1/", "n": "power", "v": 60}],
        [{"n": "gerbang-1/gate_open", "t": T, "vb": True}, {"n": "gw/alive", "t": T, "vb": True}],
    ],
    ids=["base names", "full names"],
)
def test_what_gateways_send_is_read_the_short_way(records: list[object]) -> None:
    assert read_usual(payload(*records), VILLAGE, NOW, DEVICES) is not None
    # and what any text might be is not
    assert read_usual(payload(*records, {"n": "gerbang-9/power", "v": 1}), VILLAGE, NOW, DEVICES) is None


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda raw: zlib.compress(raw, wbits=31)))
@settings(max_examples=150, deadline=None)
def test_no_bytes_upset_the_reader(raw: bytes) -> None:
    with pytest.raises(UnreadableBatch):
        decode_batch(raw, VILLAGE, NOW, DEVICES)
