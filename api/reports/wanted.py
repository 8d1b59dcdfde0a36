"""Which period and which scope somebody wants a report of, from what they wrote."""

from api.reports.period import BadPeriod, Period, parse_dates, parse_period
from api.words import Explained, Sentence
from siaga.model.scope import NotAScope, Scope, parse_scope

__all__ = ["asked_period", "asked_scope"]


def asked_period(period: str | None, from_: str | None, to: str | None) -> Period:
    """Returns the period that is asked for.

    Raises:
        BadPeriod: there is none, or it is said twice, or it is not one.
    """
    if period is not None:
        if from_ is not None or to is not None:
            raise BadPeriod(Sentence("asked_twice"))
        return parse_period(period)
    if from_ is None and to is None:
        raise BadPeriod(Sentence("asked_nothing"))
    if from_ is None or to is None:
        raise BadPeriod(Sentence("asked_to_missing" if to is None else "asked_from_missing"))
    return parse_dates(from_, to)


def asked_scope(text: str) -> Scope:
    """Returns the scope that is asked for.

    Raises:
        Explained: it is none.
    """
    try:
        return parse_scope(text)
    except NotAScope:
        raise Explained(Sentence("asked_no_scope", {"value": repr(text[:40])})) from None
