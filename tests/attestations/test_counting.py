"""Which attestation counts on a date: the rule as a table, and held against a slow reading of its sentence."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.attestations.counting import Attestation, counting, expiry, is_sensed, refusal
from siaga.model.clock import MINUTE
from siaga.model.indicators import INDICATORS
from siaga.model.sites import Adapter, Device, Facility, Village

MARCH = date(2026, 3, 1)
DEVICE = Device("d", Adapter.SENML, MINUTE)


def made(
    number: int, day: int, *, at: int = 0, withdrawn: bool = False, lasts: int = 90, waits: bool = False
) -> Attestation:
    """An attestation of a day of March, made `at` so many ms."""
    on = MARCH + timedelta(days=day - 1)
    return Attestation(
        number, f"a{number}", "trees", True, on, on + timedelta(days=lasts), at, 5 if withdrawn else None, waits
    )


CASES = [
    ("none: none counts", [], MARCH, None),
    ("the day before its date", [made(1, 2)], MARCH, None),
    ("from its date", [made(1, 2)], date(2026, 3, 2), 1),
    ("the last day", [made(1, 1)], date(2026, 5, 29), 1),
    ("on the day it expires it does not count", [made(1, 1)], date(2026, 5, 30), None),
    ("the later date, though made before", [made(1, 5, at=1), made(2, 3, at=2)], date(2026, 3, 9), 1),
    ("before the later date the earlier one", [made(1, 5, at=1), made(2, 3, at=2)], date(2026, 3, 4), 2),
    ("of one date the one made later", [made(1, 3, at=9), made(2, 3, at=8)], date(2026, 3, 4), 1),
    ("made at once: the higher number", [made(1, 3, at=8), made(2, 3, at=8)], date(2026, 3, 4), 2),
    ("a withdrawn one never", [made(1, 3, withdrawn=True)], date(2026, 3, 4), None),
    ("withdrawn: the one before is in its place again", [made(1, 1), made(2, 3, withdrawn=True)], date(2026, 3, 4), 1),
    ("one that waits for a second person never", [made(1, 3, waits=True)], date(2026, 3, 4), None),
    ("waiting: the one before stays in its place", [made(1, 1), made(2, 3, waits=True)], date(2026, 3, 4), 1),
    ("an expired later one gives no way", [made(1, 1, lasts=90), made(2, 3, lasts=7)], date(2026, 3, 10), None),
]


@pytest.mark.parametrize(("attestations", "day", "number"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_the_one_that_counts(attestations: list[Attestation], day: date, number: int | None) -> None:
    found = counting(attestations, day)
    assert (None if found is None else found.number) == number


histories = st.lists(
    st.builds(
        made,
        st.integers(),
        st.integers(1, 12),
        at=st.integers(0, 3),
        withdrawn=st.booleans(),
        lasts=st.sampled_from([3, 90]),
    ),
    max_size=8,
).map(lambda found: [replace(one, number=number, id=f"a{number}") for number, one in enumerate(found)])
days = st.integers(-2, 110).map(lambda day: MARCH + timedelta(days=day))


def by_hand(attestations: list[Attestation], day: date) -> Attestation | None:
    """The sentence of the contract, one attestation after the other in the order in which they were made."""
    in_place: Attestation | None = None
    for one in sorted(attestations, key=lambda one: (one.created_at, one.number)):
        begun = (day - one.date).days >= 0
        if one.withdrawn_at is None and begun and (in_place is None or one.date >= in_place.date):
            in_place = one
    if in_place is None or (day - in_place.expires).days >= 0:
        return None
    return in_place


@given(histories, days)
def test_it_equals_the_sentence_read_slowly(attestations: list[Attestation], day: date) -> None:
    assert counting(attestations, day) == by_hand(attestations, day)


@given(histories, days, st.randoms())
def test_the_order_in_which_they_are_read_does_not_matter(
    attestations: list[Attestation], day: date, chance: object
) -> None:
    shuffled = list(attestations)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a Random
    assert counting(shuffled, day) == counting(attestations, day)


@given(histories, days, st.data())
def test_a_withdrawn_one_is_as_if_it_had_never_been_made(
    attestations: list[Attestation], day: date, data: st.DataObject
) -> None:
    gone = data.draw(st.integers(0, max(0, len(attestations) - 1)))
    withdrawn = [replace(one, withdrawn_at=7) if one.number == gone else one for one in attestations]
    assert counting(withdrawn, day) == counting([one for one in attestations if one.number != gone], day)


@given(histories, days)
def test_what_is_dated_after_a_day_says_nothing_of_it(attestations: list[Attestation], day: date) -> None:
    assert counting(attestations, day) == counting([one for one in attestations if one.date <= day], day)


@pytest.mark.parametrize("indicator", INDICATORS)
def test_each_indicator_expires_after_ninety_days(indicator: str) -> None:
    """Across a leap day and a change of year, too."""
    assert expiry(indicator, date(2027, 12, 15)) == date(2028, 3, 14)


REFUSED = [
    ("no facility", (), "gate", 0, None),
    ("a facility without devices", (Facility("f", "trees", "F"),), "trees", 0, None),
    ("a facility with devices of another kind", (Facility("f", "gate", "F", (DEVICE,)),), "trees", 0, None),
    ("a facility with devices", (Facility("f", "toilet", "F", (DEVICE,)),), "toilet", 0, "is sensed in village"),
    (
        "one of two has devices",
        (Facility("f", "toilet", "F"), Facility("g", "toilet", "G", (DEVICE,))),
        "toilet",
        0,
        "by the devices of facility g",
    ),
    ("a day to come", (), "trees", 1, "is still to come in village"),
    ("a day long ago", (), "trees", -4000, None),
]


@pytest.mark.parametrize(
    ("facilities", "indicator", "ahead", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_for_what_there_is_none(
    facilities: tuple[Facility, ...], indicator: str, ahead: int, sentence: str | None
) -> None:
    village = Village("35.10.15.2012", "Kampunganyar", -8.19, 114.3, "Asia/Jakarta", facilities)
    found = refusal(village, indicator, MARCH + timedelta(days=ahead), MARCH)
    assert (found is None) if sentence is None else (found is not None and sentence in found)
    assert is_sensed(village, indicator) == (found is not None and "is sensed" in found)
