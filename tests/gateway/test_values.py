"""Values as devices really send them."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.values import Refused, find, read_document, read_value
from siaga.model.signals import SIGNALS, Value


@pytest.mark.parametrize(
    ("signal", "raw", "value"),
    [
        *((("gate_open", word, True)) for word in ("ON", "on", "Open", "TRUE", "1", " on ", 1, True, 1.0, "1.0")),
        *((("gate_open", word, False)) for word in ("OFF", "off", "close", "Closed", "false", "0", 0, False)),
        *((("gate_open", word, None)) for word in (None, "", "null", "None", "unavailable", "Unknown")),
        *((("gate_open", word, None)) for word in ("opening", "CLOSING", "stop", "Stopped", "calibrating")),
        *((("gate_open", position, True)) for position in (2, 37, 100, 0.5, "37", "100.0")),
        *((("gate_open", position, False)) for position in (0.0, "0", "0.0")),
        ("power", "23.5", 23.5),
        ("power", "-1e3", -1000.0),
        ("power", 0, 0.0),
        ("clients", "7", 7),
        ("clients", 7.0, 7),
        ("uptime", "66972", 66972),
        ("checkin", "single", 1),
        ("checkin", True, 1),
        ("checkin", 5, 1),
        ("checkin", "OFF", 0),
        ("checkin", "", None),
    ],
)
def test_means(signal: str, raw: object, value: Value | None) -> None:
    read = read_value(SIGNALS[signal], raw)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("signal", "raw", "label"),
    [
        ("gate_open", "vielleicht", "wrong_value"),
        ("gate_open", 101, "wrong_value"),
        ("gate_open", -1, "wrong_value"),
        ("gate_open", "100.5", "wrong_value"),
        ("gate_open", {"state": "ON"}, "wrong_value"),
        ("power", "ON", "wrong_value"),
        ("power", True, "wrong_value"),
        ("power", "100,50,10", "wrong_value"),
        ("power", "1_000", "wrong_value"),
        ("power", "12 W", "wrong_value"),
        ("power", math.nan, "not_finite"),
        ("power", "NaN", "not_finite"),
        ("power", "-inf", "not_finite"),
        ("power", "1e999", "not_finite"),
        ("clients", 2.5, "wrong_value"),
        ("clients", 10**30, "wrong_value"),
        ("power", 10**400, "wrong_value"),
        ("power", [1], "wrong_value"),
    ],
)
def test_is_refused(signal: str, raw: object, label: str) -> None:
    with pytest.raises(Refused) as refused:
        read_value(SIGNALS[signal], raw)
    assert refused.value.label == label
    assert len(refused.value.sentence) < 200


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"a":nan,"b":1}', {"a": "nan", "b": 1}),
        ('{"a": -Inf , "b": [NAN]}', {"a": "-inf", "b": ["nan"]}),
        ('{"a":"nan, inf","b":inf}', {"a": "nan, inf", "b": "inf"}),
        (r'{"a":"\"nan\"","b":nan}', {"a": '"nan"', "b": "nan"}),
    ],
)
def test_bare_words_for_numbers_are_read(text: str, document: object) -> None:
    """NaN equals nothing, so numbers that are none are compared as words."""

    def plain(part: object) -> object:
        match part:
            case dict():
                return {key: plain(value) for key, value in part.items()}
            case list():
                return [plain(value) for value in part]
            case float() if not math.isfinite(part):
                return str(part)
        return part

    assert plain(read_document(text.encode())) == document


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_good_json_is_what_it_is(document: object) -> None:
    assert read_document(json.dumps(document, ensure_ascii=True).encode()) == document


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(payload: bytes) -> None:
    with contextlib.suppress(Refused):
        read_document(payload)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("ENERGY.Power", [3]),
        ("a.b", [1]),
        ("list.1", [20]),
        ("*.Power", [3]),
        ("ENERGY", [{"Power": 3}]),
        ("energy.Power", []),
        ("ENERGY.Power.x", []),
        ("list.7", []),
    ],
)
def test_a_path_finds(path: str, found: list[object]) -> None:
    document = {"ENERGY": {"Power": 3}, "a.b": 1, "a": {"b": 2}, "list": [10, 20]}
    assert list(find(document, path)) == found
