"""Names that a call does not know are refused, in the query and in the body: a typo must not change what is answered.

One dependency of all documented routes looks at the query and at bodies of calls that take none. Bodies that a call
takes are models made from `Body`, which refuse by themselves. A route that reads its body itself says so in its
`openapi_extra`.
"""

from collections.abc import Iterator

import orjson
from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from api.http.problems import Refused

__all__ = ["Body", "known_names"]


class Body(BaseModel):
    """What a call takes as its body: the names that it knows, and no others."""

    model_config = ConfigDict(extra="forbid")


async def known_names(request: Request) -> None:
    """Refuse a query or a body with a name that the route does not know, or with one that is given twice.

    Raises:
        Refused: 422, with the name and what the call knows.
    """
    route = request.scope["route"]
    if not isinstance(route, APIRoute):
        return
    known = sorted(_query_names(route.dependant))
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise Refused(422, f"query {name[:60]!r}: is not a parameter of this call: {takes}")
        if names.count(name) > 1:
            raise Refused(422, f"query {name}: is given {names.count(name)} times")
    if route.body_field is None and not reads_its_body(route):
        _check_unasked(await request.body())


def reads_its_body(route: APIRoute) -> bool:
    """Whether a route documents a body that it reads, and checks the names of, by itself."""
    return "requestBody" in (route.openapi_extra or {})


def _query_names(dependant: Dependant) -> Iterator[str]:
    """The names of a route's query parameters, and of those that its dependencies ask for."""
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _query_names(inner)


def _check_unasked(body: bytes) -> None:
    """A call without a body may be sent an empty one."""
    if not body.strip():
        return
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(422, "the body is not JSON, and this call takes none") from None
    if isinstance(said, dict) and said:
        raise Refused(422, f"body {str(next(iter(said)))[:60]!r}: is not a name of this call: it takes no body")
    if said not in ({}, None):
        raise Refused(422, "the body holds a value, and this call takes none")
