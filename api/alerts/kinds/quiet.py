"""Something that no longer comes from a device: what `device_silent` and `no_evidence` have in common."""

from dataclasses import dataclass

from api.alerts.certainty import Claim, Rests, Sure, Waits
from api.alerts.decision import Clear, Hold, clear_when_steady
from api.alerts.device import WatchedDevice, allowed
from api.alerts.kinds.kind import Look
from siaga.model.sites import INTERVALS

__all__ = ["Quiet", "is_back", "quiet_for", "waits"]


@dataclass(frozen=True, slots=True)
class Quiet:
    """Since when something has not come from a device. Event times in ms.

    `last`: when it last came (`None`: never). `watched`: from when on it is expected. `heard_from`: the start of the
    stretch around now in which its gateway is heard (`None`: it is not heard now). `heard_before`: the gateway was
    heard before that stretch, too. `heard_next`: the time of a heartbeat that is in the future, as the gateway's clock
    is ahead.
    """

    last: int | None
    watched: int
    heard_from: int | None
    every: int
    heard_before: bool = False
    heard_next: int | None = None

    @property
    def allowed(self) -> int:
        """How long it may stay away, ms."""
        return allowed(self.every)

    @property
    def began(self) -> int:
        """Since when it has not come."""
        return self.watched if self.last is None else self.last

    @property
    def due(self) -> int:
        """When it has stayed away for too long."""
        return self.began + self.allowed


def quiet_for(look: Look[WatchedDevice], last: int | None, watched: int) -> Quiet:
    """Returns what is known of something that last came at `last`, or that has been expected since `watched`."""
    recent = look.village.recent
    heard_from = recent.heard_from(look.now)
    return Quiet(
        last=last,
        watched=watched,
        heard_from=heard_from,
        every=look.subject.device.every,
        heard_before=heard_from is not None and recent.heard_before(heard_from),
        heard_next=recent.next_heartbeat(look.now) if heard_from is None else None,
    )


def waits(quiet: Quiet, now: int, due: int, until_then: str, sure: Sure) -> Hold | None:
    """Returns why no alert is raised yet; `None`: one is.

    After a gap in which its gateway was not heard, a device gets three of its intervals. So a village whose mains power
    comes back does not raise twenty silent devices.
    """
    if quiet.heard_from is None:
        return Hold("gateway_not_heard", quiet.heard_next)
    if quiet.heard_before:
        due = max(due, quiet.heard_from + INTERVALS * quiet.every)
    if now < due:
        return Hold(until_then, due)
    known = sure(Claim(Rests.SILENCE, quiet.last or 0))
    return known if isinstance(known, Waits) else None


def is_back(quiet: Quiet, now: int, open_since: int, came_at: int | None, steady: int) -> Clear | Hold:
    """Decide on an open alert. `came_at`: the start of the stretch in which it comes again."""
    last = quiet.last
    if last is None or last <= open_since or now - last >= quiet.allowed:
        return Hold("still_silent")
    came = came_at if came_at is not None else last
    return clear_when_steady("reported", came, now, steady, last + quiet.allowed)
