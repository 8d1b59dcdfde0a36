"""A village as a database row, with all that it takes to continue besides spans, alerts and first reports.

`restore` turns a snapshot into the village that was saved. Then its inbox rows are replayed, and it is as it was when
its engine ended.
"""

import zlib
from collections.abc import Sequence
from operator import sub

import orjson
from pydantic import BaseModel, Field

from api.alert_records.alert import OpenAlert
from api.alerts.awaited import Range
from api.alerts.facility import Ended
from api.alerts.link import Absence, Buffered
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.intervals import Interval
from siaga.model.observation import Track
from siaga.model.signals import Value
from siaga.timeline.span_algebra import FOREVER

__all__ = ["VillageSnapshot", "read", "restore", "save"]

_LEVEL = 1
"""Of zlib: a tenth of the size in a tenth of a millisecond. Higher levels take ten times as long."""


class _Track(BaseModel):
    """Observations. `times`: the first one, then the differences."""

    device: str
    signal: str
    times: list[int]
    values: list[Value]


class _Ended(BaseModel):
    """An alert that has cleared."""

    id: str
    began_at: int
    ended_at: int
    flapping: bool


class VillageSnapshot(BaseModel):
    """The content of a row. Times are ms: event time, except `since`, `devices` and `unheard_before`.

    `since`: when the centre began to listen. `devices`: from when on each device is expected to report. `facilities`:
    the fingerprint that each facility was judged under. `unfinished`: stretches of history that are still to be judged
    again. `missing_since`, `hole_from`, `unheard_before`: see `api.alerts.recall`. `start`: from then on `tracks` have
    all evidence that live judgement needs; `None`: memory was not read. `buffers`: gateway, epoch, newest heartbeat
    and lag (ms) of each. `speaking`, `giving`: when devices with an open alert reported, or gave evidence,
    since it began. `last_failures`: by facility the `facility_failed` that has cleared last. `awaited`, `early`: see
    `api.alerts.awaited`.
    """

    since: int
    devices: dict[str, int] = Field(default_factory=dict)
    facilities: dict[str, str] = Field(default_factory=dict)
    unfinished: list[Interval] = Field(default_factory=list)
    missing_since: int | None = None
    hole_from: int | None = None
    unheard_before: int = 0
    start: int | None = None
    buffers: list[tuple[str, str, int, int]] = Field(default_factory=list)
    sure_from: int = 0
    tracks: list[_Track] = Field(default_factory=list)
    reported: dict[str, int] = Field(default_factory=dict)
    gave: dict[str, int] = Field(default_factory=dict)
    giving: dict[str, list[Interval]] = Field(default_factory=dict)
    speaking: dict[str, list[Interval]] = Field(default_factory=dict)
    last_failures: dict[str, _Ended] = Field(default_factory=dict)
    awaited: list[tuple[str, str, Range]] = Field(default_factory=list)
    early: list[tuple[str, str, int]] = Field(default_factory=list)
    absence: Absence | None = None


def save(village: VillageState) -> bytes:
    """Returns the row's content for a village as it is now."""
    recent, recall = village.recent, village.recall
    devices = village.devices.items()
    village.history.awaited.compact()
    # A document rather than the model, which would look at each time and value again
    document = {
        "since": village.link.listening_since,
        "devices": {name: device.watched for name, device in village.devices.items()},
        "facilities": {
            name: facility.fingerprint for name, facility in village.facilities.items() if name not in village.rejudge
        },
        "unfinished": village.history.unfinished(),
        "missing_since": recall.missing_since if recall.missing_since < FOREVER else None,
        "hole_from": recall.hole_from,
        "unheard_before": recall.unheard_before,
        "start": recent.start if recall.is_read else None,
        "buffers": [(*buffer, each.newest, each.lag) for buffer, each in village.link.buffers.items()],
        "sure_from": village.sure_from,
        "tracks": [
            {"device": device, "signal": signal, "times": _distances(track.times), "values": track.values}
            for (device, signal), track in recent.words(since=village.history.awaited.since)
        ],
        "reported": recent.reported,
        "gave": recent.gave,
        "giving": {name: came for name, device in devices if (came := device.came.get(Kind.NO_EVIDENCE))},
        "speaking": {name: came for name, device in devices if (came := device.came.get(Kind.DEVICE_SILENT))},
        "last_failures": {
            name: _ended(last)
            for name, facility in village.facilities.items()
            if (last := facility.last_failure) is not None
        },
        "awaited": village.history.awaited.ranges(),
        "early": village.history.awaited.early(),
        "absence": village.link.absence,
    }
    return zlib.compress(orjson.dumps(document), _LEVEL)


def read(state: bytes) -> VillageSnapshot:
    """Returns what a row says.

    Raises:
        ValueError: it is no snapshot.
    """
    try:
        return VillageSnapshot.model_validate_json(zlib.decompress(state))
    except zlib.error as error:
        raise ValueError(f"a village's snapshot cannot be unpacked: {error}") from None


def restore(village: VillageState, snapshot: VillageSnapshot) -> None:
    """Turn a village that knows nothing yet into the one that was saved.

    What holds only for the engine that saved it, such as its monotonic times, is left out.
    """
    village.link.listens_since(snapshot.since)
    for name, device in village.devices.items():
        device.expect(snapshot.devices.get(name, device.watched))
    village.history.restore(snapshot.unfinished)
    village.restore(snapshot.facilities, snapshot.sure_from)
    recent = village.recent
    for each in snapshot.tracks:
        recent.restore((each.device, each.signal), Track(_times(each.times), each.values))
    recent.reported.update(snapshot.reported)
    recent.gave.update(snapshot.gave)
    for name, last in snapshot.last_failures.items():
        if name in village.facilities:
            alert = OpenAlert(
                last.id, Kind.FACILITY_FAILED, village.code, name, None, last.began_at, flapping=last.flapping
            )
            village.facilities[name].know_last_failure(Ended(alert, last.ended_at))
    since = village.link.quiet_from
    buffers = {(gateway, epoch): Buffered(newest, lag, since) for gateway, epoch, newest, lag in snapshot.buffers}
    village.link.restore_buffers(buffers, snapshot.absence)
    for name, device in village.devices.items():
        device.restore(snapshot.speaking.get(name), snapshot.giving.get(name))
    village.history.awaited.restore(snapshot.awaited, snapshot.early)
    is_read = snapshot.start is not None and not village.rejudge
    village.recall.restore(snapshot.hole_from, snapshot.unheard_before, snapshot.missing_since, is_read=is_read)
    if is_read and snapshot.start is not None:
        recent.begin(snapshot.start)


def _ended(last: Ended) -> dict[str, object]:
    alert = last.alert
    return {"id": alert.id, "began_at": alert.began_at, "ended_at": last.ended_at, "flapping": alert.flapping}


def _distances(times: Sequence[int]) -> list[int]:
    return list(map(sub, times, (0, *times)))


def _times(distances: list[int]) -> list[int]:
    found, time = [], 0
    for distance in distances:
        time += distance
        found.append(time)
    return found
