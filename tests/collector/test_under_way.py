"""Which groups are written in parallel, and what a slow one does to the others."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from collector import CollectorService
from collector.group import Group
from collector.under_way import MOST, MOST_IN_TROUBLE, PATIENCE, UnderWay
from siaga.model.observation import Arrival, Point
from siaga.telemetry import RefusedPoint, StoreUnavailable, Write
from tests.collector.desk import CLIFF, EPOCH, SHORE, Desk, T, batch, gate, topic
from tests.wait import until


def group(*times: int, village: str = CLIFF) -> Group:
    return Group(points=[Point(village, "gerbang-1", time, 0, {"gate_open": True}) for time in times])


def test_the_first_goes_at_once_and_the_next_after_a_while() -> None:
    under_way = UnderWay()
    assert under_way.begin(group(1), 0, trouble=False)
    second = group(2)
    assert not under_way.begin(second, PATIENCE - 1, trouble=False)
    assert under_way.begin(second, PATIENCE, trouble=False)
    assert not under_way.begin(group(3), 2 * PATIENCE - 1, trouble=False), "a while after the one before"


def test_after_a_quick_one_the_next_need_not_wait() -> None:
    under_way, first = UnderWay(), group(1)
    under_way.begin(first, 0, trouble=False)
    under_way.end(first)
    assert under_way.begin(group(2), 0, trouble=False)


@pytest.mark.parametrize(("trouble", "most"), [(False, MOST), (True, MOST_IN_TROUBLE)])
def test_so_many_at_most(trouble: bool, most: int) -> None:
    under_way = UnderWay()
    begun = [under_way.begin(group(n), n * PATIENCE, trouble=trouble) for n in range(10)]
    assert begun.count(True) == most


def test_two_that_write_to_one_point_go_one_after_the_other() -> None:
    under_way, first = UnderWay(), group(1, 2)
    under_way.begin(first, 0, trouble=False)
    assert not under_way.begin(group(2, 3), PATIENCE, trouble=False)
    assert under_way.begin(group(2, 3, village=SHORE), PATIENCE, trouble=False), "another village's points"
    under_way.end(first)
    assert under_way.begin(group(2, 3), 2 * PATIENCE, trouble=False)


class HeldStore:
    """Holds the writes of a village until it is released; then fails them with `problem` if there is one."""

    def __init__(self, desk: Desk) -> None:
        self._store = desk.store
        self.go_on = threading.Event()
        self.held: set[str] = set()
        self.problem: str | None = None
        self.writes: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def prepare(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Write:
        def write() -> Sequence[RefusedPoint]:
            self.writes.append(len(points))
            if any(point.village in self.held for point in points):
                if self.problem is not None:
                    raise StoreUnavailable(self.problem)
                self.go_on.wait(PATIENCE)
            return self._store.write(points, arrivals)

        return write


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def store(desk: Desk) -> HeldStore:
    store = HeldStore(desk)
    desk.collector._store = store  # type: ignore[assignment]  # it passes on what it does not have
    return store


@pytest.fixture
def service(desk: Desk, store: HeldStore) -> Iterator[CollectorService]:
    service = CollectorService(desk.collector, desk.known, desk.refusals, desk.unknown, desk.transport, desk.store)
    service.start()
    yield service
    store.go_on.set()
    service.stop()


def test_a_slow_group_holds_up_no_other_village(desk: Desk, store: HeldStore, service: CollectorService) -> None:
    store.held = {CLIFF}
    desk.publish(batch(1, gate(T)))
    until(lambda: store.writes, what="the slow group is on its way")
    for seq in range(2, 6):
        desk.publish(batch(seq, gate(T + seq)), topic(SHORE))
        until(lambda seq=seq: seq in desk.seqs(), what="the other village is acknowledged")  # type: ignore[misc]
    store.go_on.set()
    until(lambda: 1 in desk.seqs(), what="and then the slow one")


def test_a_group_that_fails_again_and_again_holds_up_no_other_village(
    desk: Desk, store: HeldStore, service: CollectorService
) -> None:
    store.held, store.problem = {CLIFF}, "too slow for this one"
    desk.publish(batch(1, gate(T)))
    until(lambda: desk.collector.problem, what="it has failed")
    desk.publish(batch(2, gate(T)), topic(SHORE))
    until(lambda: desk.acks() == [(SHORE, EPOCH, 2)], what="the other village is acknowledged")
    assert "too slow for this one" in (service.problem() or "")
    store.held = set()
    desk.clock.advance(60_000)
    until(lambda: desk.seqs() == [1], what="and then that one")
    assert desk.collector.problem is None


def test_a_repetition_is_not_acknowledged_before_what_it_repeats_is_stored(
    desk: Desk, store: HeldStore, service: CollectorService
) -> None:
    store.held = {CLIFF}
    desk.publish(batch(1, gate(T)))
    until(lambda: store.writes, what="the first is on its way")
    desk.publish(batch(1, gate(T)))
    desk.publish(batch(2, gate(T)), topic(SHORE))
    until(lambda: desk.acks() == [(SHORE, EPOCH, 2)], what="what came after the repetition is acknowledged")
    store.go_on.set()
    until(lambda: 1 in desk.seqs(), what="and it with what it repeats")
    until(lambda: desk.unacknowledged() == 0, what="the broker keeps nothing")


def test_what_arrives_while_a_write_is_under_way_goes_together(
    desk: Desk, store: HeldStore, service: CollectorService
) -> None:
    store.held = {CLIFF}
    for seq in range(84):
        desk.publish(batch(seq, gate(T + seq)))
    until(lambda: len(store.writes) >= 1, what="the first is on its way")
    until(lambda: desk.transport.inbound == 0, what="the others are taken")
    store.go_on.set()
    acknowledged: list[int] = []
    until(lambda: acknowledged.extend(desk.seqs()) or len(acknowledged) == 84, what="all of them")  # type: ignore[func-returns-value]
    assert len(store.writes) <= MOST, "not a write a batch: InfluxDB 3 acknowledges once a second"


def test_readiness_says_that_the_store_hangs(
    desk: Desk, service: CollectorService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.service.HANGS", 0)
    monkeypatch.setattr(service._store_watch, "asked_at", 1)
    assert "the telemetry store has not answered for" in (service.problem() or "")
