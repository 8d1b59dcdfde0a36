"""An alert as the API shows it and as its events carry it."""

from collections.abc import Iterator, Mapping

from siaga.model.times import rfc3339

__all__ = ["alert_document", "listed_children", "still_lost"]

_TIMES = ("began_at", "raised_at", "ended_at", "cleared_at", "acknowledged_at")


def alert_document(row: Mapping[str, object]) -> dict[str, object]:
    """Returns the alert of a row of table `alert` (`row._mapping`): contract, section 7, `GET /alerts`."""
    village = row["village"]
    document: dict[str, object] = {key: row[key] for key in ("id", "kind", "severity", "village")}
    for part in ("facility", "device"):
        document[part] = None if row[part] is None else f"{village}/{row[part]}"
    for name in _TIMES:
        time = row[name]
        document[name] = rfc3339(time if isinstance(time, int) else None)
    return document | {key: row[key] for key in ("acknowledged_by", "assignee", "cause", "evidence")}


def still_lost(evidence: Mapping[str, object]) -> list[str]:
    """Returns the villages that an alert's evidence lists, from which nothing has arrived yet."""
    return [str(child["village"]) for child in listed_children(evidence) if child["ended_at"] is None]


def listed_children(evidence: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Returns the villages that share an outage, as an alert's evidence lists them."""
    children = evidence.get("children")
    if isinstance(children, list):
        yield from (child for child in children if isinstance(child, dict) and {"village", "ended_at"} <= child.keys())
