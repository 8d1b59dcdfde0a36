"""`clock_skew`: a device's clock is not trusted."""

from api.alerts.certainty import Rests
from api.alerts.decision import Decision, Hold, Raise, clear_when_steady
from api.alerts.device import ClockSaid, WatchedDevice
from api.alerts.kinds.kind import AlertKind, Look
from siaga.model.alert_kinds import Kind

__all__ = ["ClockSkew", "clock_skew"]


class ClockSkew(AlertKind[WatchedDevice]):
    """A device's clock is wrong."""

    kind = Kind.CLOCK_SKEW
    rests = Rests.WORD

    def decide(self, look: Look[WatchedDevice]) -> Decision:
        """Decide by what its gateways last said of its clock."""
        return clock_skew(look.subject.clock, look.now, open_since=look.open_since, steady=look.steady)


def clock_skew(clock: ClockSaid | None, now: int, *, open_since: int | None, steady: int = 0) -> Decision:
    """Decide on a device's clock. `steady`: for how long it has to be right before the alert clears, ms."""
    if clock is None:
        return Hold("not_said")
    if open_since is None:
        if clock.offset is None:
            return Hold("trusted")
        return Raise("not_trusted", min(clock.since, now), None, {"offset_s": clock.offset / 1000})
    if clock.offset is not None:
        return Hold("still_not_trusted")
    return clear_when_steady("trusted", max(clock.since, open_since), now, steady)
