"""The life of alerts: decisions carried out, flapping held, deadlines asked for.

Whatever an alert is about, it is decided by a pure function (`api.alerts.decisions`) from what is known and whether one
is open; here that is repeated until nothing changes any more, and left in `Changes`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from api.alerts.deadlines import Deadlines
from api.alerts.decisions import Amend, Clear, Decision, Hold, Kind, Raise
from api.alerts.flapping import CALM, OFTEN, WITHIN, Raises, holds
from api.alerts.ledger import Changes, OpenAlert, new_alert
from api.alerts.watch import WatchedDevice, WatchedFacility, WatchedGateway, WatchedVillage

__all__ = ["About", "Life", "Moment", "Subject"]

Subject = WatchedFacility | WatchedDevice | WatchedGateway | WatchedVillage


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on both clocks, and from when on the centre has been listening (monotonic; `None`: it is not)."""

    now: int
    monotonic: int
    listening_from: int | None


@dataclass(frozen=True, slots=True)
class About:
    """What an alert is about; `grace` where a facility has one.

    `catching_up`: more of what was is on its way, so nobody can say yet when it was over.
    """

    kind: Kind
    village: WatchedVillage
    facility: str | None = None
    device: str | None = None
    grace: int | None = None
    catching_up: bool = False


@dataclass(slots=True)
class Life:
    """Carries out decisions. What changed waits in `changes` until it is committed."""

    deadlines: Deadlines[Subject] = field(default_factory=Deadlines)
    changes: Changes = field(default_factory=Changes)
    raises: Raises = field(default_factory=Raises)

    def ask(self, subject: Subject, decision: Decision, mute_ends: int | None, moment: Moment) -> None:
        """Look again when time alone changes a decision, or ends what mutes it (monotonic)."""
        if not isinstance(decision, Hold):
            return
        self.deadlines.ask(subject, decision.until)
        if decision.reason == "catching_up" and mute_ends is not None:
            self.deadlines.ask(subject, moment.now + mute_ends - moment.monotonic)

    def settle(
        self, decide: Callable[[OpenAlert | None], Decision], alert: OpenAlert | None, about: About, now: int
    ) -> tuple[OpenAlert | None, Decision]:
        """Decide and carry out until nothing changes any more; the alert that is open then, and the last decision."""
        while True:
            decision = decide(alert)
            if isinstance(decision, Clear) and about.catching_up:
                return alert, Hold("catching_up")
            if isinstance(decision, Clear) and alert is not None and self._flaps(alert, about, now):
                often = self.raises.within(alert.kind, alert.subject, now)
                alert.evidence["flapping"] = {"raised": often, "within_s": WITHIN // 1000, "calm_s": CALM // 1000}
                self.changes.told_more(alert, now)
                continue  # it has to be calm for longer now
            after = self._apply(decision, alert, about, now)
            if after is alert:
                return alert, decision
            alert = after

    def _flaps(self, alert: OpenAlert, about: About, now: int) -> bool:
        if alert.flapping or not holds(about.kind, about.grace):
            return False
        return self.raises.within(alert.kind, alert.subject, now) >= OFTEN

    def _apply(self, decision: Decision, alert: OpenAlert | None, about: About, now: int) -> OpenAlert | None:
        """Carry out a decision; the alert that is open then."""
        match decision:
            case Raise(began_at=began_at):
                code = about.village.village.code
                raised = new_alert(about.kind, code, facility=about.facility, device=about.device, began_at=began_at)
                self.opened(raised, decision, now)
                return raised
            case Clear(ended_at=ended_at) if alert is not None:
                self.changes.cleared(alert, ended_at, now)
                return None
            case Amend(began_at=began_at) if alert is not None:
                alert.began_at = began_at
                self.changes.began_earlier(alert, now)
                return alert
            case _:
                return alert

    def opened(self, alert: OpenAlert, decision: Raise, now: int) -> None:
        """An alert is raised; a link that flaps is named so."""
        self.raises.note(alert.kind, alert.subject, now)
        often = self.raises.within(alert.kind, alert.subject, now)
        if alert.kind is Kind.VILLAGE_OFFLINE and often >= OFTEN:  # named, and not held
            alert.evidence["flapping"] = {"raised": often, "within_s": WITHIN // 1000}
        self.changes.raised(alert, decision, now)
