"""What differs between two revisions of a report, facility by facility, and why: pure.

How many of the days may still change is left out: it says nothing of what was. Rows of several facilities are sums, and
follow.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from api.reports.changed import Change, Value
from api.reports.levels import Level

__all__ = ["MOST_CHANGES", "Ground", "changes"]

MOST_CHANGES = 1_000
"""Changes that a revision keeps; the others are counted, and stand in the JSON of both revisions."""

_NAMES = frozenset({"level", "id", "name", "kind"})
_MEASURED = frozenset({"required_s", "met_s", "failed_s", "unknown_s", "coverage", "measured"})
"""What no excuse changes."""
_TIMES = ("met_s", "failed_s", "unknown_s")
_EXCUSED = ("excused_s", "excused_later_s")
_WHOLE = frozenset(
    {"outages", "longest_outage_s", "mttr_s", "mtbf_s", "days_met", "days_missed", "days_unjudged", "days_not_required"}
)
"""What rests on outages by their whole length, also beyond the report."""


class Ground(StrEnum):
    """Why a figure is another one now."""

    LATE_DATA = "late_data"
    MAINTENANCE_DECLARED = "maintenance_declared"
    MAINTENANCE_WITHDRAWN = "maintenance_withdrawn"
    SITES_FILE = "sites_file"
    ATTESTATION = "attestation"


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to a facility since the earlier revision.

    `within`: maintenance that touches the time of the report; `around`: that touches only a failure which reaches into
    it. `listed`: its village has another entry in the sites file; `certainly`: not so shortly before the earlier
    revision that this one may rest on it already.
    """

    within: frozenset[Ground] = frozenset()
    around: frozenset[Ground] = frozenset()
    listed: bool = False
    certainly: bool = True

    @property
    def grounds(self) -> frozenset[Ground]:
        """All that may be why something else is known now. What is left came late."""
        found = self.within | self.around | ({Ground.SITES_FILE} if self.listed else frozenset())
        return found or frozenset({Ground.LATE_DATA})


def changes(
    before: Iterable[Mapping[str, object]],
    after: Iterable[Mapping[str, object]],
    done: Callable[[str, str], Done],
) -> list[Change]:
    """Returns the figures that differ, in order of the facilities.

    Args:
        before: the rows of the earlier revision, as its JSON has them.
        after: the rows as they are now.
        done: what was done to a facility (its village, its id).
    """
    old, new = _facilities(before), _facilities(after)
    return [
        change
        for name in sorted(old.keys() | new.keys())
        for change in _differences(name, old.get(name, {}), new.get(name, {}), done)
    ]


def _facilities(rows: Iterable[Mapping[str, object]]) -> dict[str, dict[str, Value]]:
    return {str(row["id"]): dict(_figures(row)) for row in rows if row["level"] == Level.FACILITY.value}


def _figures(row: Mapping[str, object]) -> Iterator[tuple[str, Value]]:
    """The figures of a row by name; of days and causes each by its own."""
    for name, value in row.items():
        if name in _NAMES:
            continue
        if name == "days" and isinstance(value, Mapping):
            yield from ((f"days_{verdict}", count) for verdict, count in value.items() if verdict != "provisional")
        elif name == "causes" and isinstance(value, Mapping):
            for state, causes in value.items():
                yield from ((f"causes.{state}.{cause}", time) for cause, time in causes.items())
        elif value is None or isinstance(value, int | float):
            yield name, value


def _differences(
    name: str,
    before: Mapping[str, Value],
    after: Mapping[str, Value],
    done: Callable[[str, str], Done],
) -> Iterator[Change]:
    differing = [figure for figure in dict.fromkeys([*before, *after]) if before.get(figure) != after.get(figure)]
    if not differing:
        return
    village, _, facility = name.partition("/")
    known = done(village, facility)
    excused = any(before.get(time) != after.get(time) for time in _EXCUSED)
    is_late = any(before.get(time) != after.get(time) for time in _TIMES)
    for figure in differing:
        why = _why(figure, known, excused=excused, is_late=is_late)
        yield Change(village, facility, figure, before.get(figure), after.get(figure), why)


def _why(figure: str, done: Done, *, excused: bool, is_late: bool) -> str:
    """The grounds of one figure.

    What was measured rests on no excuse. Maintenance that excuses not one second more or less changed nothing but the
    outages that reach beyond the report.
    """
    found: set[Ground] = set()
    if figure not in _MEASURED:
        found |= done.within if excused else set()
        found |= done.around if figure in _WHOLE else set()
    if done.listed:
        found.add(Ground.SITES_FILE)
    if not found or (is_late and not (done.listed and done.certainly)):
        found.add(Ground.LATE_DATA)
    return ",".join(sorted(found))
