"""What the engine took from its broker: durable before its PUBACK, and replayed by a successor.

Every batch and every acknowledgement of the centre is a row, in the order in which they were taken, written in the
transaction of the decisions made from it. The broker gets its PUBACK after that commit. A village's snapshot
(`api.alerts.snapshot`) replaces its rows.
"""

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from siaga.mqtt import Message

__all__ = ["FOLD_EVERY", "Inbox", "Row"]

FOLD_EVERY = 60_000
"""ms after which a village's rows are replaced by a snapshot: a start replays a minute of messages at most."""
COMMIT_WITHIN = 200
"""ms after which messages are committed that changed no span and no alert: at most five such commits a second."""
COMMIT_AT = 250
"""This many of them are committed without waiting."""
MOST_TAKEN = 900
"""The most messages that are taken and not committed. The broker keeps the rest (its receive maximum is 1,000)."""


class Row(NamedTuple):
    """One message, as the table has it. `received` is wall time, ms; `channel` is `batch` or `ack`."""

    village: str
    number: int
    gateway: str
    channel: str
    received: int
    payload: bytes


class Inbox:
    """The messages and rows that wait for a commit, and which villages have rows."""

    def __init__(self, last: int = 0) -> None:
        self.rows: list[Row] = []
        """Rows that are not committed yet."""
        self._messages: list[Message] = []
        self._taken_since: int | None = None
        self._last = last
        self._since: dict[str, tuple[int, int]] = {}

    def take(self, message: Message, monotonic: int) -> None:
        """Add a message. Its PUBACK follows the commit of what was decided from it."""
        self._messages.append(message)
        if self._taken_since is None:
            self._taken_since = monotonic

    @property
    def is_full(self) -> bool:
        """Whether no more messages may be taken before a commit."""
        return len(self._messages) >= MOST_TAKEN

    def commit_at(self) -> int | None:
        """Returns when (monotonic ms) messages are to be committed that changed nothing; `None`: there are none."""
        if self._taken_since is None or len(self._messages) >= COMMIT_AT:
            return self._taken_since
        return self._taken_since + COMMIT_WITHIN

    def add(self, village: str, gateway: str, channel: str, received: int, payload: bytes) -> None:
        """Add a message that changed what is known of a village."""
        self._last += 1
        self.rows.append(Row(village, self._last, gateway, channel, received, payload))
        self._note(village, received, self._last)

    def replayed(self, row: Row) -> None:
        """Note a row that the database has already."""
        self._last = max(self._last, row.number)
        self._note(row.village, row.received, row.number)

    def _note(self, village: str, received: int, number: int) -> None:
        since, _ = self._since.get(village, (received, 0))
        self._since[village] = (since, number)  # its place stays: the oldest rows come first

    def last_of(self, village: str) -> int:
        """Returns the number of a village's last row; 0: it has none."""
        return self._since.get(village, (0, 0))[1]

    def due(self, now: int) -> Iterator[str]:
        """The villages whose rows are to be replaced by a snapshot at wall time `now`, those with the oldest first."""
        for village, (since, _) in self._since.items():
            if 0 <= now - since < FOLD_EVERY:
                return
            yield village

    def folded(self, village: str, upto: int) -> None:
        """A snapshot has replaced a village's rows up to a number."""
        if self.last_of(village) <= upto:
            self._since.pop(village, None)

    def keep_only(self, villages: Container[str]) -> None:
        """Forget the rows of all other villages: they are watched no more."""
        gone = {village for village in self._since if village not in villages}
        if gone:
            self._since = {village: rows for village, rows in self._since.items() if village not in gone}
            self.rows = [row for row in self.rows if row.village not in gone]

    def committed(self) -> Sequence[Message]:
        """All rows are committed. Returns the messages that the broker may forget."""
        self.rows, self._taken_since = [], None
        messages, self._messages = self._messages, []
        return messages
