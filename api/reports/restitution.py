"""Restitution: what a provider pays back of a month's price for downtime, by the formula of a contract.

The office's form names the formula and the prices. Pure: amounts are exact until they are cut to whole ones.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.reports.formula import BadFormula, parse_formula
from siaga.model.durations import NotADuration, parse_duration
from siaga.model.indicators import INDICATORS
from siaga.model.intervals import Interval

__all__ = ["Restitution", "counted_downtime", "restitution"]


def _formula(text: str) -> str:
    try:
        parse_formula(text)
    except BadFormula as problem:
        raise ValueError(str(problem)) from None
    return text


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except NotADuration as problem:
        raise ValueError(str(problem)) from None
    return text


def _kinds(prices: dict[str, int]) -> dict[str, int]:
    for kind in prices:
        if kind not in INDICATORS:
            raise ValueError(f"names {kind[:40]!r}, which is no kind; there are {', '.join(INDICATORS)}")
    return prices


Price = Annotated[int, Field(ge=0, le=10**12)]


class Restitution(BaseModel):
    """What a contract says.

    In `formula`, X is the downtime that counts and Z the time that counts of the month, both in hours, and Y is the
    month's price. `prices`: Y by kind of facility, in whole rupiah. `over`: an outage counts, whole, where it lasted
    longer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    formula: Annotated[str, AfterValidator(_formula)]
    prices: Annotated[dict[str, Price], AfterValidator(_kinds)]
    over: Annotated[str, AfterValidator(_duration)] = "0s"

    @property
    def over_ms(self) -> int:
        """`over` in milliseconds."""
        return parse_duration(self.over)


def counted_downtime(failed: Iterable[Interval], window: Interval, over: int) -> int:
    """Returns the downtime of a window that counts, ms: of failures that lasted longer than `over` (ms) as a whole.

    `failed`: failures without a break, not excused, whole (`failed_runs`). What of one lies outside the window is
    counted in another month.
    """
    start, end = window
    return sum(max(0, min(run[1], end) - max(run[0], start)) for run in failed if run[1] - run[0] > over)


def restitution(contract: Restitution, kind: str, downtime: int, counted: int) -> int | None:
    """Returns what is paid back for one facility and month, in whole rupiah, cut; never less than nothing.

    Args:
        contract: formula and prices.
        kind: of the facility.
        downtime: X, ms, as `counted_downtime` says.
        counted: Z, ms: what the month requires and is not excused.

    `None`: the contract has no price for the kind, or the formula divides by nothing.
    """
    price = contract.prices.get(kind)
    if price is None:
        return None
    amount = parse_formula(contract.formula).value(_hours(downtime), Fraction(price), _hours(counted))
    return None if amount is None else max(0, int(amount))


def _hours(milliseconds: int) -> Fraction:
    return Fraction(milliseconds, 3_600_000)
