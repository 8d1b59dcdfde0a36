"""Availability and day verdicts, on both databases: the algebra's own answers, from stored spans."""

import random
from datetime import date, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.moments import moment
from api.http.seconds import parts
from siaga.database import tables, writing
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.indicators import terms
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import measure
from siaga.timeline.spans import Span
from siaga.timeline.verdict import judge_day, local_day
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOT_REQUIRED, NOW, UNKNOWN, District, names, villages

GATE = f"{GLAGAH}/gerbang"


def days(client: httpx.Client, **asked: str) -> list[dict[str, object]]:
    """The days of the gate."""
    answer = client.get(
        "/api/v1/days", params={"facility": GATE} | {name.rstrip("_"): text for name, text in asked.items()}
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["items"]
    return found


def test_availability_is_of_every_facility_with_an_indicator(both: District) -> None:
    """Eighteen hours met, two failed and excused, one failed, three unknown; the others were never judged."""
    start = NOW - DAY
    both.spans(
        GLAGAH,
        "gerbang",
        Span(start - 5 * DAY, start + 18 * HOUR, MET),
        Span(start + 18 * HOUR, start + 20 * HOUR, FAILED, "gate_open", True),
        Span(start + 20 * HOUR, start + 21 * HOUR, FAILED, "gate_open"),
    )
    both.alternating(GLAGAH, "gerbang", start + 21 * HOUR, (HOUR, UNKNOWN, "village_offline"))
    with both.served() as client:
        gate, wifi, lamp = client.get("/api/v1/availability").json()["items"]
        assert names(client.get("/api/v1/availability", params={"village": LICIN})) == [f"{LICIN}/lampu"]
        assert names(client.get("/api/v1/availability", params={"facility": GATE})) == [GATE]
        assert names(client.get("/api/v1/availability", params={"facility": f"{GLAGAH}/listrik"})) == []
    assert gate == {
        "id": GATE,
        "required_s": 86_400,
        "met_s": 64_800,
        "failed_s": 10_800,
        "unknown_s": 10_800,
        "excused_s": 7_200,
        "availability_low": 18 / 22,
        "availability_high": 21 / 22,
        "coverage": 21 / 24,
    }
    for never in (wifi, lamp):
        assert (never["required_s"], never["excused_s"], never["availability_low"], never["coverage"]) == (
            0,
            0,
            None,
            None,
        )


def test_availability_of_a_stretch_within_one_long_span_among_thousands(both: District) -> None:
    """What is older than the window is found by the span that holds its start, not by reading all of it."""
    lengths = [(MINUTE, (MET, FAILED)[n % 2], None) for n in range(3_000)]
    both.alternating(GLAGAH, "gerbang", NOW - 10 * DAY, *lengths, (DAY, MET, None))
    both.alternating(GLAGAH, "wifi-balai", NOW - 10 * DAY, (DAY, FAILED, "wifi_up"))
    both.alternating(LICIN, "lampu", NOW - 2 * HOUR, (HOUR, MET, None), (HOUR, NOT_REQUIRED, None))
    asked = {"from": "2026-03-04T01:00:00Z", "to": "2026-03-04T05:00:00Z"}
    with both.served() as client:
        found = client.get("/api/v1/availability", params=asked).json()["items"]
        paged = client.get("/api/v1/availability", params=asked | {"limit": 2}).json()
        rest = client.get("/api/v1/availability", params=asked | {"limit": 2, "cursor": paged["next"]}).json()
    assert [(item["required_s"], item["met_s"]) for item in found] == [(14_400, 14_400), (14_400, 0), (3_600, 3_600)]
    assert (paged["items"] + rest["items"], rest["next"]) == (found, None)


def test_random_histories_measure_as_the_algebra_says(both: District) -> None:
    """Spans of odd lengths over forty days, asked about in odd windows: the numbers of `measure` and `judge_day`."""
    chance = random.Random(7)
    at, spans = NOW - 40 * DAY + 123, []
    while at < NOW:
        state = chance.choice([MET, FAILED, FAILED, UNKNOWN, NOT_REQUIRED])
        end = at + chance.randrange(1, 9 * HOUR)
        cause = {FAILED: chance.choice(["gate_open", "device_silent"]), UNKNOWN: "device_silent"}.get(state)
        spans.append(Span(at, end, state, cause, state in (FAILED, UNKNOWN) and chance.random() < 0.2))
        at = end
    both.alternating(GLAGAH, "gerbang", spans[-1].start, (HOUR, spans[-1].state, spans[-1].cause))
    both.spans(GLAGAH, "gerbang", *spans[:-1])
    spans[-1] = Span(spans[-1].start, NOW, spans[-1].state, spans[-1].cause)
    with both.served() as client:
        for _ in range(30):
            low, high = sorted(chance.sample(range(NOW - 40 * DAY, NOW), 2))
            asked = {"from": moment(low), "to": moment(high), "facility": GATE}
            found = client.get("/api/v1/availability", params=asked).json()["items"][0]
            expected = measure(spans, (low, high))
            assert found["met_s"] + found["failed_s"] + found["unknown_s"] == found["required_s"]
            for name in ("met", "failed", "unknown", "excused"):
                assert found[f"{name}_s"] == pytest.approx(getattr(expected, name) / 1000, abs=1e-6), name
            for name in ("availability_low", "availability_high", "coverage"):
                assert found[name] == getattr(expected, name), name
        judged = days(client, from_="2026-01-25", limit="1000")
    village = villages()[0]
    assert [day["date"] for day in judged] == [str(date(2026, 1, 25) + timedelta(days=n)) for n in range(39)]
    held_to = terms(next(each for each in village.facilities if each.id == "gerbang"))
    assert held_to is not None
    for day in judged:
        verdict = judge_day(spans, local_day(village, date.fromisoformat(str(day["date"]))), held_to)
        assert (day["verdict"], day["longest_failure_s"]) == (verdict.verdict, verdict.longest_failure / 1000), day
        assert (day["failed_s"], day["unknown_s"]) == (verdict.failed / 1000, verdict.unknown / 1000), day


def test_a_failure_over_midnight_counts_whole_on_both_days(both: District) -> None:
    """Jakarta's midnight is 17:00 UTC; four minutes on each side are eight, longer than the grace of five."""
    midnight = NOW - 12 * HOUR
    both.alternating(
        GLAGAH, "gerbang", NOW - 3 * DAY,
        (3 * DAY - 12 * HOUR - 4 * MINUTE, MET, None),
        (2 * MINUTE, FAILED, "gate_open"),
        (6 * MINUTE, FAILED, "device_silent"),
        (HOUR, MET, None),
    )  # fmt: skip
    both.link(GLAGAH, "online", NOW - DAY, NOW)
    with both.served() as client:
        before, after = days(client)
    assert midnight % DAY == 17 * HOUR
    assert (before["date"], after["date"]) == ("2026-03-03", "2026-03-04")
    for day in (before, after):
        assert (day["verdict"], day["longest_failure_s"], day["failed_s"]) == ("missed", 480, 240)
    assert (before["provisional"], after["provisional"]) == (False, True)


@pytest.mark.parametrize(
    ("heard", "provisional"),
    [
        pytest.param(NOW - 12 * HOUR - 1, True, id="not heard after midnight: more may be buffered"),
        pytest.param(NOW - 12 * HOUR, False, id="heard at its end"),
        pytest.param(None, True, id="never heard"),
    ],
)
def test_a_day_is_provisional_until_the_gateway_was_heard_after_it(
    district: District, heard: int | None, provisional: bool
) -> None:
    district.alternating(GLAGAH, "gerbang", NOW - 3 * DAY, (DAY, MET, None))
    district.link(GLAGAH, "online", NOW - DAY, heard)
    with district.served() as client:
        assert days(client, from_="2026-03-03", to="2026-03-04")[0]["provisional"] is provisional


def test_what_is_unknown_for_want_of_the_gateway_may_still_come(district: District) -> None:
    district.alternating(GLAGAH, "gerbang", NOW - 200 * DAY, (150 * DAY, UNKNOWN, "village_offline"), (DAY, MET, None))
    district.link(GLAGAH, "online", NOW - DAY, NOW)
    with district.served() as client:
        recent = days(client, from_="2026-01-10", to="2026-01-11")[0]
        long_ago = days(client, from_="2025-10-01", to="2025-10-02")[0]
    assert (recent["provisional"], recent["verdict"], recent["unknown_s"]) == (True, "unjudged", 86_400)
    assert (long_ago["provisional"], long_ago["verdict"]) == (False, "unjudged")


def test_a_correction_raises_the_revision(both: District) -> None:
    both.alternating(GLAGAH, "gerbang", NOW - 3 * DAY, (DAY, MET, None))
    with writing(both.engine) as connection:
        row = {"village": GLAGAH, "facility": "gerbang", "date": date(2026, 3, 3), "revision": 2, "digest": "…"}
        connection.execute(tables.day.insert(), row)
    with both.served() as client:
        assert [day["revision"] for day in days(client)] == [2, 0]


def test_days_come_in_pages(both: District) -> None:
    asked = {"from": "2026-02-28", "to": "2026-03-03", "limit": "2"}
    seen: list[tuple[str, str]] = []
    with both.served() as client:
        cursor: dict[str, str] = {}
        while True:
            page = client.get("/api/v1/days", params=asked | cursor).json()
            assert len(page["items"]) <= 2
            seen += [(item["id"].partition("/")[2], item["date"][5:]) for item in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
    dates = ["02-28", "03-01", "03-02"]
    assert seen == [(name, day) for name in ("gerbang", "wifi-balai", "lampu") for day in dates]


def test_days_that_have_not_begun_are_left_out(client: httpx.Client) -> None:
    assert [day["date"] for day in days(client, from_="2026-03-04", to="2026-03-20")] == ["2026-03-04"]
    assert days(client, from_="2026-03-05") == []
    assert [day["date"] for day in days(client, to="2026-02-02")] == ["2026-02-01"]


@given(st.lists(st.integers(0, 4_000_000_000), min_size=3, max_size=3))
def test_seconds_add_up_as_floats_too(lengths: list[int]) -> None:
    required, met, failed, unknown = parts(*lengths)
    assert met + failed + unknown == required
    assert required == pytest.approx(sum(lengths) / 1000, rel=1e-14)
    for shown, length in zip((met, failed, unknown), lengths, strict=True):
        assert shown == pytest.approx(length / 1000, rel=1e-14)
        assert (shown == 0) == (length == 0)


def test_ids_that_a_collation_orders_otherwise_keep_their_own_figures(both: District) -> None:
    """With and without hyphens, digits, underscores: PostgreSQL may order them by a language, and pages follow it."""
    ids = ["a-b", "ab", "a_b", "a-1", "a1", "a-c", "ac", "b", "a--z", "a_-z"]
    village = Village(LICIN, "Banjar", -8.2, 114.3, "Asia/Jakarta", tuple(Facility(name, "gate", name) for name in ids))
    both.registry.replace([village], NOW)
    for hours, name in enumerate(ids, 1):
        both.alternating(LICIN, name, NOW - hours * HOUR, (HOUR, MET, None))
    expected = {f"{LICIN}/{name}": hours * 3_600 for hours, name in enumerate(ids, 1)}
    with both.served() as client:
        for limit in ("1000", "3"):
            found: dict[str, float] = {}
            cursor: dict[str, str] = {}
            while True:
                asked = {"village": LICIN, "limit": limit} | cursor
                page = client.get("/api/v1/availability", params=asked).json()
                found |= {item["id"]: item["met_s"] for item in page["items"]}
                if page["next"] is None:
                    break
                cursor = {"cursor": page["next"]}
            assert found == expected, limit
        timelines = {
            name: client.get(f"/api/v1/facilities/{name}/timeline").json()["spans"][-1]["start"] for name in expected
        }
    assert timelines == {name: moment(NOW - length * 1_000) for name, length in expected.items()}
