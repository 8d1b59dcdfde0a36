"""The machine: the data directory, the disk, the clock."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.clocks import PLAUSIBLE_FROM
from gateway.time_sync import network_time_awaited
from siaga.model.clock import Clock
from siaga.run.doctor.finding import Finding, Said, State, ok, warning, wrong
from siaga.run.settings import Settings

__all__ = ["look"]

LOW = 1 << 30
"""Bytes free below which a disk is low: days of a district's telemetry."""
FULL = 100 << 20
"""Bytes free below which a disk is as good as full: a commit or a log may fail at any moment."""


def look(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Look at the data directory, its disk, and the machine's clock."""
    yield _data_dir(settings.data_dir)
    yield _disk(settings.data_dir)
    if clock.now() < PLAUSIBLE_FROM or network_time_awaited():
        yield wrong("clock", Said.CLOCK_WAITS)
    elif not Path("/run/systemd/timesync").is_dir():
        yield Finding("clock", State.UNKNOWN, Said.CLOCK_UNKNOWN)
    else:
        yield ok("clock", Said.CLOCK_OK)


def _data_dir(directory: Path) -> Finding:
    try:
        mode = stat.S_IMODE(directory.stat().st_mode)
    except OSError:
        return wrong("data_dir", Said.DATA_DIR_ABSENT, directory=directory)
    if not directory.is_dir() or not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return wrong("data_dir", Said.DATA_DIR_CLOSED, directory=directory)
    if mode & 0o007:
        return warning("data_dir", Said.DATA_DIR_OPEN, directory=directory)
    return ok("data_dir", Said.DATA_DIR_OK, directory=directory)


def _disk(directory: Path) -> Finding:
    existing = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    values = {"directory": directory, "mib": f"{free >> 20}"}
    if free < FULL:
        return wrong("disk", Said.DISK_FULL, **values)
    return warning("disk", Said.DISK_LOW, **values) if free < LOW else ok("disk", Said.DISK_OK, **values)
