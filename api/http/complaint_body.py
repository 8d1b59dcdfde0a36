"""What a citizen sends: JSON, or a form with photos."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Request
from pydantic import BeforeValidator, Field, ValidationError
from starlette.datastructures import UploadFile

from api.complaints.rules import lines
from api.http.known_names import Body
from api.http.photo_body import FormLimits, SentBody, mistakes, sent_body

__all__ = [
    "BODIES",
    "FORM_LIMITS",
    "LARGEST_FORM",
    "MOST_PHOTOS",
    "ComplaintBody",
    "Lines",
    "checked_complaint",
    "complaint_form_schema",
    "received_complaint",
]

MOST_PHOTOS = 3
"""Photos of one complaint."""
LARGEST_FORM = 9 * 1024 * 1024
"""Bytes of a form with its photos: one as a phone takes it, or three that the browser has shrunk."""


def _lines(value: object) -> object:
    return lines(value) if isinstance(value, str) else value


Lines = BeforeValidator(_lines)
"""Of a text: a form of a browser ends lines in two characters, and counts them as one."""


class ComplaintBody(Body):
    """What is wrong at a facility. In a form the same names hold text."""

    facility: Annotated[
        str, Field(max_length=200, pattern="^[ -~]+$", description="`VILLAGE/ID`", examples=["35.10.15.2012/gerbang"])
    ]
    problem: Annotated[
        str,
        Field(max_length=64, pattern="^[ -~]+$", description="a problem of its kind, or `other`", examples=["other"]),
    ]
    note: Annotated[str, Lines, Field(max_length=2_000, pattern=r"^[^\x00]*$")] = ""
    draft: Annotated[str, Field(min_length=8, max_length=100, pattern="^[!-~]+$")] | None = Field(
        None, description="the sender's own random name for it: sent again with it, it is stored once"
    )


BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/ComplaintBody"}},
            "multipart/form-data": {"schema": {"$ref": "#/components/schemas/ComplaintForm"}},
        },
    },
    "security": [],
}
"""What the route adds to its description."""

FORM_LIMITS = FormLimits(fields=len(ComplaintBody.model_fields), photos=MOST_PHOTOS, bytes=LARGEST_FORM)


def complaint_form_schema() -> dict[str, object]:
    """Returns the schema of the form: the names of a complaint, and its photos."""
    schema = ComplaintBody.model_json_schema(ref_template="#/components/schemas/{model}")
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": MOST_PHOTOS}
    schema["properties"]["photo"] = files | {"description": "JPEG, PNG or WebP, 8 MB each at most"}
    return schema | {"title": "ComplaintForm", "description": "A complaint with photos."}


@asynccontextmanager
async def received_complaint(request: Request) -> AsyncIterator[tuple[ComplaintBody, Sequence[UploadFile]]]:
    """What was sent, its names and values checked; whether a photo is one shows when it is encoded.

    Raises:
        Refused: 408, 413, 415 or 422, with what is wrong.
        RequestValidationError: a name or a value is not one of a complaint.
    """
    async with sent_body(request, FORM_LIMITS) as body:
        yield checked_complaint(body), body.photos


def checked_complaint(body: SentBody) -> ComplaintBody:
    """Returns what a body says, without its photos.

    Raises:
        RequestValidationError: a name or a value is not one of a complaint.
    """
    try:
        if body.json is not None:
            return ComplaintBody.model_validate_json(body.json, strict=True)
        return ComplaintBody.model_validate_strings(body.texts)
    except ValidationError as error:
        raise mistakes(error) from None
