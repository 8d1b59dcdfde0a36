"""What an admin may hand on: the own scopes, or less. What lies beside them is not there for the admin."""

from api.web.looker import Looker
from siaga.model.caller import Caller
from siaga.model.scope import EVERYTHING, NotAScope, Scope, Scopes, parse_scope

__all__ = ["BadScopes", "admin_of", "manages", "read_scopes"]


class BadScopes(ValueError):
    """Scopes of a form that cannot be given; `text` is the first of them, `is_outside` whether it is one at all."""

    def __init__(self, text: str, *, is_outside: bool) -> None:
        super().__init__(text)
        self.text = text
        self.is_outside = is_outside


def admin_of(looker: Looker) -> Caller:
    """Returns who looks at a page that only admins get."""
    assert looker.caller is not None  # noqa: S101 - the page's dependency let nobody else in
    return looker.caller


def manages(admin: Caller, scopes: Scopes) -> bool:
    """Whether an admin may change somebody of these scopes."""
    return all(admin.scopes.covers(scope) for scope in scopes)


def read_scopes(admin: Caller, text: str) -> Scopes:
    """Returns the scopes of a form, with spaces, commas or lines between them. None: all that the admin has.

    Raises:
        BadScopes: one of them is none, or is not the admin's to give.
    """
    found: list[Scope] = []
    for word in text.replace(",", " ").split():
        try:
            found.append(parse_scope(word))
        except NotAScope:
            raise BadScopes(word[:60], is_outside=False) from None
        if not admin.scopes.covers(found[-1]):
            raise BadScopes(EVERYTHING if word == EVERYTHING else word, is_outside=True)
    return Scopes(tuple(found)) or admin.scopes
