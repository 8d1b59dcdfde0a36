"""What siaga answers about days and availability while a run goes on, and whether revisions tell of what changed."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from typing import cast

from sqlalchemy.exc import DBAPIError

from api.http.availability import list_availability
from api.http.days import DayDocument, list_days
from api.http.seen import FacilityChoice
from api.http.services import Services
from siaga.database.registry import Registry
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.indicators import terms
from siaga.model.local_time import local_date
from siaga.model.readiness import UnreadPast
from siaga.model.scope import Scopes
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import measure
from siaga.timeline.span_algebra import FOREVER, cut
from siaga.timeline.spans import Span
from siaga.timeline.verdict import judge_day, local_day, still_required
from tests.simulation.checks import Checks

__all__ = ["Answers"]

ASKS_EVERY = 5 * HOUR + 7 * MINUTE
"""Between two looks at the days: at all hours in turn."""

Figures = tuple[str, float, float, float]
"""Verdict, seconds failed, unknown, and of the longest failure."""


@dataclass
class Answers:
    """Asks as a client does, through the API's own functions."""

    checks: Checks
    _known: dict[tuple[str, date], tuple[Village, bool, DayDocument]] = field(default_factory=dict)
    """What each day of each facility came to at the last look, by which village, and whether it was over."""

    def watch(self) -> None:
        """Look at the days now and then, as long as the run goes on."""
        kernel = self.checks.system.kernel
        self.look()
        kernel.after(ASKS_EVERY, self.watch)

    def look(self) -> None:
        """A day that was over and comes to something else was corrected: its revision grew. It never shrinks."""
        system = self.checks.system
        now = system.centre_clock.now()
        try:
            found = {village.code: self._days(village, now) for village in system.villages}
        except DBAPIError:
            return  # the database is away
        for village in system.villages:
            for day in found[village.code]:
                key, over = (day.id, day.date), local_day(village, day.date)[1] <= now
                before = self._known.get(key)
                if before is not None:
                    self._compare(village, *before, day)
                self._known[key] = (village, over, day)

    def _compare(self, village: Village, of: Village, over: bool, before: DayDocument, day: DayDocument) -> None:
        if day.revision < before.revision:
            self.checks.fail(f"{day.id} of {day.date}: revision {before.revision} became {day.revision}")
        told = of == village and over and before.verdict != "not_required"
        # The longest failure is left out: it grows as long as it runs, and the verdict with it
        sums = (float(before.failed_s), float(before.unknown_s)), (float(day.failed_s), float(day.unknown_s))
        if told and sums[0] != sums[1] and day.revision == before.revision:
            self.checks.fail(f"{day.id} of {day.date}: {_figures(before)} became {_figures(day)} without a revision")

    def _days(self, village: Village, now: int) -> list[DayDocument]:
        begin = local_date(self.checks.system.options.begin - DAY, village.timezone)
        last = local_date(now, village.timezone) + timedelta(days=1)
        asked = FacilityChoice(Scopes.of([village.code]))
        page = list_days(self._services(), asked, begin.isoformat(), last.isoformat(), 1_000)
        return list(page.items)

    def _services(self) -> Services:
        """As much of the services as these questions need."""
        system = self.checks.system
        system.nobody_runs()
        here = SimpleNamespace(
            engine=system.database,
            registry=Registry(system.database),
            clock=system.centre_clock,
            past=UnreadPast,  # it is asked when all is read
        )
        return cast("Services", here)

    def differences(self, village: Village, facility: Facility, spans: list[Span]) -> list[str]:
        """Where the answers about a facility are not those that follow from its true spans, in sentences."""
        now, held_to = self.checks.system.centre_clock.now(), terms(facility)
        assert held_to is not None
        name, true = f"{village.code}/{facility.id}", cut(spans, -FOREVER, now)
        wrong = []
        for day in self._days(village, now):
            if day.id == name:
                interval = local_day(village, day.date)
                judged = judge_day(true, interval, held_to, still_required(village, held_to, interval, now))
                expected = (str(judged.verdict), *(x / 1000 for x in (judged.failed, judged.unknown)))
                if _figures(day) != (*expected, judged.longest_failure / 1000):
                    wrong.append(f"{name} of {day.date} comes to {_figures(day)} where the truth is {expected}")
        asked = FacilityChoice(Scopes.of([village.code]), facility.id)
        found = list_availability(self._services(), asked).items[0]
        measured = measure(true, (now - DAY, now))
        told = (found.required_s, found.met_s, found.failed_s, found.unknown_s, found.excused_s)
        parts = (measured.required, measured.met, measured.failed, measured.unknown, measured.excused)
        if [round(seconds * 1000) for seconds in told] != list(parts):
            wrong.append(f"the availability of {name} is {told} where the truth is {measured}")
        return wrong


def _figures(day: DayDocument) -> Figures:
    return str(day.verdict), float(day.failed_s), float(day.unknown_s), float(day.longest_failure_s)
