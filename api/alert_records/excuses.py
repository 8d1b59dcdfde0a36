"""What excuses an alert at a moment: planned maintenance, or missing mains power.

Nobody is notified of an excused alert (contract, section 5, alerts). The alert shows until when work is planned. Both
come from the database as it is now, so a declaration, its withdrawal and the return of the mains count at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, bindparam, or_, select

from api.alert_records.documents import still_lost
from siaga.database import tables
from siaga.database.engine_state import mains_key, read_values, waits_key
from siaga.database.maintenance import window_of
from siaga.database.registry import villages_of
from siaga.model.alert_kinds import Kind
from siaga.model.indicators import POWER
from siaga.model.intervals import merge
from siaga.model.sites import Village
from siaga.model.times import rfc3339
from siaga.timeline.maintenance import AHEAD, MaintenanceWindow, stretches

__all__ = ["Affected", "Excuse", "Grounds", "affected_by", "read_grounds", "with_plan"]


# Made once: that takes as long as to execute it
_WINDOWS = select(tables.maintenance).where(
    tables.maintenance.c.deleted_at.is_(None),
    tables.maintenance.c.start <= bindparam("until"),
    or_(tables.maintenance.c.rrule.is_not(None), tables.maintenance.c.end > bindparam("since")),
)


@dataclass(frozen=True, slots=True)
class Affected:
    """What an alert affects.

    `villages`: those that it affects now. `facility`, `device`: where it affects only a part of its village. `began`:
    since when, event time, ms.
    """

    villages: tuple[str, ...]
    facility: str | None
    device: str | None
    began: int


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why nobody is to be notified now. `until`: when that ends, ms; `None`: nobody knows, as with missing mains."""

    reason: str
    until: int | None


def affected_by(alert: Mapping[str, object]) -> Affected:
    """Returns what the alert of a row affects. A gateway and a link affect their whole village."""
    evidence, village, facility, device, began = (
        alert[key] for key in ("evidence", "village", "facility", "device", "began_at")
    )
    lost = still_lost(evidence) if isinstance(evidence, Mapping) else []
    whole = alert["kind"] in (Kind.VILLAGE_OFFLINE.value, Kind.GATEWAY_BUFFER.value)
    return Affected(
        villages=tuple(lost) or (str(village),),
        facility=None if whole or facility is None else str(facility),
        device=None if whole or device is None else str(device),
        began=began if isinstance(began, int) else 0,
    )


@dataclass(frozen=True, slots=True)
class Grounds:
    """What may excuse alerts of some villages: the villages, the declared windows, and facilities without mains."""

    villages: Mapping[str, Village]
    windows: Sequence[MaintenanceWindow] = ()
    without_mains: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def excuse(self, affected: Affected, now: int) -> Excuse | None:
        """Returns what excuses it at wall time `now`; `None`: nothing does.

        An alert of several villages is excused while each of those is from which nothing has arrived yet.
        """
        found = [self._excuse(affected, code, now) for code in affected.villages]
        first = min((one for one in found if one is not None), key=_ends, default=None)
        return first if None not in found else None

    def planned_until(self, affected: Affected, now: int) -> int | None:
        """Returns the end (ms) of the last planned window that touches the time from the alert's begin to `now`.

        It may lie in the past: the alert was excused until then. `None`: no work was planned.
        """
        ends = [self._planned(affected, code, affected.began, now) for code in affected.villages]
        return max((end for end in ends if end is not None), default=None)

    def _excuse(self, affected: Affected, code: str, now: int) -> Excuse | None:
        end = self._planned(affected, code, now, now)
        if end is not None and end > now:
            return Excuse("planned maintenance", end)
        return Excuse("no mains power", None) if self._is_without_mains(affected, code) else None

    def _planned(self, affected: Affected, code: str, since: int, now: int) -> int | None:
        village = self.villages.get(code)
        if village is None:
            return None
        facility = _facility(affected, village)
        covering = merge(
            stretch
            for window in self.windows
            if window.concerns(village) and (window.facility is None or window.facility == facility)
            for stretch in stretches(window, village.timezone, now + AHEAD)
        )
        return max((end for start, end in covering if start <= now and end > since), default=None)

    def _is_without_mains(self, affected: Affected, code: str) -> bool:
        village = self.villages.get(code)
        out = self.without_mains.get(code, frozenset())
        if village is None or not out:
            return False
        judged = {facility.id for facility in village.facilities if facility.kind != POWER}
        facility = _facility(affected, village)
        return facility in out if facility in judged else judged <= out


def _facility(affected: Affected, village: Village) -> str | None:
    """The facility that an alert is about, or whose device it is about; `None`: the whole village."""
    if affected.facility is None and affected.device is not None:
        owner = village.device(affected.device)
        return owner[0].id if owner is not None else None
    return affected.facility


def _ends(excuse: Excuse) -> tuple[bool, int]:
    return excuse.until is None, excuse.until or 0


def read_grounds(
    connection: Connection, alerts: Collection[Affected], now: int, *, planned_only: bool = False
) -> Grounds:
    """Returns what may excuse these alerts at wall time `now`. Villages are read only where something may."""
    codes = sorted({code for alert in alerts for code in alert.villages})
    since = min((alert.began for alert in alerts), default=now)
    windows = _windows(connection, set(codes), min(since, now), now) if codes else []
    out = {} if planned_only else _without_mains(connection, codes)
    wanted = codes if any(window.uplink for window in windows) else sorted({*out, *(str(w.village) for w in windows)})
    return Grounds(villages_of(connection, wanted), windows, out)


def _windows(connection: Connection, codes: set[str], since: int, now: int) -> list[MaintenanceWindow]:
    """The declarations of these villages, or of an uplink, that may touch the time from `since` to `now` or follow."""
    return [
        window_of(row)
        for row in connection.execute(_WINDOWS, {"until": now + AHEAD, "since": since})
        if row.uplink is not None or row.village in codes
    ]


def _without_mains(connection: Connection, codes: Sequence[str]) -> dict[str, frozenset[str]]:
    names = {mains_key(code): code for code in codes}
    values = read_values(connection, names)
    return {names[key]: frozenset(map(str, out)) for key, out in values.items() if isinstance(out, list) and out}


def with_plan(connection: Connection, rows: Sequence[Mapping[str, object]], now: int) -> list[Mapping[str, object]]:
    """Returns rows of table `alert`, with what is so at wall time `now` in the evidence of open ones.

    `planned_until`: what they affect is in planned maintenance. `waits`: why it cannot be said yet that they are over.
    """
    still = [row for row in rows if row["cleared_at"] is None]
    if not still:
        return list(rows)
    waits, excuses = _waits(connection, {str(row["village"]) for row in still}), _planned_now(connection, still, now)
    if not waits and not excuses:
        return list(rows)
    shown: list[Mapping[str, object]] = []
    for row in rows:
        evidence = row["evidence"]
        if row["cleared_at"] is None and isinstance(evidence, Mapping):
            wait, excuse = waits.get((str(row["kind"]), str(row["subject"]))), excuses.get(str(row["id"]))
            shown.append({**row, "evidence": {**evidence, **_said_now(wait, excuse)}})
        else:
            shown.append(row)
    return shown


def _planned_now(connection: Connection, rows: Sequence[Mapping[str, object]], now: int) -> dict[str, Excuse]:
    """Returns what is planned now on what open alerts affect, by the alert's id. Mostly nothing is planned at all."""
    if connection.execute(_WINDOWS, {"until": now + AHEAD, "since": now}).first() is None:
        return {}
    affected = {str(row["id"]): replace(affected_by(row), began=now) for row in rows}
    grounds = read_grounds(connection, list(affected.values()), now, planned_only=True)
    found = {name: grounds.excuse(mine, now) for name, mine in affected.items()}
    return {name: excuse for name, excuse in found.items() if excuse is not None}


def _waits(connection: Connection, villages: Collection[str]) -> dict[tuple[str, str], Mapping[str, object]]:
    """What alerts of some villages wait for, by kind and subject."""
    values = read_values(connection, map(waits_key, villages))
    found = (each for value in values.values() if isinstance(value, list) for each in value if isinstance(each, dict))
    return {(str(each["kind"]), str(each["subject"])): each for each in found}


def _said_now(wait: Mapping[str, object] | None, excuse: Excuse | None) -> dict[str, object]:
    said: dict[str, object] = {}
    if wait is not None:
        until = wait["until"]
        said["waits"] = {"reason": wait["reason"], "until": rfc3339(until if isinstance(until, int) else None)}
    if excuse is not None and excuse.until is not None:
        said["planned_until"] = rfc3339(excuse.until)
    return said
