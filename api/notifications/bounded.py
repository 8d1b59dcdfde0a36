"""A call to a provider that ends in time, whatever the provider does."""

import threading
from collections.abc import Callable

from api.notifications.outcome import Answer, Outcome

__all__ = ["bounded"]


def bounded(work: Callable[[], Outcome], seconds: float) -> Outcome:
    """Returns what a call came to. One that takes longer is left behind in its thread, and its outcome is not known."""
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(work()), name="one message", daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else Outcome(Answer.UNSURE, f"did not answer within {seconds:.0f} s")
