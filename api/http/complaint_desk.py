"""Where complaints come in: how many attempts an address has, the photos that wait, and the secrets of the day."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import anyio
from fastapi import Request
from sqlalchemy import Engine

from api.complaints.rows import DaySecrets
from api.complaints.rules import Way
from api.http.complaint_body import LARGEST_FORM
from api.http.photo_body import PhotoDesk, discard
from api.http.problems import Refused
from api.words import Sentence
from siaga.database.people import host_of
from siaga.model.clock import MINUTE, SECOND, Clock

__all__ = ["Attempts", "ComplaintDesk", "coming_in", "desk_of", "host_of_request", "read_away"]

MOST_ATTEMPTS = 60
"""Complaints of one address that are looked at within `WITHIN`, taken or not: one with a photo costs a second."""
WITHIN = 10 * MINUTE
MOST_ADDRESSES = 10_000
"""Addresses that are counted at once; the one that came first makes room."""
MOST_SENDERS = 24
"""Complaints of one way received at the same time. Each may use 9 MB of temporary files."""
MOST_OF_ONE = 2
"""Of these, how many of one address: who sends slowly keeps a place for minutes."""
_NO_PLACE = 503


class Attempts:
    """Counts attempts by address, within one process. For the event loop alone."""

    def __init__(self, most: int = MOST_ATTEMPTS, within: int = WITHIN, addresses: int = MOST_ADDRESSES) -> None:
        self._most, self._within, self._addresses = most, within, addresses
        self._counted: dict[str, tuple[int, int]] = {}

    def wait(self, key: str, now: int) -> int:
        """Count an attempt. Returns how long to wait before the next one is looked at, ms; 0: this one is."""
        began, count = self._counted.get(key, (now, 0))
        if now - began >= self._within or now < began:
            began, count = now, 0
        if count >= self._most:
            return began + self._within - now
        if key not in self._counted and len(self._counted) >= self._addresses:
            self._counted.pop(next(iter(self._counted)))
        self._counted[key] = (began, count + 1)
        return 0

    def take_back(self, key: str) -> None:
        """Forget the last attempt: it was not looked at, and is to be sent again."""
        if key in self._counted:
            began, count = self._counted[key]
            self._counted[key] = (began, count - 1)


class ComplaintDesk:
    """What the routes that take complaints share. Each way has places of its own, so that calls take none from people.

    `photo_thread`: in which all photos are encoded.
    """

    def __init__(self, engine: Engine, clock: Clock, photo_thread: anyio.CapacityLimiter) -> None:
        self.photos = {way: PhotoDesk("complaints", MOST_SENDERS, photo_thread) for way in Way}
        self.secrets = DaySecrets(engine)
        self._attempts, self._clock = Attempts(), clock
        self._here: Counter[str] = Counter()

    @contextmanager
    def place(self, way: Way, host: str) -> Iterator[None]:
        """A place for an address while its complaint comes in; asked for before the body is read.

        Raises:
            Refused: 429, there were too many of this address; 503, there is no place now. That is no attempt: who
                sends again as told is not locked out by it.
        """
        who = f"{way} {host}"
        wait = self._attempts.wait(who, self._clock.now())
        if wait:
            raise _too_many(f"{MOST_ATTEMPTS} complaints of your address within {WITHIN // MINUTE} minutes", wait)
        try:
            with self._one_of_few(who), self.photos[way].place():
                yield
        except Refused as problem:
            if problem.status == _NO_PLACE:
                self._attempts.take_back(who)
            raise

    @contextmanager
    def _one_of_few(self, who: str) -> Iterator[None]:
        if self._here[who] >= MOST_OF_ONE:
            sentence = f"{MOST_OF_ONE} complaints of your address at once are being sent: send this one again"
            raise Refused(_NO_PLACE, sentence, {"Retry-After": "20"})
        self._here[who] += 1
        try:
            yield
        finally:
            self._here[who] -= 1
            if not self._here[who]:
                del self._here[who]


def _too_many(what: str, wait: int) -> Refused:
    return Refused(
        429,
        f"there were more than {what}: try again later",
        {"Retry-After": str(-(-wait // SECOND)), "Connection": "close"},
        sentence=Sentence("complaint_too_many"),
    )


@asynccontextmanager
async def coming_in(request: Request, way: Way) -> AsyncIterator[None]:
    """A place while the complaint of a request comes in.

    Raises:
        Refused: 429 or 503, as `ComplaintDesk.place` says.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(desk_of(request).place(way, host_of_request(request)))
        except Refused:
            await read_away(request)
            raise
        yield


async def read_away(request: Request) -> None:
    """Read a form that nobody looks at, so that its sender reads the answer."""
    await discard(request, LARGEST_FORM)


def desk_of(request: Request) -> ComplaintDesk:
    """Returns the desk of the app."""
    found: ComplaintDesk = request.app.state.complaint_desk
    return found


def host_of_request(request: Request) -> str:
    """Returns who sent a request: a host of IPv4, a /64 of IPv6; behind a trusted proxy the one that it names."""
    return host_of(request.client.host if request.client is not None else "")
