"""Whether the next are told: the truth table."""

from dataclasses import replace

import pytest

from api.notifications.backoff import Patience, provider_pause
from api.notifications.escalation import Drop, Escalate, Later, decide
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from tests.notifications.desk import NOON
from tests.notifications.test_rules import ALERT

DUE = NOON + 15 * MINUTE


@pytest.mark.parametrize(
    ("changes", "now", "expected"),
    [
        pytest.param({}, DUE, Escalate("nobody has acknowledged it in time"), id="in time to the millisecond"),
        pytest.param({}, DUE - 1, Later("there is time left", DUE), id="a moment too early"),
        pytest.param({}, DUE + DAY, Escalate("nobody has acknowledged it in time"), id="the sender was away for a day"),
        pytest.param({"acknowledged_at": NOON}, DUE, Drop("somebody has acknowledged it"), id="acknowledged"),
        pytest.param({"cleared_at": NOON}, DUE, Drop("it has cleared"), id="cleared"),
        pytest.param(
            {"cleared_at": NOON, "acknowledged_at": NOON}, DUE, Drop("it has cleared"), id="acknowledged and cleared"
        ),
        pytest.param({"snoozed_until": DUE + HOUR}, DUE, Later("it is snoozed", DUE + HOUR), id="snoozed beyond it"),
        pytest.param(
            {"snoozed_until": DUE - MINUTE},
            DUE,
            Escalate("nobody has acknowledged it in time"),
            id="a snooze that is over",
        ),
        pytest.param(
            {"snoozed_until": DUE}, DUE, Escalate("nobody has acknowledged it in time"), id="a snooze that ends now"
        ),
        pytest.param(
            {"snoozed_until": DUE - MINUTE}, NOON, Later("it is snoozed", DUE), id="a snooze that ends before it is due"
        ),
        pytest.param(
            {"snoozed_until": DUE + HOUR, "acknowledged_at": NOON},
            DUE,
            Drop("somebody has acknowledged it"),
            id="snoozed and acknowledged: it is in hands",
        ),
        pytest.param(
            {"snoozed_until": DUE + HOUR, "cleared_at": NOON}, DUE, Drop("it has cleared"), id="snoozed and cleared"
        ),
    ],
)
def test_what_is_done_about_a_step(changes: dict[str, int], now: int, expected: object) -> None:
    assert decide(replace(ALERT, **changes), DUE, now) == expected  # type: ignore[arg-type] # times alone


@pytest.mark.parametrize(
    ("attempts", "chance", "pause"),
    [
        pytest.param(1, 1.0, 5 * SECOND, id="soon after the first"),
        pytest.param(2, 1.0, 10 * SECOND, id="then twice as long"),
        pytest.param(6, 1.0, 160 * SECOND, id="and twice again"),
        pytest.param(9, 1.0, 15 * MINUTE, id="a quarter of an hour at most"),
        pytest.param(99, 1.0, 15 * MINUTE, id="however often"),
        pytest.param(1, 0.0, 3_750, id="spread by a quarter, so that not all come back together"),
        pytest.param(100, 1.0, None, id="the hundredth was the last"),
    ],
)
def test_the_pause_after_an_attempt(attempts: int, chance: float, pause: int | None) -> None:
    assert Patience().again(attempts, NOON, chance) == (None if pause is None else NOON + pause)


def test_patience_lasts_about_a_day() -> None:
    patience, now = Patience(), 0
    for attempts in range(1, 100):
        again = patience.again(attempts, now, 0.5)
        assert again is not None
        now = again
    assert 18 * HOUR < now < 30 * HOUR


def test_a_provider_is_left_alone_for_a_minute_at_most() -> None:
    assert [provider_pause(failures, 0, 1.0) for failures in (1, 2, 5, 1_000)] == [5_000, 10_000, 60_000, 60_000]
