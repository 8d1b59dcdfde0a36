"""A power cut between any two steps of raise, notice, plan, claim, send and mark: nobody misses an alert by it."""

from collections import Counter

from sqlalchemy import Engine, select

from siaga.database import tables
from siaga.model.clock import MINUTE, SECOND
from tests.crash import worker
from tests.notifications.desk import NOON
from tests.notifications.webhook import Webhook

WINDOW = 2 * MINUTE
PROGRAM = "tests.notifications.crash_process"


def test_whenever_it_dies_everybody_is_told_and_nobody_twice_within_the_window(
    database_url: str, engine: Engine, hook: Webhook
) -> None:
    now, point, again, lost = NOON, 0, 0, 0
    with worker(PROGRAM, database_url, hook) as siaga:
        while True:
            point += 1
            village = f"35.10.20.{point:04}"
            died = siaga.work(now, village=village, die_at=point)
            if not died:
                break
            # At once after the restart, and again when the window is nearly over: nothing is repeated
            siaga.work(now + SECOND, now + WINDOW - SECOND, village=None)
            assert max(told(hook, village).values(), default=0) <= 1, f"told twice after dying at step {point}"
            siaga.work(now + WINDOW + MINUTE, village=None)
            counts = told(hook, village)
            if raised(engine, village):
                assert set(counts) == {"a", "b"}, f"somebody was not told after dying at step {point}: {counts}"
                assert sorted(counts.values()) in ([1, 1], [1, 2]), f"step {point}: {counts}"
                again += 2 in counts.values()
            else:
                assert not counts, f"told of what was never raised, after dying at step {point}"
                lost += 1
            now += 10 * MINUTE
    assert told(hook, village) == {"a": 1, "b": 1}
    assert point > 40, "fewer steps than it takes to raise, plan, claim, send and mark: what was counted?"
    assert lost > 3, "dying before the alert is committed was among the steps"
    assert again > 5, "dying between the provider's answer and its mark was among the steps"


def told(hook: Webhook, village: str) -> Counter[str]:
    """How often each was told of a village's alert, as far as the provider took it."""
    return Counter(post.to for post in hook.taken() if village in post.title + post.text)


def raised(engine: Engine, village: str) -> bool:
    with engine.connect() as connection:
        query = select(tables.alert.c.id).where(tables.alert.c.village == village)
        return connection.execute(query).first() is not None
