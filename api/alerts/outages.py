"""Villages that share an uplink and are lost together make one alert.

The first of them that is offline for long enough opens it; the others, if they were lost within a minute of it, are
its children and open none. Each leaves when something arrives from it, and with the last one the alert is over.
"""

from collections.abc import Iterator

from api.alerts.documents import listed_children, rfc3339, still_lost
from api.alerts.ledger import OpenAlert
from siaga.model.clock import MINUTE

__all__ = ["TOGETHER", "Outages", "lost_villages"]

TOGETHER = MINUTE
"""Villages whose last arrivals lie no further apart were lost by one cause."""


def lost_villages(alert: OpenAlert) -> list[str]:
    """The villages of an open alert from which nothing has arrived yet; its own alone, if it has no children."""
    return still_lost(alert.evidence) if any(_children(alert)) else [alert.village]


class Outages:
    """The open `village_offline` alerts by uplink. Changes their evidence; who asks has it written."""

    def __init__(self) -> None:
        self._open: dict[str, list[OpenAlert]] = {}

    def opened(self, alert: OpenAlert) -> None:
        """Know an alert, in place of another of its subject, that is open. Its evidence names the uplink, if any."""
        uplink = alert.evidence.get("uplink")
        if isinstance(uplink, str):
            others = [other for other in self._open.get(uplink, ()) if other.subject != alert.subject]
            self._open[uplink] = [*others, alert]

    def with_whom(self, uplink: str | None, village: str, began: int) -> OpenAlert | None:
        """The open alert that a village belongs to which is lost since `began`."""
        for alert in self._open.get(uplink or "", ()):
            if alert.village == village or abs(alert.began_at - began) <= TOGETHER:
                return alert
        return None

    def join(self, alert: OpenAlert, village: str, began: int) -> None:
        """Make a village a child of an open alert."""
        children = list(_children(alert)) or [_child(alert.village, alert.began_at)]
        children = [child for child in children if child["village"] != village]
        alert.evidence["children"] = [*children, _child(village, began)]
        alert.evidence["villages"] = [child["village"] for child in children] + [village]
        alert.began_at = min(alert.began_at, began)

    def leave(self, alert: OpenAlert, village: str, ended: int) -> bool:
        """Something arrived from a village of the alert; whether the alert is over by that."""
        children = [
            child | {"ended_at": rfc3339(ended)} if child["village"] == village else child for child in _children(alert)
        ]
        if children:
            alert.evidence["children"] = children
        if any(child["ended_at"] is None for child in children):
            return False
        for uplink, alerts in list(self._open.items()):
            self._open[uplink] = [other for other in alerts if other is not alert]
            if not self._open[uplink]:
                del self._open[uplink]
        return True


def _child(village: str, began: int) -> dict[str, object]:
    return {"village": village, "began_at": rfc3339(began), "ended_at": None}


def _children(alert: OpenAlert) -> Iterator[dict[str, object]]:
    return listed_children(alert.evidence)
