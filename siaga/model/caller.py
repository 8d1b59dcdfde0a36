"""Who calls: a token or a person, in which role, and which villages are there for them."""

from dataclasses import dataclass
from enum import StrEnum

from siaga.model.scope import Scopes

__all__ = ["Caller", "Role"]


class Role(StrEnum):
    """What a caller may do. Each role includes the previous one."""

    VIEWER = "viewer"
    TECHNICIAN = "technician"
    ADMIN = "admin"


_ORDER = list(Role)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a valid token, or is signed in.

    `name` is what an alert shows as `acknowledged_by`. `who` names the caller alone, for logs and limits: `token/12`
    by its number, `person/ratih`. `scopes`: nothing outside of them is there for the caller.
    """

    role: Role
    name: str
    scopes: Scopes
    who: str

    def may(self, role: Role) -> bool:
        """Returns whether the caller may do what requires `role`."""
        return _ORDER.index(self.role) >= _ORDER.index(role)
