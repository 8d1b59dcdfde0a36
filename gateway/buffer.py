"""The buffer on disk: holds readings in one SQLite file until the centre has acknowledged them.

Readings of a village are numbered. A batch is a range of numbers, so forming one writes a single row and no reading.
The newest readings are sent first: after a long outage the first batch tells the centre the current state.

`commit` makes all changes since the last commit durable: new readings, formed batches, deletions after
acknowledgements. Nothing may be acknowledged or sent before it is committed.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from gateway.buffer_file import BufferFile
from gateway.events import Key, Said
from gateway.priority import LEVELS, priority
from siaga.model.observation import Reading
from siaga.model.signals import SIGNALS, SignalType, Value
from siaga.mqtt.transport import Message

__all__ = ["Buffer", "FormedBatch", "OnlineState", "Undated"]

MAX_READINGS = 4_000_000
"""A week of 50 devices with one reading per 10 s is 3 million readings, of about 28 bytes each."""
THIN_BY = 100
"""Thinning deletes a hundredth of the capacity at a time."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS village (
    id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL,
    next_seq INTEGER NOT NULL, next_number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS track (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, signal TEXT NOT NULL, priority INTEGER NOT NULL,
    UNIQUE (device, signal));
CREATE TABLE IF NOT EXISTS reading (
    village INTEGER NOT NULL, number INTEGER NOT NULL, track INTEGER NOT NULL, time INTEGER NOT NULL, value NOT NULL,
    PRIMARY KEY (village, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch (
    village INTEGER NOT NULL, seq INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (village, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS online (
    village TEXT NOT NULL, device TEXT NOT NULL, online INTEGER, since INTEGER NOT NULL, overruled INTEGER NOT NULL,
    PRIMARY KEY (village, device)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS said (
    village TEXT NOT NULL, device TEXT NOT NULL, key TEXT NOT NULL, value INTEGER NOT NULL, happened INTEGER,
    PRIMARY KEY (village, device, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS undated (
    id INTEGER PRIMARY KEY, boot TEXT NOT NULL, at INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    retain INTEGER NOT NULL, kept INTEGER NOT NULL);
"""


class Undated(NamedTuple):
    """A message that arrived before the gateway knew the time.

    `boot`: the boot in which it arrived. `at`: when it arrived, monotonic ms of that boot.
    """

    boot: str
    at: int
    message: Message


@dataclass(frozen=True, slots=True)
class FormedBatch:
    """A batch that the centre has not acknowledged: the readings numbered `first` to `last` of a village."""

    village: str
    epoch: str
    seq: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class OnlineState:
    """What was known of a device's session at its last change (see `gateway.presence`)."""

    online: bool | None
    since: int
    overruled: bool


@dataclass(slots=True)
class _Village:
    id: int
    epoch: str
    next_seq: int
    next_number: int
    unsent: list[tuple[int, int]] = field(default_factory=list)
    """Ranges of numbers that are in no batch, ascending, both ends included."""


class Buffer(BufferFile):
    """One file for all villages of a gateway process. Used from one thread.

    Raises:
        BufferUnavailable: from every method that reads or writes, if the disk fails (see `BufferFile`).
    """

    def __init__(
        self,
        path: Path,
        max_readings: int = MAX_READINGS,
        make_epoch: Callable[[], str] = lambda: str(uuid.uuid4()),
        *,
        must_open: bool = True,
    ) -> None:
        """If `must_open` is false, a file that cannot be used is no error yet: `reopen` may succeed later."""
        self.max_readings = max_readings
        self._make_epoch = make_epoch
        self.thinned = 0
        """Readings deleted by thinning, because the buffer was full, since it was created."""
        self.readings = 0
        """Readings in the buffer now."""
        self.undated = 0
        """Messages without a date in the buffer now."""
        self._villages: dict[str, _Village] = {}
        self._tracks: dict[tuple[str, str], int] = {}
        self._latest: dict[tuple[int, int], tuple[int, int]] = {}
        """Time and number of the last reading added, by village and track."""
        super().__init__(path, _SCHEMA, must_open=must_open)

    def _load(self) -> None:
        """Read the whole state of the last commit again."""
        db = self._db
        self._tracks = {
            (device, signal): track for track, device, signal in db.execute("SELECT id, device, signal FROM track")
        }
        self._villages = {}
        self._latest = {}
        for row in db.execute("SELECT code, id, epoch, next_seq, next_number FROM village").fetchall():
            village = _Village(*row[1:])
            village.unsent = list(self._gaps(village))
            self._villages[row[0]] = village
        self.readings = db.execute("SELECT count(*) FROM reading").fetchone()[0]
        kept = db.execute("SELECT value FROM counter WHERE name = 'thinned'").fetchone()
        self.thinned = kept[0] if kept else 0
        self.undated = db.execute("SELECT count(*) FROM undated").fetchone()[0]

    def _gaps(self, village: _Village) -> Iterator[tuple[int, int]]:
        """Yields the ranges of numbers that are in no batch: between batches, and after the last one."""
        low = self._db.execute("SELECT min(number) FROM reading WHERE village = ?", (village.id,)).fetchone()[0]
        if low is None:
            return
        batches = self._db.execute("SELECT first, last FROM batch WHERE village = ? ORDER BY first", (village.id,))
        start = low
        for first, last in batches:
            if start < first:
                yield start, first - 1
            start = max(start, last + 1)
        if start < village.next_number:
            yield start, village.next_number - 1

    # Writing

    def add(self, village: str, readings: Iterable[Reading]) -> tuple[int, int] | None:
        """Add readings of a village, in this order. Returns their first and last number; `None` without readings.

        They are durable after `commit`. A reading replaces an earlier one of the same signal and time, unless that is
        in a batch: the last one has to win at the centre, whatever the order of the batches.
        """
        with self._guarded:
            self._begin()
            place = self._village(village)
            rows: dict[int, tuple[int, int, int, int, int | float]] = {}
            replaced: list[tuple[int, int]] = []
            first = number = place.next_number
            for number, reading in enumerate(readings, first):
                track = self._track(reading.device, reading.signal)
                before = self._latest.get((place.id, track))
                if before is not None and before[0] == reading.time and rows.pop(before[1], None) is None:
                    replaced.append((place.id, before[1]))
                self._latest[place.id, track] = (reading.time, number)
                rows[number] = (place.id, number, track, reading.time, _stored(reading.value))
            if not rows:
                return None
            self._db.executemany("INSERT INTO reading VALUES (?, ?, ?, ?, ?)", rows.values())
            self._give_up(place, replaced)
            if place.unsent and place.unsent[-1][1] == first - 1:
                place.unsent[-1] = (place.unsent[-1][0], number)
            else:
                place.unsent.append((first, number))
            place.next_number = number + 1
            self._db.execute("UPDATE village SET next_number = ? WHERE id = ?", (place.next_number, place.id))
            self.readings += len(rows)
            if self.readings > self.max_readings:
                self._thin()
            return first, number

    def _give_up(self, place: _Village, numbers: Iterable[tuple[int, int]]) -> None:
        """Delete replaced readings that are in no batch."""
        for village, number in numbers:
            if any(low <= number <= high for low, high in reversed(place.unsent)):
                gone = self._db.execute("DELETE FROM reading WHERE village = ? AND number = ?", (village, number))
                self.readings -= gone.rowcount

    def form(self, village: str, limit: int, *, backfill: bool = False) -> FormedBatch | None:
        """Form a batch of up to `limit` unsent readings, the newest ones. Returns `None` if there are none.

        `backfill`: leave out what was added after the newest batch was formed. The order of sending is decided only
        here.
        """
        with self._guarded:
            place = self._villages.get(village)
            while place is not None and place.unsent:
                index = len(place.unsent) - 1
                if backfill and place.unsent[index][1] == place.next_number - 1:
                    index -= 1
                if index < 0:
                    return None
                low, last = place.unsent[index]
                first = self._first_of(place, low, last, limit)
                if first is None:  # everything in it was thinned
                    del place.unsent[index]
                    continue
                self._begin()
                place.unsent[index : index + 1] = [(low, first - 1)] if low < first else []
                seq = place.next_seq
                place.next_seq += 1
                self._db.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", (place.id, seq, first, last))
                self._db.execute("UPDATE village SET next_seq = ? WHERE id = ?", (place.next_seq, place.id))
                return FormedBatch(village, place.epoch, seq, first, last)
            return None

    def split(self, batch: FormedBatch, parts: int) -> list[FormedBatch]:
        """Replace a batch by several smaller ones with sequence numbers of their own.

        The centre may have received the batch nevertheless: storing is idempotent. Of two values of one signal at one
        time only the later one is kept, because the parts may arrive in any order.
        """
        with self._guarded:
            place = self._villages[batch.village]
            self._begin()
            run = (place.id, batch.first, batch.last)
            gone = self._db.execute(
                "DELETE FROM reading WHERE village = ? AND number BETWEEN ? AND ? AND number NOT IN"
                " (SELECT max(number) FROM reading WHERE village = ? AND number BETWEEN ? AND ? GROUP BY track, time)",
                (*run, *run),
            )
            self.readings -= gone.rowcount
            self._db.execute("DELETE FROM batch WHERE village = ? AND seq = ?", (place.id, batch.seq))
            size = -(-(batch.last - batch.first + 1) // parts)
            made = []
            for first in range(batch.first, batch.last + 1, size):
                last = min(first + size - 1, batch.last)
                self._db.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", (place.id, place.next_seq, first, last))
                made.append(FormedBatch(batch.village, place.epoch, place.next_seq, first, last))
                place.next_seq += 1
            self._db.execute("UPDATE village SET next_seq = ? WHERE id = ?", (place.next_seq, place.id))
            return made

    def _first_of(self, place: _Village, low: int, last: int, limit: int) -> int | None:
        """Returns the number of the `limit`-th reading back from `last`; with fewer, of the first one from `low`."""
        found: int | None = self._db.execute(
            "SELECT min(number) FROM"
            " (SELECT number FROM reading WHERE village = ? AND number BETWEEN ? AND ? ORDER BY number DESC LIMIT ?)",
            (place.id, low, last, limit),
        ).fetchone()[0]
        return found

    def acknowledged(self, village: str, epoch: str, seq: int) -> bool:
        """Delete a batch that the centre has acknowledged, with its readings. Returns False if it is not known."""
        with self._guarded:
            place = self._villages.get(village)
            if place is None or place.epoch != epoch:
                return False
            run = self._db.execute(
                "SELECT first, last FROM batch WHERE village = ? AND seq = ?", (place.id, seq)
            ).fetchone()
            if run is None:
                return False
            self._begin()
            gone = self._db.execute(
                "DELETE FROM reading WHERE village = ? AND number BETWEEN ? AND ?", (place.id, *run)
            )
            self._db.execute("DELETE FROM batch WHERE village = ? AND seq = ?", (place.id, seq))
            self.readings -= gone.rowcount
            return True

    def remember(self, village: str, device: str, state: OnlineState) -> None:
        """Save what is known of a device's session."""
        with self._guarded:
            self._begin()
            self._db.execute(
                "INSERT OR REPLACE INTO online VALUES (?, ?, ?, ?, ?)",
                (village, device, state.online, state.since, state.overruled),
            )

    def remember_said(self, said: Mapping[Key, Said]) -> None:
        """Save the last values of repeated states."""
        if not said:
            return
        with self._guarded:
            self._begin()
            rows = [(*key, each.value, each.happened) for key, each in said.items()]
            self._db.executemany("INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?, ?)", rows)

    def add_undated(self, boot: str, at: int, message: Message) -> None:
        """Add a message that arrived before the gateway knew the time."""
        with self._guarded:
            self._begin()
            self._db.execute(
                "INSERT INTO undated (boot, at, topic, payload, retain, kept) VALUES (?, ?, ?, ?, ?, ?)",
                (boot, at, message.topic, message.payload, message.retain, message.kept),
            )
            self.undated += 1

    def take_undated(self, limit: int) -> list[Undated]:
        """Remove the oldest undated messages, and return them. The next commit makes the removal durable."""
        with self._guarded:
            self._begin()
            rows = self._db.execute(
                "DELETE FROM undated WHERE id IN (SELECT id FROM undated ORDER BY id LIMIT ?)"
                " RETURNING id, boot, at, topic, payload, retain, kept",
                (limit,),
            ).fetchall()
            self.undated -= len(rows)
            return [
                Undated(boot, at, Message(topic, payload, retain=bool(retain), kept=bool(kept)))
                for _, boot, at, topic, payload, retain, kept in sorted(rows)
            ]

    def _village(self, code: str) -> _Village:
        place = self._villages.get(code)
        if place is None:
            epoch = self._make_epoch()
            row = self._db.execute(
                "INSERT INTO village (code, epoch, next_seq, next_number) VALUES (?, ?, 1, 1)", (code, epoch)
            )
            assert row.lastrowid is not None  # noqa: S101 - after an INSERT there is one; the type checker cannot know
            place = self._villages[code] = _Village(row.lastrowid, epoch, 1, 1)
        return place

    def _track(self, device: str, signal: str) -> int:
        track = self._tracks.get((device, signal))
        if track is None:
            row = self._db.execute(
                "INSERT INTO track (device, signal, priority) VALUES (?, ?, ?)", (device, signal, priority(signal))
            )
            assert row.lastrowid is not None  # noqa: S101 - as above
            track = self._tracks[device, signal] = row.lastrowid
        return track

    def _thin(self) -> None:
        """Make room: delete the least important readings first, of these the oldest, even if they are in a batch."""
        wanted = self.readings - self.max_readings + self.max_readings // THIN_BY
        for level in range(LEVELS):
            gone = self._db.execute(
                "DELETE FROM reading WHERE (village, number) IN ("
                "  SELECT reading.village, number FROM reading JOIN track ON track.id = reading.track"
                "  WHERE track.priority = ? ORDER BY time LIMIT ?)",
                (level, wanted),
            ).rowcount
            self.readings -= gone
            self.thinned += gone
            wanted -= gone
            if wanted <= 0:
                break
        self._db.execute("INSERT OR REPLACE INTO counter VALUES ('thinned', ?)", (self.thinned,))

    # Reading

    def read(self, batch: FormedBatch) -> list[Reading]:
        """Returns the readings of a batch, in the order of adding, without those that were thinned."""
        with self._guarded:
            place = self._villages[batch.village]
            rows = self._db.execute(
                "SELECT device, signal, time, value FROM reading JOIN track ON track.id = reading.track"
                " WHERE village = ? AND number BETWEEN ? AND ? ORDER BY number",
                (place.id, batch.first, batch.last),
            )
            return [Reading(device, signal, time, _typed(signal, value)) for device, signal, time, value in rows]

    def batches(self) -> list[FormedBatch]:
        """Returns the batches that are not acknowledged, of each village the oldest first."""
        with self._guarded:
            rows = self._db.execute(
                "SELECT code, epoch, seq, first, last FROM batch JOIN village ON village.id = batch.village"
                " ORDER BY code, seq"
            )
            return [FormedBatch(*row) for row in rows]

    def fresh(self, village: str) -> int:
        """Returns how many numbers were assigned since the newest batch was formed."""
        place = self._villages.get(village)
        if place is None or not place.unsent or place.unsent[-1][1] != place.next_number - 1:
            return 0
        return place.unsent[-1][1] - place.unsent[-1][0] + 1

    def unsent(self, village: str) -> int:
        """Returns how many numbers are in no batch. There may be fewer readings, as some were replaced or thinned."""
        place = self._villages.get(village)
        return sum(last - first + 1 for first, last in place.unsent) if place else 0

    def villages(self) -> Sequence[str]:
        """Returns the villages that ever had a reading in this buffer."""
        return list(self._villages)

    def epoch(self, village: str) -> str | None:
        """Returns the epoch of a village's part of the buffer; `None` if it has none."""
        place = self._villages.get(village)
        return place.epoch if place else None

    def online(self) -> dict[tuple[str, str], OnlineState]:
        """Returns what is saved of devices' sessions, by village and device."""
        with self._guarded:
            rows = self._db.execute("SELECT village, device, online, since, overruled FROM online")
            return {
                (village, device): OnlineState(None if online is None else bool(online), since, bool(overruled))
                for village, device, online, since, overruled in rows
            }

    def said(self) -> dict[Key, Said]:
        """Returns the saved values of repeated states."""
        with self._guarded:
            rows = self._db.execute("SELECT village, device, key, value, happened FROM said")
            return {(village, device, key): Said(*last) for village, device, key, *last in rows}

    @property
    def fill(self) -> float:
        """The used part of the capacity, from 0 to 1."""
        return self.readings / self.max_readings


def _stored(value: Value) -> int | float:
    return int(value) if isinstance(value, bool) else value


def _typed(signal: str, value: int | float) -> Value:
    known = SIGNALS.get(signal)
    return bool(value) if known is not None and known.type is SignalType.BOOL else value
