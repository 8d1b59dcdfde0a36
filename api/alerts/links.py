"""The links of villages: lost, shared with others, and back; and what an absence was, once that is known."""

from dataclasses import dataclass, field

from api.alerts.alert import Clear, Hold, Kind, Member, OpenAlert, Raise, new_alert
from api.alerts.causes import link_evidence
from api.alerts.certainty import Moment
from api.alerts.flapping import OFTEN, WITHIN
from api.alerts.kinds.village_offline import Link, village_offline
from api.alerts.looks import Looks
from api.alerts.outages import Outages
from api.alerts.village import Absence, WatchedVillage
from siaga.model.clock import MINUTE, SECOND
from siaga.timeline.judge import GATEWAY_HEARD

__all__ = ["Links"]

SETTLED = 6 * SECOND
"""After a village is back: when what it buffered may be there."""


@dataclass(slots=True)
class Links:
    """Decides about `village_offline`. What it held back is looked at when it clears."""

    looks: Looks
    outages: Outages = field(default_factory=Outages)

    def look(self, village: WatchedVillage, moment: Moment) -> None:
        """Look at the link of a village whose time has come."""
        now, deadlines = moment.now, self.looks.deadlines
        listening = moment.listening_from
        link = Link(
            quiet_for=None if listening is None else moment.monotonic - max(village.quiet_from, listening),
            last_arrival=village.last_arrival,
            listening_since=village.listening_since,
            arrived=village.arrived,
        )
        self._conclude_absence(village, moment)
        before = village.offline
        decision = village_offline(
            link,
            now,
            offline_after=village.village.offline_after,
            open_since=before.began_at if before else None,
        )
        match decision:
            case Raise():
                self._lost(village, decision, now)
            case Clear(ended_at=ended_at) if before is not None:
                self.back(village, before, ended_at, now)
                if village.absence is not None:
                    deadlines.ask(village, now + SETTLED)
            case Hold(until=until):
                deadlines.ask(village, until)
                return
        deadlines.ask(village, now + village.village.offline_after)

    def _lost(self, village: WatchedVillage, decision: Raise, now: int) -> None:
        """Nothing arrives any more: the village joins those that were lost with it, or has an alert of its own."""
        code, uplink = village.village.code, village.village.uplink
        alert = self.outages.with_whom(uplink, code, decision.began_at)
        if alert is not None:
            self.outages.join(alert, code, decision.began_at)
            self.looks.changes.told_more(alert, now, worse=True)
        else:
            alert = new_alert(Kind.VILLAGE_OFFLINE, code, facility=None, device=None, began_at=decision.began_at)
            alert.evidence |= link_evidence(village, now) | ({"uplink": uplink} if uplink is not None else {})
            alert.members[code] = Member(decision.began_at)
            self._raise(alert, decision, now)
            self.outages.opened(alert, uplink)
        village.offline, village.arrived = alert, False
        self.tell(village, "offline", now)

    def _raise(self, alert: OpenAlert, decision: Raise, now: int) -> None:
        """An alert is raised; a link that flaps is named so, and not held."""
        raises = self.looks.raises
        raises.note(alert.kind, alert.subject, now)
        often = raises.within(alert.kind, alert.subject, now)
        if often >= OFTEN:
            alert.evidence["flapping"] = {"raised": often, "within_s": WITHIN // 1000}
        self.looks.changes.raised(alert, decision, now)

    def back(self, village: WatchedVillage, alert: OpenAlert, ended_at: int, now: int) -> None:
        """A village is not lost any more; the alert is over with its last one. What was held back is looked at."""
        village.offline = None
        village.absence = Absence(alert.id, alert.began_at, now)
        if self.outages.leave(alert, village.village.code, ended_at):
            self.looks.changes.cleared(alert, ended_at, now)
            village.absence.settled = True
        else:
            self.looks.changes.told_more(alert, now)
        for subject in village.subjects:
            self.looks.deadlines.ask(subject, now)

    def _conclude_absence(self, village: WatchedVillage, moment: Moment) -> None:
        """Say of an absence, once what was buffered is there, whether the gateway ran meanwhile."""
        absence, until = village.absence, village.catching_up_until(moment.monotonic)
        if absence is None or not village.memory.loaded:
            return
        if until is not None:
            self.looks.deadlines.ask(village, moment.now + until - moment.monotonic)
            return
        village.absence = None
        lasted = absence.ended - absence.began
        if village.offline is None and lasted > 2 * MINUTE and absence.settled:
            # It is heard for 90 s of each: for half of the time it ran on, and it is the link that was gone
            ran = absence.beats * 2 * GATEWAY_HEARD >= lasted
            said: dict[str, object] = {"gateway_ran": ran, "likely": "link" if ran else "mains_out"}
            self.looks.changes.explained(absence.alert, said, moment.now)

    def tell(self, village: WatchedVillage, link: str, now: int) -> None:
        """Say what the link is from now on; a change is written with what else changes."""
        if village.set_link(link, now):
            self.looks.changes.links[village.village.code] = village.link_row()
