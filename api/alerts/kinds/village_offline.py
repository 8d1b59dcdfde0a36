"""`village_offline`: nothing has arrived from a village's gateway for `offline_after`, by wall time."""

from collections.abc import Mapping

from api.alerts.certainty import Moment
from api.alerts.decision import Clear, Decision, Hold, Raise
from api.alerts.link import Link
from api.alerts.state import VillageState
from siaga.model.times import rfc3339

__all__ = ["link_evidence", "village_offline"]

_GATEWAYS = 10
"""Gateways that are named at most."""


def village_offline(link: Link, moment: Moment, offline_after: int, *, arrived: bool) -> Decision:
    """Decide on a village's link. An absence of the centre itself never counts.

    `arrived`: something has just arrived; a jump of the clock does not hide that.
    """
    if link.alert is not None:
        if arrived and link.last_arrival is not None:
            return Clear("arrived", max(link.last_arrival, link.alert.began_at))
        return Hold("still_offline")
    quiet_for = link.quiet_for(moment)
    if quiet_for is None:
        return Hold("not_listening")
    if quiet_for < offline_after:
        return Hold("arriving", moment.now + offline_after - quiet_for)
    began = link.listening_since if link.last_arrival is None else link.last_arrival
    reason = "never_heard" if link.last_arrival is None else "nothing_arrived"
    evidence = {"last_arrival": rfc3339(link.last_arrival), "quiet_s": quiet_for / 1000}
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
