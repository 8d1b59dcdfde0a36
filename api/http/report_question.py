"""Which report a query or a body asks for: its period and its scope."""

from api.http.problems import Refused
from api.reports.period import BadPeriod, Period
from api.reports.wanted import asked_period, asked_scope
from api.words import Explained
from siaga.model.scope import Scope

__all__ = ["period_of", "scope_of"]


def period_of(place: str, period: str | None, from_: str | None, to: str | None) -> Period:
    """Returns the period that is asked for. `place`: `query` or `body`, for the sentence.

    Raises:
        Refused: 422, as `asked_period`.
    """
    try:
        return asked_period(period, from_, to)
    except BadPeriod as problem:
        where = "period"
        if period is None and (from_ is not None or to is not None):
            where = "from and to" if from_ is not None and to is not None else "to" if from_ is None else "from"
        raise Refused(422, f"{place} {where}: {problem}", sentence=problem.sentence) from None


def scope_of(place: str, text: str) -> Scope:
    """Returns the scope that is asked for.

    Raises:
        Refused: 422, it is none.
    """
    try:
        return asked_scope(text)
    except Explained as problem:
        raise Refused(422, f"{place} scope: {problem}", sentence=problem.sentence) from None
