"""Whether the gateway itself knows the time.

A Raspberry Pi has no clock that runs without power. It starts where it was when it last looked, hours behind, and only
the network tells it more. Until then its time is worth nothing; its monotonic clock is, and says afterwards when
things were.
"""

from collections.abc import Callable
from pathlib import Path

from gateway.clocks import PLAUSIBLE_FROM
from siaga.model.clock import Clock

__all__ = ["TimeSync", "boot_id", "network_time_awaited"]


def boot_id() -> str:
    """Which boot of the machine this is; the monotonic clock counts from it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # not Linux: then no two processes share a boot
        return ""


def network_time_awaited(root: Path = Path("/")) -> bool:
    """Whether systemd-timesyncd runs here, has not heard from the network since the boot, and no clock chip stood in.

    Where none of that can be seen (a container, chrony) nothing is awaited.
    """
    timesync = root / "run/systemd/timesync"
    if not timesync.is_dir() or (timesync / "synchronized").exists():
        return False
    chip = root / "sys/class/rtc/rtc0/hctosys"
    try:
        return chip.read_text(encoding="ascii").strip() != "1"
    except OSError:
        return True


class TimeSync:
    """The gateway's wall clock, once it is to be believed. `awaited`: whether somebody is still to set it."""

    def __init__(self, clock: Clock, boot: str, awaited: Callable[[], bool] = network_time_awaited) -> None:
        self._clock, self._awaited = clock, awaited
        self.boot = boot
        self._told = False

    @property
    def known(self) -> bool:
        """Whether the wall clock reads the time. Once somebody has set it nobody else is awaited."""
        if self._clock.now() < PLAUSIBLE_FROM:
            return False
        self._told = self._told or not self._awaited()
        return self._told

    def of(self, at: int) -> int:
        """The wall time of a moment of this boot, monotonic ms."""
        return self._clock.now() - self._clock.monotonic() + at
