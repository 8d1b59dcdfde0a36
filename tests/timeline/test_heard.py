"""Since when a gateway is heard: what memory answers is what all its heartbeats say, in whatever order they come."""

from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.clock import MINUTE
from siaga.model.intervals import stretches
from siaga.timeline.judge import GATEWAY_HEARD
from siaga.timeline.recent import Recent
from tests.alerts.world import NOON, village

STEPS = st.lists(
    st.tuples(st.sampled_from(["gw", "other"]), st.integers(0, 7), st.sampled_from([7, 7, 7, 5, 3])), max_size=12
)
"""A heartbeat of a gateway, and of when it is asked for then, in minutes: one that is missed makes a gap."""


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_since_when_it_is_heard(steps: list[tuple[str, int, int]]) -> None:
    recent, beats = Recent(village(), NOON), set()
    for gateway, minute, asked in steps:
        time, moment = NOON + minute * MINUTE, NOON + asked * MINUTE
        recent.insert((gateway, "alive"), time, True, NOON + 8 * MINUTE)
        beats.add(time)
        heard = stretches(sorted(one for one in beats if one <= moment), GATEWAY_HEARD)
        truth = next((start for start, end in heard if start <= moment < end), None)
        assert recent.heard_from(moment) == truth
