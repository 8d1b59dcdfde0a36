"""What differs between two revisions, and why: one line a case."""

import pytest

from api.issued.compare import Done, Ground, changes
from api.reports.changed import Value

GATE = "35.10.15.2012/gerbang"
ROW: dict[str, object] = {
    "level": "facility", "id": GATE, "name": "Gerbang", "kind": "gate", "facilities": 1, "required_s": 100,
    "met_s": 90, "failed_s": 10, "unknown_s": 0, "excused_s": 0, "availability_low": 0.9, "outages": 1, "mttr_s": None,
    "days": {"met": 3, "missed": 1, "provisional": 4}, "causes": {"failed": {"gate_open": 10}, "unknown": {}},
}  # fmt: skip
LATE, DECLARED, WITHDRAWN, SITES, _ = Ground
Found = list[tuple[str, Value, Value, str]]


NOTHING = Done()


def within(*grounds: Ground) -> Done:
    return Done(frozenset(grounds))


def differing(after: dict[str, object], done: Done = NOTHING, before: dict[str, object] = ROW) -> Found:
    assert before is ROW or after
    found = changes([before] if before else [], [after] if after else [], lambda *_: done)
    assert {(change.village, change.facility) for change in found} <= {("35.10.15.2012", "gerbang")}
    return [(change.figure, change.before, change.after, change.why) for change in found]


@pytest.mark.parametrize(
    ("after", "done", "found"),
    [
        pytest.param({}, NOTHING, [], id="nothing"),
        pytest.param({"name": "Gapura", "kind": "gate"}, NOTHING, [], id="a name is no figure"),
        pytest.param(
            {"days": {"met": 3, "missed": 1, "provisional": 0}}, NOTHING, [], id="nor is what may still change"
        ),
        pytest.param(
            {"met_s": 95, "failed_s": 5, "availability_low": 0.95, "outages": 0},
            NOTHING,
            [
                ("met_s", 90, 95, "late_data"),
                ("failed_s", 10, 5, "late_data"),
                ("availability_low", 0.9, 0.95, "late_data"),
                ("outages", 1, 0, "late_data"),
            ],
            id="late data",
        ),
        pytest.param(
            {"excused_s": 10, "availability_low": 1, "causes": {"failed": {}, "unknown": {}}},
            within(DECLARED),
            [
                ("excused_s", 0, 10, "maintenance_declared"),
                ("availability_low", 0.9, 1, "maintenance_declared"),
                ("causes.failed.gate_open", 10, None, "maintenance_declared"),
            ],
            id="maintenance that was declared",
        ),
        pytest.param(
            {"excused_s": 4}, within(WITHDRAWN), [("excused_s", 0, 4, "maintenance_withdrawn")], id="taken back"
        ),
        pytest.param({"excused_s": 4}, NOTHING, [("excused_s", 0, 4, "late_data")], id="no mains, as was heard late"),
        pytest.param(
            {"met_s": 80, "unknown_s": 10, "excused_s": 5},
            within(DECLARED),
            [
                ("met_s", 90, 80, "late_data"),
                ("unknown_s", 0, 10, "late_data"),
                ("excused_s", 0, 5, "late_data,maintenance_declared"),
            ],
            id="both: what was measured rests on no excuse",
        ),
        pytest.param(
            {"causes": {"failed": {"gate_open": 4, "device_silent": 6}, "unknown": {}}, "outages": 2},
            within(DECLARED, WITHDRAWN),
            [
                ("outages", 1, 2, "late_data"),
                ("causes.failed.gate_open", 10, 4, "late_data"),
                ("causes.failed.device_silent", None, 6, "late_data"),
            ],
            id="maintenance that excused not a second more was counted before",
        ),
        pytest.param(
            {"outages": 0, "mttr_s": 7, "excused_s": 4},
            Done(around=frozenset({DECLARED})),
            [
                ("excused_s", 0, 4, "late_data"),
                ("outages", 1, 0, "maintenance_declared"),
                ("mttr_s", None, 7, "maintenance_declared"),
            ],
            id="maintenance outside of the period cut a failure that reaches into it",
        ),
        pytest.param(
            {"met_s": 80},
            Done(listed=True, certainly=False),
            [("met_s", 90, 80, "late_data,sites_file")],
            id="another entry in the sites file, which the earlier revision may have known",
        ),
        pytest.param(
            {"met_s": 80}, Done(listed=True), [("met_s", 90, 80, "sites_file")], id="another entry in the sites file"
        ),
    ],
)
def test_the_figures_that_differ(after: dict[str, object], done: Done, found: Found) -> None:
    assert differing(ROW | after, done) == found


def test_a_facility_that_came_or_went_differs_in_all_figures() -> None:
    gone = differing({}, Done(listed=True))
    came = differing(ROW, before={})
    assert ("facilities", 1, None, "sites_file") in gone
    assert ("facilities", None, 1, "late_data") in came
    assert len(gone) == len(came) == 11


def test_sums_are_not_told_beside_what_they_are_sums_of() -> None:
    whole = ROW | {"level": "all", "id": "*"}
    assert changes([ROW, whole], [ROW, whole | {"met_s": 0}], lambda *_: NOTHING) == []
