"""`village_offline`: nothing has arrived from a village's gateway for `offline_after`, by wall time."""

from dataclasses import dataclass

from api.alerts.alert import Clear, Decision, Hold, Raise
from api.alerts.documents import rfc3339

__all__ = ["Link", "village_offline"]


@dataclass(frozen=True, slots=True)
class Link:
    """What is known of a village's link; wall times in ms.

    `quiet_for`: how long nothing has arrived while the centre itself was listening (`None`: it is not listening now);
    `last_arrival`: when something last arrived (`None`: never); `listening_since`: when the centre began to listen;
    `arrived`: whether something arrived since the open alert was raised, which a jump of the clock does not hide.
    """

    quiet_for: int | None
    last_arrival: int | None
    listening_since: int
    arrived: bool = False


def village_offline(link: Link, now: int, *, offline_after: int, open_since: int | None) -> Decision:
    """Decide on a village's link. The centre's own absence never counts against a village."""
    if open_since is not None:
        if link.arrived and link.last_arrival is not None:
            return Clear("arrived", max(link.last_arrival, open_since))
        return Hold("still_offline")
    if link.quiet_for is None:
        return Hold("not_listening")
    if link.quiet_for < offline_after:
        return Hold("arriving", now + offline_after - link.quiet_for)
    began = link.listening_since if link.last_arrival is None else link.last_arrival
    reason = "never_heard" if link.last_arrival is None else "nothing_arrived"
    evidence = {"last_arrival": rfc3339(link.last_arrival), "quiet_s": link.quiet_for / 1000}
    return Raise(reason, began, None, evidence)
