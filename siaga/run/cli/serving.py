"""Runs a service from the command line, until its work is done or a signal ends it."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siaga.run.settings import Settings

__all__ = ["logged", "serve"]


def serve(work: Callable[[threading.Event], None]) -> None:
    """Run until the work is done or a signal comes. The first signal ends it cleanly, a second one at once."""
    from siaga.run.logs import set_up_logs

    stop = threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    set_up_logs()
    work(stop)


def logged(settings: "Settings") -> "Settings":
    """Returns the settings, whose `verbose` counts from now on."""
    from siaga.run.logs import tell_the_way

    if settings.verbose:
        tell_the_way()
    return settings
