"""Readiness: the sentence may change, the time stays until it does."""

from siaga.model.clock import SECOND, ManualClock
from siaga.model.readiness import Readiness, ReadinessProbe


def test_since_changes_only_when_readiness_does() -> None:
    clock, problem = ManualClock(1_000_000), ["the store is away for 1 s"]
    probe = ReadinessProbe("store", clock, lambda: problem[0] or None)
    assert probe.read() == Readiness("store", "the store is away for 1 s", 1_000_000)
    clock.advance(SECOND)
    problem[0] = "the store is away for 2 s"
    assert probe.read() == Readiness("store", "the store is away for 2 s", 1_000_000)
    clock.advance(SECOND)
    problem[0] = ""
    assert probe.read() == Readiness("store", None, 1_000_000 + 2 * SECOND)
    assert probe.read().ready
    clock.advance(SECOND)
    problem[0] = "the store is away for 0 s"
    assert probe.read().since == 1_000_000 + 3 * SECOND
