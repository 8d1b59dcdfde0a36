"""Time synchronisation: whether the gateway itself knows the time.

A Raspberry Pi has no battery-backed clock. After a power cut it starts with the last time that it saved, hours behind,
until it gets the time from the network. Until then its wall clock is not used. Its monotonic clock is: it gives the
times of messages afterwards.
"""

from collections.abc import Callable
from pathlib import Path

from gateway.clocks import PLAUSIBLE_FROM
from siaga.model.clock import Clock

__all__ = ["TimeSync", "boot_id", "network_time_awaited"]


def boot_id() -> str:
    """Returns the id of the machine's current boot. The monotonic clock starts with it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        return ""


def network_time_awaited(root: Path = Path("/")) -> bool:
    """Returns whether the machine still waits for the network's time.

    That is so if systemd-timesyncd runs, has not synchronised since the boot, and no hardware clock set the time. Where
    this cannot be seen (a container, chrony), it returns False.
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
    """The gateway's wall clock, and whether it is right. `awaited`: returns whether it is still to be set."""

    def __init__(self, clock: Clock, boot: str, awaited: Callable[[], bool] = network_time_awaited) -> None:
        self._clock, self._awaited = clock, awaited
        self.boot = boot
        self._told = False

    @property
    def known(self) -> bool:
        """Whether the wall clock is right. Once it was set, `awaited` is not called again."""
        if self._clock.now() < PLAUSIBLE_FROM:
            return False
        self._told = self._told or not self._awaited()
        return self._told

    def of(self, at: int) -> int:
        """Returns the wall time of `at`, which is monotonic ms of this boot."""
        return self._clock.now() - self._clock.monotonic() + at
