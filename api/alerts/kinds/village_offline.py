"""`village_offline`: nothing has arrived from a village's gateway for `offline_after`, by wall time."""

from api.alerts.decision import Clear, Decision, Hold, Raise
from api.alerts.link import Arrivals
from siaga.model.times import rfc3339

__all__ = ["village_offline"]


def village_offline(arrivals: Arrivals, now: int, *, offline_after: int, open_since: int | None) -> Decision:
    """Decide on a village's link. An absence of the centre itself never counts."""
    if open_since is not None:
        if arrivals.arrived and arrivals.last_arrival is not None:
            return Clear("arrived", max(arrivals.last_arrival, open_since))
        return Hold("still_offline")
    if arrivals.quiet_for is None:
        return Hold("not_listening")
    if arrivals.quiet_for < offline_after:
        return Hold("arriving", now + offline_after - arrivals.quiet_for)
    began = arrivals.listening_since if arrivals.last_arrival is None else arrivals.last_arrival
    reason = "never_heard" if arrivals.last_arrival is None else "nothing_arrived"
    evidence = {"last_arrival": rfc3339(arrivals.last_arrival), "quiet_s": arrivals.quiet_for / 1000}
    return Raise(reason, began, None, evidence)
