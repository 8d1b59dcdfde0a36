"""Deduplicates batches that gateways send again: after a lost acknowledgement, or while the store was down.

Storing a batch twice would change data: its received time, and any newer value that another batch wrote at the same
event time. So a repeated batch is only acknowledged, however it is compressed and whenever it was sent. The memory is
lost with the process: the first repetition after a restart is stored again.
"""

from collections import OrderedDict
from functools import lru_cache
from hashlib import blake2b

from siaga.wire.batch import Batch

__all__ = ["Deduplication", "fingerprint"]

GATEWAYS = 10_000
"""Topics whose hash is kept: 3 MB."""
REMEMBERED = 100_000
"""Batches that are remembered: an hour of ten districts after an outage; some 20 MB."""


def fingerprint(topic: str, batch: Batch) -> bytes:
    """Returns the identity of a batch: its topic, and its content without the time at which it was sent.

    Epoch and number are not enough, because a faulty gateway may use them twice. Then a batch that was never stored
    would be acknowledged.
    """
    return blake2b(batch.digest, digest_size=16, key=_key(topic)).digest()


@lru_cache(maxsize=GATEWAYS)
def _key(topic: str) -> bytes:
    return blake2b(topic.encode(), digest_size=32).digest()


class Deduplication:
    """Fingerprints of the latest batches. Several threads use it: each call is one atomic step."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._taken: OrderedDict[bytes, bool] = OrderedDict()
        self._remembered = remembered

    def take(self, batch: bytes) -> bool:
        """Remember a batch. Returns whether it is a repetition."""
        if batch in self._taken:
            self._taken.move_to_end(batch)
            return True
        self._taken[batch] = False
        if len(self._taken) > self._remembered:
            self._taken.popitem(last=False)
        return False

    def forget(self, batch: bytes) -> None:
        """Forget a batch that was not stored: its repetition is a new batch."""
        self._taken.pop(batch, None)

    def stored(self, batch: bytes) -> None:
        """Note that a batch is stored."""
        if batch in self._taken:
            self._taken[batch] = True

    def is_stored(self, batch: bytes) -> bool:
        """Returns whether the batch is stored: only then a repetition may be acknowledged."""
        return self._taken.get(batch, False)
