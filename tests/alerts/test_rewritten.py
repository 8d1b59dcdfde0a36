"""What the engine leaves for issued reports: which stretch of the past it judges otherwise now."""

import pytest

from siaga.timeline.span_algebra import FOREVER, rewritten
from siaga.timeline.spans import Span, State

M, F, U = State.MET, State.FAILED, State.UNKNOWN


def spans(*parts: tuple[int, State], end: int = FOREVER, cause: str | None = None) -> list[Span]:
    ends = [start for start, _ in parts[1:]] + [end]
    return [Span(start, stop, state, cause) for (start, state), stop in zip(parts, ends, strict=True)]


@pytest.mark.parametrize(
    ("old", "new", "stretch"),
    [
        pytest.param(spans((0, M)), spans((0, M)), None, id="the same"),
        pytest.param(spans((0, M)), spans((0, M), (50, U)), (50, FOREVER), id="what runs has ended"),
        pytest.param(spans((0, M)), spans((0, M), (50, U), (60, M)), (50, 60), id="a hole"),
        pytest.param(spans((0, M), (50, U), (60, M)), spans((0, M)), (50, 60), id="a hole is filled"),
        pytest.param(spans((40, M)), spans((10, M)), (10, 40), id="it is judged from earlier on"),
        pytest.param([], spans((10, M), end=20), (10, 20), id="nothing was known"),
        pytest.param(spans((0, M), (20, F), (60, M)), spans((0, M), (20, F), (50, M)), (20, 60), id="a failure: whole"),
        pytest.param(spans((0, M), (20, F)), spans((0, M), (30, F)), (20, FOREVER), id="a failure that runs: whole"),
    ],
)
def test_the_stretch_that_is_judged_otherwise(old: list[Span], new: list[Span], stretch: tuple[int, int]) -> None:
    assert rewritten(old, new) == stretch
