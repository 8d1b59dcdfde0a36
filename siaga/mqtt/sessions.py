"""Names under which brokers know siaga's sessions."""

import fcntl
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["SessionName"]


@dataclass(frozen=True, slots=True)
class SessionName:
    """The name of a session at a broker. Whoever claims it keeps it as long as the session, and then releases it."""

    client_id: str
    lasting: bool
    """Whether the name is found again after a restart, so that the broker is to keep the session."""
    lock: IO[str] | None = None

    @classmethod
    def of(cls, data_dir: Path, role: str) -> "SessionName":
        """Returns the name of a role that is kept in a data directory; it is made at the first call.

        A second process with the same role and directory gets a name for this once: a broker ends the older one of two
        sessions with one name, and they would end each other for ever.
        """
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / f"{role}.session").open("a+", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return cls(_new(role), lasting=False)
        lock.seek(0)
        client_id = lock.read().strip()
        if not client_id:  # the first start, or a disk that was full at it
            client_id = _new(role)
            lock.truncate(0)
            lock.write(client_id)
            lock.flush()
        return cls(client_id, lasting=True, lock=lock)

    def release(self) -> None:
        """Let others have the name: the session has ended."""
        if self.lock is not None:
            self.lock.close()


def _new(role: str) -> str:
    return f"siaga-{role}-{secrets.token_hex(6)}"
