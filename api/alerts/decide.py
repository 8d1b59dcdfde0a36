"""Deciding about one subject: ask each kind of alert, and carry out its decision until nothing changes."""

from collections.abc import Sequence
from dataclasses import replace

from api.alert_records.alert import OpenAlert, new_alert
from api.alerts.certainty import Claim, Moment, Rests, Waits
from api.alerts.decision import Amend, Clear, Decision, Hold, Raise
from api.alerts.flapping import CALM, OFTEN, WITHIN
from api.alerts.kinds import AlertKind, Look
from api.alerts.kinds.kind import S
from api.alerts.outcome import Outcome
from api.alerts.state import VillageState
from siaga.timeline.judge import Span
from siaga.timeline.span_algebra import FOREVER

__all__ = ["decide"]


def decide(
    village: VillageState,
    subject: S,
    kinds: Sequence[AlertKind[S]],
    moment: Moment,
    out: Outcome,
    spans: Sequence[Span] | None = None,
) -> None:
    """Ask all kinds about a subject. `spans`: of a facility whose history changed, further back than memory has."""
    look = Look(moment.now, village.sure(moment), spans=spans)
    for kind in kinds:
        if village.recall.is_read or kind.rests is Rests.WORD:  # else it is not even known whether the alert goes on
            again = _decide(kind, village, subject, look, out)
            if again < FOREVER:
                out.ask(subject, again)


def _decide(kind: AlertKind[S], village: VillageState, subject: S, look: Look, out: Outcome) -> int:
    """Ask one kind, and carry out its decision until nothing changes. Returns when it is to be asked again."""
    before = alert = subject.alerts.get(kind.kind)
    while True:
        look = look.at(alert)
        decision = _if_sure(kind.decide(village, subject, look), kind, look)
        match decision:
            case Raise():
                alert = _raise(kind, village, subject, decision, look.now, out)
            case Clear(ended_at=ended_at) if alert is not None:
                often = village.raises.within(alert.kind, alert.subject, look.now)
                if often >= OFTEN and not (alert.flapping or kind.is_prompt(subject)):
                    alert.hold(often, WITHIN, CALM)  # it has to be calm for longer from here on
                    out.changes.told_more(alert, look.now)
                else:
                    out.changes.cleared(alert, ended_at, look.now)
                    subject.cleared(alert, ended_at)
                    alert = None
            case Amend(began_at=began_at) if alert is not None:
                alert.amend(began_at)
                out.changes.began_earlier(alert, look.now)
            case _:
                break
    subject.attach(kind.kind, alert)
    waits = decision if isinstance(decision, Waits) else None
    if (waits is not None or village.waits) and village.waits.note(kind.kind, subject.name, waits):
        out.changes.waiting(village.code, village.waits.document())
    if alert is not before:
        subject.changed(kind.kind)
    elif alert is not None:
        more = kind.evidence(village, subject, None, look.now)
        if any(alert.evidence.get(key) != value for key, value in more.items()):
            alert.show(more)
            out.changes.told_more(alert, look.now)
    until = decision.until if isinstance(decision, Hold) else None
    again = kind.looks_again(village, subject, look.now)
    return min(FOREVER if until is None else until, FOREVER if again is None else again)


def _if_sure(decision: Decision, kind: AlertKind[S], look: Look) -> Decision:
    """Returns the decision, or what it waits for. A kind asks by itself only where it decides by the answer."""
    match decision:
        case Raise(began_at=began_at):
            known = look.sure(Claim(kind.rests, began_at))
        case Clear() if look.open_since is not None:  # part of a buffer would date the end too late
            known = look.sure(Claim(kind.rests, over=True))
        case _:
            return decision
    return known if isinstance(known, Waits) else decision


def _raise(kind: AlertKind[S], village: VillageState, subject: S, decision: Raise, now: int, out: Outcome) -> OpenAlert:
    alert = new_alert(
        kind.kind,
        subject.village,
        facility=subject.facility_id,
        device=subject.device_id,
        began_at=decision.began_at,
    )
    village.raises.note(alert.kind, alert.subject, now)
    evidence = {**decision.evidence, **kind.evidence(village, subject, decision, now)}
    out.changes.raised(alert, replace(decision, evidence=evidence), now)
    return alert
