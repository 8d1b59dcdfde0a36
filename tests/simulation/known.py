"""What the centre may have known at a moment: all that its engine had taken by then, the store, or both."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from siaga.model.observation import Track, TrackKey
from siaga.model.signals import Value
from siaga.timeline.judge import Evidence
from siaga.wire.batch import UnreadableBatch, decode_batch
from tests.simulation.disks import SimulatedStore

__all__ = ["Knowledge"]

Heard = tuple[int, Value]
"""When (the centre's wall time) something was heard, and what it was."""


@dataclass(slots=True)
class _Track:
    """One signal of one device, as the engine took it: each observation as it was heard first."""

    times: list[int] = field(default_factory=list)
    heard: dict[int, Heard] = field(default_factory=dict)

    def take(self, time: int, at: int, value: Value) -> None:
        if time not in self.heard:
            self.heard[time] = (at, value)
            insort(self.times, time)


@dataclass
class Knowledge:
    """The batches that the engine took, read when they are asked for, and the store beside them."""

    store: SimulatedStore
    unreadable: int = 0
    _waiting: dict[str, list[tuple[int, bytes]]] = field(default_factory=lambda: defaultdict(list))
    _taken: dict[str, dict[TrackKey, _Track]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, village: str, payload: bytes, at: int) -> None:
        """Take note of a batch that the engine takes at wall time `at`."""
        self._waiting[village].append((at, payload))

    def taken(self, village: str, devices: Collection[str]) -> Mapping[TrackKey, Collection[int]]:
        """The event times of all that the engine took of a village and its `devices`."""
        return {key: track.heard.keys() for key, track in self._read(village, devices).items()}

    def evidences(self, village: str, devices: Collection[str], since: int, until: int) -> Iterator[Evidence]:
        """What was known at wall time `until`, of event times from `since` on; and when all was said first."""
        taken, received = self._read(village, devices), self.store.received
        table = self.store.tables.get(village, {})
        both: dict[TrackKey, dict[int, Value]] = {}
        mine: dict[TrackKey, dict[int, Value]] = {}
        stored: dict[TrackKey, dict[int, Value]] = {}
        first: dict[TrackKey, int] = {}
        for key in {**table, **taken}:
            times = self.store.times(village, key) if key in table else []
            stored[key] = {
                time: table[key][time]
                for time in times[bisect_left(times, since) :]
                if received[village, key[0], time] <= until
            }
            track = taken.get(key) or _Track()
            mine[key] = {
                time: track.heard[time][1]
                for time in track.times[bisect_left(track.times, since) :]
                if track.heard[time][0] <= until
            }
            both[key] = {**stored[key], **mine[key]}
            begins = [next((time for time in track.times if track.heard[time][0] <= until), None)]
            begins += [next((time for time in times if received[village, key[0], time] <= until), None)]
            if any(known := [time for time in begins if time is not None]):
                first[key] = min(known)
        for observations in (both, mine, stored):
            yield Evidence({key: Track.of(values) for key, values in observations.items() if values}, first)

    def _read(self, village: str, devices: Collection[str]) -> Mapping[TrackKey, _Track]:
        known = self._taken[village]
        for at, payload in self._waiting.pop(village, []):
            try:
                batch = decode_batch(payload, village, at, devices)
            except UnreadableBatch:
                self.unreadable += 1
                continue
            for point in batch.points:
                for signal, value in point.values.items():
                    known.setdefault((point.device, signal), _Track()).take(point.time, at, value)
        return known
