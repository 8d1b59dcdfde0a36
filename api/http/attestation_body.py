"""The body of `POST /attestations`: JSON, or a form with photos."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field, ValidationError
from starlette.datastructures import UploadFile

from api.http.known_names import Body
from api.http.photo_body import FormLimits, SentBody, mistakes, sent_body
from api.http.problems import Refused
from siaga.model.indicators import INDICATORS

__all__ = [
    "BODIES",
    "MOST_PHOTOS",
    "MOST_SENDERS",
    "IndicatorKind",
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


_LIMITS = FormLimits(fields=len(Statement.model_fields) + MOST_PHOTOS, photos=MOST_PHOTOS, bytes=LARGEST_FORM)

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


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[tuple[Statement, list[SentPhoto]]]:
    """What was sent, its names and values checked; whether a photo is one shows when it is encoded.

    Raises:
        Refused: 408, 413, 415 or 422, with what is wrong.
        RequestValidationError: a name or a value is not one of a statement.
    """
    async with sent_body(request, _LIMITS, {"source"}) as body:
        yield _checked(body), _photos(body)


def _checked(body: SentBody) -> Statement:
    try:
        if body.json is not None:
            return Statement.model_validate_json(body.json, strict=True)
        return Statement.model_validate_strings(body.texts)
    except ValidationError as error:
        raise mistakes(error) from None


def _photos(body: SentBody) -> list[SentPhoto]:
    files, sources = body.photos, body.lists.get("source", ())
    if sources and len(sources) != len(files):
        raise Refused(422, f"body source: is given {len(sources)} times for {len(files)} photos: once for each, or not")
    wrong = next((source for source in sources if source not in set(PhotoSource)), None)
    if wrong is not None:
        raise Refused(422, f"body source: {wrong[:60]!r} is not camera or file")
    given: list[PhotoSource | None] = [PhotoSource(source) for source in sources] if sources else [None] * len(files)
    return [SentPhoto(file, source) for file, source in zip(files, given, strict=True)]
