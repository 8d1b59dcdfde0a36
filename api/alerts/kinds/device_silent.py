"""`device_silent`: its gateway is heard, and it has not reported for 3 × `every` + 10 m."""

from api.alerts.certainty import Rests
from api.alerts.decision import Decision, Raise
from api.alerts.device import WatchedDevice
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.kinds.quiet import Quiet, is_back, quiet_for, waits
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.times import rfc3339
from siaga.timeline.facility_state import DEVICE_SILENT

__all__ = ["DeviceSilent", "device_silent"]


class DeviceSilent(AlertKind[WatchedDevice]):
    """A device does not report."""

    kind = Kind.DEVICE_SILENT
    rests = Rests.SILENCE

    def decide(self, village: VillageState, subject: WatchedDevice, look: Look) -> Decision:
        """Decide by its last own reading, and since when its gateway is heard."""
        last = village.recent.reported.get(subject.device.id)
        quiet = quiet_for(village, subject, self.kind, last, subject.watched, look.now)
        return device_silent(quiet, look)


def device_silent(quiet: Quiet, look: Look) -> Decision:
    """Decide on a device's silence."""
    if look.open_since is not None:
        return is_back(quiet, look, look.open_since)
    held = waits(quiet, look, quiet.due, "reports")
    if held is not None:
        return held
    reason = "never_reported" if quiet.last is None else "stopped_reporting"
    return Raise(reason, quiet.began, DEVICE_SILENT, {"last_seen": rfc3339(quiet.last), "every_s": quiet.every / 1000})
