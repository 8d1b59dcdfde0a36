"""The buffer on disk: readings until the centre has acknowledged them, in one SQLite file.

Readings of a village are numbered; a batch is a run of numbers, so forming one writes a single row and touches no
reading. The newest go first: after a long outage the first batch tells the centre how things are now.

`commit` makes everything since the last one durable at once (`synchronous=FULL`): the readings of many messages, the
batches formed of them, what acknowledgements deleted. Before it nothing may be acknowledged or sent.

A commit writes the changed pages to the log and, in time, to the file; most of the wear on an SD card is that a page
is the least that can be written, so fewer, larger commits are kinder.
"""

import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from gateway.events import Key, Said
from gateway.priority import LEVELS, priority
from siaga.model.observation import Reading
from siaga.model.signals import SIGNALS, SignalType, Value
from siaga.mqtt.transport import Message

__all__ = ["IN_MEMORY", "Buffer", "BufferUnavailable", "FormedBatch", "OnlineState", "Undated"]

IN_MEMORY = Path(":memory:")
"""The path of a buffer that is in no file."""

MAX_READINGS = 4_000_000
"""A week of 50 devices with one reading each 10 s is 3 million; some 28 bytes each."""
THIN_BY = 100
"""One part in so many makes room at a time."""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""What SQLite says of a file that no patience mends."""

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


class BufferUnavailable(Exception):
    """The disk did not take it: it is full, gone or damaged. Nothing since the last commit is safe.

    `damaged`: the file itself is broken, and waiting does not mend it.
    """

    def __init__(self, reason: str, *, damaged: bool = False) -> None:
        super().__init__(reason)
        self.damaged = damaged


class Undated(NamedTuple):
    """A message of before the gateway had the time: in which boot it came, and when in it, monotonic ms."""

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
    """What was known of a device's session when it last changed; see `gateway.presence`."""

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
    """Runs of numbers that are in no batch, in ascending order, both ends in them."""


class Buffer:
    """One file for all villages of a gateway process. Used from one thread.

    Raises:
        BufferUnavailable: from every method that reads or writes, when the disk does not play along. What was added
            since the last commit is then forgotten: the caller still has it, and adds it again.
    """

    def __init__(
        self,
        path: Path,
        max_readings: int = MAX_READINGS,
        make_epoch: Callable[[], str] = lambda: str(uuid.uuid4()),
        *,
        must_open: bool = True,
    ) -> None:
        """With `must_open` false a file that cannot be used is no error yet: `reopen` may succeed later."""
        self.path = path
        self.max_readings = max_readings
        self._make_epoch = make_epoch
        self.thinned = 0
        """Readings given up for want of room since the buffer was made."""
        self.readings = 0
        """Readings in the buffer now."""
        self.undated = 0
        """Messages without a date in the buffer now."""
        self._villages: dict[str, _Village] = {}
        self._tracks: dict[tuple[str, str], int] = {}
        self._latest: dict[tuple[int, int], tuple[int, int]] = {}
        """Time and number of the last reading that was added, by village and track."""
        self._open = False
        self._stale = False
        self._db = sqlite3.connect(":memory:")
        try:
            self.reopen()
        except BufferUnavailable:
            if must_open:
                raise

    def reopen(self) -> None:
        """Open the file, again: after an error of the disk, or when it could not be opened before."""
        self._db.close()
        self._open = False
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            # WAL needs one fsync a commit; FULL is what makes that one certain.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA wal_autocheckpoint=400")
            self._db.execute("PRAGMA cache_size=-1000")
            self._db.executescript(_SCHEMA)
            self._load()
            self._stale = False
        except sqlite3.Error as error:
            self._db.close()
            raise _unavailable(f"the buffer {self.path} cannot be used: {error}", error) from None

    def _load(self) -> None:
        """Read the whole state again, as the last commit left it."""
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
        """What no batch holds: between the batches, and after the last."""
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
        """Put readings of a village into the buffer, in this order; their first and last number, `None` without any.

        They are safe after `commit`. A reading that follows one of the same signal and time takes its place, unless
        that is on its way: the one stored last is to stay, whatever order the batches have.
        """
        with _disk(self):
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
        """Delete readings that others replace, where no batch holds them."""
        for village, number in numbers:
            if any(low <= number <= high for low, high in reversed(place.unsent)):
                gone = self._db.execute("DELETE FROM reading WHERE village = ? AND number = ?", (village, number))
                self.readings -= gone.rowcount

    def form(self, village: str, limit: int, *, backfill: bool = False) -> FormedBatch | None:
        """Form a batch of unsent readings, the newest first, up to `limit`; `None`: there are none.

        `backfill` leaves alone what was added after the newest batch was formed. Which readings go first is decided
        here and nowhere else.
        """
        with _disk(self):
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
        """Put the readings of a batch into several smaller ones with numbers of their own; the batch is no more.

        The centre may have got it all the same: storing its readings twice changes nothing. Of two values of one
        signal at one time the later one alone is kept, as the parts may arrive in any order.
        """
        with _disk(self):
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
        """The number of the `limit`-th reading from `last` back, or of the first from `low` on."""
        found: int | None = self._db.execute(
            "SELECT min(number) FROM"
            " (SELECT number FROM reading WHERE village = ? AND number BETWEEN ? AND ? ORDER BY number DESC LIMIT ?)",
            (place.id, low, last, limit),
        ).fetchone()[0]
        return found

    def acknowledged(self, village: str, epoch: str, seq: int) -> bool:
        """The centre has every reading of a batch: delete them. False: no such batch waits here."""
        with _disk(self):
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
        """Keep what is known of a device's session."""
        with _disk(self):
            self._begin()
            self._db.execute(
                "INSERT OR REPLACE INTO online VALUES (?, ?, ?, ?, ?)",
                (village, device, state.online, state.since, state.overruled),
            )

    def remember_said(self, said: Mapping[Key, Said]) -> None:
        """Keep what repeated states said last."""
        if not said:
            return
        with _disk(self):
            self._begin()
            rows = [(*key, each.value, each.happened) for key, each in said.items()]
            self._db.executemany("INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?, ?)", rows)

    def add_undated(self, boot: str, at: int, message: Message) -> None:
        """Keep a message that came before the gateway had the time."""
        with _disk(self):
            self._begin()
            self._db.execute(
                "INSERT INTO undated (boot, at, topic, payload, retain, kept) VALUES (?, ?, ?, ?, ?, ?)",
                (boot, at, message.topic, message.payload, message.retain, message.kept),
            )
            self.undated += 1

    def take_undated(self, limit: int) -> list[Undated]:
        """The oldest messages without a date; they are gone with the next commit."""
        with _disk(self):
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

    def commit(self) -> bool:
        """Make everything since the last commit durable; whether there was anything."""
        with _disk(self):
            if not self._open:
                return False
            self._db.execute("COMMIT")
            self._open = False
            return True

    def _begin(self) -> None:
        if self._stale:
            self._load()
            self._stale = False
        if not self._open:
            self._db.execute("BEGIN IMMEDIATE")
            self._open = True

    def roll_back(self) -> None:
        """Forget everything since the last commit."""
        self._open = False
        self._stale = True  # until it was read again, what is in memory may be of what was undone
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._load()
            self._stale = False
        except sqlite3.Error as error:
            raise _unavailable(f"the buffer {self.path} cannot be read: {error}", error) from None

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
        """Make room: the oldest of the least important readings go first, whether or not a batch holds them."""
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
        """The readings of a batch, in the order in which they were added; those that were thinned are missing."""
        with _disk(self):
            place = self._villages[batch.village]
            rows = self._db.execute(
                "SELECT device, signal, time, value FROM reading JOIN track ON track.id = reading.track"
                " WHERE village = ? AND number BETWEEN ? AND ? ORDER BY number",
                (place.id, batch.first, batch.last),
            )
            return [Reading(device, signal, time, _typed(signal, value)) for device, signal, time, value in rows]

    def batches(self) -> list[FormedBatch]:
        """The batches that are not acknowledged, the oldest first."""
        with _disk(self):
            rows = self._db.execute(
                "SELECT code, epoch, seq, first, last FROM batch JOIN village ON village.id = batch.village"
                " ORDER BY code, seq"
            )
            return [FormedBatch(*row) for row in rows]

    def fresh(self, village: str) -> int:
        """How many numbers were given since the newest batch was formed."""
        place = self._villages.get(village)
        if place is None or not place.unsent or place.unsent[-1][1] != place.next_number - 1:
            return 0
        return place.unsent[-1][1] - place.unsent[-1][0] + 1

    def unsent(self, village: str) -> int:
        """How many numbers are in no batch: at least as many as readings."""
        place = self._villages.get(village)
        return sum(last - first + 1 for first, last in place.unsent) if place else 0

    def villages(self) -> Sequence[str]:
        """The villages that ever had a reading here."""
        return list(self._villages)

    def epoch(self, village: str) -> str | None:
        """The epoch of a village's part of the buffer, made with it."""
        place = self._villages.get(village)
        return place.epoch if place else None

    def online(self) -> dict[tuple[str, str], OnlineState]:
        """What was remembered of devices' sessions, by village and device."""
        with _disk(self):
            rows = self._db.execute("SELECT village, device, online, since, overruled FROM online")
            return {
                (village, device): OnlineState(None if online is None else bool(online), since, bool(overruled))
                for village, device, online, since, overruled in rows
            }

    def said(self) -> dict[Key, Said]:
        """What was remembered of repeated states."""
        with _disk(self):
            rows = self._db.execute("SELECT village, device, key, value, happened FROM said")
            return {(village, device, key): Said(*last) for village, device, key, *last in rows}

    @property
    def fill(self) -> float:
        """How full it is, from 0 to 1."""
        return self.readings / self.max_readings

    def let_go(self) -> None:
        """Give back the file as it is, without a commit."""
        self._open = False
        self._db.close()

    def close(self) -> None:
        """Commit and give back the file."""
        self.commit()
        self._db.close()


class _disk:  # noqa: N801 - reads as a word: with _disk(self)
    """Turns SQLite's errors into `BufferUnavailable`, after undoing what was not committed."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        if isinstance(error, sqlite3.Error):
            path = self._buffer.path
            self._buffer.roll_back()
            raise _unavailable(f"the buffer {path} takes nothing: {error}", error) from None


def _unavailable(reason: str, error: sqlite3.Error) -> BufferUnavailable:
    code = getattr(error, "sqlite_errorcode", 0)
    return BufferUnavailable(reason, damaged=code & 0xFF in _DAMAGED)


def _stored(value: Value) -> int | float:
    return int(value) if isinstance(value, bool) else value


def _typed(signal: str, value: int | float) -> Value:
    known = SIGNALS.get(signal)
    return bool(value) if known is not None and known.type is SignalType.BOOL else value
