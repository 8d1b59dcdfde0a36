"""Villages that share an uplink and are lost together make one alert.

The first of them that is offline for long enough opens it; the others, if they were lost within a minute of it, are
its members, too, and open none. Each leaves when something arrives from it, and with the last one the alert is over.
Who is a member stands in table `alert_member`; the alert's evidence shows it.
"""

from api.alerts.alert import Member, OpenAlert
from api.alerts.documents import rfc3339
from siaga.model.clock import MINUTE

__all__ = ["TOGETHER", "Outages"]

TOGETHER = MINUTE
"""Villages whose last arrivals lie no further apart were lost by one cause."""


class Outages:
    """The open `village_offline` alerts by uplink. Changes their members; who asks has that written."""

    def __init__(self) -> None:
        self._open: dict[str, list[OpenAlert]] = {}

    def opened(self, alert: OpenAlert, uplink: str | None) -> None:
        """Know an open alert, in place of another of its subject, of the village's uplink, if it has one."""
        if uplink is not None:
            others = [other for other in self._open.get(uplink, ()) if other.subject != alert.subject]
            self._open[uplink] = [*others, alert]

    def with_whom(self, uplink: str | None, village: str, began: int) -> OpenAlert | None:
        """The open alert that a village belongs to which is lost since `began`."""
        for alert in self._open.get(uplink or "", ()):
            if alert.village == village or abs(alert.began_at - began) <= TOGETHER:
                return alert
        return None

    def join(self, alert: OpenAlert, village: str, began: int) -> None:
        """Make a village a member of an open alert."""
        alert.members.pop(village, None)  # the last to join is the last that is named
        alert.members[village] = Member(began)
        alert.began_at = min(alert.began_at, began)
        _show(alert)

    def leave(self, alert: OpenAlert, village: str, ended: int) -> bool:
        """Something arrived from a village of the alert. Returns True if the alert is over by that."""
        if village in alert.members:
            alert.members[village] = Member(alert.members[village].began_at, ended)
        _show(alert)
        if alert.lost:
            return False
        for uplink, alerts in list(self._open.items()):
            self._open[uplink] = [other for other in alerts if other is not alert]
            if not self._open[uplink]:
                del self._open[uplink]
        return True


def _show(alert: OpenAlert) -> None:
    """Say in the evidence of an alert who its members are, if there are several."""
    if len(alert.members) > 1:
        alert.evidence["children"] = [
            {"village": village, "began_at": rfc3339(member.began_at), "ended_at": rfc3339(member.ended_at)}
            for village, member in alert.members.items()
        ]
        alert.evidence["villages"] = list(alert.members)
