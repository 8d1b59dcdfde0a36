"""A shared outage as somebody sees it who may not see all of its villages.

One alert tells of all villages that were lost with one uplink. Whoever sees only some of them sees an alert of these:
the members, their number, since when, and its village. What was heard of another village's gateway is left out.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from api.alert_records.documents import listed_children
from siaga.model.scope import Scopes

__all__ = ["seen_document", "seen_row"]

_SHARED = ("uplink", "villages", "children")
"""What the evidence says of all members; the rest is of the first one's own link."""


def seen_row(row: Mapping[str, object], seen: Scopes) -> Mapping[str, object] | None:
    """Returns a row of table `alert` (times in ms) as far as it is seen; `None`: nothing of it is."""
    return _seen(row, seen, lambda text: round(datetime.fromisoformat(text).timestamp() * 1000))


def seen_document(document: Mapping[str, object], seen: Scopes) -> Mapping[str, object] | None:
    """Returns an alert as the API shows it (times in RFC 3339) as far as it is seen; `None`: nothing of it is."""
    return _seen(document, seen, str)


def _seen(alert: Mapping[str, object], seen: Scopes, time: Callable[[str], object]) -> Mapping[str, object] | None:
    if seen.everything:
        return alert
    evidence = alert["evidence"]
    listed = list(listed_children(evidence)) if isinstance(evidence, Mapping) else []
    mine = [child for child in listed if seen.holds(str(child["village"]))]
    own = seen.holds(str(alert["village"]))
    if own and len(mine) == len(listed):
        return alert
    if not own and not mine:
        return None
    assert isinstance(evidence, Mapping)  # noqa: S101 - it lists children
    villages = [str(child["village"]) for child in mine]
    told = evidence if own else {key: evidence[key] for key in _SHARED if key in evidence}
    # It was worked out for all members
    shown = {key: value for key, value in told.items() if key != "planned_until"}
    shown |= {"villages": villages, "children": mine}
    if own:
        return {**alert, "evidence": shown}
    began = [str(child["began_at"]) for child in mine if child.get("began_at")]
    part = {"village": villages[0], "facility": None, "device": None, "evidence": shown}
    return {**alert, **part, **({"began_at": time(min(began))} if began else {})}
