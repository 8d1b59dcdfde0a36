"""The vocabulary is the contract's, and a value is what its signal can have."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.signals import EVENTS, SIGNALS, RefusedValue, SignalType, check_value

BOOLEANS = "online alive wifi_up wifi_open internet lamp_on gate_open presence service_ok mains"
FLOATS = "power energy illuminance nh3 latency battery rssi"


def test_the_vocabulary_is_the_contracts() -> None:
    names = {kind: sorted(s.name for s in SIGNALS.values() if s.type is kind) for kind in SignalType}
    assert names == {
        SignalType.BOOL: sorted(BOOLEANS.split()),
        SignalType.FLOAT: sorted(FLOATS.split()),
        SignalType.INT: ["clients", "rx_bytes", "tx_bytes", "uptime"],
        SignalType.EVENT: ["checkin", "cleaned", "heard"],
    }
    assert {"checkin", "cleaned", "heard"} == EVENTS


@pytest.mark.parametrize(
    ("signal", "raw", "value"),
    [
        ("lamp_on", True, True),
        ("lamp_on", 0, False),
        ("lamp_on", 1.0, True),
        ("clients", 5, 5),
        ("clients", 5.0, 5),
        ("uptime", -(2**63), -(2**63)),
        ("battery", 88, 88.0),
        ("rssi", -61.5, -61.5),
        ("power", 1.797e308, 1.797e308),
        ("checkin", True, 1),
        ("checkin", 3, 1),
        ("checkin", 0.0, 0),
        ("checkin", False, 0),
    ],
)
def test_what_is_taken(signal: str, raw: object, value: object) -> None:
    found = check_value(SIGNALS[signal], raw)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("signal", "raw"),
    [
        ("lamp_on", 2),
        ("lamp_on", "ON"),
        ("lamp_on", None),
        ("clients", 5.5),
        ("clients", True),
        ("clients", 2**63),
        ("clients", 1e300),
        ("battery", True),
        ("battery", math.nan),
        ("battery", -math.inf),
        pytest.param("battery", 10**400, id="battery-an int larger than any float"),
        ("battery", [1]),
        ("checkin", "1"),
        ("checkin", math.inf),
    ],
)
def test_what_is_refused_with_a_sentence_that_names_it(signal: str, raw: object) -> None:
    with pytest.raises(RefusedValue, match=f"^{signal}: "):
        check_value(SIGNALS[signal], raw)


@given(st.sampled_from(sorted(SIGNALS)), st.integers() | st.floats() | st.booleans() | st.none() | st.text(max_size=3))
@settings(max_examples=100, deadline=None)
def test_what_is_taken_once_is_taken_as_it_is_again(name: str, raw: object) -> None:
    try:
        value = check_value(SIGNALS[name], raw)
    except RefusedValue:
        return
    again = check_value(SIGNALS[name], value)
    assert (again, type(again)) == (value, type(value))
