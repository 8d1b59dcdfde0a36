"""Where a backlog ends when its mark does not come back: by a silence that is the broker's, not ours."""

import pytest

from siaga.mqtt.backlog import MARK_IDLE, MARK_WITHIN, Backlog


@pytest.mark.parametrize("wait", [MARK_IDLE + 1, MARK_WITHIN + 1, 3 * MARK_WITHIN])
def test_a_backlog_that_we_let_wait_is_late_all_the_same(wait: float) -> None:
    """A gateway with neither disk nor link acknowledges nothing for minutes; its backlog grows no younger by that."""
    backlog = Backlog()
    backlog.begin(0.0)
    first = [backlog.heard(mid, 0.1) for mid in range(5)]
    for mid in range(5):
        backlog.acknowledged(mid, wait)
    rest = [backlog.heard(mid, wait + 0.1) for mid in range(5, 20)]
    assert first + rest == [True] * 20


def test_while_one_is_in_hand_the_broker_may_be_waiting_for_it() -> None:
    backlog = Backlog()
    backlog.begin(0.0)
    assert backlog.heard(1, 0.1)
    assert backlog.heard(2, MARK_WITHIN + 10)


@pytest.mark.parametrize(
    "silences", [[MARK_IDLE + 0.1], [MARK_IDLE - 0.1] * round(MARK_WITHIN / MARK_IDLE + 15)], ids=["idle", "too long"]
)
def test_a_silence_of_the_brokers_ends_it_and_so_does_time(silences: list[float]) -> None:
    backlog, now, late = Backlog(), 0.0, True
    backlog.begin(now)
    for mid, silence in enumerate(silences):
        now += silence
        late = backlog.heard(mid, now)
        backlog.acknowledged(mid, now)
    assert not late


def test_its_own_mark_ends_it_and_another_does_not() -> None:
    backlog = Backlog()
    backlog.begin(0.0)
    backlog.came(b"of a connection before")
    assert backlog.heard(1, 0.1)
    assert backlog.mark is not None
    backlog.came(backlog.mark)
    assert not backlog.heard(2, 0.2)
