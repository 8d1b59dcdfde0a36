"""Issued reports as a service: a thread that looks for what is due, and a process that does it.

One of several `siaga api` does the work: the one with the turn. A look is a few small queries; whatever takes longer is
done by the process, with a low priority, so neither alerts nor pages wait for it.
"""

import subprocess
import sys
import threading
from collections.abc import Callable

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.issued import checks, orders
from api.issued.metrics import IssuedMetrics
from api.issued.process import Job, packed, work
from api.reports.answer import DEADLINE
from api.reports.office import PLAIN, Office
from api.reports.process import surroundings
from siaga.database.turn import Turn
from siaga.model.clock import SECOND, Clock, SystemClock

__all__ = ["IssuedService"]

log = structlog.get_logger(__name__)

LOOK = 2.0
"""Seconds between two looks for what is due."""
AGAIN = 5.0
"""Seconds until a database that is away, or a process that failed, is tried again."""
HELD_FOR = 30 * SECOND
"""For so long nobody else takes over from a process that is gone without a word."""
PROCESS_WITHIN = DEADLINE + 70.0
"""Seconds after which a process is ended: it begins no work in its last minute (`process.WORKS_FOR`)."""
END_WITHIN = 5.0


class IssuedService:
    """Runs until stopped. Never a reason for a process not to be ready.

    `steps`: what else is to be done at each look by whoever has the turn, as runs of schedules; given wall time, ms.
    """

    def __init__(
        self,
        database: Engine,
        office: Office = PLAIN,
        clock: Clock | None = None,
        metrics: IssuedMetrics | None = None,
        steps: Callable[[int], object] | None = None,
    ) -> None:
        self._engine, self._office = database, office
        self._clock = clock or SystemClock()
        self._metrics = metrics or IssuedMetrics()
        self._steps = steps or (lambda _: None)
        self._turn = Turn(database, "reports", HELD_FOR, self._clock)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="issued reports", daemon=True)

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End; a process that is at work is ended, and what it had in hand is done after the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(END_WITHIN)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
                self._stop.wait(LOOK)
            except DBAPIError as problem:
                self._failed(type(problem).__name__)
            except Exception as problem:  # nothing that is wrong with one report ends the work on all others
                log.exception("issued_reports_failed")
                self._failed(type(problem).__name__)
        self._turn.leave()

    def _failed(self, problem: str) -> None:
        self._metrics.failures.inc()
        log.warning("issued_reports_wait", problem=problem)
        self._stop.wait(AGAIN)

    def look(self) -> bool:
        """Do what is due; whether it is this process's turn."""
        if not self._turn.take():
            return False
        now = self._clock.now()
        checks.absorb(self._engine, now)
        self._steps(now)
        with self._engine.connect() as connection:
            is_due = orders.is_due(connection, now) or checks.is_due(connection, now)
            self._metrics.given_up.set(orders.given_up(connection))
        if is_due:
            self._work(now)
            self._steps(self._clock.now())
        return True

    def _work(self, now: int) -> None:
        """Let a process do it, and keep the turn meanwhile."""
        url = self._engine.url
        if self._engine.dialect.name == "sqlite" and url.database in (None, "", ":memory:"):
            work(self._engine, self._office, self._clock.now)  # no other process can read it
            return
        job = packed(Job(url.render_as_string(hide_password=False), self._office, now, None))
        command = [sys.executable, "-m", "api.issued.process"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=surroundings())  # noqa: S603 - our own
        try:
            assert process.stdin is not None  # noqa: S101 - it is a pipe
            with process.stdin as into:
                into.write(job)
            self._await(process)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        if process.returncode != 0 and not self._stop.is_set():
            self._failed(f"the process that issues reports ended with {process.returncode}")

    def _await(self, process: "subprocess.Popen[bytes]") -> None:
        until = self._clock.monotonic() + round(PROCESS_WITHIN * 1000)
        renew = self._clock.monotonic() + HELD_FOR // 3
        while process.poll() is None and not self._stop.is_set() and self._clock.monotonic() < until:
            self._stop.wait(0.1)
            if self._clock.monotonic() >= renew:
                if not self._turn.take():
                    return
                renew = self._clock.monotonic() + HELD_FOR // 3
