"""What a caller may see: the one place where tokens and people that are limited to scopes narrow what calls answer."""

from siaga.database.tokens import Caller
from siaga.model.scope import EVERYTHING, in_scope

__all__ = ["may_see", "seen_by"]


def seen_by(caller: Caller) -> tuple[str, ...]:  # noqa: ARG001 - a caller has no scopes of its own yet
    """Returns the scopes whose villages are there for a caller: everything, as tokens are not limited yet."""
    return (EVERYTHING,)


def may_see(caller: Caller, village: str) -> bool:
    """Whether a village, by its code, is there for a caller."""
    return any(in_scope(village, scope) for scope in seen_by(caller))
