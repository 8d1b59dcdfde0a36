"""What the embedded broker must not lose: sessions, their queues, retained messages.

One SQLite file. Changes are collected and written in one transaction by `commit`, because one `fsync` for many
messages costs as much as for one. The broker acknowledges a message to its publisher after the commit. A message that
its subscriber has acknowledged before the commit is never written.
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from siaga.broker.exchange import Stored

__all__ = ["FileJournal"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (client TEXT PRIMARY KEY, subscriptions TEXT NOT NULL, seen INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (client TEXT NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (client, message))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY, payload BLOB NOT NULL) WITHOUT ROWID;
"""


class FileJournal:
    """The file and the changes not yet in it. Used from one thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")  # a commit survives a power cut
        self._database.executescript(SCHEMA)
        self._database.execute("DELETE FROM message WHERE id NOT IN (SELECT message FROM waiting)")
        self._next = 1 + int(self._database.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()[0])
        self._open: dict[int, int] = dict(
            self._database.execute("SELECT message, count(*) FROM waiting GROUP BY message").fetchall()
        )
        self._new: dict[int, tuple[str, bytes, set[str]]] = {}
        self._done: list[tuple[str, int]] = []
        self._dead: list[tuple[int]] = []
        self._retained: dict[str, bytes] = {}

    def sessions(self) -> Iterator[Stored]:
        """Returns all sessions of the file, with their queues."""
        for client, subscriptions, seen in self._database.execute("SELECT * FROM session").fetchall():
            waiting = self._database.execute(
                "SELECT m.id, m.topic, length(m.payload) FROM waiting w JOIN message m ON m.id = w.message "
                "WHERE w.client = ? ORDER BY m.id",
                (client,),
            ).fetchall()
            yield Stored(client, json.loads(subscriptions), seen, waiting)

    def retained(self) -> dict[str, bytes]:
        """Returns the retained message of each topic."""
        return dict(self._database.execute("SELECT topic, payload FROM retained").fetchall())

    def save_session(self, client: str, subscriptions: dict[str, int], seen: int) -> None:
        """Save a session and its subscriptions."""
        self._database.execute(
            "INSERT OR REPLACE INTO session VALUES (?, ?, ?)", (client, json.dumps(subscriptions), seen)
        )

    def forget_session(self, client: str, messages: list[int]) -> None:
        """Delete a session and its queue."""
        for message in messages:
            self.done(client, message)
        self.commit()
        self._database.execute("DELETE FROM session WHERE client = ?", (client,))

    def add(self, topic: str, payload: bytes, clients: set[str]) -> int:
        """Add a message that is queued for these sessions. Returns its id, which increases."""
        number = self._next
        self._next += 1
        self._new[number] = (topic, payload, clients)
        self._open[number] = len(clients)
        return number

    def done(self, client: str, message: int) -> None:
        """Note that a session has acknowledged a message."""
        left = self._open.pop(message, 1) - 1
        if left:
            self._open[message] = left
        if (fresh := self._new.get(message)) is not None:
            fresh[2].discard(client)
            if not fresh[2]:
                del self._new[message]
            return
        self._done.append((client, message))
        if not left:
            self._dead.append((message,))

    def retain(self, topic: str, payload: bytes) -> None:
        """Save a topic's retained message; an empty one deletes it."""
        self._retained[topic] = payload

    def payload(self, message: int) -> bytes:
        """Returns the payload of a queued message."""
        if (fresh := self._new.get(message)) is not None:
            return fresh[1]
        row = self._database.execute("SELECT payload FROM message WHERE id = ?", (message,)).fetchone()
        return bytes(row[0])

    @property
    def dirty(self) -> bool:
        """Returns whether there is something to commit."""
        return bool(self._new or self._done or self._retained)

    def commit(self) -> None:
        """Write all changes in one transaction. If it fails (`sqlite3.Error`), none are lost: call it again."""
        if not self.dirty:
            return
        execute = self._database.executemany
        self._database.execute("BEGIN IMMEDIATE")
        try:
            execute("INSERT INTO message VALUES (?, ?, ?)", [(n, t, p) for n, (t, p, _) in self._new.items()])
            execute("INSERT INTO waiting VALUES (?, ?)", [(c, n) for n, (_, _, who) in self._new.items() for c in who])
            execute("DELETE FROM waiting WHERE client = ? AND message = ?", self._done)
            execute("DELETE FROM message WHERE id = ?", self._dead)
            execute("INSERT OR REPLACE INTO retained VALUES (?, ?)", [(t, p) for t, p in self._retained.items() if p])
            execute("DELETE FROM retained WHERE topic = ?", [(t,) for t, p in self._retained.items() if not p])
            self._database.execute("COMMIT")
        except sqlite3.Error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        for changes in (self._new, self._done, self._dead, self._retained):
            changes.clear()

    def close(self) -> None:
        """Commit and close the file."""
        try:
            self.commit()
        finally:
            self._database.close()
