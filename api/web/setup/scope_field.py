"""The field by which a list is narrowed to a village or a region."""

from api.web.looker import Looker
from siaga.model.scope import EVERYTHING, NotAScope, Scope, parse_scope

__all__ = ["asked_scope"]


def asked_scope(looker: Looker, text: str) -> tuple[Scope | None, str | None]:
    """Returns the scope of a field, `None` for everything, and a sentence if the text is no scope."""
    text = text.strip()
    try:
        scope = parse_scope(text) if text else None
    except NotAScope:
        return None, looker.words("scope_none", scope=text[:60])
    return (None if scope is None or scope.text == EVERYTHING else scope), None
