"""Who is told of an alert: the truth table of the rules, and of hours by the village's clock and sun."""

from dataclasses import replace

import pytest

from api.notifications.book import Book, Outside, Person, Recipient, Rule, Step
from api.notifications.facts import Facts
from api.notifications.rules import Match, applies, who_is_told
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.timeline.schedule import parse_schedule
from tests.notifications.desk import NOON, village

ALERT = Facts(
    "a1", "facility_failed", "major", "35.10.17.2004", "gerbang", None, NOON - HOUR, NOON, None, None, None, None,
    "gate_open", {},
)  # fmt: skip
RULE = Rule("r", ("ratih",))
EIGHT = NOON + 8 * HOUR  # in the evening
DAYTIME = parse_schedule(("Mon-Sun 07:00-17:00",))
NIGHT = parse_schedule("night")
OFFICE = parse_schedule("office")
WAIT = Outside.WAIT


@pytest.mark.parametrize(
    ("rule", "now", "expected"),
    [
        pytest.param(RULE, NOON, Match("at any time", NOON), id="no restriction: everything"),
        pytest.param(
            replace(RULE, villages=("35.10.17.2004",)), NOON, Match("at any time", NOON), id="its village by code"
        ),
        pytest.param(replace(RULE, villages=("35.10.*",)), NOON, Match("at any time", NOON), id="all of its regency"),
        pytest.param(
            replace(RULE, villages=("35.10.17.2005", "36.*")), NOON, Match("other villages", None), id="other villages"
        ),
        pytest.param(
            replace(RULE, villages=("35.10.17.20",)), NOON, Match("other villages", None), id="half a code is no code"
        ),
        pytest.param(
            replace(RULE, kinds=frozenset({"device_silent"})), NOON, Match("other kinds", None), id="another kind"
        ),
        pytest.param(
            replace(RULE, severities=frozenset({"critical"})), NOON, Match("other severities", None), id="too mild"
        ),
        pytest.param(
            replace(RULE, kinds=frozenset({"facility_failed"}), severities=frozenset({"major", "critical"})),
            NOON,
            Match("at any time", NOON),
            id="one of its kinds and severities",
        ),
        pytest.param(
            replace(RULE, hours=DAYTIME), NOON, Match("within its hours", NOON), id="by day, its hours are by day"
        ),
        pytest.param(
            replace(RULE, hours=DAYTIME), EIGHT, Match("outside its hours", None), id="by night, its hours are by day"
        ),
        pytest.param(
            replace(RULE, hours=DAYTIME, outside=WAIT),
            EIGHT,
            Match("waits for its hours", NOON + 19 * HOUR),
            id="by night, it waits for seven in the morning",
        ),
        pytest.param(
            replace(RULE, hours=DAYTIME),
            NOON - 5 * HOUR,
            Match("within its hours", NOON - 5 * HOUR),
            id="as they begin",
        ),
        pytest.param(
            replace(RULE, hours=DAYTIME), NOON + 5 * HOUR, Match("outside its hours", None), id="as they end: half-open"
        ),
        pytest.param(
            replace(RULE, hours=DAYTIME),
            NOON + 5 * HOUR - 1,
            Match("within its hours", NOON + 5 * HOUR - 1),
            id="a moment before they end",
        ),
        pytest.param(replace(RULE, hours=NIGHT), NOON, Match("outside its hours", None), id="the night guard at noon"),
        pytest.param(
            replace(RULE, hours=NIGHT), EIGHT, Match("within its hours", EIGHT), id="the night guard at eight"
        ),
        pytest.param(
            replace(RULE, hours=OFFICE, outside=WAIT),
            NOON + 3 * DAY,
            Match("waits for its hours", NOON + 5 * DAY - 4 * HOUR),
            id="on Saturday the office waits for Monday at eight",
        ),
        pytest.param(
            replace(RULE, hours=DAYTIME, kinds=frozenset({"clock_skew"}), outside=WAIT),
            EIGHT,
            Match("other kinds", None),
            id="another kind does not wait",
        ),
    ],
)
def test_whether_a_rule_is_for_an_alert(rule: Rule, now: int, expected: Match) -> None:
    assert applies(rule, ALERT, village(), now) == expected


def people(*names: str) -> dict[str, Person]:
    return {name: Person(name, "id", {"web": f"json://{name}", "sms": f"json://{name}/sms"}) for name in names}


def test_the_earliest_of_several_rules_tells_a_person_once_by_each_channel() -> None:
    morning = Rule("pagi", ("ratih",), hours=DAYTIME, outside=WAIT)
    grave = Rule("gawat", ("piket",), severities=frozenset({"major"}), by=frozenset({"sms"}))
    book = Book(people("ratih", "joko"), {"piket": ("ratih", "joko")}, (morning, grave))
    duty = who_is_told(book, ALERT, [village()], EIGHT)
    assert duty.told == {
        Recipient("ratih", "web"): (NOON + 19 * HOUR, "pagi: waits for its hours"),
        Recipient("ratih", "sms"): (EIGHT, "gawat: at any time"),
        Recipient("joko", "sms"): (EIGHT, "gawat: at any time"),
    }
    assert duty.reasons == {"pagi": "waits for its hours", "gawat": "at any time"}


def test_the_time_to_acknowledge_counts_from_when_people_may_be_told() -> None:
    rule = Rule("pagi", ("ratih",), hours=DAYTIME, outside=WAIT, escalate=(Step(15 * MINUTE, ("joko",)),))
    duty = who_is_told(Book(people("ratih", "joko"), {}, (rule,)), ALERT, [village()], EIGHT)
    assert [(deadline.step, deadline.due) for deadline in duty.deadlines] == [(1, NOON + 19 * HOUR + 15 * MINUTE)]


def test_a_rule_that_is_not_for_an_alert_escalates_nothing() -> None:
    rule = Rule("siang", ("ratih",), hours=DAYTIME, escalate=(Step(15 * MINUTE, ("joko",)),))
    duty = who_is_told(Book(people("ratih", "joko"), {}, (rule,)), ALERT, [village()], EIGHT)
    assert (duty.told, duty.deadlines, duty.reasons) == ({}, [], {"siang": "outside its hours"})


def test_a_snoozed_alert_is_told_when_the_snooze_is_over() -> None:
    book = Book(people("ratih"), {}, (RULE,))
    duty = who_is_told(book, replace(ALERT, snoozed_until=NOON + HOUR), [village()], NOON)
    assert {due for due, _ in duty.told.values()} == {NOON + HOUR}


def test_a_rule_for_any_village_of_a_shared_outage_is_for_the_alert() -> None:
    rule = Rule("tamansari", ("joko",), villages=("35.10.17.2005",), hours=DAYTIME)
    both = [village(), village("35.10.17.2005", "Tamansari")]
    duty = who_is_told(Book(people("joko"), {}, (rule,)), ALERT, both, NOON)
    assert {due for due, _ in duty.told.values()} == {NOON}
    assert who_is_told(Book(people("joko"), {}, (rule,)), ALERT, both[:1], NOON).told == {}
