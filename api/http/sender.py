"""In whose name a phone sends what it kept: the session may be another person's by then."""

from urllib.parse import quote

from fastapi import Request

from api.http.problems import Refused
from siaga.model.caller import Caller

__all__ = ["PERSON", "check_sender", "named"]

PERSON = "X-Siaga-Person"
"""The header with the name of a person: pages say by it who has signed in, and a phone whose draft it sends."""


def named(caller: Caller) -> str:
    """Returns the value of the header for a caller."""
    return quote(caller.name)


def check_sender(request: Request, caller: Caller) -> None:
    """Refuse what one person made and another's session sends. A request without the header is the caller's own.

    Raises:
        Refused: 403.
    """
    said = request.headers.get(PERSON)
    if said is not None and said != named(caller):
        raise Refused(403, "this was made by another person than the one who has signed in: sign in as that person")
