"""What a new engine makes of what its predecessor left: from where it judges again, and who spoke meanwhile."""

from collections.abc import Mapping

from api.alerts.spans import FOREVER
from api.alerts.watch import WatchedFacility, WatchedVillage
from siaga.model.clock import MINUTE
from siaga.timeline.judge import judged_from
from siaga.wire.batch import LIVE_EDGE

__all__ = ["OVERLAP", "recall_who_spoke", "resumes_from"]

OVERLAP = LIVE_EDGE + MINUTE
"""How far before the last known moment a new engine looks again: what was under way then may not have been judged."""


def resumes_from(village: WatchedVillage, first_spans: Mapping[str, int]) -> int:
    """From when on what the database says of a village has to be judged again.

    `first_spans`: where the spans of each facility begin. One of which a device was taken may be judged from later on.
    """
    if village.judged_until is not None and not village.rejudge:
        return village.judged_until - OVERLAP
    begins = [_begins(facility) for facility in village.facilities.values()]
    begins += [first_spans.get(facility) for facility in village.rejudge]
    earliest = min((moment for moment in begins if moment is not None), default=FOREVER)
    resumed = FOREVER if village.judged_until is None else village.judged_until - OVERLAP
    village.rejudge.clear()
    village.marked = True
    return min(earliest, resumed)


def _begins(facility: WatchedFacility) -> int | None:
    village = facility.village
    return judged_from(village.village, facility.facility, village.recent.evidence)


def recall_who_spoke(village: WatchedVillage) -> None:
    """Find what devices said that were called silent, or without evidence, and that nobody heard: that ends alerts."""
    for device in village.devices.values():
        if device.alert is not None:
            for time in village.recent.reports_after(device.device.id, device.alert.began_at):
                device.reports(time)
        if device.mute is not None:
            for time in village.recent.reports_after(device.device.id, device.mute.began_at, evidence=True):
                device.gives(time)
