"""`device_silent`: its gateway is heard, and it has not reported for 3 × `every` + 10 m.

`no_evidence` is the same of what its facility is judged by, and decides by the same rules: `Quiet`, `waits`, `is_back`.
"""

from dataclasses import dataclass

from api.alerts.certainty import Claim, Rests, Waits
from api.alerts.decision import Clear, Decision, Hold, Raise, clear_when_steady
from api.alerts.device import WatchedDevice, allowed
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.sites import INTERVALS
from siaga.model.times import rfc3339
from siaga.timeline.facility_state import DEVICE_SILENT

__all__ = ["DeviceSilent", "Quiet", "device_silent", "is_back", "quiet_for", "waits"]


@dataclass(frozen=True, slots=True)
class Quiet:
    """Since when something has not come from a device. Event times in ms.

    `last`: when it last came (`None`: never). `watched`: from when on it is expected. `heard_from`: the start of the
    stretch around now in which its gateway is heard (`None`: it is not heard now). `heard_before`: the gateway was
    heard before that stretch, too. `heard_next`: the time of a heartbeat that is in the future, as the gateway's clock
    is ahead. `came_since`: while its alert is open, since when it comes again (`None`: unknown).
    """

    last: int | None
    watched: int
    heard_from: int | None
    every: int
    heard_before: bool = False
    heard_next: int | None = None
    came_since: int | None = None

    @property
    def began(self) -> int:
        """Since when it has not come."""
        return self.watched if self.last is None else self.last

    @property
    def due(self) -> int:
        """When it has stayed away for too long."""
        return self.began + allowed(self.every)


class DeviceSilent(AlertKind[WatchedDevice]):
    """A device does not report."""

    kind = Kind.DEVICE_SILENT
    rests = Rests.SILENCE

    def decide(self, village: VillageState, subject: WatchedDevice, look: Look) -> Decision:
        """Decide by its last own reading, and since when its gateway is heard."""
        last = village.recent.reported.get(subject.device.id)
        if look.open_since is None and last is not None and look.now < last + subject.allowed:
            return Hold("reports", last + subject.allowed)  # nearly always
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


def quiet_for(
    village: VillageState, device: WatchedDevice, kind: str, last: int | None, watched: int, now: int
) -> Quiet:
    """Returns what is known of something that last came at `last`, or that has been expected since `watched`."""
    recent = village.recent
    heard_from = recent.heard_from(now)
    return Quiet(
        last=last,
        watched=watched,
        heard_from=heard_from,
        every=device.device.every,
        heard_before=heard_from is not None and recent.heard_before(heard_from),
        heard_next=recent.next_heartbeat(now) if heard_from is None else None,
        came_since=device.came_since(kind),
    )


def waits(quiet: Quiet, look: Look, due: int, until_then: str) -> Hold | None:
    """Returns why no alert is raised yet; `None`: one is.

    After a gap in which its gateway was not heard, a device gets three of its intervals. So a village whose mains power
    comes back does not raise twenty silent devices.
    """
    if quiet.heard_from is None:
        return Hold("gateway_not_heard", quiet.heard_next)
    if quiet.heard_before:
        due = max(due, quiet.heard_from + INTERVALS * quiet.every)
    if look.now < due:
        return Hold(until_then, due)
    known = look.sure(Claim(Rests.SILENCE, quiet.last or 0))
    return known if isinstance(known, Waits) else None


def is_back(quiet: Quiet, look: Look, open_since: int) -> Clear | Hold:
    """Decide on an open alert."""
    last, lasts_until = quiet.last, quiet.due
    if last is None or last <= open_since or look.now >= lasts_until:
        return Hold("still_silent")
    came = last if quiet.came_since is None else quiet.came_since
    return clear_when_steady("reported", came, look.now, look.steady, lasts_until)
