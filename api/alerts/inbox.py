"""What the engine took from its broker: durable before its PUBACK, and replayed by a successor.

Every batch and every acknowledgement of the centre is a row, in the order in which they were taken, written in the
transaction of the decisions made from it. The broker gets its PUBACK after that commit. A village's snapshot
(`api.alerts.snapshot`) replaces its rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from siaga.mqtt import Message

__all__ = ["FOLD_EVERY", "Inbox", "Row"]

FOLD_EVERY = 60_000
"""ms after which a village's rows are replaced by a snapshot: a start replays a minute of messages at most."""


@dataclass(frozen=True, slots=True)
class Row:
    """One message. `received` is wall time, ms; `channel` is `batch` or `ack`."""

    number: int
    village: str
    gateway: str
    channel: str
    received: int
    payload: bytes


class Inbox:
    """The messages and rows that wait for a commit, and which villages have rows."""

    def __init__(self, last: int = 0) -> None:
        self.messages: list[Message] = []
        """Taken messages. Their PUBACK follows the commit of what was decided from them."""
        self.rows: list[Row] = []
        """Rows that are not committed yet."""
        self._last = last
        self._since: dict[str, tuple[int, int]] = {}

    def add(self, village: str, gateway: str, channel: str, received: int, payload: bytes) -> None:
        """Add a message that changed what is known of a village."""
        self._last += 1
        self.rows.append(Row(self._last, village, gateway, channel, received, payload))
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

    def committed(self) -> Sequence[Message]:
        """All rows are committed. Returns the messages that the broker may forget."""
        self.rows = []
        messages, self.messages = self.messages, []
        return messages
