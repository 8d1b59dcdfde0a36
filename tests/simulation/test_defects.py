"""The simulation finds defects that were put in on purpose, one in each hop."""

import pytest

from tests.simulation.defects import DEFECTS
from tests.simulation.run import simulate

WITHIN = 200
"""Seeds in which a defect has to be found."""


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(defect: str) -> None:
    """A seed counts only where it passes without the defect."""
    for seed in range(1, WITHIN + 1):
        with DEFECTS[defect]():
            found = simulate(seed).failures
        if found and not simulate(seed).failures:
            return
    raise AssertionError(f"{WITHIN} seeds pass with {defect}")
