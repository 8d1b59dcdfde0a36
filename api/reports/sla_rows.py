"""The SLA of a month, facility by facility and by indicator: budgets, burn rates, restitution. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from api.reports.facility import JudgedFacility
from api.reports.period import Unit
from api.reports.report import Report
from api.reports.restitution import Restitution, counted_downtime, restitution
from api.reports.sla import MonthBudget, month_budget
from siaga.model.indicators import INDICATORS
from siaga.timeline.spans import Span
from siaga.timeline.verdict import failed_runs, still_required

__all__ = ["KindSla", "Sla", "by_kind", "month_slas"]


@dataclass(frozen=True, slots=True)
class Sla:
    """One facility's month. `downtime`: X of the contract, ms; `repaid`: in whole rupiah, `None` without a price."""

    one: JudgedFacility
    budget: MonthBudget
    downtime: int | None = None
    repaid: int | None = None


@dataclass(frozen=True, slots=True)
class KindSla:
    """The facilities of one indicator: sums. `budget`: where they share one target."""

    kind: str
    facilities: int
    budget: MonthBudget | None
    repaid: int | None


def month_slas(report: Report, contract: Restitution | None) -> list[Sla]:
    """Returns the SLA of each facility, for a report of a month; of another period there is none."""
    if report.period.unit is not Unit.MONTH:
        return []
    return [_of(report, one, contract) for one in report.facilities]


def _of(report: Report, one: JudgedFacility, contract: Restitution | None) -> Sla:
    window = report.period.window(one.village.timezone)
    now = report.cut
    to_come = still_required(one.village, one.held_to, window, now) if now < window[1] else 0
    budget = month_budget(one.figures.availability, to_come, Fraction(str(one.held_to.target)))
    if contract is None or one.facility.kind not in contract.prices:
        return Sla(one, budget)
    past = max(window[0], one.since), min(window[1], now)
    downtime = counted_downtime(failed_runs(_until(one.history.spans, now)), past, contract.over_ms)
    return Sla(one, budget, downtime, restitution(contract, one.facility.kind, downtime, budget.counted))


def _until(spans: Sequence[Span], now: int) -> Iterator[Span]:
    for span in spans:
        if span.start < now:
            end = min(span.end, now)
            yield Span(span.start, end, span.state, span.cause, span.excused, span.excused_later)


def by_kind(slas: Sequence[Sla]) -> list[KindSla]:
    """Returns the sums by indicator, in the order of the programme."""
    members: dict[str, list[Sla]] = {}
    for one in slas:
        members.setdefault(one.one.facility.kind, []).append(one)
    return [_kind(kind, members[kind]) for kind in sorted(members, key=lambda kind: INDICATORS[kind].number)]


def _kind(kind: str, members: Sequence[Sla]) -> KindSla:
    budgets = [one.budget for one in members]
    targets = {one.target for one in budgets}
    shared = None
    if len(targets) == 1:
        shared = MonthBudget(
            targets.pop(),
            sum(one.counted for one in budgets),
            sum(one.passed for one in budgets),
            sum(one.used for one in budgets),
        )
    repaid = [one.repaid for one in members if one.repaid is not None]
    return KindSla(kind, len(members), shared, sum(repaid) if repaid else None)
