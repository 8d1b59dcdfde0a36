"""SenML packs by RFC 8428: what they say, what breaks a record, and what breaks a pack."""

import math

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.wire.senml import BadRecord, Record, UnreadablePack, build_pack, read_pack, resolve

NOW = 1_800_000_000_000
T = 1_732_000_000


def read(*records: object) -> list[Record | BadRecord]:
    return [record for _, record in resolve(list(records), NOW)]


@pytest.mark.parametrize(
    ("pack", "resolved"),
    [
        pytest.param(
            [{"bt": T, "n": "gate_open", "vb": True}, {"n": "battery", "u": "%EL", "v": 88}],
            [Record("gate_open", T * 1000, True), Record("battery", T * 1000, 88, "%EL")],
            id="the base time holds for the records that follow",
        ),
        pytest.param(
            [{"n": "lamp_on", "vb": False}],
            [Record("lamp_on", NOW, False, timed=False)],
            id="no time is the time of receipt",
        ),
        pytest.param(
            [
                {"bn": "lampu/", "n": "power", "t": T, "v": 1.5},
                {"n": "energy", "t": T, "v": 2},
                {"bn": "x", "n": "", "v": 1},
            ],
            [
                Record("lampu/power", T * 1000, 1.5),
                Record("lampu/energy", T * 1000, 2),
                Record("x", NOW, 1, timed=False),
            ],
            id="the base name goes before the name and may be all of it",
        ),
        pytest.param(
            [{"bt": T + 0.25, "n": "a", "t": -10, "v": 1}, {"n": "a", "t": 0.5, "v": 2}],
            [Record("a", T * 1000 - 9_750, 1), Record("a", T * 1000 + 750, 2)],
            id="times add to the base time, fractions too",
        ),
        pytest.param(
            [{"n": "a", "t": -5, "v": 1}, {"n": "a", "t": 2**28 - 1, "v": 2}, {"n": "a", "t": 2**28, "v": 3}],
            [Record("a", NOW - 5_000, 1), Record("a", NOW + (2**28 - 1) * 1000, 2), Record("a", 2**28 * 1000, 3)],
            id="a time below 2**28 counts from now",
        ),
        pytest.param(
            [{"bu": "W", "n": "a", "v": 1}, {"n": "b", "u": "V", "v": 2}, {"n": "c", "v": 3}],
            [
                Record("a", NOW, 1, "W", timed=False),
                Record("b", NOW, 2, "V", timed=False),
                Record("c", NOW, 3, "W", timed=False),
            ],
            id="the base unit holds where a record has none",
        ),
        pytest.param(
            [{"bv": 20, "n": "a", "v": 1.5}, {"n": "b"}, {"n": "c", "vb": True}, {"bv": 0, "n": "d", "v": 4}],
            [
                Record("a", NOW, 21.5, timed=False),
                Record("b", NOW, 20, timed=False),
                Record("c", NOW, True, timed=False),
                Record("d", NOW, 4, timed=False),
            ],
            id="a base value adds to numbers and stands for a missing one",
        ),
        pytest.param(
            [{"n": "a", "s": 7}, {"bs": 100, "n": "b", "s": 1, "v": 2}, {"n": "c", "v": 3}],
            [
                Record("a", NOW, None, sum=7, timed=False),
                Record("b", NOW, 2, sum=101, timed=False),
                Record("c", NOW, 3, sum=100, timed=False),
            ],
            id="sums need no value, and add to the base sum",
        ),
        pytest.param(
            [{"n": "a", "vs": "buka"}, {"n": "b", "vd": "aGk"}],
            [Record("a", NOW, "buka", timed=False), Record("b", NOW, "aGk", timed=False)],
            id="texts and data are passed on as they are",
        ),
        pytest.param(
            [{"n": "a", "v": 1, "label": [1, {"x_": 2}], "": 0, "ut": 10}],
            [Record("a", NOW, 1, timed=False)],
            id="unknown labels are ignored",
        ),
        pytest.param(
            [{"bn": "lampu/", "bt": T, "bver": 10}, {"n": "a", "v": 1}],
            [Record("lampu/a", T * 1000, 1)],
            id="a record of base fields alone only sets them",
        ),
        pytest.param([{"bver": 5, "n": "a", "v": 1}], [Record("a", NOW, 1, timed=False)], id="an earlier version"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_what_a_pack_says(pack: list[object], resolved: list[Record]) -> None:
    assert read(*pack) == resolved


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (3, "a record is an object"),
        ({"n": "a"}, "no value"),
        ({"v": 1}, "not a name"),
        ({"n": "", "v": 1}, "not a name"),
        ({"n": "/a", "v": 1}, "not a name"),
        ({"n": "a b", "v": 1}, "not a name"),
        ({"n": "gerbang\u00e9", "v": 1}, "not a name"),
        ({"n": 5, "v": 1}, "n is 5"),
        ({"n": "a", "u": 5, "v": 1}, "u is 5"),
        ({"n": "a", "u": None, "v": 1}, "u is None"),
        ({"n": "a", "v": "1"}, "v is '1', not a number"),
        ({"n": "a", "v": True}, "v is True, not a number"),
        ({"n": "a", "v": None}, "v is None"),
        ({"n": "a", "v": math.nan}, "v is nan"),
        ({"n": "a", "v": math.inf}, "v is inf"),
        ({"n": "a", "v": {"x": 1}}, "v is an object"),
        ({"n": "a", "vb": 1}, "vb is 1, not a boolean"),
        ({"n": "a", "vs": 1}, "vs is 1, not a text"),
        ({"n": "a", "v": 1, "vb": True}, "v and vb in one record"),
        ({"n": "a", "v": 1, "t": "now"}, "t is 'now'"),
        ({"n": "a", "v": 1, "t": 1e300}, "not between 1970 and 2262"),
        ({"n": "a", "v": 1, "t": 10**400}, "not between 1970 and 2262"),
        ({"n": "a", "v": 1, "t": -2_000_000_000}, "not between 1970 and 2262"),
        ({"n": "a", "v": 1, "ut": "x"}, "ut is 'x'"),
        ({"n": "a", "s": "x"}, "s is 'x'"),
    ],
)
def test_a_record_that_breaks_the_rules_leaves_the_others(record: object, reason: str) -> None:
    before, bad, after = read({"n": "x", "v": 1}, record, {"n": "y", "v": 2})
    assert isinstance(bad, BadRecord)
    assert reason in bad.reason
    assert (before, after) == (Record("x", NOW, 1, timed=False), Record("y", NOW, 2, timed=False))


def test_a_sum_that_is_no_number_breaks_its_record() -> None:
    (bad,) = read({"bv": 1.7e308, "n": "a", "v": 1.7e308})
    assert isinstance(bad, BadRecord)


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param({"n": "a", "v": 1}, id="not an array"),
        pytest.param(None, id="nothing"),
        pytest.param([{"n": "a", "v": 1, "extra_": 1}], id="a label that must be understood"),
        pytest.param([{"n": "a", "v": 1}, {"n": "b", "v": 1, "_": 0}], id="even in a later record"),
        pytest.param([{"bver": 11, "n": "a", "v": 1}], id="a later version"),
        pytest.param([{"bver": 0, "n": "a", "v": 1}], id="no version"),
        pytest.param([{"bver": True, "n": "a", "v": 1}], id="not a version"),
        pytest.param([{"bver": 10, "n": "a", "v": 1}, {"bver": 9, "n": "a", "v": 1}], id="two versions"),
        pytest.param([{"bn": 5, "n": "a", "v": 1}], id="a base name that is no text"),
        pytest.param([{"bt": "x", "n": "a", "v": 1}], id="a base time that is no number"),
        pytest.param([{"bt": math.nan, "n": "a", "v": 1}], id="a base time that is not finite"),
        pytest.param([{"bv": True, "n": "a", "v": 1}], id="a base value that is no number"),
        pytest.param([{"n": "a", "v": 1}] * 500_001, id="too many records"),
    ],
)
def test_what_makes_a_whole_pack_unreadable(pack: object) -> None:
    with pytest.raises(UnreadablePack):
        list(resolve(pack, NOW))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[",
        b"[" * 5_000,
        b"nul",
        b'[{"n":"a","v":1}',
        b"[]]",
        b"[NaN",
        b"[" * 2_000_000,
        b"[],"[:2] * 9,
    ],
    ids=lambda payload: repr(payload[:8]),
)
def test_what_is_no_pack_is_said_to_be_none(payload: bytes) -> None:
    with pytest.raises(UnreadablePack):
        read_pack(payload, NOW)


def test_a_number_that_json_does_not_know_costs_only_its_own_record() -> None:
    for word in (b"NaN", b"Infinity", b"-Infinity", b"1e999"):
        bad, good = read_pack(b'[{"n":"a","v":' + word + b'},{"n":"b","vb":true}]', NOW)
        assert isinstance(bad, BadRecord)
        assert good == Record("b", NOW, True, timed=False)


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9:./_-]{0,12}", fullmatch=True) | st.sampled_from(["d/power", "d/energy"])
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
RECORDS = st.builds(
    Record,
    name=NAMES,
    time=st.integers(2**28 * 1000, 9_223_372_035_999) | st.sampled_from([T * 1000, T * 1000 + 1]),
    value=st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    unit=st.none() | st.sampled_from(["W", "%EL"]),
    sum=st.none() | NUMBERS,
    timed=st.just(True),
).filter(lambda record: record.value is not None or record.sum is not None)


@given(st.lists(RECORDS, max_size=12))
@settings(max_examples=200, deadline=None)
def test_a_pack_reads_back_as_it_was_built(records: list[Record]) -> None:
    payload = orjson.dumps(build_pack(records))
    assert read_pack(payload, NOW) == records


@pytest.mark.parametrize("time", [0, 2**28 * 1000 - 1, 9_223_372_036_000])
def test_a_time_that_would_not_read_back_is_not_built(time: int) -> None:
    with pytest.raises(ValueError, match="not a time"):
        build_pack([Record("a", time, 1)])


def test_a_name_that_would_not_read_back_is_not_built() -> None:
    with pytest.raises(ValueError, match="not a name"):
        build_pack([Record("a b", T * 1000, 1)])


JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["n", "v", "t", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
LABELS = st.sampled_from(
    ["n", "u", "v", "vb", "vs", "vd", "s", "t", "ut", "bn", "bt", "bu", "bv", "bs", "bver", "x", "y_"]
)


@given(st.lists(st.dictionaries(LABELS, JSON, max_size=5) | JSON, max_size=5) | JSON)
@settings(max_examples=200, deadline=None)
def test_no_json_upsets_the_reader(pack: object) -> None:
    problem = ""
    try:
        for _, record in resolve(pack, NOW):
            assert isinstance(record, Record | BadRecord)
    except UnreadablePack as error:
        problem = str(error)
    assert len(problem) < 200
