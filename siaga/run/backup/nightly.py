"""A backup each night, kept for some nights. What was missed while siaga was off is made up for at the next start.

What was made is read from the files' names, so nothing else has to be remembered. A backup counts when it has been
verified: only then older ones are deleted.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from siaga.model.clock import MINUTE, Clock
from siaga.run.settings import IN_FILE, Settings

__all__ = ["NightlyBackups", "last_backup", "made_by"]

log = structlog.get_logger(__name__)

NAME = re.compile(r"siaga-(\d{4}-\d{2}-\d{2}T\d{4})\.siaga")
"""The names of the files: the local time at which each was begun."""
FORMAT = "%Y-%m-%dT%H%M"
LOOK = 20.0
"""Seconds between two looks at the clock."""
AGAIN = 30 * MINUTE
"""ms until a backup that failed is tried again."""
WITHIN = 4 * 3600.0
"""Seconds after which a backup is given up."""
END_WITHIN = 5.0

Run = Callable[[Path, threading.Event], str | None]
"""Makes and verifies a backup. Returns why it failed, in a sentence; `None` if it is sound."""


class NightlyBackups:
    """Makes the backups of a directory, in a process of its own for each.

    Args:
        directory: where they are kept. It is made if necessary.
        at: the time of the machine's own clock.
        keep: how many are kept, at least one.
        run: makes one and verifies it.
    """

    def __init__(
        self,
        directory: Path,
        at: time,
        keep: int,
        clock: Clock,
        run: Run,
        metrics: CollectorRegistry | None = None,
    ) -> None:
        self._directory, self._at, self._keep, self._clock, self._make = directory, at, max(keep, 1), clock, run
        registry = metrics or CollectorRegistry()
        self._failures = Counter("siaga_backup_failures", "backups that failed; tried again later", registry=registry)
        self._last = Gauge(
            "siaga_backup_last_time_seconds",
            "when the last sound backup was begun, Unix time; 0: none",
            registry=registry,
        )
        self._not_before = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backups", daemon=True)

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End. A backup that is being made is given up; the next start makes it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(END_WITHIN)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.step()
            except OSError as problem:
                self._failed(str(problem))
            except Exception as problem:  # whatever was wrong tonight, tomorrow's backup is still tried
                log.exception("backups_failed")
                self._failed(type(problem).__name__)
            self._stop.wait(LOOK)

    def step(self) -> bool:
        """Make a backup if one is due. Returns whether a sound one was made.

        Raises:
            OSError: the directory cannot be used.
        """
        now = self._clock.now()
        last = last_backup(self._directory, now)
        self._last.set(0 if last is None else last.timestamp())
        if now < self._not_before or (last is not None and last >= self._due(now)):
            return False
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        begun = datetime.fromtimestamp(now / 1000).astimezone()
        path = self._directory / f"siaga-{begun.strftime(FORMAT)}.siaga"
        problem = self._make(path, self._stop)
        if self._stop.is_set():
            return False
        if problem is not None:
            self._failed(problem)
            return False
        self._last.set(begun.timestamp())
        log.info("backup_made", file=str(path), bytes=path.stat().st_size)
        for old in made_by(self._directory, now)[: -self._keep]:
            old.unlink()
        return True

    def _due(self, now: int) -> datetime:
        """Returns the last time at which a backup was due."""
        local = datetime.fromtimestamp(now / 1000).astimezone()
        today = datetime.combine(local.date(), self._at).astimezone()
        return today if today <= local else datetime.combine(local.date() - timedelta(days=1), self._at).astimezone()

    def _failed(self, problem: str) -> None:
        self._failures.inc()
        self._not_before = self._clock.now() + AGAIN
        log.warning("backup_failed", problem=problem, again_in="30 min")


def made_by(directory: Path, now: int) -> list[Path]:
    """Returns the nightly backups in a directory, the oldest first. Other files there are left alone.

    `now`: wall time, ms. A name with a time to come, or with a day that is none, is another file's.
    """
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if (begun := _begun(path)) and begun.timestamp() * 1000 <= now)


def last_backup(directory: Path, now: int) -> datetime | None:
    """Returns when the newest nightly backup in a directory was begun; `None` if there is none. `now` as above."""
    found = made_by(directory, now)
    return _begun(found[-1]) if found else None


def _begun(path: Path) -> datetime | None:
    match = NAME.fullmatch(path.name)
    try:
        return None if match is None else datetime.strptime(match[1], FORMAT).astimezone()
    except ValueError:
        return None


def by_command(settings: Settings) -> Run:
    """Returns what makes a backup and verifies it, as the command line does: in a process, so that nothing waits."""
    resolved = {"SIAGA_DATA_DIR": str(settings.data_dir.absolute())}
    if settings.store_url is not None:
        resolved["SIAGA_STORE_URL"] = settings.store_url.get_secret_value()
    if settings.database_url is not None:
        resolved["SIAGA_DATABASE_URL"] = settings.database_url.get_secret_value()
    if settings.sites is not None:
        resolved["SIAGA_SITES"] = str(settings.sites.absolute())
    named = {f"{name}{IN_FILE}" for name in resolved}  # a value and a file for it is a mistake
    environment = {name: value for name, value in os.environ.items() if name not in named} | resolved

    def run(path: Path, stop: threading.Event) -> str | None:
        unverified = path.with_name(f"unverified-{path.name}")  # it gets its name, by which it counts, at the end
        for left in path.parent.glob("*unverified-siaga-*"):
            left.unlink()
        for words in ([str(unverified)], ["verify", str(unverified)]):
            problem = _command(["backup", *words], environment, stop)
            if problem is not None:
                unverified.unlink(missing_ok=True)
                return problem
        unverified.rename(path)
        return None

    return run


def _command(words: Sequence[str], environment: dict[str, str], stop: threading.Event) -> str | None:
    """Run a command of siaga. Returns why it failed; `None` if it did not."""
    # Ended by SIGTERM it removes what it made meanwhile
    program = (
        "import os, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)); os.nice(10); "
        "from siaga.run.cli.main import main; main()"
    )
    process = subprocess.Popen(  # noqa: S603 - our own program, on a path of the settings
        [sys.executable, "-c", program, *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    waited = 0.0
    while True:
        try:
            said = process.communicate(timeout=0.5)[1]
            break
        except subprocess.TimeoutExpired:
            waited += 0.5
            if stop.is_set() or waited >= WITHIN:
                process.terminate()
                try:
                    process.communicate(timeout=END_WITHIN)
                except subprocess.TimeoutExpired:
                    process.kill()  # it is not waited for: a disk that is gone may hold it for ever
                return "it was ended before it was done"
    if process.returncode == 0:
        return None
    return (
        said.strip().removeprefix("siaga: ").splitlines()[-1] if said.strip() else f"it ended with {process.returncode}"
    )
