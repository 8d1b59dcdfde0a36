"""`clock_skew`: a device's clock is not trusted."""

from api.alerts.certainty import Rests
from api.alerts.decision import Decision, Hold, Raise, clear_when_steady
from api.alerts.device import ClockSaid, WatchedDevice
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind

__all__ = ["ClockSkew", "clock_skew"]


class ClockSkew(AlertKind[WatchedDevice]):
    """A device's clock is wrong."""

    kind = Kind.CLOCK_SKEW
    rests = Rests.WORD

    def decide(self, _village: VillageState, subject: WatchedDevice, look: Look) -> Decision:
        """Decide by what its gateways last said of its clock."""
        return clock_skew(subject.clock, look)


def clock_skew(clock: ClockSaid | None, look: Look) -> Decision:
    """Decide on a device's clock."""
    if clock is None:
        return Hold("not_said")
    if look.open_since is None:
        if clock.offset is None:
            return Hold("trusted")
        return Raise("not_trusted", min(clock.since, look.now), None, {"offset_s": clock.offset / 1000})
    if clock.offset is not None:
        return Hold("still_not_trusted")
    return clear_when_steady("trusted", max(clock.since, look.open_since), look.now, look.steady)
