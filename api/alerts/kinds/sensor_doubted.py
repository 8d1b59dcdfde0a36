"""`sensor_doubted`: three complaints within 24 hours contradict a facility's sensors."""

from collections.abc import Mapping, Sequence

from api.alerts.certainty import Rests
from api.alerts.decision import Clear, Decision, Hold, Raise
from api.alerts.facility import WatchedFacility
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY

__all__ = ["SensorDoubted", "sensor_doubted"]

ENOUGH = 3
"""Complaints (contract, section 5)."""
COUNTED_FOR = DAY


class SensorDoubted(AlertKind[WatchedFacility]):
    """People say otherwise than the sensors: a sensor that is stuck never says so itself."""

    kind = Kind.SENSOR_DOUBTED
    rests = Rests.WORD

    def decide(self, _village: VillageState, subject: WatchedFacility, look: Look) -> Decision:
        """Decide by the complaints that nobody has answered yet."""
        return sensor_doubted(subject.doubts, look)

    def evidence(
        self, _village: VillageState, subject: WatchedFacility, _raised: Raise | None, now: int
    ) -> Mapping[str, object]:
        """Returns how many complaints there are now."""
        return {"complaints": len(_young(subject.doubts, now))}


def sensor_doubted(doubts: Sequence[int], look: Look) -> Decision:
    """Decide by when people said otherwise than the sensors; `doubts`: ms, in order, of what nobody has answered."""
    young = _young(doubts, look.now)
    if look.open_since is None:
        if len(young) < ENOUGH:
            return Hold("too_few_complaints")
        return Raise("complaints_contradict", young[-ENOUGH], None, {})
    if young:
        return Hold("doubted", young[0] + COUNTED_FOR)  # then there is one less to show
    if doubts:
        return Clear("nobody_complains", doubts[-1] + COUNTED_FOR)
    return Clear("answered", max(look.now, look.open_since))


def _young(doubts: Sequence[int], now: int) -> Sequence[int]:
    return [time for time in doubts if now - time < COUNTED_FOR]
