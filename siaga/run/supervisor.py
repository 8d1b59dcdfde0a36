"""Runs one service in several processes, because Python uses one core in each."""

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import parent_process
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

__all__ = ["supervise"]

log = structlog.get_logger(__name__)

Work = Callable[[threading.Event], None]
"""What each process does, until the event is set."""

LOOK = 0.5
"""Seconds between two checks whether to end."""
END_WITHIN = 9.0
"""Seconds for the processes to end; then they are killed. A service ends within ten seconds."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until a process that ended is started again: doubles from the first to the longest."""
STABLE_AFTER = 60.0
"""Seconds after which a process counts as well, and the pause begins with the first again."""


@dataclass(slots=True)
class _Place:
    """One of the processes. `due`: when it is to be started, monotonic seconds, if it does not run."""

    number: int
    process: "ForkProcess | None" = None
    started: float = 0.0
    pause: float = 0.0
    due: float = 0.0


def supervise(name: str, work: Work, processes: int, stop: threading.Event) -> None:
    """Run `work` in so many processes until `stop` is set; one that ends is started again.

    They are forked, so they share what is loaded, and settings with secrets stand on no command line. The caller has
    no other threads. A process whose supervisor is killed ends by itself.
    """
    places = [_Place(number) for number in range(1, processes + 1)]
    try:
        while not stop.is_set():
            for place in places:
                _keep_running(name, work, place, stop)
            wait([place.process.sentinel for place in places if place.process is not None], LOOK)
    finally:
        _end([place.process for place in places if place.process is not None])


def _keep_running(name: str, work: Work, place: _Place, stop: threading.Event) -> None:
    """Start a process that does not run, when it is due."""
    now = time.monotonic()
    if place.process is not None and not place.process.is_alive():
        place.pause = FIRST_PAUSE if now - place.started > STABLE_AFTER else min(2 * place.pause, LONGEST_PAUSE)
        place.pause = place.pause or FIRST_PAUSE
        place.due = now + place.pause
        log.error("process_ended", service=name, process=place.number, status=place.process.exitcode, again=place.pause)
        place.process.close()
        place.process = None
    if place.process is None and now >= place.due and not stop.is_set():
        place.process = multiprocessing.get_context("fork").Process(
            target=_run, args=(work, stop), name=f"{name} {place.number}"
        )
        place.started = now
        place.process.start()


def _run(work: Work, stop: threading.Event) -> None:
    """Work in a new process, until a signal comes or the supervisor is gone."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # One signal may come from the supervisor and another from systemd or a terminal, which tell the whole group
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_outlive_nobody, args=(stop,), name="supervisor", daemon=True).start()
    try:
        work(stop)
    except Exception:
        log.exception("process_failed")
        raise SystemExit(1) from None


def _outlive_nobody(stop: threading.Event) -> None:
    supervisor = parent_process()
    if supervisor is not None:
        wait([supervisor.sentinel])
        stop.set()


def _end(processes: "list[ForkProcess]") -> None:
    """End all at the same time. One that does not is killed: what it had not acknowledged is sent again."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + END_WITHIN
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.is_alive():
            log.error("process_killed", process=process.name)
            process.kill()
            process.join()
        elif process.exitcode:
            log.error("process_ended", process=process.name, status=process.exitcode)
