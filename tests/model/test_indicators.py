"""The 14 indicators, and what a device family can say."""

import pytest

from siaga.model.capabilities import can_give, default_signals
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.indicators import INDICATORS, EventWithin, Flag, Terms, evidence_signals, terms
from siaga.model.signals import EVENTS, SIGNALS
from siaga.model.sites import Adapter, Device, Facility, Silence
from siaga.timeline.schedule import parse_schedule


def test_there_are_fourteen_each_with_its_number() -> None:
    assert sorted(indicator.number for indicator in INDICATORS.values()) == list(range(1, 15))
    assert all(kind == indicator.kind for kind, indicator in INDICATORS.items())
    assert "power" not in INDICATORS


@pytest.mark.parametrize("kind", INDICATORS)
def test_an_indicator_is_made_of_what_the_rest_knows(kind: str) -> None:
    indicator = INDICATORS[kind]
    assert indicator.sensed is not None or indicator.attested is not None
    assert evidence_signals(kind) <= SIGNALS.keys()
    assert indicator.name_id
    assert indicator.name_en
    parse_schedule(indicator.schedule)
    for item in indicator.sensed.evidence if indicator.sensed else ():
        assert (item.signal in EVENTS) == isinstance(item, EventWithin)


SENSED = [
    (1, "free_wifi", {"wifi_up", "online", "wifi_open", "internet"}, "24h", Silence.FAILED),
    (5, "night_guard", {"checkin", "presence"}, "24h", Silence.UNKNOWN),
    (6, "toilet", {"cleaned", "nh3"}, "office", Silence.UNKNOWN),
    (7, "gate", {"gate_open"}, "24h", Silence.UNKNOWN),
    (10, "lactation_room", {"cleaned"}, "office", Silence.UNKNOWN),
    (11, "office_lighting", {"lamp_on", "power", "illuminance"}, "night", Silence.UNKNOWN),
    (13, "it_service", {"service_ok"}, "24h", Silence.UNKNOWN),
]


@pytest.mark.parametrize(("number", "kind", "signals", "schedule", "silence"), SENSED)
def test_the_sensed_ones(number: int, kind: str, signals: set[str], schedule: str, silence: Silence) -> None:
    indicator = INDICATORS[kind]
    assert indicator.number == number
    assert evidence_signals(kind) == signals
    assert (indicator.schedule, indicator.silence) == (schedule, silence)
    assert (indicator.grace, indicator.recovery, indicator.target) == (5 * MINUTE, 2 * MINUTE, 0.99)


def test_the_others_are_attested_and_expire_after_ninety_days() -> None:
    attested = {kind: item.attested.expires for kind, item in INDICATORS.items() if not item.sensed and item.attested}
    assert {INDICATORS[kind].number for kind in attested} == {2, 3, 4, 8, 9, 12, 14}
    assert set(attested.values()) == {90 * DAY}


def test_events_hold_as_long_as_the_programme_says() -> None:
    intervals = {
        item.signal: item.interval
        for indicator in INDICATORS.values()
        for item in (indicator.sensed.evidence if indicator.sensed else ())
        if isinstance(item, EventWithin)
    }
    assert intervals == {"checkin": 2 * HOUR, "cleaned": 8 * HOUR}
    assert INDICATORS["free_wifi"].sensed is not None
    assert INDICATORS["free_wifi"].sensed.evidence[0] == Flag("wifi_up", "online", always_asked=True)


def test_a_facility_is_held_to_its_indicators_numbers_unless_its_site_says_otherwise() -> None:
    assert terms(Facility("g", "gate", "G")) == Terms(5 * MINUTE, 2 * MINUTE, 0.99, "24h", Silence.UNKNOWN)
    own = Facility(
        "g", "gate", "G", grace=0, recovery=0, target=0.0, schedule=("Mon 08:00-09:00",), silence=Silence.FAILED
    )
    assert terms(own) == Terms(0, 0, 0.0, ("Mon 08:00-09:00",), Silence.FAILED)
    assert terms(Facility("p", "power", "P")) is None


CAN_GIVE_EVIDENCE = {
    Adapter.SENML: {kind for kind, indicator in INDICATORS.items() if indicator.sensed},
    Adapter.TASMOTA: {"office_lighting", "free_wifi"},
    Adapter.SHELLY: {"office_lighting", "free_wifi", "gate"},
    Adapter.ZIGBEE2MQTT: {"office_lighting", "free_wifi", "gate", "night_guard"},
    Adapter.ESPHOME: {"free_wifi"},
    Adapter.HOMIE: {"free_wifi"},
    Adapter.PROBE: {"free_wifi", "it_service"},
    Adapter.OPENWRT: set[str](),
    Adapter.LORAWAN: set[str](),
    Adapter.JSON: set[str](),
    Adapter.SNMP: set[str](),
}


@pytest.mark.parametrize("adapter", Adapter)
def test_the_kinds_for_which_a_family_gives_evidence_without_a_map(adapter: Adapter) -> None:
    kinds = {kind for kind in [*INDICATORS, "power"] if default_signals(adapter, kind) & evidence_signals(kind)}
    assert kinds == CAN_GIVE_EVIDENCE[adapter]


@pytest.mark.parametrize("adapter", Adapter)
def test_what_a_family_gives_are_signals(adapter: Adapter) -> None:
    for kind in INDICATORS:
        assert default_signals(adapter, kind) <= SIGNALS.keys()


def test_a_map_adds_a_signal() -> None:
    assert can_give(Device("d", Adapter.JSON, MINUTE, map={"a.b": "gate_open"}), "gate") == {"gate_open"}
    assert "gate_open" in can_give(Device("d", Adapter.TASMOTA, MINUTE, map={"Switch1": "gate_open"}), "gate")
    assert "power" in can_give(Device("d", Adapter.TASMOTA, MINUTE, map={"Switch1": "gate_open"}), "gate")


def test_a_map_replaces_the_default_for_its_key() -> None:
    turned = Device("d", Adapter.ZIGBEE2MQTT, MINUTE, map={"contact": "presence"})
    assert "gate_open" not in can_give(turned, "gate")
    assert "presence" in can_give(turned, "gate")
