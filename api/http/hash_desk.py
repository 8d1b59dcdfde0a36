"""Passwords are hashed one at a time, so that sign-in takes neither the memory nor the threads of other requests."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import anyio
import anyio.to_thread
from fastapi import Depends, Request

__all__ = ["MOST_WAITING", "DeskBusy", "HashDesk", "HashDeskHere"]

AT_ONCE = 1
"""A hash takes 64 MiB and four threads of the processor for a tenth of a second."""
MOST_WAITING = 16
"""Sign-ins that wait for their turn, which comes within two seconds; more are told to come again."""

T = TypeVar("T")


class DeskBusy(Exception):
    """Too many wait already; the same request may succeed later."""


class HashDesk:
    """Runs what hashes, in threads of its own. Made and used within the event loop."""

    def __init__(self) -> None:
        self._thread = anyio.CapacityLimiter(AT_ONCE)
        self._here = 0

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Returns what `work` returns, when its turn has come.

        Raises:
            DeskBusy: it is not begun.
        """
        if self._here >= AT_ONCE + MOST_WAITING:
            raise DeskBusy
        self._here += 1
        try:
            return await anyio.to_thread.run_sync(work, *arguments, limiter=self._thread)
        finally:
            self._here -= 1


async def _desk(request: Request) -> HashDesk:
    found: HashDesk = request.app.state.hash_desk
    return found


HashDeskHere = Annotated[HashDesk, Depends(_desk)]
"""A route's parameter that takes the desk."""
