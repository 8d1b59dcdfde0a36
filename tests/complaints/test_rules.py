"""Limits, ids, and stamps of forms: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.complaints.problems import OTHER, PICTOGRAMS, PROBLEMS
from api.complaints.rules import (
    Counts,
    Limit,
    Stamp,
    WrongStamp,
    limit_reached,
    plain_id,
    read_stamp,
    same_note,
    shown_id,
    stamped,
)
from siaga.model.clock import DAY, HOUR, SECOND
from siaga.model.indicators import INDICATORS, POWER

NOW = 1_772_600_400_000
GATE = "35.10.15.2012/gerbang"
TODAY, YESTERDAY = "a secret of today", "a secret of yesterday"


@pytest.mark.parametrize(
    ("counts", "limit"),
    [
        pytest.param(Counts(), None, id="nobody complained"),
        pytest.param(Counts(9, 9, 9), None, id="there is room for one"),
        pytest.param(Counts(10, 10, 10), Limit.SENDER_HERE, id="one address at one facility"),
        pytest.param(Counts(0, 29, 5), None, id="one address at several, room for one"),
        pytest.param(Counts(0, 30, 5), Limit.SENDER, id="one address at several"),
        pytest.param(Counts(0, 0, 59), None, id="many addresses at one, room for one"),
        pytest.param(Counts(0, 0, 60), Limit.FACILITY, id="many addresses at one"),
    ],
)
def test_what_lets_no_further_complaint_in(counts: Counts, limit: Limit | None) -> None:
    assert limit_reached(counts) is limit


@pytest.mark.parametrize(
    ("age", "found"),
    [
        pytest.param(0, WrongStamp.SOON, id="at once"),
        pytest.param(2 * SECOND - 1, WrongStamp.SOON, id="a robot's"),
        pytest.param(2 * SECOND, None, id="a quick person's"),
        pytest.param(DAY - 1, None, id="open since yesterday"),
        pytest.param(DAY, WrongStamp.OLD, id="too old"),
        pytest.param(-HOUR, WrongStamp.SOON, id="from the future"),
    ],
)
def test_a_form_takes_a_person_some_time(age: int, found: WrongStamp | None) -> None:
    stamp = Stamp(NOW - age, "draft")
    text = stamped(YESTERDAY, GATE, stamp)
    assert read_stamp([TODAY, YESTERDAY], text, GATE, NOW) == (found or stamp)


@given(st.text(max_size=80), st.text(max_size=40))
def test_no_text_is_a_stamp_that_was_not_made_here(text: str, facility: str) -> None:
    assert read_stamp([TODAY], text, facility, NOW) is WrongStamp.FOREIGN


@pytest.mark.parametrize("place", ["35.10.15.2012/lampu", "35.10.15.2013/gerbang", ""])
def test_a_stamp_is_of_its_facility_alone(place: str) -> None:
    text = stamped(TODAY, GATE, Stamp(NOW - HOUR, "draft"))
    assert read_stamp([TODAY], text, place, NOW) is WrongStamp.FOREIGN
    assert read_stamp([YESTERDAY], text, GATE, NOW) is WrongStamp.FOREIGN
    assert read_stamp([TODAY], text.replace("draft", "other"), GATE, NOW) is WrongStamp.FOREIGN


def test_notes_are_the_same_whatever_their_spaces_and_capitals() -> None:
    assert same_note("  Gerbang  TUTUP\n", "gerbang tutup")
    assert not same_note("gerbang tutup", "gerbang tutup lagi")


def test_an_id_is_read_as_it_is_shown() -> None:
    assert shown_id("k7w29fqh3mzt") == "k7w2-9fqh-3mzt"
    assert plain_id(" K7W2-9fqh 3mzt") == "k7w29fqh3mzt"


def test_every_kind_has_problems_with_pictograms_and_ends_with_another() -> None:
    assert set(PROBLEMS) == {*INDICATORS, POWER}
    for kind, problems in PROBLEMS.items():
        names = [one.name for one in problems]
        assert problems[-1] is OTHER
        assert len(set(names)) == len(names) >= 3, kind
        assert {one.pictogram for one in problems} <= set(PICTOGRAMS)
