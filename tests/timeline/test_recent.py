"""What memory takes over from the telemetry store."""

from siaga.model.clock import MINUTE
from siaga.model.observation import Track
from siaga.timeline.recent import Recent
from siaga.timeline.series import NEVER
from tests.alerts.world import NOON, village


def test_it_says_from_when_on_the_store_knew_more() -> None:
    recent = Recent(village(), NOON - 60 * MINUTE)
    recent.insert(("gw", "alive"), NOON, True, NOON)
    recent.insert(("gw", "alive"), NOON + 3 * MINUTE, True, NOON + 3 * MINUTE)
    stored = [NOON + minute * MINUTE for minute in range(4)]
    tracks = {("gw", "alive"): Track(stored, [True] * 4)}

    assert recent.absorb(tracks, NOON - 60 * MINUTE) == NOON + MINUTE
    assert list(recent.evidence.tracks["gw", "alive"].times) == stored
    assert recent.absorb(tracks, NOON - 60 * MINUTE) == NEVER
    assert recent.absorb({}, NOON - 60 * MINUTE) == NEVER
