"""Which alerts an address shows, in which order and groups, and what of it is folded."""

from dataclasses import replace
from datetime import date
from urllib.parse import urlsplit

import pytest

from api.http.problems import Refused
from api.queries.alert_list import ListedAlert
from api.web.alert_filter import AlertFilter, Sort, Stage, stage_of
from api.web.alert_groups import OPEN_ROWS, grouped, in_order
from api.web.asked_alerts import filter_of
from siaga.model.clock import HOUR, MINUTE
from tests.http.district import NOW
from tests.web.kampung import code

ONE = ListedAlert(
    id="a", kind="facility_failed", severity="major", village=code(0), village_name="Kampunganyar",
    timezone="Asia/Jakarta", uplink=None, facility="gerbang", facility_name="Gerbang kantor desa",
    facility_kind="gate", device=None, began_at=NOW - HOUR, raised_at=NOW - HOUR, ended_at=None, cleared_at=None,
    acknowledged_at=None, acknowledged_by=None, assignee=None, snoozed_until=None, cause="gate_open", evidence={},
    revision=1, villages=(code(0),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({}, Stage.NEW),
        ({"acknowledged_at": NOW, "acknowledged_by": "ratih"}, Stage.TAKEN),
        ({"assignee": "ratih"}, Stage.TAKEN),
        ({"snoozed_until": NOW + 1}, Stage.SNOOZED),
        ({"snoozed_until": NOW}, Stage.NEW),
        ({"cleared_at": NOW, "assignee": "ratih"}, Stage.CLEARED),
    ],
)
def test_stages(changes: dict[str, object], stage: Stage) -> None:
    assert stage_of(replace(ONE, **changes), NOW) is stage  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("", True),
        ("village=35.10.15", True),
        (f"village={code(0)}", True),
        ("village=35.10.16", False),
        (f"village={code(7)}", True),
        ("kind=facility_failed", True),
        ("kind=clock_skew", False),
        ("severity=major", True),
        ("severity=critical", False),
        ("state=new", True),
        ("state=taken", False),
        ("mine=1", False),
        ("state=new&since=2026-03-04&until=2026-03-04", True),
        ("state=new&since=2026-03-05", False),
        ("state=new&until=2026-03-03", False),
        ("since=2026-03-04", False),
        ("text=GERBANG+kampung", True),
        ("text=gerbang+pakel", False),
        ("kind=&severity=&state=&text=&village=&sort=severity", True),
    ],
)
def test_an_address_says_which_alerts_are_shown(query: str, fits: bool) -> None:
    shared = replace(ONE, villages=(code(0), code(7)))
    assert filter_of(query).fits(shared, "ratih", NOW) is fits


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("village=35.10.15.xx", "query village: '35.10.15.xx'"),
        ("kind=none", "query kind: 'none' is not one of facility_failed"),
        ("since=2026-02-30", "query since: '2026-02-30' is not a date such as 2026-03-04"),
        ("sort=up", "query sort: 'up' is not one of severity, newest, oldest"),
        ("vilage=35", "query 'vilage': is not a parameter"),
    ],
)
def test_what_an_address_cannot_mean_is_refused(query: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        filter_of(query)


def test_a_filter_survives_its_own_address() -> None:
    days = date(2026, 3, 1), date(2026, 3, 4)
    wanted = AlertFilter(
        "35.10", "clock_skew", "warning", Stage.TAKEN, True, "a b&c", *days, Sort.OLDEST, ("x",), ("z",)
    )
    assert filter_of(urlsplit(wanted.address()).query) == wanted
    assert AlertFilter().address() == "/alerts"


def test_the_worst_and_newest_stand_first() -> None:
    alerts = [
        replace(ONE, id=str(n), severity=severity, raised_at=NOW - age * MINUTE)
        for n, (severity, age) in enumerate([("minor", 1), ("critical", 9), ("major", 3), ("critical", 5)])
    ]
    assert [[alert.id for alert in in_order(alerts, sort)] for sort in Sort] == [
        ["3", "1", "2", "0"],
        ["0", "2", "3", "1"],
        ["1", "3", "2", "0"],
    ]


def test_villages_of_one_uplink_make_one_group_where_several_have_alerts() -> None:
    alerts = [
        replace(ONE, id="1", village=code(1), uplink="odp-1"),
        replace(ONE, id="2", village=code(2), uplink="odp-1"),
        replace(ONE, id="3", village=code(3), uplink="odp-2"),
        replace(ONE, id="4", village=code(3), uplink="odp-2"),
    ]
    groups = grouped(alerts, AlertFilter())
    assert [(group.key, group.uplink, group.villages, len(group.alerts)) for group in groups] == [
        ("uplink:odp-1", "odp-1", 2, 2),
        (code(3), None, 1, 2),
    ]


def test_what_there_is_no_room_for_is_folded_unless_somebody_unfolds_it() -> None:
    alerts = [replace(ONE, id=f"{n:03}", village=code(0 if n < 5 else 1)) for n in range(OPEN_ROWS + 10)]
    folded = {group.key: group.folded for group in grouped(alerts, AlertFilter())}
    assert folded == {code(0): False, code(1): True}
    wanted = filter_of(urlsplit(AlertFilter().toggled(code(1), folded=True)).query)
    wanted = filter_of(urlsplit(wanted.toggled(code(0), folded=False)).query)
    assert {group.key: group.folded for group in grouped(alerts, wanted)} == {code(0): True, code(1): False}
    assert wanted.toggled(code(0), folded=True) == f"/alerts?unfolded={code(1)}&unfolded={code(0)}"
