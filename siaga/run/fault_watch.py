"""What `siaga doctor` finds wrong is told to the admins: once, again when it comes back, and when it is mended.

One member of an installation looks for all, so that one message goes out. It keeps the part while it lives.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Connection, Engine

from api.notifications.book import Book
from api.notifications.messages import Tone
from api.notifications.queue import put_message
from api.web.setup.health import Examined
from api.words import WORDS, Language, Words
from siaga.database import take_turns, writing
from siaga.database.faults import Fault, Told, read_told, write_told
from siaga.database.people import Persons
from siaga.database.turn import Turn
from siaga.model.caller import Role
from siaga.model.clock import MINUTE, Clock
from siaga.mqtt.worker import Inlet

__all__ = ["FaultWatch", "Wrong"]

log = structlog.get_logger(__name__)

FIRST = 2 * MINUTE
"""ms after the start: by then all parts are ready, or something is wrong."""
EVERY = 15 * MINUTE
AGAIN = MINUTE
"""ms after which a new fault is looked at again: what has gone by then is not told."""
LEASE = 2 * EVERY
"""ms after its last look from which on another member takes over."""
_LOOK_FAILED, _NOT_PROBED = "unknown", "self_probe_old"
"""What is said where a look failed, and where no probe came: neither shows that a fault has gone."""


class Wrong(Examined, Protocol):
    """A finding with the sentence that it says."""

    @property
    def said(self) -> str:
        """The key of the sentence, without `doctor_`."""
        ...

    @property
    def values(self) -> Mapping[str, str]:
        """What stands in the sentence."""
        ...


Examine = Callable[[], Sequence[Wrong]]


class FaultWatch:
    """A worker that looks at all that this deployment consists of, every quarter of an hour.

    `book`: returns the channels of people as they are now.
    """

    def __init__(
        self,
        engine: Engine,
        book: Callable[[], Book],
        examine: Examine,
        clock: Clock,
        metrics: CollectorRegistry | None = None,
    ) -> None:
        self._engine, self._book, self._examine, self._clock = engine, book, examine, clock
        self._wrong = Gauge(
            "siaga_faults",
            "what is wrong with siaga itself, as this member found it; -1: another member looks",
            registry=metrics or CollectorRegistry(),
        )
        self._turn = Turn(engine, "faults", LEASE, clock)
        self._next = clock.monotonic() + FIRST
        self._suspected: frozenset[str] = frozenset()

    @property
    def inlets(self) -> Sequence[Inlet]:
        """None: it receives nothing."""
        return ()

    def tick(self) -> int:
        """Look, if it is due. Returns when to call it again, monotonic ms."""
        self.step()
        return self._next

    def close(self) -> None:
        """Let another member look."""
        self._turn.leave()

    def step(self) -> bool:
        """Look, if it is time and this member's part. Returns whether it looked."""
        if self._clock.monotonic() < self._next:
            return False
        if not self._turn.take():
            self._wrong.set(-1)
            self._next = self._clock.monotonic() + AGAIN
            return False
        found = self._examine()
        wrong = {each.id: each for each in found if each.state == "wrong"}
        self._wrong.set(len(wrong))
        failed = any(each.said == _LOOK_FAILED for each in found)  # which findings it lacks nobody knows
        unclear = {each.id for each in found if each.state == "unknown" or each.said == _NOT_PROBED}
        suspected = self._tell(wrong, lambda fault: not failed and fault not in wrong and fault not in unclear)
        self._suspected = frozenset(suspected)
        self._next = self._clock.monotonic() + (AGAIN if suspected else EVERY)
        return True

    def _tell(self, wrong: Mapping[str, Wrong], is_mended: Callable[[str], bool]) -> list[str]:
        """Tell what has begun and what is mended. Returns the faults that have to be seen once more before that."""
        now = self._clock.now()
        admins = [
            one.name for one in Persons(self._engine).listed() if one.role is Role.ADMIN and one.scopes.everything
        ]
        with writing(self._engine) as connection:
            take_turns(connection, "faults")
            told = read_told(connection)
            known = {fault.id: fault for fault in told.faults}
            mended = [fault for name, fault in known.items() if is_mended(name)]
            new = [each for name, each in wrong.items() if name not in known]
            begun = [each for each in new if each.id in self._suspected]
            if begun or mended:
                self._write(connection, begun, mended, admins, now)
            faults = [fault for fault in told.faults if fault not in mended]
            faults += [Fault(each.id, str(each.said), dict(each.values), now) for each in begun]
            write_told(connection, Told(now, faults))
        return [each.id for each in new if each not in begun]

    def _write(
        self, connection: Connection, begun: Sequence[Wrong], mended: Sequence[Fault], admins: Sequence[str], now: int
    ) -> None:
        log.warning("faults", begun=[each.id for each in begun], mended=[fault.id for fault in mended])
        book = self._book()
        for recipient in book.recipients(admins):
            words = WORDS[Language(book.language(str(recipient)))]
            subject = {
                "title": words("doctor_told_title") if begun else words("doctor_mended_title"),
                "body": _body(words, begun, mended, book.link),
                "tone": (Tone.FAILURE if begun else Tone.SUCCESS).value,
            }
            put_message(connection, book, f"faults {now}", recipient, subject, now)


def _body(words: Words, begun: Sequence[Wrong], mended: Sequence[Fault], link: str | None) -> str:
    lines = []
    for each in begun:
        lines += [f"✗ {each.text(words)}", f"→ {each.remedy(words)}"]
    lines += [f"✓ {words('doctor_mended', text=words(f'doctor_{each.said}', **each.values))}" for each in mended]
    return "\n".join([*lines, *([] if link is None else [f"{link}/setup/health"])])
