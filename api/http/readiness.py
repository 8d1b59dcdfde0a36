"""Whether each part of this process does its work, answered in time whatever hangs.

Each check runs in a thread of its own, one at a time: one that does not come back is not asked again until it does, and
its part is not ready, since when it last was.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future

import structlog

from api.http.services import Check
from siaga.model.clock import SECOND, Clock
from siaga.model.readiness import Readiness, ReadinessProbe
from siaga.model.times import rfc3339

__all__ = ["ANSWER_WITHIN", "Probes"]

ANSWER_WITHIN = 1.5
"""Seconds until an answer is given without the checks that have none (contract: 2 s for all of it)."""

_log = structlog.get_logger(__name__)


class Probes:
    """The checks of one process by name. For one event loop."""

    def __init__(self, checks: Mapping[str, Check], clock: Clock) -> None:
        self._probes = {name: _Probe(name, check, clock) for name, check in checks.items()}

    async def not_ready(self) -> list[Readiness]:
        """Returns the parts that are not ready, each with its reason and since when."""
        return [each for each in await self.parts() if not each.ready]

    async def parts(self) -> list[Readiness]:
        """Returns all parts, ready or not."""
        asked = {probe: asyncio.wrap_future(probe.ask()) for probe in self._probes.values()}
        await asyncio.wait(asked.values(), timeout=ANSWER_WITHIN)
        return [answer.result() if answer.done() else probe.no_answer() for probe, answer in asked.items()]


class _Probe:
    """One check: asked in a thread, once at a time."""

    def __init__(self, name: str, check: Check, clock: Clock) -> None:
        self.name = name
        self._check, self._clock = check, clock
        self._readiness = ReadinessProbe(name, clock, self._look)
        self._running: Future[Readiness] | None = None
        self._silent_since: tuple[int, int] | None = None
        """When the first check began that has not succeeded since: wall time and monotonic, ms."""

    def ask(self) -> Future[Readiness]:
        """Returns the answer to be: of the check that runs, else of a new one."""
        if self._running is None or self._running.done():
            if self._silent_since is None:
                self._silent_since = self._clock.now(), self._clock.monotonic()
            self._running = Future()
            threading.Thread(target=self._run, args=(self._running,), name=f"check {self.name}", daemon=True).start()
        return self._running

    def no_answer(self) -> Readiness:
        """Returns what is said of a part whose check has not come back."""
        assert self._silent_since is not None  # noqa: S101 - it is asked, and has not answered
        since, monotonic = self._silent_since
        lasted = (self._clock.monotonic() - monotonic) // SECOND
        sentence = f"it has given no answer since {rfc3339(since - since % SECOND)}, for {lasted} s"
        return Readiness(self.name, sentence, since)

    def _run(self, answer: Future[Readiness]) -> None:
        readiness = self._readiness.read()
        if readiness.ready:
            self._silent_since = None
        answer.set_result(readiness)

    def _look(self) -> str | None:
        try:
            return self._check()
        except Exception as error:  # noqa: BLE001 - a check that breaks says that its part is not ready
            _log.warning("check_failed", check=self.name, error=repr(error))
            return "it could not be checked; the log says why"
