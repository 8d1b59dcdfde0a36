"""What all chapters say alike: names of villages and regions, numbers, sentences, and when the report was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from api.reports.changed import Change
from api.reports.factors import Factors
from api.reports.numbers import Numbers
from api.reports.office import Office
from api.reports.pdf.facts import Facts, facts
from api.reports.report import Report
from api.words import WORDS
from api.words.formats import without_desa
from siaga.model.intervals import Interval
from siaga.model.local_time import NO_VILLAGES_ZONE, local_moment
from siaga.model.sites import Village

__all__ = ["NAMED", "Context", "Issue"]

NAMED = 5
"""Scopes that are named where the page has little room."""


@dataclass(frozen=True, slots=True)
class Issue:
    """What an issued report is called, and where its page is, `None` without a link of the office.

    `factors`: what people wrote for it, by indicator. `supersedes`: the id of the revision before, and `changes`:
    what differs from it.
    """

    id: str
    revision: int
    link: str | None
    factors: Factors = field(default_factory=dict)
    supersedes: str | None = None
    changes: Sequence[Change] = ()


class Context:
    """One report while its document is put together."""

    def __init__(self, report: Report, office: Office, issue: Issue | None) -> None:
        self.report, self.office, self.issue = report, office, issue
        self.numbers = Numbers(report.language)
        self.say = WORDS[report.language]
        self.facts: Facts = facts(report)
        self.villages: Mapping[str, Village] = {village.code: village for village in report.villages}
        self.names = {one.name: one.facility.name for one in report.facilities}
        self.timezone = next(iter(report.timezones.values()), NO_VILLAGES_ZONE)
        self._days: dict[str, list[Interval]] = {}

    def made_on(self) -> str:
        """Returns the date on which the report was made."""
        made = datetime.fromtimestamp(self.report.generated_at // 1000, UTC).astimezone(ZoneInfo(self.timezone))
        return self.numbers.date(made.date())

    def scope(self, most: int | None = None) -> str:
        """Returns what the report is of; at most so many names, and how many more."""
        if self.report.scopes.everything:
            return self.say("pdf_everything")
        codes = self.report.scopes.texts
        names = [self.village(code) if code in self.villages else self.region(code) for code in codes[:most]]
        if len(codes) > len(names):
            names.append(self.say("pdf_and_more", count=self.numbers.count(len(codes) - len(names))))
        return ", ".join(names) or self.say("pdf_nothing")

    def region(self, code: str) -> str:
        """Returns a region's name with its code."""
        name = self.report.regions.get(code)
        if name is not None:
            return f"{name} ({code})"
        return self.say("pdf_subdistrict" if code.count(".") == 2 else "pdf_region", code=code)

    def village(self, code: str) -> str:
        """Returns a village's name with its code."""
        village = self.villages.get(code)
        return code if village is None else f"{self.say('pdf_village', name=without_desa(village.name))} ({code})"

    def days_of(self, timezone: str) -> list[Interval]:
        """Returns the days of the period by the clock of a time zone, ms."""
        if timezone not in self._days:
            period = self.report.period
            bounds = [local_moment(date, 0, timezone) for date in (*period.dates, period.end)]
            self._days[timezone] = list(pairwise(bounds))
        return self._days[timezone]
