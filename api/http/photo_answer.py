"""A kept photo as an answer, which a browser that has it already does not get again."""

from typing import Annotated, Any

from fastapi import Header, Response

__all__ = ["PHOTO", "IfNoneMatch", "photo_answer"]

IfNoneMatch = Annotated[str | None, Header(max_length=1_000, description="the `ETag` of the photo that the caller has")]
PHOTO: dict[int | str, dict[str, Any]] = {
    200: {"description": "The photo", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "It is the one that the caller has"},
}
"""What such a route answers, for its description."""


def photo_answer(jpeg: bytes, sha256: str, if_none_match: str | None, caching: str) -> Response:
    """Returns the photo; 304 where the caller has it. `caching`: who may keep it, and for how long."""
    headers = {"Cache-Control": caching, "ETag": f'"{sha256}"'}
    if headers["ETag"] in [tag.strip() for tag in (if_none_match or "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(jpeg, media_type="image/jpeg", headers=headers)
