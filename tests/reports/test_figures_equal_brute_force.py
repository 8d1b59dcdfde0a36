"""Every figure of every row, against counting seconds; and the same figures in all forms."""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from api.reports.documents import as_json, row_document
from api.reports.levels import Level
from api.reports.report import Report, build
from api.reports.table import as_csv
from api.words import Language
from siaga.model.indicators import terms
from siaga.model.scope import Scopes
from tests.reports.brute_force import Count, Painted, total
from tests.reports.histories import World, worlds

LEVELS = ("facility", "village_indicator", "village", "subdistrict_indicator", "subdistrict", "district_indicator",
          "district", "indicator", "all")  # fmt: skip


def reported(world: World, scope: str = "*") -> Report:
    return build(world.source, world.period, Scopes.of([scope]), Language.ID, world.now * 1000)


def ids(name: str, kind: str) -> Mapping[str, tuple[str, str | None]]:
    """The row of each level to which a facility belongs."""
    village = name.partition("/")[0]
    return {
        "facility": (name, kind),
        "village_indicator": (village, kind),
        "village": (village, None),
        "subdistrict_indicator": (village[:8], kind),
        "subdistrict": (village[:8], None),
        "district_indicator": (village[:5], kind),
        "district": (village[:5], None),
        "indicator": ("*", kind),
        "all": ("*", None),
    }


def expected(world: World) -> dict[tuple[str, str, str | None], list[tuple[Painted, Count]]]:
    """The facilities of each row, counted."""
    found = defaultdict(list)
    for name, (life, counted) in world.counts().items():
        for level, (id_, kind) in ids(name, life.facility.kind).items():
            found[level, id_, kind].append((life, counted))
    return found


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def document(members: list[tuple[Painted, Count]], kind: str | None) -> dict[str, object]:
    """What the JSON of a row has to say, beside its names."""
    counted = total([one for _, one in members])
    required = counted.met + counted.failed + counted.unknown
    counts = required - counted.excused
    targets = {str(held.target) for life, _ in members if (held := terms(life.facility)) is not None}
    target = Fraction(targets.pop()) if kind is not None and len(targets) == 1 else None
    budget = None if target is None else (1 - target) * counts
    return {
        "facilities": counted.facilities,
        "required_s": required,
        "met_s": counted.met,
        "failed_s": counted.failed,
        "unknown_s": counted.unknown,
        "excused_s": counted.excused,
        "excused_later_s": counted.later,
        "availability_low": share(counted.met, counts),
        "availability_high": share(counted.met + counted.unknown_open, counts),
        "coverage": share(counted.met + counted.failed, required),
        "measured": share(counted.met, required),
        "outages": counted.outages,
        "longest_outage_s": counted.longest if counted.outages else None,
        "mttr_s": sum(counted.repaired) / len(counted.repaired) if counted.repaired else None,
        "mtbf_s": counted.met / counted.outages if counted.outages else None,
        "days": counted.days,
        "causes": counted.causes,
        "target": None if target is None else float(target),
        "budget_s": None if budget is None else float(budget),
        "left_s": None if budget is None else float(budget - counted.failed_open),
    }


@given(worlds())
@settings(max_examples=40)
def test_each_figure_equals_a_count_of_seconds(world: World) -> None:
    report = reported(world)
    wanted = expected(world)
    rows = {(row.level.value, row.id, row.kind): row_document(row) for row in report.rows}
    assert rows.keys() == wanted.keys()
    for key, members in wanted.items():
        row = rows[key]
        shown = {name: value for name, value in row.items() if name not in ("level", "id", "name", "kind")}
        assert shown == document(members, key[2]), key
    shown_outages = sum(counted.outages for _, counted in world.counts().values())
    assert len(report.outages) == shown_outages
    days = [counted.days["provisional"] for _, counted in world.counts().values()]
    if any(days):
        assert report.provisional


@given(worlds(("2026-W45", "2026-11-05")), st.data())
@settings(max_examples=15)
def test_a_row_is_the_same_however_it_was_asked_for(world: World, data: st.DataObject) -> None:
    """A narrower scope has the rows that are not wider than itself, each as it is among all."""
    whole = {(row.level, row.id, row.kind): row_document(row) for row in reported(world).rows}
    code = data.draw(st.sampled_from([life.village.code for life in world.lives]))
    widest = {2: Level.DISTRICT, 5: Level.DISTRICT, 8: Level.SUBDISTRICT, 13: Level.VILLAGE}
    for length, level in widest.items():
        scope = code[:length]
        report = reported(world, scope)
        narrow = {(row.level, row.id, row.kind): row_document(row) for row in report.rows}
        allowed = LEVELS[: LEVELS.index(level) + 1]
        assert narrow == {
            key: row
            for key, row in whole.items()
            if key[0] in allowed and (key[1] == scope or key[1].startswith((f"{scope}.", f"{scope}/")))
        }, scope


@given(worlds())
@settings(max_examples=15)
def test_the_parts_add_up_to_the_whole_in_every_form(world: World) -> None:
    report = reported(world)
    told = orjson.loads(as_json(report))["rows"]
    lines = list(csv.DictReader(io.StringIO(as_csv(report).decode(), newline="")))
    assert [(line["level"], line["id"], line["kind"] or None) for line in lines] == [
        (row["level"], row["id"], row["kind"]) for row in told
    ]
    for figure in ("required_s", "met_s", "failed_s", "unknown_s", "excused_s", "excused_later_s"):
        for rows in (told, lines):
            sums = {level: sum(float(row[figure]) for row in rows if row["level"] == level) for level in LEVELS}
            assert len(set(sums.values())) == 1, (figure, sums)
