"""What is known around one alert: its facility then, its village's link, what was done, and what happened before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from api.queries.alert_list import ListedAlert, of_subject
from api.queries.spans import FacilityName, filled, spans_by_facility
from siaga.database import tables
from siaga.database.registry import villages_of
from siaga.model.intervals import Interval
from siaga.model.scope import Scopes
from siaga.model.sites import Device, Facility, Village
from siaga.timeline.spans import Span

__all__ = ["Around", "Entry", "around"]

_BEFORE = 10
"""Earlier alerts of the same subject that are shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail. `action`: `comment`, `acknowledge`, `assign`, `snooze`; wall time, ms."""

    time: int
    actor: str
    action: str
    text: str | None
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around an alert.

    `village`: `None` where the registry has it no longer. `facility` and `devices`: what it is about. `spans`: of the
    facility over the whole window. `online`: its link now, and `since` when.
    """

    village: Village | None
    facility: Facility | None
    devices: Sequence[Device]
    spans: Sequence[Span]
    online: bool
    since: int | None
    trail: Sequence[Entry]
    before: Sequence[ListedAlert]


def around(connection: Connection, seen: Scopes, alert: ListedAlert, window: Interval, now: int) -> Around:
    """Returns what is known around an alert; its facility in the window, which ends at `now` (ms) at the latest."""
    village = villages_of(connection, [alert.village]).get(alert.village)
    facility, devices = _about(village, alert)
    spans: Sequence[Span] = ()
    if facility is not None:
        [(_, found)] = spans_by_facility(connection, [FacilityName(alert.village, facility.id)], window)
        spans = filled(found, (window[0], min(window[1], now)))
    state = tables.village_state
    link = connection.execute(select(state.c.link, state.c.since).where(state.c.village == alert.village)).one_or_none()
    return Around(
        village=village,
        facility=facility,
        devices=devices,
        spans=spans,
        online=link is not None and link.link == "online",
        since=None if link is None else link.since,
        trail=_trail(connection, alert.id),
        before=of_subject(connection, seen, alert, _BEFORE, now),
    )


def _about(village: Village | None, alert: ListedAlert) -> tuple[Facility | None, Sequence[Device]]:
    if village is None:
        return None, ()
    if alert.device is not None:
        found = village.device(alert.device)
        return (None, ()) if found is None else (found[0], (found[1],))
    facility = next((one for one in village.facilities if one.id == alert.facility), None)
    return facility, () if facility is None else facility.devices


def _trail(connection: Connection, alert: str) -> list[Entry]:
    """Returns what people said and did, in order. A comment stands in two tables: its words are those of its own."""
    said, done = tables.alert_comment, tables.alert_action
    comments = connection.execute(select(said).where(said.c.alert == alert)).all()
    actions = connection.execute(select(done).where(done.c.alert == alert, done.c.action != "comment")).all()
    entries = [Entry(row.time, row.author, "comment", row.text, {}) for row in comments]
    entries += [Entry(row.time, row.actor, row.action, None, row.detail or {}) for row in actions]
    return sorted(entries, key=lambda entry: entry.time)
