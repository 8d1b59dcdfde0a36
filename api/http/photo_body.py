"""Bodies with photos: JSON, or a form whose photos wait on the disk; read as they come, and only from who may send one.

FastAPI would read a body before it asks who calls. So a route that takes photos reads its own: what is not allowed is
not read, and a photo of some megabytes waits on the disk, not in memory.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from api.attestations.pictures import LARGEST_FILE, BadPicture, Picture, encode_anew
from api.http.middleware import BODY_WITHIN, LARGEST_BODY, SLOWEST
from api.http.problems import Refused

__all__ = ["FormLimits", "PhotoDesk", "SentBody", "discard", "mistakes", "sent_body"]


READ_AWAY = 16 * 1024 * 1024
"""Bytes of a body that is larger than its call takes, and that is yet read to its end: as large as a phone's photo. A
browser whose connection is closed over what it still sends shows no answer."""


@dataclass(frozen=True, slots=True)
class FormLimits:
    """How much a form may hold: fields with text, photos, and bytes in all."""

    fields: int
    photos: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SentBody:
    """What was sent: JSON, or the texts of a form, by name, with its photos. `lists`: names that may be given often."""

    json: bytes | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    photos: Sequence[UploadFile] = ()


class PhotoDesk:
    """Receives several bodies at once and encodes one photo at a time, because each takes up to 250 MB.

    `what`: what comes in, in the plural; `most`: how many of it at once, each with temporary files.
    """

    def __init__(self, what: str, most: int, thread: anyio.CapacityLimiter | None = None) -> None:
        self._what, self._most = what, most
        self._senders = anyio.CapacityLimiter(most)
        self.thread = thread or anyio.CapacityLimiter(1)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place while one comes in.

        Raises:
            Refused: 503, there is none now.
        """
        sender = object()
        try:
            self._senders.acquire_on_behalf_of_nowait(sender)
        except anyio.WouldBlock:
            sentence = f"{self._most} {self._what} are being sent at this moment: send this one again"
            raise Refused(503, sentence, {"Retry-After": "20"}) from None
        try:
            yield
        finally:
            self._senders.release_on_behalf_of(sender)

    async def encode(self, number: int, photo: UploadFile) -> Picture:
        """Returns a photo encoded anew; `number` is its place in the form, from 1.

        Raises:
            Refused: 422, it is none.
        """
        # The photo stays on the disk until its turn: all who wait would hold 8 MB each
        try:
            return await anyio.to_thread.run_sync(_encoded, photo, limiter=self.thread)
        except BadPicture as problem:
            raise Refused(422, f"body photo {number}: {problem}") from None


def _encoded(photo: UploadFile) -> Picture:
    return encode_anew(photo.file.read(LARGEST_FILE + 1))


class _TooLarge(MultiPartException):
    """More came than is taken."""


class _TooSlow(MultiPartException):
    """The body trickles in."""


@asynccontextmanager
async def sent_body(
    request: Request, limits: FormLimits, several: Collection[str] = frozenset()
) -> AsyncIterator[SentBody]:
    """What was sent, as JSON or as a form. `several`: names of the form that may be given more than once.

    Whether a photo is one shows when it is encoded.

    Raises:
        Refused: 408, 413, 415 or 422, with what is wrong.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            form = await _form(request, limits)
            try:
                yield _split(form, several)
            finally:
                await form.close()  # its photos wait on the disk
        elif kind in ("application/json", ""):
            yield SentBody(b"".join([chunk async for chunk in _at_most(request, LARGEST_BODY)]))
        else:
            raise Refused(415, f"the body is {kind[:60]!r}: send application/json, or multipart/form-data with photos")
    except _TooLarge as problem:
        raise Refused(413, problem.message, {"Connection": "close"}) from None
    except _TooSlow as problem:
        raise Refused(408, problem.message, {"Connection": "close"}) from None


async def discard(request: Request, largest: int) -> None:
    """Read a body that nobody looks at: closed over unread bytes, a connection loses the answer, too.

    One that is larger, or that trickles in, is not read to its end.
    """
    with suppress(MultiPartException):
        async for _ in _at_most(request, largest):
            pass


async def _form(request: Request, limits: FormLimits) -> FormData:
    parser = MultiPartParser(
        request.headers,
        _at_most(request, limits.bytes),
        max_files=limits.photos,
        max_fields=limits.fields,
        max_part_size=16 * 1024,
    )
    try:
        return await parser.parse()
    except (_TooLarge, _TooSlow):
        raise
    except MultiPartException as problem:
        raise Refused(422, f"the form cannot be read: {problem.message}", {"Connection": "close"}) from None


async def _at_most(request: Request, largest: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes, up to a bound; the parser of forms lets go of its files when these are raised.

    Of one that is larger nothing more is given, but it is read, up to `READ_AWAY`: then its sender reads the answer.
    Its deadline moves on with each byte: who sends at less than `SLOWEST` keeps no place for minutes.

    Raises:
        MultiPartException: there is more (`_TooLarge`), it trickles in (`_TooSlow`), or its sender is gone.
    """
    sentence = f"the body of this request is larger than {largest} bytes, the most that this call takes"
    total = 0
    length = request.headers.get("content-length", "")
    told = int(length) if length.isdigit() else 0
    began, chunks = anyio.current_time(), request.stream()
    while True:
        left = began + BODY_WITHIN + total / SLOWEST - anyio.current_time()
        try:
            with anyio.fail_after(left):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise _TooSlow(f"of the body of this request only {total} bytes came in time") from None
        except ClientDisconnect:
            raise MultiPartException("its sender is gone") from None
        total += len(chunk or b"")
        too_large = max(total, told) > largest
        if too_large and (chunk is None or max(total, told) > max(largest, READ_AWAY)):
            raise _TooLarge(sentence)
        if chunk is None:
            return
        if not too_large:
            yield chunk


def _split(form: FormData, several: Collection[str]) -> SentBody:
    texts: dict[str, str] = {}
    lists: dict[str, list[str]] = {name: [] for name in several}
    files: list[UploadFile] = []
    for name, value in form.multi_items():
        if (name == "photo") is not isinstance(value, UploadFile):
            what = "is not a file" if name == "photo" else "is a file: photos are sent as photo"
            raise Refused(422, f"body {name[:60]!r}: {what}")
        if isinstance(value, UploadFile):
            files.append(value)
        elif name in lists:
            lists[name].append(value)
        elif name in texts:
            raise Refused(422, f"body {name[:60]!r}: is given twice")
        else:
            texts[name] = value
    files = [file for file in files if file.size or file.filename]  # a form whose file field was left empty
    # Of what a form leaves empty nothing was said
    return SentBody(None, {name: text for name, text in texts.items() if text != ""}, lists, files)


def mistakes(error: ValidationError) -> RequestValidationError:
    """Returns what is wrong with a body that a route checked itself, as of a body that FastAPI checks."""
    found = error.errors(include_url=False)
    return RequestValidationError([one | {"loc": ("body", *one["loc"])} for one in found])
