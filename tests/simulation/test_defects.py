"""The simulation finds defects that were put in on purpose, one in each hop."""

import pytest

from tests.simulation.defects import DEFECTS
from tests.simulation.options import Options
from tests.simulation.run import simulate

WITHIN = 200
"""Seeds in which a defect has to be found."""
BEGIN_AT = {
    "gateway_acknowledges_before_commit": 5,
    "collector_acknowledges_before_write": 56,
    "engine_loses_a_deadline": 2,
    "gateway_never_sends_again": 24,
    "engine_does_not_correct_history": 17,
    "engine_forgets_who_spoke": 9,
    "engine_tells_nobody_of_want_of_evidence": 11,
    "judge_takes_want_of_evidence_for_silence": 9,
}
"""The first of the seeds that found it when this was written: the others before it would cost half a minute."""


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(defect: str) -> None:
    """A seed counts only where it passes without the defect. The search begins at a seed and takes in all others."""
    begin = BEGIN_AT.get(defect, 1)
    for seed in [*range(begin, WITHIN + 1), *range(1, begin)]:
        options = Options.of(seed)
        with DEFECTS[defect]():
            found = simulate(options).failures
        if found and not simulate(options).failures:
            return
    raise AssertionError(f"{WITHIN} seeds pass with {defect}")
