"""Batches that come again: after a lost acknowledgement, or while the store was away.

Storing one again would change what others see: when it was received, and a value that another batch put at the same
time since. So a batch that was taken is only acknowledged again, however it is packed and whenever it was sent. What is
remembered is lost with the process: the first repeat after a restart is stored once more.
"""

from collections import OrderedDict
from hashlib import blake2b

from siaga.wire.batch import Batch

__all__ = ["Deduplication", "fingerprint"]

REMEMBERED = 100_000
"""Batches that are remembered: an hour of ten districts after an outage, some 20 MB."""


def fingerprint(topic: str, batch: Batch) -> bytes:
    """What tells a batch from all others: whose it is, and all it says but the time at which it was sent.

    Its epoch and number alone would do, were they never used twice: what was never stored must not be acknowledged.
    """
    return blake2b(batch.digest, digest_size=16, key=blake2b(topic.encode(), digest_size=32).digest()).digest()


class Deduplication:
    """Fingerprints of the batches taken last. The gathering and the committing threads use them, a step at a time."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._taken: OrderedDict[bytes, bool] = OrderedDict()
        self._remembered = remembered

    def take(self, batch: bytes) -> bool:
        """Remember a batch; whether it had been taken before."""
        if batch in self._taken:
            self._taken.move_to_end(batch)
            return True
        self._taken[batch] = False
        if len(self._taken) > self._remembered:
            self._taken.popitem(last=False)
        return False

    def forget(self, batch: bytes) -> None:
        """It was not stored after all: when it comes again it is a new one."""
        self._taken.pop(batch, None)

    def stored(self, batch: bytes) -> None:
        """Remember that a batch that was taken is stored."""
        if batch in self._taken:
            self._taken[batch] = True

    def is_stored(self, batch: bytes) -> bool:
        """Whether it was taken and is stored: only then a repetition may be acknowledged."""
        return self._taken.get(batch, False)
