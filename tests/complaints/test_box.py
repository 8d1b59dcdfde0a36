"""What is to be said of a village's complaints box: which complaints count, and how long they waited."""

import pytest

from api.complaints.box import Asked, Box, box_of

START, END, RULE = 100, 130, 7
CASES: dict[str, tuple[list[Asked], Box | None]] = {
    "none": ([], None),
    "answered": ([(110, 115)], Box(1, 1, 5, RULE)),
    "waits": ([(125, None)], Box(1, 0, 5, RULE)),
    "closed before these days": ([(90, 99)], None),
    "closed on their first instant": ([(90, 100)], Box(1, 1, 10, RULE)),
    "waits since long before": ([(10, None)], Box(1, 0, 120, RULE)),
    "made after them": ([(130, None)], None),
    "closed after them: it still waited": ([(120, 131)], Box(1, 0, 10, RULE)),
    "the longest wait of several": ([(110, 112), (104, 120), (129, None)], Box(3, 2, 16, RULE)),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_of_a_box(name: str) -> None:
    complaints, box = CASES[name]
    assert box_of(complaints, (START, END), RULE) == box
