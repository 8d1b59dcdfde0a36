"""`device_silent`: its gateway is heard, and it has not reported for 3 × `every` + 10 m."""

from api.alerts.certainty import Rests, Sure
from api.alerts.decision import Decision, Raise
from api.alerts.device import WatchedDevice
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.kinds.quiet import Quiet, is_back, quiet_for, waits
from siaga.model.alert_kinds import Kind
from siaga.model.times import rfc3339
from siaga.timeline.facility_state import DEVICE_SILENT

__all__ = ["DeviceSilent", "device_silent"]


class DeviceSilent(AlertKind[WatchedDevice]):
    """A device does not report."""

    kind = Kind.DEVICE_SILENT
    rests = Rests.SILENCE

    def decide(self, look: Look[WatchedDevice]) -> Decision:
        """Decide by its last own reading, and since when its gateway is heard."""
        subject = look.subject
        reported = look.village.recent.reported.get(subject.device.id)
        return device_silent(
            quiet_for(look, reported, subject.watched),
            look.now,
            open_since=look.open_since,
            spoke_at=subject.came_since(self.kind),
            sure=look.sure,
            steady=look.steady,
        )


def device_silent(
    quiet: Quiet,
    now: int,
    *,
    open_since: int | None,
    spoke_at: int | None = None,
    sure: Sure,
    steady: int = 0,
) -> Decision:
    """Decide on a device's silence.

    `spoke_at`: since when it reports again. `steady`: for how long it has to report before the alert clears, ms.
    """
    if open_since is not None:
        return is_back(quiet, now, open_since, spoke_at, steady)
    held = waits(quiet, now, quiet.due, "reports", sure)
    if held is not None:
        return held
    reason = "never_reported" if quiet.last is None else "stopped_reporting"
    return Raise(reason, quiet.began, DEVICE_SILENT, {"last_seen": rfc3339(quiet.last), "every_s": quiet.every / 1000})
