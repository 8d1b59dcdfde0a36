"""Lists in pages: `limit`, and a cursor that says after which item to go on.

A cursor holds the key of the last item shown, so a page is found by an index however far it is, and items that come
or go in between neither hide nor repeat others. Its checksum finds a cursor that was cut, typed or taken from another
list; it keeps nothing secret.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from api.http.problems import Refused

__all__ = ["CursorParameter", "Filter", "Limit", "Page", "after", "cursor", "page"]

Item = TypeVar("Item")
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=1000, description="how many items at most")]
CursorParameter = Annotated[
    str | None, Query(max_length=500, description="`next` of the page before; without it, the first page")
]
Filter = Annotated[str | None, Query(max_length=200, pattern="^[ -~]+$")]
"""A word to filter by; printable ASCII, as all names of the contract are."""

_SUM_BYTES = 6


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(description="the cursor of the next page; null on the last one")


def cursor(of: str, *key: str | int) -> str:
    """The cursor after the item with this key, in the list called `of`."""
    body = orjson.dumps(key)
    return base64.urlsafe_b64encode(_sum(of, body) + body).decode().rstrip("=")


def after(of: str, text: str | None, types: Sequence[type]) -> list[str | int] | None:
    """The key that a cursor of list `of` holds, its parts of these types; `None` without a cursor.

    Raises:
        Refused: 422, it is no cursor of this list.
    """
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    found, body = raw[:_SUM_BYTES], raw[_SUM_BYTES:]
    if not body or found != _sum(of, body):
        raise Refused(422, f"query cursor: {text[:60]!r} is not the `next` of a page of this list")
    key: list[str | int] = orjson.loads(body)
    # The sum was ours, so the parts are; a change of this list's key would show here
    if [type(part) for part in key] != list(types):
        raise Refused(422, f"query cursor: {text[:60]!r} is of an older version: begin again with the first page")
    return key


def page(
    of: str, rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[str | int, ...]]
) -> tuple[Sequence[Row], str | None]:
    """The rows of one page, of `limit + 1` that were asked for, and the cursor of the next."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], cursor(of, *key(rows[limit - 1]))


def _sum(of: str, body: bytes) -> bytes:
    return hashlib.sha256(of.encode() + b"\0" + body).digest()[:_SUM_BYTES]
