"""The counters that gateway and collector share when they run in one process: what was refused, what was dropped."""

import re
import threading

from prometheus_client import Counter

__all__ = ["implausible", "refused"]

MAX_REASONS = 60
"""Labels in all. Reasons are words of the code, never of a message; a bound holds even where that is got wrong."""
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)

_REFUSED = Counter("siaga_refused", "Messages, records and batches that were refused", ["reason"])
_IMPLAUSIBLE = Counter("siaga_implausible", "Values outside of what is plausible, which were dropped", ["signal"])
_known: set[str] = set()
_lock = threading.Lock()


def refused(reason: str, n: int = 1) -> None:
    """Count `n` refusals under a reason of one or two words, such as `not_json`; it becomes a label."""
    with _lock:
        if reason not in _known:
            if len(_known) >= MAX_REASONS or not _WORD.fullmatch(reason):
                reason = "other"
            _known.add(reason)
    _REFUSED.labels(reason).inc(n)


def implausible(signal: str, n: int = 1) -> None:
    """Count `n` values of a signal of the vocabulary that were dropped as not plausible."""
    _IMPLAUSIBLE.labels(signal).inc(n)
