"""`/alerts/stream`: alerts as server-sent events, resumable by `Last-Event-ID`."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import anyio
import structlog
from fastapi import APIRouter, Header, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http.access import Viewer, is_still
from api.http.broadcast import Broadcast, Busy, Subscription
from api.http.problems import Refused, problems
from api.http.services import ServicesHere

__all__ = ["BEAT", "HEARTBEAT", "EventStream", "event_id", "router"]

router = APIRouter(tags=["alerts"])

HEARTBEAT = 15.0
"""Seconds after which a silent stream says that it is alive, so that nothing in between takes it for dead."""
PATIENCE = 30.0
"""Seconds that one piece may take to be sent; a reader that takes longer is gone, or as good as gone."""
LOOKED_EVERY = 30.0
"""Seconds after which a stream looks whether its reader may still read it. It looks after each event, too."""
LOOKED_AT_MOST = 2.0
"""Seconds between two looks at least: events may come by the hundred, and each look is a query."""
BEAT = b":\n\n"
_GREETING = b": siaga\nretry: 3000\n\n"
_LARGEST_ID = 2**63 - 1
_log = structlog.get_logger(__name__)


class EventStream(Response):
    """A response that goes on until the reader leaves, does not keep up, may read no longer, or the server ends.

    `still`: whether the reader may read on; called in a thread.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        broadcast: Broadcast,
        subscription: Subscription,
        heartbeat: float,
        still: Callable[[], bool],
        beat: bytes = BEAT,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._broadcast = broadcast
        self._subscription = subscription
        self._heartbeat = heartbeat
        self._still = still
        self._beat = beat
        self._told = anyio.Event()
        """Set by each event that is sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI calls it
        """Send events until one of these ends it."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async with anyio.create_task_group() as tasks:

                async def end_after(something: Callable[[], Awaitable[object]]) -> None:
                    await something()
                    tasks.cancel_scope.cancel()

                tasks.start_soon(end_after, lambda: _gone(receive))
                tasks.start_soon(end_after, self._subscription.ended.wait)
                tasks.start_soon(end_after, self._revoked)
                await self._send_events(send)
            with anyio.move_on_after(1):  # one who does not read would keep us here
                await send({"type": "http.response.body", "body": b""})
        finally:
            self._broadcast.leave(self._subscription)

    async def _send_events(self, send: Send) -> None:
        """The greeting, what is past, then what comes, with heartbeats while nothing does."""
        await self._send(send, _GREETING)
        async for event in self._subscription.past():
            await self._send(send, event.sent)
            self._told.set()
        while True:
            piece = self._beat
            with anyio.move_on_after(self._heartbeat):
                piece = (await self._subscription.next()).sent
            await self._send(send, piece)
            if piece is not self._beat:
                self._told.set()

    async def _revoked(self) -> None:
        """Wait until the reader may read no longer."""
        while True:
            with anyio.move_on_after(LOOKED_EVERY):
                await self._told.wait()
            self._told = anyio.Event()
            try:
                if not await run_in_threadpool(self._still):
                    return
            except SQLAlchemyError as error:
                # A database that is away takes nobody's right; what it would say is asked again
                _log.warning("reader_unknown", error=type(error).__name__)
            await anyio.sleep(LOOKED_AT_MOST)

    async def _send(self, send: Send, piece: bytes) -> None:
        with anyio.move_on_after(PATIENCE) as patience:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if patience.cancelled_caught:
            self._subscription.ended.set()


@router.get(
    "/alerts/stream",
    summary="Alerts as they are raised, change and clear",
    response_class=Response,
    responses={
        200: {
            "description": "server-sent events `raised`, `updated` and `cleared`; `data` is the alert as in `/alerts`",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(401, 422, 503),
    },
)
async def stream_alerts(
    request: Request,
    services: ServicesHere,
    caller: Viewer,
    last_event_id: Annotated[
        str | None, Header(max_length=40, description="go on after this event; without it, nothing past")
    ] = None,
) -> EventStream:
    """A stream of alerts. It may end at any time, as when its reader is too slow; a reader then resumes."""
    try:
        subscription = await services.broadcast.open(event_id(last_event_id), caller.scopes)
    except Busy as busy:
        raise Refused(503, str(busy), {"Retry-After": "5"}) from None
    return EventStream(services.broadcast, subscription, HEARTBEAT, lambda: is_still(request, services, caller))


def event_id(text: str | None) -> int | None:
    """Returns the id that a reader resumes from; an empty one says that there is none.

    Raises:
        Refused: 422, it is the id of no event.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST_ID:
        raise Refused(422, f"header Last-Event-ID: {text!r} is not the id of an event of this stream")
    return int(text)


async def _gone(receive: Receive) -> None:
    """Wait until the reader leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
