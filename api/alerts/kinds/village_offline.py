"""`village_offline`: nothing has arrived from a village's gateway for `offline_after`, by wall time."""

from collections.abc import Mapping

from api.alerts.decision import Clear, Decision, Hold, Raise
from api.alerts.link import Arrivals
from api.alerts.state import VillageState
from siaga.model.times import rfc3339

__all__ = ["link_evidence", "village_offline"]

_GATEWAYS = 10
"""Gateways that are named at most."""


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


def link_evidence(village: VillageState, now: int) -> Mapping[str, object]:
    """Returns what was last heard of the village's gateways and of its mains, and so what is likely."""
    gateways = {
        name: {"status": gateway.status, "last_alive": rfc3339(gateway.last_alive)}
        for name, gateway in list(village.gateways.items())[:_GATEWAYS]
    }
    mains = village.mains(now)
    likely: dict[str, object] = {"likely": "mains_out"} if mains.get("mains") == "out" else {}
    return {"gateways": gateways} | mains | likely
