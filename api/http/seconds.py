"""Seconds in an answer, as OpenAPI describes them; how they are made is in `api.queries.seconds`."""

from typing import Annotated

from pydantic import WithJsonSchema

from api.queries.seconds import parts, seconds

__all__ = ["Seconds", "parts", "seconds"]

Seconds = Annotated[int | float, WithJsonSchema({"type": "number", "minimum": 0})]
"""A length in seconds; whole where it is whole."""
