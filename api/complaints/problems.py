"""What may be wrong at a facility, by its kind: data. The words are `problem_NAME` in the catalogues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["OTHER", "PICTOGRAMS", "PROBLEMS", "Problem", "problem_of"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem that people may choose. `pictogram`: one of `PICTOGRAMS`."""

    name: str
    pictogram: str


OTHER = Problem("other", "dots")
"""Of every kind."""

_BY_KIND = {
    "free_wifi": (
        Problem("wifi_absent", "wifi"),
        Problem("wifi_password", "key"),
        Problem("wifi_no_internet", "screen"),
        Problem("wifi_slow", "clock"),
    ),
    "office_lighting": (Problem("lamp_off", "bulb"), Problem("lamp_broken", "wrench")),
    "gate": (Problem("gate_closed", "lock"), Problem("gate_broken", "wrench")),
    "night_guard": (Problem("guard_absent", "person"), Problem("guard_no_answer", "clock")),
    "toilet": (
        Problem("toilet_dirty", "bin"),
        Problem("toilet_locked", "lock"),
        Problem("toilet_no_water", "drop"),
        Problem("toilet_broken", "wrench"),
    ),
    "lactation_room": (
        Problem("room_locked", "lock"),
        Problem("room_dirty", "bin"),
        Problem("room_used_otherwise", "person"),
    ),
    "it_service": (Problem("service_down", "screen"), Problem("service_slow", "clock")),
    "playground": (
        Problem("playground_dangerous", "danger"),
        Problem("playground_broken", "wrench"),
        Problem("playground_dirty", "bin"),
    ),
    "reading_corner": (Problem("corner_closed", "lock"), Problem("corner_no_books", "paper")),
    "trees": (Problem("trees_dead", "tree"), Problem("trees_dangerous", "danger")),
    "poverty_task_force": (Problem("honorarium_late", "money"), Problem("task_force_absent", "person")),
    "public_information": (Problem("information_missing", "paper"), Problem("information_old", "clock")),
    "disability_home": (Problem("home_closed", "lock"), Problem("home_damaged", "wrench")),
    "complaints_box": (Problem("box_missing", "paper"), Problem("box_no_answer", "clock")),
    "power": (Problem("power_out", "bolt"), Problem("wire_dangerous", "danger")),
}
PROBLEMS: Mapping[str, Sequence[Problem]] = {kind: (*found, OTHER) for kind, found in _BY_KIND.items()}
"""By kind of facility, in the order in which they are shown."""

PICTOGRAMS: Mapping[str, str] = {
    "lock": "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
    "wrench": "M5 21l9-9M13 5a5 5 0 0 0 6 6l-3 3-6-6z",
    "bulb": "M9 18h6M10 21h4M8 14a6 6 0 1 1 8 0v2H8zM3 3l18 18",
    "wifi": "M2 9a15 15 0 0 1 20 0M5 13a10 10 0 0 1 14 0M9 17a5 5 0 0 1 6 0M4 3l16 18",
    "key": "M8 16a4 4 0 1 1 4-6h9v3h-3v3h-3v-3h-3a4 4 0 0 1-4 3z",
    "screen": "M3 5h18v11H3zM8 20h8M9 8l6 5M15 8l-6 5",
    "clock": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 3",
    "person": "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0M3 3l18 18",
    "bin": "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
    "drop": "M12 3c4 5 6 8 6 11a6 6 0 0 1-12 0c0-3 2-6 6-11zM4 4l16 16",
    "bolt": "M13 2L5 14h6l-1 8 8-12h-6z",
    "paper": "M6 3h9l4 4v14H6zM9 12h7M9 16h7",
    "money": "M3 7h18v10H3zM12 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
    "tree": "M12 3L5 15h14zM12 15v6",
    "danger": "M12 3L2 20h20zM12 9v5M12 16v1",
    "dots": "M5 12h2M11 12h2M17 12h2",
}
"""By name the path of a drawing of 24 by 24 units, in strokes."""


def problem_of(kind: str, name: str) -> Problem | None:
    """Returns the problem of a kind of facility by its name; `None`: this kind has none of that name."""
    return next((one for one in PROBLEMS.get(kind, ()) if one.name == name), None)
