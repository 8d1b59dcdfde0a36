"""Villages that share an uplink and are lost together make one alert.

The first village that is offline for long enough opens it. The others join it if they were lost within a minute of the
first. A village leaves when something arrives from it; when the last one leaves, the alert is over. The members are in
table `alert_member`, and the alert's evidence shows them.
"""

from api.alert_records.alert import OpenAlert, new_alert
from api.alerts.decision import Raise
from api.alerts.flapping import OFTEN, WITHIN, Raises
from api.alerts.outcome import Back, Changes
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.model.sites import Village
from siaga.model.times import rfc3339

__all__ = ["TOGETHER", "Outages"]

TOGETHER = MINUTE
"""Villages whose last arrivals are no further apart were lost by one cause."""


class Outages:
    """The open `village_offline` alerts. Carries out what villages decide about their links."""

    def __init__(self) -> None:
        self._by_subject: dict[str, tuple[OpenAlert, str]] = {}
        """Each with its uplink; "": it has none."""
        self._by_uplink: dict[str, dict[str, OpenAlert]] = {}
        self.raises = Raises()

    def opened(self, alert: OpenAlert, uplink: str | None) -> None:
        """Add an open alert of an uplink. It replaces another of the same subject."""
        self.forget(alert)
        self._by_subject[alert.subject] = alert, uplink or ""
        if uplink is not None:
            self._by_uplink.setdefault(uplink, {})[alert.subject] = alert

    def named(self, village: str) -> OpenAlert | None:
        """Returns the open alert whose subject is a village. That village itself may be back already."""
        alert, _ = self._by_subject.get(village, (None, ""))
        return alert

    def lost(self, village: Village, decision: Raise, now: int, changes: Changes) -> OpenAlert:
        """Nothing arrives from a village any more. Returns the alert that it joins, or a new one."""
        code, uplink, began = village.code, village.uplink, decision.began_at
        alert = self._with_whom(uplink, code, began)
        if alert is not None:
            alert.join(code, began)
            _show(alert)
            changes.told_more(alert, now, worse=True)
            return alert
        alert = new_alert(Kind.VILLAGE_OFFLINE, code, facility=None, device=None, began_at=began)
        alert.show({} if uplink is None else {"uplink": uplink})
        alert.join(code, began)
        self.raises.note(alert.kind, code, now)
        often = self.raises.within(alert.kind, code, now)
        if often >= OFTEN:  # a flapping link is marked, and not held
            alert.show({"flapping": {"raised": often, "within_s": WITHIN // 1000}})
        changes.raised(alert, decision, now)
        self.opened(alert, uplink)
        return alert

    def back(self, village: str, back: Back, now: int, changes: Changes) -> bool:
        """Something arrived from a member of an alert. Returns True if that ends the alert."""
        alert = back.alert
        if back.taken_out and alert.lost == [village]:
            alert.show({"taken_out": True})
        alert.leave(village, back.ended_at)
        _show(alert)
        if alert.lost:
            changes.told_more(alert, now)
            return False
        self.forget(alert)
        changes.cleared(alert, back.ended_at, now)
        return True

    def forget(self, alert: OpenAlert) -> None:
        """Nobody joins an alert any more, nor another of the same subject."""
        _, uplink = self._by_subject.pop(alert.subject, (alert, ""))
        alerts = self._by_uplink.get(uplink, {})
        alerts.pop(alert.subject, None)
        if not alerts:
            self._by_uplink.pop(uplink, None)

    def _with_whom(self, uplink: str | None, village: str, began: int) -> OpenAlert | None:
        """Returns the open alert that a village belongs to that was lost at `began`.

        An open alert named after the village comes first, even if its uplink has changed since: only one alert a
        village may be open.
        """
        shared = self._by_uplink.get(uplink or "", {}).values()
        together = (alert for alert in shared if abs(alert.began_at - began) <= TOGETHER)
        return self.named(village) or next(together, None)


def _show(alert: OpenAlert) -> None:
    """Show the members of an alert in its evidence, if there are several."""
    if len(alert.members) > 1:
        children = [
            {"village": village, "began_at": rfc3339(member.began_at), "ended_at": rfc3339(member.ended_at)}
            for village, member in alert.members.items()
        ]
        alert.show({"children": children, "villages": list(alert.members)})
