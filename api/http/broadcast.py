"""Alert events, read once from their table and handed to every stream that is open.

One task follows the table: it wakes when an event is committed in this process, and looks by itself every second for
those of others. Each stream has a queue of its own with a bound; one whose reader does not keep up is ended, and
resumes where it was by `Last-Event-ID`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import orjson
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from api.alert_records.seen import seen_document
from api.alert_records.stream import EventSignal
from api.queries.alert_events import AlertEvent, events_after, newest_event
from siaga.model.scope import Scopes

__all__ = ["Broadcast", "Busy", "Event", "Subscription"]

LOOK_EVERY = 1.0
"""Seconds between two looks into the table without a signal."""
_PAGE = 500
QUEUE = 500
"""Events that wait for one stream; a reader that is further behind is better served by resuming."""
MOST_STREAMS = 500

_log = structlog.get_logger(__name__)


class Busy(Exception):
    """No more streams can be opened now; says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One alert event: its id, and the bytes that tell of it, the same for every stream that sees all of it."""

    id: int
    sent: bytes
    told: AlertEvent

    def seen_by(self, seen: Scopes) -> "Event | None":
        """Returns the event as far as it is seen; `None`: nothing of it is."""
        if seen.everything:
            return self
        document = seen_document(self.told.document, seen)
        if document is None or document is self.told.document:
            return None if document is None else self
        return Event(self.id, _sent(self.id, self.told.type, document), self.told)


class Subscription:
    """One stream: first what is past, as far as it asked for it, then what comes. Used within the event loop."""

    def __init__(self, broadcast: "Broadcast", seen: Scopes, after: int, until: int, *, queue: int) -> None:
        self._broadcast = broadcast
        self._seen = seen
        self._after = after
        self._until = until
        self._queue: asyncio.Queue[Event] = asyncio.Queue(queue)
        self.ended = asyncio.Event()
        """Set when the stream is to end: at the end of the server, or because its reader does not keep up."""

    def offer(self, event: Event) -> bool:
        """Take a new event, as far as it is seen; `False`: there is no room, the reader is too slow."""
        mine = event.seen_by(self._seen)
        if mine is None:
            return True
        try:
            self._queue.put_nowait(mine)
        except asyncio.QueueFull:
            return False
        return True

    async def past(self) -> AsyncIterator[Event]:
        """The events after the one asked from, up to where the queue goes on."""
        while self._after < self._until:
            events = await run_in_threadpool(self._broadcast.read, self._after, self._until)
            if not events:
                break
            for event in events:
                if (mine := event.seen_by(self._seen)) is not None:
                    yield mine
            self._after = events[-1].id

    async def next(self) -> Event:
        """The next event that comes; waits for it."""
        while (event := await self._queue.get()).id <= self._until:
            pass
        return event


class Broadcast:
    """Follows the table of alert events for all streams of this process."""

    def __init__(self, engine: Engine, signal: EventSignal, *, queue: int = QUEUE, streams: int = MOST_STREAMS) -> None:
        self._engine = engine
        self._signal = signal
        self._queue = queue
        self._most = streams
        self._subscriptions: set[Subscription] = set()
        self._seen: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._closed = False
        self._readable = False
        self.dropped = 0
        """Streams that were ended because their reader did not keep up."""

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._subscriptions)

    @property
    def following(self) -> bool:
        """Whether it knows where the table ends, so that streams can be opened."""
        return self._seen is not None and not self._closed

    async def run(self) -> None:
        """Follow the table until `close`; to be run as a task of the event loop that serves the streams."""
        loop = self._loop = asyncio.get_running_loop()
        news = self._news = asyncio.Event()
        unsubscribe = self._signal.subscribe(lambda: _wake(loop, news))
        try:
            while not self._closed:
                news.clear()
                try:
                    await self._look()
                except SQLAlchemyError as error:
                    # Before the first success the database is still being set up, which /readyz says
                    if self._readable:
                        _log.warning("alert_events_unreadable", error=type(error).__name__)
                    self._readable = False
                else:
                    self._readable = True
                if not self._closed:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(news.wait(), LOOK_EVERY)
        finally:
            unsubscribe()
            self._end_all()

    def close(self) -> None:
        """End all streams, now and for good. Safe to call from any thread, and again."""
        self._closed = True
        loop, news = self._loop, self._news
        if loop is not None and news is not None:
            with suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(self._end_all)
            _wake(loop, news)

    async def open(self, after: int | None, seen: Scopes) -> Subscription:
        """A new stream of what is seen: of what comes after event `after`, or only of what comes from now on.

        Raises:
            Busy: the server ends, cannot read the events yet, or has as many streams as it takes.
        """
        if not self.following:
            raise Busy("the stream of alerts is not open: siaga is starting or ending")
        if len(self._subscriptions) >= self._most:
            raise Busy(f"{self._most} streams are open, and no more are taken: try again later")
        # From here on it gets all that is committed; what is past at this moment comes from the table, or not at all
        subscription = Subscription(self, seen, 0, 0, queue=self._queue)
        self._subscriptions.add(subscription)
        try:
            newest = await run_in_threadpool(self._newest)
        except BaseException:
            self.leave(subscription)
            raise
        subscription._after = newest if after is None else min(after, newest)
        subscription._until = newest
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """The stream is over."""
        self._subscriptions.discard(subscription)

    def read(self, after: int, until: int | None = None) -> Sequence[Event]:
        """The next events with an id above `after`, in order."""
        with self._engine.connect() as connection:
            told = events_after(connection, after, until, _PAGE)
        return [Event(one.id, _sent(one.id, one.type, one.document), one) for one in told]

    def _newest(self) -> int:
        with self._engine.connect() as connection:
            return newest_event(connection)

    async def _look(self) -> None:
        """Hand out all events that are new."""
        if self._seen is None:
            self._seen = await run_in_threadpool(self._newest)
            return
        while events := await run_in_threadpool(self.read, self._seen):
            self._seen = events[-1].id
            for subscription in list(self._subscriptions):
                if not all(subscription.offer(event) for event in events):
                    self.dropped += 1
                    subscription.ended.set()
                    self.leave(subscription)

    def _end_all(self) -> None:
        for subscription in list(self._subscriptions):
            subscription.ended.set()
            self.leave(subscription)


def _wake(loop: asyncio.AbstractEventLoop, news: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(news.set)


def _sent(number: int, kind: str, document: object) -> bytes:
    """An event as the stream sends it; JSON from orjson has no line breaks."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), orjson.dumps(document))
