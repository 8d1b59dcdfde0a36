"""The body of `POST /attestations`: JSON, or a form with photos, read as it comes and only from who may send one.

FastAPI would read a body before it asks who calls. So this route reads its own: what is not allowed is not read, and a
photo of some megabytes waits on the disk, not in memory.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from api.attestations.pictures import LARGEST_FILE, BadPicture, Picture, encode_anew
from api.http.known_names import Body
from api.http.middleware import LARGEST_BODY
from api.http.problems import Refused
from siaga.model.indicators import INDICATORS

__all__ = [
    "BODIES",
    "MOST_PHOTOS",
    "IndicatorKind",
    "PhotoDesk",
    "PhotoSource",
    "SentPhoto",
    "Statement",
    "form_schema",
    "received",
]

MOST_PHOTOS = 6
"""Photos of one attestation."""
LARGEST_FORM = 24 * 1024 * 1024
"""Bytes of a form with its photos; a phone that shrinks them first sends 2 MB."""
MOST_SENDERS = 16
"""Attestations that may be on their way in at once: each has up to 24 MB for temporary files."""

IndicatorKind = StrEnum("IndicatorKind", {kind.upper(): kind for kind in INDICATORS})  # type: ignore[misc] # they are data
"""The 14 indicators, by kind."""


class PhotoSource(StrEnum):
    """Where a photo is from, as the sender says."""

    CAMERA = "camera"
    FILE = "file"


class Statement(Body):
    """What somebody saw. In a form the same names hold text."""

    village: Annotated[str, Field(max_length=200, pattern="^[ -~]+$", examples=["35.10.15.2012"])]
    indicator: IndicatorKind = Field(description="a kind that no device senses in the village")
    met: bool
    date: Annotated[str, Field(max_length=40, json_schema_extra={"format": "date"})] | None = Field(
        None, description="when it was seen, by the village's calendar; without it today"
    )
    note: Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")] = ""
    draft: Annotated[str, Field(min_length=8, max_length=100, pattern="^[!-~]+$")] | None = Field(
        None, description="the sender's own random name for it: sent again with it, it is stored once"
    )
    device_time: Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})] | None = Field(
        None, description="RFC 3339, by the clock of the sender's device"
    )
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = Field(
        None, description="where the sender stood; only the distance to the village office is kept"
    )
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = Field(None, description="beside `lat`")


BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Statement"}},
            "multipart/form-data": {"schema": {"$ref": "#/components/schemas/StatementForm"}},
        },
    }
}
"""What the route adds to its description."""


def form_schema() -> dict[str, object]:
    """Returns the schema of the form: the names of a statement, and its photos."""
    schema = Statement.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": MOST_PHOTOS}
    sources = {"type": "array", "items": {"type": "string", "enum": list(PhotoSource)}, "maxItems": MOST_PHOTOS}
    schema["properties"]["photo"] = files | {"description": "JPEG, PNG or WebP, 8 MB each at most"}
    schema["properties"]["source"] = sources | {"description": "none, or one for each photo"}
    return schema | {"title": "StatementForm", "description": "A statement with photos."}


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo on its way in, and where it is from, as the sender says."""

    file: UploadFile
    source: PhotoSource | None


class PhotoDesk:
    """Takes attestations in: some at once, but of their photos one at a time: each takes up to 250 MB for a moment."""

    def __init__(self) -> None:
        self._senders = anyio.CapacityLimiter(MOST_SENDERS)
        self._thread = anyio.CapacityLimiter(1)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place while an attestation comes in.

        Raises:
            Refused: 503, there is none now.
        """
        sender = object()
        try:
            self._senders.acquire_on_behalf_of_nowait(sender)
        except anyio.WouldBlock:
            sentence = f"{MOST_SENDERS} attestations are being sent at this moment: send this one again"
            raise Refused(503, sentence, {"Retry-After": "20"}) from None
        try:
            yield
        finally:
            self._senders.release_on_behalf_of(sender)

    async def encode(self, number: int, photo: SentPhoto) -> Picture:
        """Returns a photo encoded anew; `number` is its place in the form, from 1.

        Raises:
            Refused: 422, it is none.
        """
        data = await photo.file.read(LARGEST_FILE + 1)
        try:
            return await anyio.to_thread.run_sync(encode_anew, data, limiter=self._thread)
        except BadPicture as problem:
            raise Refused(422, f"body photo {number}: {problem}") from None


class _TooLarge(MultiPartException):
    """More came than is taken."""


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[tuple[Statement, list[SentPhoto]]]:
    """What was sent, its names and values checked; whether a photo is one shows when it is encoded.

    Raises:
        Refused: 413, 415 or 422, with what is wrong.
        RequestValidationError: a name or a value is not one of a statement.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            form = await _form(request)
            try:
                yield _from_form(form)
            finally:
                await form.close()  # its photos wait on the disk
        elif kind in ("application/json", ""):
            yield _checked(b"".join([chunk async for chunk in _at_most(request, LARGEST_BODY)])), []
        else:
            raise Refused(415, f"the body is {kind[:60]!r}: send application/json, or multipart/form-data with photos")
    except _TooLarge as problem:
        raise Refused(413, problem.message, {"Connection": "close"}) from None


async def _form(request: Request) -> FormData:
    parser = MultiPartParser(
        request.headers,
        _at_most(request, LARGEST_FORM),
        max_files=MOST_PHOTOS,
        max_fields=len(Statement.model_fields) + MOST_PHOTOS,
        max_part_size=16 * 1024,
    )
    try:
        return await parser.parse()
    except _TooLarge:
        raise
    except MultiPartException as problem:
        raise Refused(422, f"the form cannot be read: {problem.message}", {"Connection": "close"}) from None


async def _at_most(request: Request, largest: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes, up to a bound; the parser of forms lets go of its files when these are raised.

    Raises:
        MultiPartException: there is more (`_TooLarge`), or its sender is gone.
    """
    sentence = f"the body of this request is larger than {largest} bytes, the most that this call takes"
    total = 0
    told = request.headers.get("content-length", "")
    try:
        async for chunk in request.stream():
            total += len(chunk)
            if total > largest or (told.isdigit() and int(told) > largest):
                raise _TooLarge(sentence)
            yield chunk
    except ClientDisconnect:
        raise MultiPartException("its sender is gone") from None


def _checked(body: bytes) -> Statement:
    try:
        return Statement.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _mistakes(error) from None


def _from_form(form: FormData) -> tuple[Statement, list[SentPhoto]]:
    texts: dict[str, str] = {}
    files: list[UploadFile] = []
    sources: list[str] = []
    for name, value in form.multi_items():
        if (name == "photo") is not isinstance(value, UploadFile):
            what = "is not a file" if name == "photo" else "is a file: photos are sent as photo"
            raise Refused(422, f"body {name[:60]!r}: {what}")
        if isinstance(value, UploadFile):
            files.append(value)
        elif name == "source":
            sources.append(value)
        elif name in texts:
            raise Refused(422, f"body {name[:60]!r}: is given twice")
        else:
            texts[name] = value
    files = [file for file in files if file.size or file.filename]  # a form whose file field was left empty
    if sources and len(sources) != len(files):
        raise Refused(422, f"body source: is given {len(sources)} times for {len(files)} photos: once for each, or not")
    wrong = next((source for source in sources if source not in set(PhotoSource)), None)
    if wrong is not None:
        raise Refused(422, f"body source: {wrong[:60]!r} is not camera or file")
    given: list[PhotoSource | None] = [PhotoSource(source) for source in sources] if sources else [None] * len(files)
    try:
        # Of what a form leaves empty nothing was said
        said = {name: text for name, text in texts.items() if text != ""}
        statement = Statement.model_validate_strings(said)
    except ValidationError as error:
        raise _mistakes(error) from None
    return statement, [SentPhoto(file, source) for file, source in zip(files, given, strict=True)]


def _mistakes(error: ValidationError) -> RequestValidationError:
    found = error.errors(include_url=False)
    return RequestValidationError([one | {"loc": ("body", *one["loc"])} for one in found])
