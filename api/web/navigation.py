"""The pages that every page leads to, by role."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.web.looker import Looker
from siaga.model.caller import Role

__all__ = ["NAVIGATION", "Entry", "entries"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A page. `key`: of its name in the catalogues. `role`: who sees it; `None`: everybody."""

    path: str
    key: str
    role: Role | None = Role.VIEWER


NAVIGATION = (
    Entry("/alerts", "nav_alerts"),
    Entry("/villages", "nav_villages"),
    Entry("/map", "nav_map"),
    Entry("/reports", "nav_reports"),
    Entry("/scorecard", "nav_scorecard"),
    Entry("/attest", "nav_attest"),
    Entry("/complaints", "nav_complaints"),
    Entry("/setup", "nav_setup", Role.ADMIN),
    Entry("/", "nav_public", None),
)
"""In the order in which they are shown; one that the app has no route for is left out."""


def entries(looker: Looker, paths: frozenset[str]) -> Sequence[Entry]:
    """Returns the pages that a looker may see, of those whose routes (`paths`) there are."""
    return [one for one in NAVIGATION if one.path in paths and (one.role is None or looker.may(one.role))]
