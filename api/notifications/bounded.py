"""A call to a provider that ends in time, whatever the provider does."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

from api.notifications.outcome import Answer, Outcome

__all__ = ["bounded"]


def bounded(work: Callable[[], Outcome], seconds: float) -> Outcome:
    """Returns what a call came to, or raises what it raised.

    One that takes longer is left behind in its thread, and its outcome is not known.
    """
    call: Future[Outcome] = Future()
    threading.Thread(target=_settle, args=(call, work), name="one message", daemon=True).start()
    done, _ = wait([call], seconds)
    return call.result() if done else Outcome(Answer.UNSURE, f"did not answer within {seconds:.0f} s")


def _settle(call: Future[Outcome], work: Callable[[], Outcome]) -> None:
    try:
        call.set_result(work())
    except Exception as problem:  # noqa: BLE001 - it is raised again by who waits
        call.set_exception(problem)
