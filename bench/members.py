"""A process of siaga that is started again whenever it has ended, as systemd does."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Member", "run"]

END_WITHIN = 30
"""Seconds that it may take to end by SIGTERM."""


@dataclass
class Member:
    """A process of siaga. `starts`: how often it was started."""

    name: str
    command: Sequence[str]
    settings: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    starts: int = 0

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self.command, env=dict(self.settings), stdout=output, stderr=output)
        self.starts += 1

    @property
    def pid(self) -> int:
        """Its process, which may have ended."""
        return 0 if self.process is None else self.process.pid

    def revive(self) -> None:
        """Start it again if it has ended."""
        if self.process is not None and self.process.poll() is not None:
            self.start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def stop(self) -> None:
        """End it. It is not started again."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        process, self.process = self.process, None
        if process is not None:
            try:
                process.wait(END_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run(words: Sequence[object], settings: Mapping[str, str]) -> str:
    """Run a command of siaga. Returns what it printed."""
    ended = subprocess.run(list(map(str, words)), env=dict(settings), check=True, capture_output=True, text=True)
    return ended.stdout
