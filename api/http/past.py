"""While the past cannot be read from the telemetry store, a call that would tell of it says so."""

from collections.abc import Iterable
from dataclasses import replace

from api.http.moments import moment
from api.http.problems import Refused
from api.http.services import Services
from api.reports.period import Period
from siaga.model.intervals import Interval, clip
from siaga.model.readiness import UnreadPast
from siaga.model.scope import Scopes

_FIRST_ZONE, _LAST_ZONE = "Etc/GMT-14", "Etc/GMT+12"
"""Where a day begins first, and where it ends last."""

__all__ = ["require_past", "require_past_of_report"]


def require_past_of_report(services: Services, scopes: Scopes, period: Period) -> None:
    """Return if the past of all villages of some scopes is known in a period, and none is being judged as a whole.

    Raises:
        Refused: 503, as `require_past`.
    """
    window = period.window(_FIRST_ZONE)[0], period.window(_LAST_ZONE)[1]
    past = services.past()
    unknown = {**past.judging, **past.stretches}
    _require(replace(past, stretches=unknown), [village for village in unknown if scopes.holds(village)], window)


def require_past(services: Services, villages: Iterable[str], window: Interval) -> None:
    """Return if what was so in these villages in a window is known, as far as it was stored.

    Raises:
        Refused: 503, some of it could not be read from the store and is not judged. The sentence says from when on
            the rest is known.
    """
    _require(services.past(), villages, window)


def _require(past: UnreadPast, villages: Iterable[str], window: Interval) -> None:
    unread = {village: found for village in set(villages) if (found := clip(past.stretches.get(village, ()), *window))}
    if not unread:
        return
    whose = next(iter(unread)) if len(unread) == 1 else f"{len(unread)} villages"
    known_from = max(stretches[-1][1] for stretches in unread.values())
    further = f"ask for times from {moment(known_from)} on, or later" if known_from < window[1] else "ask later"
    why = past.problem or "it is being read now"
    raise Refused(
        503, f"the past of {whose} is not known yet, as it could not be read: {why}: {further}", {"Retry-After": "5"}
    )
