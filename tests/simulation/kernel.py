"""Time, chance and the trace of a simulated run: what makes it one run, and the same one every time.

Nothing in a run waits, reads the machine's clock or asks the machine for chance. What is to happen stands in a heap of
`(time, order)`; the trace's digest says whether two runs of one seed were the same.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from hashlib import blake2b

__all__ = ["Crash", "Kernel", "MachineClock"]

KEPT_LINES = 400


class Crash(BaseException):
    """The process that runs is gone, in the middle of what it did: no handler of ours may catch it."""


class Kernel:
    """True time in ms, what is to happen, chance, and the trace."""

    def __init__(self, seed: int, begin: int, show: Callable[[str], None] | None = None) -> None:
        self.chance = random.Random(seed)
        self.begin = self.time = begin
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._show = show
        self._digest = blake2b(digest_size=16)
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.counted: dict[str, int] = {}

    def at(self, time: int, do: Callable[[], None]) -> None:
        """Let something happen at a time, not before now; of two at one time the one asked for first."""
        self._order += 1
        heapq.heappush(self._heap, (max(time, self.time), self._order, do))

    def after(self, milliseconds: float, do: Callable[[], None]) -> None:
        """Let something happen in so many ms."""
        self.at(self.time + round(milliseconds), do)

    def run(self, until: int) -> None:
        """Let everything happen that is due before `until`."""
        while self._heap and self._heap[0][0] < until:
            self.time, _, do = heapq.heappop(self._heap)
            do()
        self.time = until

    def note(self, what: str, detail: str = "") -> None:
        """Write a line of the trace; `what` is counted."""
        self.counted[what] = self.counted.get(what, 0) + 1
        line = f"{self.time - self.begin:>9} {what} {detail}"
        self._digest.update(line.encode() + b"\n")
        self.lines.append(line)
        if self._show is not None:
            self._show(line)

    @property
    def digest(self) -> str:
        """What the whole trace so far comes to."""
        return self._digest.hexdigest()


class MachineClock:
    """A machine's clocks (`siaga.model.clock.Clock`) over true time: its wall clock may be off and be set."""

    def __init__(self, kernel: Kernel, offset: int = 0) -> None:
        self._kernel = kernel
        self.offset = offset

    def now(self) -> int:
        """Wall time of this machine, ms."""
        return self._kernel.time + self.offset

    def monotonic(self) -> int:
        """ms since the run began: machines boot once."""
        return self._kernel.time - self._kernel.begin
