"""What `make kills` counts: it would see an alert that is lost, doubled or dated anew, and two leaders at once."""

import random

from bench.kills.__main__ import KILLS, plan
from bench.kills.claims import Answer, overlaps
from bench.kills.comparison import Told, compare_alerts
from bench.kills.gates import Closure

A, B = "35.10.00.2000", "35.10.00.2001"
CLOSED = [Closure(A, 1_000, 2_000), Closure(A, 5_000, 9_000), Closure(B, 1_000, None)]
TOLD = [Told(A, 1_000, 2_000, 1_500), Told(A, 5_000, 9_000, 5_500), Told(B, 1_000, None, 1_250)]


def test_one_alert_a_closure_with_its_times_is_right() -> None:
    found = compare_alerts(CLOSED, TOLD)
    assert found.agrees
    assert found.delays == (0.25, 0.5, 0.5)


def test_what_is_lost_doubled_unfounded_or_dated_anew_is_seen() -> None:
    assert compare_alerts(CLOSED, TOLD[1:]).lost == (CLOSED[0],)
    assert compare_alerts(CLOSED, [*TOLD, Told(A, 6_000, 9_000, 6_500)]).doubled == (Told(A, 6_000, 9_000, 6_500),)
    assert compare_alerts(CLOSED, [*TOLD, Told(A, 2_000, 3_000, 2_500)]).unfounded == (Told(A, 2_000, 3_000, 2_500),)
    late = Told(A, 5_002, 9_000, 5_500)
    assert compare_alerts(CLOSED, [TOLD[0], late, TOLD[2]]).dated == ((CLOSED[1], late),)


def answers(*said: tuple[float, bool]) -> list[Answer]:
    return [Answer(at, at + 0.1, leads, True) for at, leads in said]


def test_two_that_lead_at_once_are_seen_and_one_after_the_other_are_not() -> None:
    one = answers((0.0, True), (1.0, True), (2.0, False))
    assert overlaps({"one": one, "other": answers((0.5, True))}) == 1
    assert overlaps({"one": one, "other": answers((0.5, False), (1.5, True), (2.5, True))}) == 0
    assert overlaps({"one": one, "other": answers((1.05, True))}) == 0, "it is not sure which was first"


def test_so_many_kills_are_planned_as_are_asked_for_and_every_other_fault_in_between() -> None:
    order = plan(120, ["a", "b", "c"], random.Random(1))
    assert sum(each in KILLS for each in order) == 120
    assert {"a", "b", "c"} <= set(order)
