"""Deciding about one subject: ask each kind of alert, and carry out its decision until nothing changes."""

from collections.abc import Sequence

from api.alert_records.alert import OpenAlert, new_alert
from api.alerts.certainty import Certainty, Claim, Knows, Moment, Rests, Waits
from api.alerts.decision import Amend, Clear, Decision, Hold, Raise
from api.alerts.flapping import CALM, OFTEN, WITHIN, Raises
from api.alerts.kinds import AlertKind, Look
from api.alerts.kinds.kind import S
from api.alerts.outcome import Outcome
from api.alerts.state import VillageState
from siaga.timeline.judge import Span

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
    sure = village.sure(moment)
    for kind in kinds:
        if not village.memory.is_read and kind.rests is not Rests.WORD:
            continue  # without evidence it is not even known whether the alert goes on
        look = Look(village, subject, subject.alerts.get(kind.kind), moment.now, sure, spans)
        _decide(kind, look, village.raises, out)


def _decide(kind: AlertKind[S], look: Look[S], raises: Raises, out: Outcome) -> None:
    """Ask one kind, carry out its decision until nothing changes, and ask for the next look."""
    subject, before = look.subject, look.alert
    while True:
        decision = kind.decide(look)
        known = _sure_of(decision, kind, look)
        if isinstance(known, Waits):
            decision = known
            break
        if isinstance(decision, Clear) and look.alert is not None:
            often = raises.within(look.alert.kind, look.alert.subject, look.now)
            if often >= OFTEN and not (look.alert.flapping or kind.is_prompt(subject)):
                look.alert.hold(often, WITHIN, CALM)
                out.told_more(look.alert, look.now)
                continue  # it has to be calm for longer now
        after = _carry_out(kind, decision, look, raises, out)
        if after is look.alert:
            break
        look = Look(look.village, subject, after, look.now, look.sure, look.spans)
    subject.attach(kind.kind, look.alert)
    waits = decision if isinstance(decision, Waits) else None
    waiting = look.village.waits
    if (waits is not None or waiting) and waiting.note(kind.kind, subject.name, waits):
        out.waits[look.village.code] = waiting.document()
    _show(kind, look, before, out)
    if isinstance(decision, Hold):
        out.ask(subject, decision.until)
    out.ask(subject, kind.looks_again(look))


def _sure_of(decision: Decision, kind: AlertKind[S], look: Look[S]) -> Certainty:
    """Returns whether it can be said. No kind can forget to ask: it asks itself only where it decides by the answer."""
    match decision:
        case Raise(began_at=began_at):
            return look.sure(Claim(kind.rests, began_at))
        case Clear() if look.alert is not None:  # part of a buffer would date the end too late
            return look.sure(Claim(kind.rests, over=True))
    return Knows()


def _show(kind: AlertKind[S], look: Look[S], before: OpenAlert | None, out: Outcome) -> None:
    alert = look.alert
    if alert is not before:
        look.subject.changed(kind.kind)
        if alert is not None and kind.reaches_back and look.subject.facility_id is not None:
            out.undated.append(look.subject.facility_id)
    elif alert is not None and (more := alert.evidence | dict(kind.told_more(look))) != alert.evidence:
        alert.show(more)
        out.told_more(alert, look.now)


def _carry_out(kind: AlertKind[S], decision: Decision, look: Look[S], raises: Raises, out: Outcome) -> OpenAlert | None:
    """Carry out a decision. Returns the alert that is then open."""
    alert, subject = look.alert, look.subject
    match decision:
        case Raise(began_at=began_at):
            raised = new_alert(
                kind.kind,
                subject.village,
                facility=subject.facility_id,
                device=subject.device_id,
                began_at=began_at,
                severity=kind.severity,
            )
            raises.note(raised.kind, raised.subject, look.now)
            out.raised(raised, decision, look.now)
            return raised
        case Clear(ended_at=ended_at) if alert is not None:
            out.cleared(alert, ended_at, look.now)
            return None
        case Amend(began_at=began_at) if alert is not None:
            alert.amend(began_at)
            out.began_earlier(alert, look.now)
    return alert
