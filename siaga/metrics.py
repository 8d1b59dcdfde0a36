"""Counters that gateway and collector share if they run in one process: refusals and implausible values."""

import re
import threading

from prometheus_client import Counter

__all__ = ["implausible", "refused"]

MAX_REASONS = 60
"""Labels at most. Reasons come from the code, never from a message. The bound holds even if that is violated."""
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)

_REFUSED = Counter("siaga_refused", "Messages, records and batches that were refused", ["reason"])
_IMPLAUSIBLE = Counter("siaga_implausible", "Implausible values that were dropped", ["signal"])
_known: set[str] = set()
_lock = threading.Lock()


def refused(reason: str, n: int = 1) -> None:
    """Count `n` refusals. `reason`: one or two words, such as `not_json`, which become the metric's label."""
    with _lock:
        if reason not in _known:
            if len(_known) >= MAX_REASONS or not _WORD.fullmatch(reason):
                reason = "other"
            _known.add(reason)
    _REFUSED.labels(reason).inc(n)


def implausible(signal: str, n: int = 1) -> None:
    """Count `n` values of a known signal that were dropped as implausible."""
    _IMPLAUSIBLE.labels(signal).inc(n)
