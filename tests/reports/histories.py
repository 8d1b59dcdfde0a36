"""Random districts: villages in three time zones, facilities that came at some time, and what became of them."""

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st

from api.reports.period import Period, parse_period
from api.reports.source import FacilityHistory, Source, VillageHistory
from siaga.model.indicators import INDICATORS, terms
from siaga.model.sites import Facility, Village
from tests.reports.brute_force import (
    DAY,
    EXCUSED,
    LATER,
    OFFSETS,
    SHUT,
    SILENT,
    UNKNOWN,
    Count,
    Painted,
    count,
    local_midnight,
    paint,
)

PERIODS = (
    "2024-02", "2024-02-29", "2026-02-28", "2026-11", "2026-W01", "2020-W53", "2026-W53", "2026-12-31", "2026-01",
    "2026-W45", "2026-11-05",
)  # fmt: skip
"""Month ends, leap days, weeks of two years."""
CODES = ("35.10.15.2012", "35.10.15.2013", "35.10.16.2001", "35.11.01.2001", "52.01.01.2001", "91.01.01.2001")
TIMEZONES = tuple(OFFSETS)
SCHEDULES: tuple[str | tuple[str, ...], ...] = ("24h", "office", ("Mon-Sat 18:00-06:00",))


@dataclass
class World:
    """A district's lives, and the report's source made of them."""

    period: Period
    now: int
    lives: list[Painted]
    heard: dict[str, int | None]

    @property
    def source(self) -> Source:
        """What the read side would hand over: whole lives, more than a report needs."""
        villages: dict[str, VillageHistory] = {}
        for life in self.lives:
            code = life.village.code
            spans = life.spans
            history = FacilityHistory(life.facility, spans, spans[0].start if spans else None)
            before = villages.get(code)
            others = before.facilities if before is not None else ()
            heard = self.heard[code]
            villages[code] = VillageHistory(life.village, (*others, history), None if heard is None else heard * 1000)
        return Source(list(villages.values()))

    def counts(self) -> dict[str, tuple[Painted, Count]]:
        """The brute force's answer for each facility that has one."""
        found = {}
        for life in self.lives:
            held_to = terms(life.facility)
            assert held_to is not None
            counted = count(
                life,
                self.period.start,
                self.period.end,
                held_to.grace // 1000,
                str(held_to.target),
                self.heard[life.village.code],
            )
            if counted is not None:
                found[f"{life.village.code}/{life.facility.id}"] = (life, counted)
        return found


@st.composite
def worlds(draw: st.DrawFn, periods: tuple[str, ...] = PERIODS) -> World:
    period = parse_period(draw(st.sampled_from(periods)))
    start = local_midnight(period.start, "Asia/Jayapura") - 2 * DAY
    end = local_midnight(period.end, "Asia/Jakarta") + 2 * DAY
    # Often while it runs, often long after
    now = draw(st.one_of(st.integers(start + 2 * DAY, end), st.just(end - 1), st.just(end - 2 * DAY)))
    lives, heard = [], {}
    for code in draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True)):
        holidays = frozenset(draw(st.lists(st.sampled_from(period.dates), max_size=2)))
        timezone = draw(st.sampled_from(TIMEZONES))
        village = Village(code, f"Desa {code[-4:]}", -8.2, 114.3, timezone, holidays=holidays)
        heard[code] = draw(st.one_of(st.none(), st.integers(start, end)))
        count_here = draw(st.integers(1, 3))
        lives += [_life(draw, village, number, period, (start, end), now) for number in range(count_here)]
        together = tuple(life.facility for life in lives if life.village.code == code)
        lives = [
            replace(life, village=replace(village, facilities=together)) if life.village.code == code else life
            for life in lives
        ]
    return World(period, now, lives, heard)


def _life(
    draw: st.DrawFn, village: Village, number: int, period: Period, horizon: tuple[int, int], now: int
) -> Painted:
    since = draw(st.one_of(st.none(), st.sampled_from([period.start - timedelta(days=3), *period.dates])))
    facility = Facility(
        f"f-{number}",
        draw(st.sampled_from([kind for kind, indicator in INDICATORS.items() if indicator.sensed is not None])),
        f"Fasilitas {number}",
        since=since,
        grace=draw(st.sampled_from([None, 0, 60_000, 3_600_000])),
        target=draw(st.sampled_from([None, 0.9, 0.995, 1.0])),
        schedule=draw(st.sampled_from(SCHEDULES)),
    )
    begins = draw(st.integers(horizon[0], horizon[1]))
    if since is not None:
        begins = max(horizon[0], local_midnight(since, village.timezone))
    times = st.integers(horizon[0], horizon[1])
    lengths = st.one_of(st.integers(1, 400), st.integers(1, 2 * DAY))
    happenings = draw(st.lists(st.tuples(times, lengths, st.sampled_from([SHUT, SILENT, UNKNOWN])), max_size=8))
    # Failures that share an edge are one, whatever their causes
    happenings += [(at + length, draw(lengths), SILENT) for at, length, _ in happenings[:2]]
    # Some stand at a midnight, with a cause of its own on each side; some last as long as a grace
    midnight = local_midnight(draw(st.sampled_from(period.dates)), village.timezone)
    early, late = draw(st.integers(0, 300)), draw(st.integers(1, 300))
    happenings += [(midnight - early, early, SHUT), (midnight, late, SILENT)]
    happenings.append((draw(times), draw(st.sampled_from([60, 61, 300, 301, 3_600])), SHUT))
    excuses = draw(st.lists(st.tuples(times, lengths, st.sampled_from([EXCUSED, LATER])), max_size=3))
    return paint(village, facility, horizon, now, begins, happenings, excuses)
