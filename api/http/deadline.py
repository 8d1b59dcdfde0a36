"""An answer to every request in time, whatever the database or the store does.

A route that waits for a server that hangs goes on in its thread until its own deadline comes; its caller is told
meanwhile. Routes that have no thread yet are not begun any more.
"""

import asyncio
from collections.abc import Callable

import anyio
import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AnswerWithin"]

_log = structlog.get_logger(__name__)

Within = Callable[[Scope], float]
"""Seconds that the route of a request has to begin its answer."""
Late = Callable[[Scope, float], Response]
"""Makes the answer that says that there is none within so many seconds."""


class AnswerWithin:
    """Passes requests on, and answers those whose route has not begun to in time. An answer that has begun may last."""

    def __init__(self, app: ASGIApp, within: Within, late: Late) -> None:
        self._app, self._within, self._late = app, within, late
        self._left: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer in time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = _Call(receive, send)
        task = asyncio.create_task(call.run(self._app, scope))
        within = self._within(scope)
        try:
            await asyncio.wait({task, call.begun}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if task.done() or call.begun.done():
                await task
                return
        except asyncio.CancelledError:
            task.cancel()
            raise
        self._leave(task, call)
        _log.warning("no_answer_in_time", path=scope["path"], within=within)
        await self._late(scope, within)(scope, receive, send)

    def _leave(self, task: asyncio.Task[None], call: "_Call") -> None:
        call.leave()
        self._left.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._left.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("late_call_failed", error=repr(error))


class _Call:
    """One request on its way. `begun`: done when its answer begins."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._scope = anyio.CancelScope()
        self._left = False
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Let the app answer."""
        with self._scope:
            await app(scope, self._receive_on, self._send_on)

    def leave(self) -> None:
        """Nobody waits for it any more. What runs in a thread ends there; what waits for one does not begin."""
        self._left = True
        self._scope.cancel()

    async def _receive_on(self) -> Message:
        return {"type": "http.disconnect"} if self._left else await self._receive()

    async def _send_on(self, message: Message) -> None:
        if self._left:
            return
        if not self.begun.done():
            self.begun.set_result(None)
        await self._send(message)
