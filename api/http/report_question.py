"""Which report a query or a body asks for: its period and its scope."""

from api.http.problems import Refused
from api.reports.period import BadPeriod, Period, parse_dates, parse_period
from siaga.model.scope import NotAScope, Scope, parse_scope

__all__ = ["period_of", "scope_of"]


def period_of(place: str, period: str | None, from_: str | None, to: str | None) -> Period:
    """Returns the period that is asked for. `place`: `query` or `body`, for the sentence.

    Raises:
        Refused: 422, there is none, or it is said twice, or it is not one.
    """
    try:
        if period is not None:
            if from_ is not None or to is not None:
                raise Refused(422, f"{place} period: it comes without from and to; leave one or the other out")
            return parse_period(period)
        if from_ is None and to is None:
            raise Refused(422, f"{place} period: say which, such as 2026-11, or both of from and to")
        if from_ is None or to is None:
            given, missing = ("from", "to") if to is None else ("to", "from")
            raise Refused(422, f"{place} {given}: it comes with {missing}; say both, or a period such as 2026-11")
        return parse_dates(from_, to)
    except BadPeriod as problem:
        raise Refused(422, f"{place} {'from and to' if period is None else 'period'}: {problem}") from None


def scope_of(place: str, text: str) -> Scope:
    """Returns the scope that is asked for.

    Raises:
        Refused: 422, it is none.
    """
    try:
        return parse_scope(text)
    except NotAScope as problem:
        raise Refused(422, f"{place} scope: {text!r} {problem}") from None
