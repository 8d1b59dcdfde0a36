"""Stories: messages of devices, and the spans that follow from them.

A story's time is minutes and seconds after nine in the morning, a Monday, in Banyuwangi. Devices report every minute,
so an observation holds for three.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from siaga.model.intervals import merge
from siaga.model.observation import Track
from siaga.model.signals import Value
from siaga.model.sites import Adapter, Device, Facility, Needs, Silence, Village
from siaga.timeline.availability import measure
from siaga.timeline.judge import Evidence, PlannedWork, judge, judged_from, reach

NINE = int(datetime(2026, 3, 2, 2, 0, tzinfo=UTC).timestamp()) * 1000
MINUTE = 60_000
HOUR = 60 * MINUTE

HEARTBEATS: dict[str, Value] = {f"{n * 30 // 60}:{n * 30 % 60:02}": True for n in range(-2, 42)}
"""The gateway's own, every 30 s from a minute before nine to 09:20:30, so it is heard until 09:22."""

Messages = Mapping[tuple[str, str], Mapping[str, Value]]


def at(text: str) -> int:
    """Returns a story's time in ms: `12:30` is 12.5 minutes after nine, `-1:00` 8:59, `2:00:00` eleven o'clock."""
    sign = -1 if text.startswith("-") else 1
    seconds = 0
    for part in text.lstrip("-").split(":"):
        seconds = seconds * 60 + int(part)
    return NINE + sign * seconds * 1000


def clock(time: int) -> str:
    minutes, seconds = divmod((time - NINE) // 1000, 60)
    return f"{minutes}:{seconds:02}"


def device(name: str, adapter: Adapter = Adapter.SENML, mapped: str | None = None) -> Device:
    return Device(name, adapter, MINUTE, map={} if mapped is None else {"key": mapped})


def village(facility: Facility, *others: Facility) -> Village:
    return Village(
        "35.10.15.2012", "Kampunganyar", -8.19, 114.30, "Asia/Jakarta", facilities=(facility, *others), told=at("0:30")
    )


def gate(*devices: Device, **overrides: object) -> Facility:
    return Facility("gerbang", "gate", "Gerbang", devices or (device("g"),), **overrides)  # type: ignore[arg-type]  # a story's overrides


def evidence(messages: Messages, heartbeats: Mapping[str, Value] = HEARTBEATS, first: str | None = None) -> Evidence:
    said = {("gw", "alive"): heartbeats, **messages} if heartbeats else messages
    tracks = {key: Track.of({at(time): value for time, value in values.items()}) for key, values in said.items()}
    return Evidence(tracks, {} if first is None else {key: at(first) for key in messages})


def story(
    facility: Facility,
    messages: Messages,
    *others: Facility,
    until: str = "10:00",
    since: str = "0:00",
    heartbeats: Mapping[str, Value] = HEARTBEATS,
    first: str | None = None,
    planned: tuple[tuple[str, str], ...] = (),
) -> list[str]:
    """Returns the spans, as `0:00 met`, `4:00 failed gate_open excused`; each lasts until the next."""
    spans = judge(
        village(facility, *others),
        facility,
        evidence(messages, heartbeats, first),
        (at(since), at(until)),
        [PlannedWork(at(start), at(end)) for start, end in planned],
    )
    assert [span.end for span in spans] == [*(span.start for span in spans[1:]), at(until)]
    return [
        " ".join(filter(None, [clock(span.start), span.state, span.cause, "excused" if span.excused else ""]))
        for span in spans
    ]


# --- validity


def test_an_observation_holds_until_the_next_and_at_most_three_intervals() -> None:
    told = story(gate(), {("g", "gate_open"): {"0:00": True, "1:00": False, "2:00": True}})
    assert told == ["0:00 met", "1:00 failed gate_open", "2:00 met", "5:00 unknown device_silent"]


def test_the_end_of_its_validity_is_not_in_it() -> None:
    assert story(gate(), {("g", "gate_open"): {"0:00": True, "3:00": True}}, until="6:00") == ["0:00 met"]


def test_a_last_will_makes_unknown_what_was_observed_before_it() -> None:
    told = story(
        gate(), {("g", "gate_open"): {"0:00": True, "5:00": True}, ("g", "online"): {"1:00": False}}, until="6:00"
    )
    assert told == ["0:00 met", "1:00 unknown device_silent", "5:00 met"]


def test_what_is_observed_at_the_instant_of_the_last_will_or_after_it_holds_without_a_birth() -> None:
    messages = {("g", "gate_open"): {"0:00": True, "1:00": True}, ("g", "online"): {"1:00": False}}
    assert story(gate(), messages, until="4:00") == ["0:00 met"]


def test_of_several_last_wills_the_first_makes_it_unknown() -> None:
    messages: Messages = {("g", "gate_open"): {"0:00": True}, ("g", "online"): {"1:00": False, "2:00": False}}
    assert story(gate(), messages, until="3:00") == ["0:00 met", "1:00 unknown device_silent"]


def test_a_last_will_kept_from_before_the_window_still_counts() -> None:
    messages = {("g", "gate_open"): {"-1:00": True}, ("g", "online"): {"-0:30": False}}
    assert story(gate(), messages, until="1:00") == ["0:00 unknown device_silent"]


def test_a_birth_after_a_last_will_does_not_bring_back_what_it_made_unknown() -> None:
    messages = {("g", "gate_open"): {"0:00": True}, ("g", "online"): {"1:00": False, "1:10": True}}
    assert story(gate(), messages, until="3:00") == ["0:00 met", "1:00 unknown device_silent"]


# --- the gateway


def test_while_the_gateway_is_not_heard_nothing_is_known() -> None:
    beats: dict[str, Value] = {"0:00": True, "0:30": True, "4:00": True}
    told = story(gate(), {("g", "gate_open"): {"0:00": True, "2:30": False}}, heartbeats=beats, until="6:00")
    assert told == ["0:00 met", "2:00 unknown village_offline", "4:00 failed gate_open", "5:30 unknown village_offline"]


def test_when_what_it_buffered_arrives_the_past_is_corrected() -> None:
    messages: Messages = {("g", "gate_open"): {f"{n}:00": n != 3 for n in range(10)}}
    cut_off = {time: value for time, value in HEARTBEATS.items() if at(time) < at("1:00")}
    assert story(gate(), messages, heartbeats=cut_off) == ["0:00 met", "2:00 unknown village_offline"]
    assert story(gate(), messages) == ["0:00 met", "3:00 failed gate_open", "4:00 met"]


def test_of_several_gateways_one_that_is_heard_is_enough_and_a_device_is_none() -> None:
    messages: Messages = {
        ("g", "gate_open"): {f"{n}:00": True for n in range(10)},
        ("gw-1", "alive"): {"0:00": True},
        ("gw-2", "alive"): {"1:00": True},
        ("g", "alive"): {"5:00": True},
    }
    assert story(gate(), messages, heartbeats={}) == ["0:00 met", "2:30 unknown village_offline"]


# --- who takes part, and from when


def test_no_device_that_can_give_evidence() -> None:
    """It is judged from its first reading; without an earlier one, from when siaga was told of it (0:30)."""
    facility = gate(device("ap", Adapter.OPENWRT), device("x", Adapter.JSON, "battery"))
    for first, begins in (("0:10", "0:10"), ("0:50", "0:30")):
        assert story(facility, {("ap", "clients"): {first: 3}}, until="1:00") == [
            "0:00 not_required",
            f"{begins} unknown no_evidence",
        ]


def test_before_its_first_reading_a_facility_is_not_judged() -> None:
    told = story(gate(), {("g", "battery"): {"1:00": 80.0}, ("g", "gate_open"): {"2:00": True}}, until="3:00")
    assert told == ["0:00 not_required", "1:00 unknown no_evidence", "2:00 met"]


def test_with_a_date_it_is_judged_from_local_midnight() -> None:
    messages: Messages = {("g", "gate_open"): {"0:00": True}}
    facility = gate(since=date(2026, 3, 2))
    assert judged_from(village(facility), facility, evidence(messages)) == at("-9:00:00")
    assert story(facility, messages, since="-0:01", until="1:00") == ["-1:59 unknown device_silent", "0:00 met"]
    assert story(gate(since=date(2026, 3, 3)), messages, until="1:00") == ["0:00 not_required"]


def test_never_heard_of_it_is_never_judged() -> None:
    assert judged_from(village(gate()), gate(), evidence({})) is None
    assert story(gate(), {}) == ["0:00 not_required"]


def test_it_was_first_heard_of_long_before_these_tracks() -> None:
    told = story(gate(), {("g", "gate_open"): {"1:00": True}}, first="-8:00:00", until="2:00")
    assert told == ["0:00 unknown device_silent", "1:00 met"]


def test_a_track_may_know_of_an_earlier_report_than_was_noted() -> None:
    found = Evidence({("g", "gate_open"): Track([5, 7], [True, True])}, {("g", "gate_open"): 6, ("g", "mains"): 3})
    assert found.first_report("g", "gate_open") == 5
    assert found.first_report("g", "mains") == 3
    assert found.first_report("g", "online") is None


WIFI = Facility("wifi", "free_wifi", "Wi-Fi", (device("ap"),))


def test_a_signal_takes_part_from_its_first_report() -> None:
    messages: Messages = {("ap", "wifi_up"): {"0:00": True, "2:00": True}, ("ap", "internet"): {"1:00": False}}
    assert story(WIFI, messages, until="5:00") == ["0:00 met", "1:00 failed internet", "4:00 unknown internet"]


def test_online_stands_for_wifi_up_only_until_the_device_has_reported_that() -> None:
    messages: Messages = {
        ("ap", "online"): {"0:00": True, "3:00": True},
        ("ap", "wifi_up"): {"1:00": False, "2:00": True},
    }
    assert story(WIFI, messages, until="6:00") == [
        "0:00 met",
        "1:00 failed wifi_up",
        "2:00 met",
        "5:00 failed device_silent",
    ]


def test_offline_is_a_failure_of_online_where_it_stands_in_and_then_silence() -> None:
    told = story(WIFI, {("ap", "online"): {"0:00": True, "1:00": False}}, until="5:00")
    assert told == ["0:00 met", "1:00 failed online", "4:00 failed device_silent"]


def test_wifi_without_wifi_up_or_online_is_not_known() -> None:
    told = story(
        WIFI, {("ap", "internet"): {"0:00": True, "1:00": False}, ("ap", "online"): {"2:00": True}}, until="3:00"
    )
    assert told == ["0:00 unknown wifi_up", "1:00 failed internet"]


# --- silence, want of evidence, needs, else


@pytest.mark.parametrize("signal", ["battery", "heard"])
def test_a_device_that_speaks_and_says_nothing_of_use_is_not_silent(signal: str) -> None:
    """Any reading of its own proves it, also `heard`. If it were silent, somebody would go to change a good battery."""
    messages: Messages = {("g", "gate_open"): {"0:00": True}, ("g", signal): {f"{n}:00": 1 for n in range(6)}}
    told = story(gate(silence=Silence.FAILED), messages, until="9:00")
    assert told == ["0:00 met", "3:00 unknown no_evidence", "8:00 failed device_silent"]


def test_the_gateways_repeating_online_does_not_end_silence() -> None:
    messages: Messages = {("g", "gate_open"): {"0:00": True}, ("g", "online"): {f"{n}:00": True for n in range(6)}}
    assert story(gate(), messages, until="6:00") == ["0:00 met", "3:00 unknown device_silent"]


def test_a_device_of_which_nothing_is_newer_than_its_last_will_is_silent() -> None:
    """It is off, even if it reported half a minute earlier. A birth is no reading of its own; what follows it is."""
    messages: Messages = {
        ("g", "gate_open"): {"0:00": True},
        ("g", "battery"): {"0:30": 90.0, "2:00": 90.0},
        ("g", "online"): {"1:00": False, "1:30": True},
    }
    told = story(gate(), messages, until="6:00")
    assert told == ["0:00 met", "1:00 unknown device_silent", "2:00 unknown no_evidence", "5:00 unknown device_silent"]


def test_a_stale_last_will_is_taken_back_by_the_next_reading() -> None:
    """The broker notices the end of the old session only after the new birth of an access point that kept reporting."""
    messages: Messages = {
        ("ap", "wifi_up"): {"0:00": True, "1:00": True, "2:00": True, "3:00": True},
        ("ap", "online"): {"0:00": True, "1:30": False},
    }
    assert story(WIFI, messages, until="5:00") == ["0:00 met", "1:30 failed device_silent", "2:00 met"]


def test_a_failure_that_silence_does_not_decide_names_the_signal() -> None:
    messages: Messages = {("ap", "wifi_up"): {"0:00": True}, ("ap", "internet"): {"0:00": True, "4:00": False}}
    assert story(WIFI, messages, until="5:00") == ["0:00 met", "3:00 failed device_silent", "4:00 failed internet"]


def test_want_of_evidence_of_one_of_several_devices() -> None:
    facility = gate(device("g1"), device("g2"), needs=Needs.ALL)
    messages: Messages = {
        ("g1", "gate_open"): {f"{n}:00": True for n in range(8)},
        ("g2", "gate_open"): {"0:00": True},
        ("g2", "heard"): {f"{n}:00": 1 for n in range(4)},
    }
    told = story(facility, messages, until="7:00")
    assert told == ["0:00 met", "3:00 unknown no_evidence", "6:00 unknown device_silent"]


def test_silence_means_what_the_indicator_or_the_site_says() -> None:
    messages: Messages = {("g", "gate_open"): {"0:00": True}}
    assert story(gate(), messages, until="4:00") == ["0:00 met", "3:00 unknown device_silent"]
    strict = gate(silence=Silence.FAILED)
    assert story(strict, messages, until="4:00") == ["0:00 met", "3:00 failed device_silent"]


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        (Needs.ANY, ["0:00 met", "2:00 unknown device_silent", "3:00 failed gate_open"]),
        (Needs.ALL, ["0:00 unknown device_silent", "2:00 failed gate_open"]),
    ],
)
def test_devices_combine_by_needs(needs: Needs, told: list[str]) -> None:
    facility = gate(device("g1"), device("g2"), needs=needs)
    messages: Messages = {("g1", "gate_open"): {"0:00": True, "2:00": False}, ("g2", "gate_open"): {"3:00": False}}
    assert story(facility, messages, until="5:00") == told


def test_else_asks_the_next_where_the_one_before_is_unknown_at_that_instant() -> None:
    lamp = Facility("lampu", "office_lighting", "Lampu", (device("l"),), schedule="24h")
    messages: Messages = {
        ("l", "lamp_on"): {"0:00": True},
        ("l", "power"): {"2:00": 1.5, "4:00": 2.0, "5:00": 2.1},
        ("l", "illuminance"): {"7:30": 10.1},
    }
    assert story(lamp, messages) == ["0:00 met", "3:00 failed power", "5:00 met"]


# --- events


GUARD = Facility("jaga", "night_guard", "Jaga", (device("b"),))


def test_a_check_in_counts_for_two_hours_a_last_will_or_not() -> None:
    beats: dict[str, Value] = {f"{n}:00": True for n in range(200)}
    messages: Messages = {
        ("b", "checkin"): {"0:00": 1},
        ("b", "online"): {"1:00": False},
        ("b", "battery"): {"118:00": 90.0, "119:00": 90.0},
    }
    told = story(GUARD, messages, until="125:00", heartbeats=beats)
    assert told == ["0:00 met", "120:00 failed checkin", "122:00 unknown device_silent"]


def test_a_check_in_of_before_the_window_still_counts() -> None:
    told = story(GUARD, {("b", "checkin"): {"-1:59:00": 1}}, until="4:00")
    assert told == ["0:00 met", "1:00 unknown device_silent"]


def test_a_device_heard_just_before_the_window_is_heard_in_it() -> None:
    messages: Messages = {("b", "checkin"): {"-3:00:00": 1}, ("b", "battery"): {"-1:00": 90.0}}
    assert story(GUARD, messages, until="4:00") == ["0:00 failed checkin", "2:00 unknown device_silent"]


def test_that_nothing_happened_is_a_report_but_no_event() -> None:
    assert story(GUARD, {("b", "checkin"): {"0:00": 0}}, until="4:00") == [
        "0:00 failed checkin",
        "3:00 unknown device_silent",
    ]


def test_the_gateways_repeating_online_does_not_make_a_device_heard() -> None:
    messages: Messages = {("b", "checkin"): {"0:00": 0}, ("b", "online"): {f"{n}:00": True for n in range(10)}}
    assert story(GUARD, messages, until="4:00") == ["0:00 failed checkin", "3:00 unknown device_silent"]


def test_a_device_stays_heard_after_its_last_will() -> None:
    messages: Messages = {("b", "checkin"): {"0:00": 0}, ("b", "online"): {"1:00": False}}
    assert story(GUARD, messages, until="4:00") == ["0:00 failed checkin", "3:00 unknown device_silent"]


def test_a_clean_toilet_smells_of_less_than_the_limit() -> None:
    toilet = Facility("wc", "toilet", "Toilet", (device("t"),))
    messages: Messages = {
        ("t", "cleaned"): {"0:00": 1},
        ("t", "nh3"): {"0:00": 24.9, "1:00": 25.0, "2:00": 3.0},
    }
    assert story(toilet, messages, until="6:00") == ["0:00 met", "1:00 failed nh3", "2:00 met", "5:00 unknown nh3"]


# --- schedule and excuses

METER = Facility("listrik", "power", "Meteran", (Device("m", Adapter.SENML, MINUTE),))


def test_outside_its_schedule_nothing_is_required_whatever_is_heard() -> None:
    facility = gate(schedule=("Mon 09:02-09:04",))
    messages: Messages = {("g", "gate_open"): {"0:00": False, "3:00": True}}
    assert story(facility, messages, until="5:00") == [
        "0:00 not_required",
        "2:00 failed gate_open",
        "3:00 met",
        "4:00 not_required",
    ]
    assert story(facility, messages, until="5:00", heartbeats={}) == [
        "0:00 not_required",
        "2:00 unknown village_offline",
        "4:00 not_required",
    ]


def test_without_grid_power_failed_and_unknown_are_excused_and_nothing_else() -> None:
    messages: Messages = {
        ("g", "gate_open"): {"0:00": True, "2:00": False},
        ("m", "mains"): {"1:00": False, "4:00": True},
    }
    assert story(gate(), messages, METER, until="6:00") == [
        "0:00 met",
        "2:00 failed gate_open excused",
        "4:00 failed gate_open",
        "5:00 unknown device_silent",
    ]


def test_a_word_on_grid_power_is_valid_no_longer_than_any_other() -> None:
    messages: Messages = {("g", "gate_open"): {"0:00": False, "3:00": False}, ("m", "mains"): {"0:00": False}}
    assert story(gate(), messages, METER, until="5:00") == ["0:00 failed gate_open excused", "3:00 failed gate_open"]
    willed: Messages = {**messages, ("m", "online"): {"1:00": False}}
    assert story(gate(), willed, METER, until="5:00") == ["0:00 failed gate_open excused", "1:00 failed gate_open"]


def test_it_excuses_also_while_the_gateway_is_not_heard() -> None:
    messages: Messages = {("g", "gate_open"): {"0:00": True}, ("m", "mains"): {"0:00": False}}
    assert story(gate(), messages, METER, until="4:00", heartbeats={"0:00": True}) == [
        "0:00 met",
        "1:30 unknown village_offline excused",
        "3:00 unknown village_offline",
    ]


def test_one_source_that_says_false_is_enough_but_not_one_of_another_facility() -> None:
    other = Facility("lain", "gate", "Lain", (device("stranger"),))
    messages: Messages = {
        ("g", "gate_open"): {"0:00": False},
        ("g", "mains"): {"0:00": True, "1:00": False, "2:00": True},
        ("m", "mains"): {"0:00": True},
        ("stranger", "mains"): {"0:00": False},
    }
    assert story(gate(), messages, METER, other, until="3:00") == [
        "0:00 failed gate_open",
        "1:00 failed gate_open excused",
        "2:00 failed gate_open",
    ]


def test_planned_maintenance_excuses() -> None:
    told = story(
        gate(),
        {("g", "gate_open"): {"0:00": False, "2:00": True}},
        until="3:00",
        planned=(("0:30", "1:00"), ("0:45", "2:30")),
    )
    assert told == ["0:00 failed gate_open", "0:30 failed gate_open excused", "2:00 met"]


LATER = [
    # planned work as start, end, declared -> where it is excused later; mains is out from 4:00 to 5:00
    ("declared before it began", [("1:00", "3:00", "0:30")], []),
    ("declared as it began", [("1:00", "3:00", "1:00")], []),
    ("declared in the middle of it", [("1:00", "3:00", "2:00")], [("1:00", "2:00")]),
    ("declared after it", [("1:00", "3:00", "9:00")], [("1:00", "3:00")]),
    ("mains was out anyway", [("3:00", "6:00", "9:00")], [("3:00", "4:00"), ("5:00", "6:00")]),
    ("other work was declared in time", [("1:00", "3:00", "9:00"), ("2:00", "4:00", "0:00")], [("1:00", "2:00")]),
    ("what is met needs no excuse", [("6:00", "9:00", "9:30")], [("6:00", "7:00"), ("8:00", "9:00")]),
]


@pytest.mark.parametrize(("work", "later"), [case[1:] for case in LATER], ids=[case[0] for case in LATER])
def test_what_maintenance_excuses_that_was_declared_afterwards(
    work: list[tuple[str, str, str]], later: list[tuple[str, str]]
) -> None:
    messages: Messages = {
        ("g", "gate_open"): {f"{n}:00": n == 7 for n in range(10)},
        ("g", "mains"): {"4:00": False, "5:00": True},
    }
    planned = [PlannedWork(at(start), at(end), at(declared)) for start, end, declared in work]
    window = (at("0:00"), at("10:00"))
    spans = judge(village(gate()), gate(), evidence(messages), window, planned)
    assert merge((span.start, span.end) for span in spans if span.excused_later) == [(at(a), at(b)) for a, b in later]
    assert all(span.excused for span in spans if span.excused_later)
    measured = measure(spans, window)
    assert measured.excused_later == sum(at(b) - at(a) for a, b in later) <= measured.excused


# --- kinds without sensors, and the edges of a question


def test_a_power_facility_has_no_state() -> None:
    assert story(METER, {("m", "mains"): {"0:00": False}}) == ["0:00 not_required"]


def test_an_attested_kind_has_no_evidence_from_devices() -> None:
    corner = Facility("baca", "reading_corner", "Pojok baca", (device("d"),))
    assert story(corner, {("d", "presence"): {"0:00": True}}, until="1:00") == ["0:00 unknown no_evidence"]
    assert story(corner, {}, until="1:00") == ["0:00 not_required", "0:30 unknown no_evidence"]


def test_the_future_says_what_will_be_if_nothing_more_is_heard() -> None:
    messages: Messages = {("g", "gate_open"): {f"{n}:00": True for n in range(20)}}
    told = story(gate(), messages, since="19:30", until="30:00")
    assert told == ["19:30 met", "22:00 unknown village_offline"]  # the last heartbeat is of 20:30


def test_an_empty_window_has_no_spans() -> None:
    assert judge(village(gate()), gate(), evidence({}), (NINE, NINE)) == []


def test_reach_is_the_longest_that_an_observation_can_bear_on_the_state() -> None:
    assert reach(village(gate()), gate()) == 3 * MINUTE
    assert reach(village(GUARD), GUARD) == 2 * HOUR
    slow_meter = Facility("listrik", "power", "Meteran", (Device("m", Adapter.SENML, HOUR),))
    assert reach(village(gate(), slow_meter), gate()) == 3 * HOUR
    assert reach(village(Facility("x", "gate", "X")), Facility("x", "gate", "X")) == 90_000
