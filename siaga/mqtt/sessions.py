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
    def of(cls, data_dir: Path, role: str, *, members: int = 1) -> "SessionName":
        """Returns the name of a role that is kept in a data directory; it is made at the first call.

        A broker ends the older one of two sessions with one name, so each process with the same role and directory has
        another: up to `members` of them have names that are kept, more get a name for this once.
        """
        data_dir.mkdir(parents=True, exist_ok=True)
        for member in range(1, members + 1):
            lock = (data_dir / (f"{role}.session" if member == 1 else f"{role}-{member}.session")).open(
                "a+", encoding="ascii"
            )
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
            else:
                return cls._claimed(lock, role)
        return cls(_new(role), lasting=False)

    @classmethod
    def _claimed(cls, lock: IO[str], role: str) -> "SessionName":
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
