"""What is written, and that the database itself keeps an alert single: on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.exc import IntegrityError

from api.alert_records.alert import new_alert
from api.alert_records.rows import open_alerts
from api.alerts.decision import Raise
from api.alerts.outcome import Changes, Fold
from api.engine.inbox import Row
from api.engine.tables import Tables
from siaga.database import connect, tables, writing
from siaga.database.dealing import Share, claim, let_go, taken_over, watched_by
from siaga.database.leases import Free, Held, LeaseLost, Leases
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.model.observation import Reading
from siaga.model.readiness import UnreadPast
from siaga.timeline.judge import Span, State
from siaga.timeline.span_algebra import FOREVER, Difference
from tests.alerts.world import CODE, NOON, World
from tests.schema import with_tables
from tests.servers import Postgres

WRITTEN = (
    tables.alert,
    tables.alert_event,
    tables.engine_state,
    tables.inbox,
    tables.village_partition,
    tables.village_snapshot,
)
FAILED = Raise("failed_longer_than_grace", NOON, "gate_open", {"failed_ms": 1})


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = connect(f"sqlite:///{tmp_path / 'siaga.db'}")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        engine = connect(server.database_url())
    with_tables(engine)
    yield engine
    engine.dispose()


def raising(began_at: int = NOON) -> Changes:
    changes = Changes()
    alert = new_alert(Kind.FACILITY_FAILED, CODE, facility="gerbang", device=None, began_at=began_at)
    changes.raised(alert, FAILED, began_at + MINUTE)
    return changes


def rows(engine: Engine) -> list[tuple[str, int | None]]:
    with engine.connect() as connection:
        return [(row.id, row.cleared_at) for row in connection.execute(select(tables.alert)).all()]


def test_a_commit_that_nobody_knew_to_have_succeeded_is_made_again(database: Engine) -> None:
    changes, taken = raising(), [Row(CODE, 1, "gw", "batch", NOON, b"{}")]
    assert Tables(database).commit(changes, taken) == 1
    assert Tables(database).commit(changes, taken) == 0
    assert len(rows(database)) == 1
    assert Tables(database).inbox([CODE]) == taken


def test_the_database_takes_no_second_open_alert_of_a_subject(database: Engine) -> None:
    Tables(database).commit(raising())
    with database.connect() as connection:
        row = dict(connection.execute(select(tables.alert)).mappings().one())
    with pytest.raises(IntegrityError), database.begin() as connection:
        connection.execute(tables.alert.insert(), row | {"id": "another"})


def test_a_second_open_alert_of_a_subject_becomes_the_one_that_is_open(database: Engine) -> None:
    """What its engine says of it from then on, also in the same commit, is of that one."""
    ledger = Tables(database)
    ledger.commit(raising())
    [(first, _)] = rows(database)
    changes = raising(NOON + MINUTE)
    [alert] = changes.opened(Kind.FACILITY_FAILED)
    changes.told_more(alert, NOON + MINUTE)
    changes.cleared(alert, NOON + 2 * MINUTE, NOON + 3 * MINUTE)
    assert ledger.commit(changes) == 1
    assert rows(database) == [(first, NOON + 3 * MINUTE)]
    assert alert.id == first


def test_an_alert_is_raised_again_after_it_cleared(database: Engine) -> None:
    ledger = Tables(database)
    ledger.commit(raising())
    [alert] = open_alerts(ledger.engine)
    changes = Changes()
    changes.cleared(alert, NOON + MINUTE, NOON + 2 * MINUTE)
    changes.cleared(alert, NOON + MINUTE, NOON + 3 * MINUTE)  # a second time it was cleared already
    assert ledger.commit(changes) == 1
    ledger.commit(raising(NOON + 9 * MINUTE))
    assert sorted(cleared is None for _, cleared in rows(database)) == [False, True]


def test_an_event_carries_the_alert_as_the_api_shows_it(database: Engine) -> None:
    Tables(database).commit(raising())
    with database.connect() as connection:
        event = connection.execute(select(tables.alert_event)).mappings().one()
    document = event["document"]
    assert event["type"] == "raised"
    assert {key: document[key] for key in ("kind", "severity", "village", "facility", "device", "cause")} == {
        "kind": "facility_failed",
        "severity": "major",
        "village": CODE,
        "facility": f"{CODE}/gerbang",
        "device": None,
        "cause": "gate_open",
    }
    assert (document["began_at"], document["raised_at"]) == ("2026-03-05T05:00:00Z", "2026-03-05T05:01:00Z")
    assert document["cleared_at"] is None
    assert document["evidence"] == {"failed_ms": 1, "reason": "failed_longer_than_grace"}


def test_spans_alert_and_event_come_together_or_not_at_all(database: Engine) -> None:
    changes = raising()
    changes.spans_changed(CODE, "gerbang", Difference([], [Span(NOON, FOREVER, State.FAILED, "gate_open")]))
    broken = new_alert(Kind.DEVICE_SILENT, CODE, facility=None, device="d", began_at=NOON)
    broken.began_at = None  # type: ignore[assignment] # what no database takes
    changes.raised(broken, FAILED, NOON)
    with pytest.raises(IntegrityError):
        Tables(database).commit(changes)
    assert Tables(database).spans(CODE, "gerbang", -FOREVER) == []
    assert rows(database) == []


def test_a_failed_run_is_read_whole(database: Engine) -> None:
    spans = [
        Span(NOON, NOON + 10, State.MET),
        Span(NOON + 10, NOON + 20, State.FAILED, "wifi_up"),
        Span(NOON + 20, NOON + 30, State.FAILED, "internet"),
        Span(NOON + 30, NOON + 40, State.FAILED, "internet", True),
        Span(NOON + 40, FOREVER, State.FAILED, "internet"),
    ]
    changes = Changes()
    changes.spans_changed(CODE, "wifi", Difference([], spans))
    Tables(database).commit(changes)
    read = Tables(database).spans
    assert read(CODE, "wifi", NOON + 25, NOON + 26) == spans[1:3]
    assert read(CODE, "wifi", NOON + 12, NOON + 13) == spans[1:3]
    assert read(CODE, "wifi", NOON + 50) == spans[4:]


def test_an_engine_that_takes_a_village_over_reads_the_ends_of_its_spans_alone(database: Engine) -> None:
    other = "35.10.16.2009"
    spans = [
        Span(NOON, NOON + 10, State.MET),
        Span(NOON + 10, NOON + 20, State.FAILED, "gate_open"),
        Span(NOON + 20, FOREVER, State.MET),
    ]
    changes = Changes()
    for code in (CODE, other):
        changes.spans_changed(code, "gerbang", Difference([], spans))
    Tables(database).commit(changes)
    asked: list[tuple[str, tuple[object, ...]]] = []
    event.listen(database, "before_cursor_execute", lambda _c, _u, said, values, *_: asked.append((said, values)))
    assert Tables(database).span_tails([CODE], NOON + 15) == {(CODE, "gerbang"): spans[1:]}
    [(statement, values)] = [each for each in asked if "FROM span" in each[0]]
    is_sqlite = database.dialect.name == "sqlite"
    with database.connect() as connection:
        if not is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        plan = [str(row) for row in connection.exec_driver_sql(f"{explain} {statement}", values)]
    assert [step for step in plan if "ix_span_village_end" in step], plan


def test_the_whole_engine_on_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    world = World(tmp_path, database=postgres.database_url())
    world.live(2, ("gerbang-1", "gate_open", True))
    world.live(6, ("gerbang-1", "gate_open", False))
    late = NOON + MINUTE + 10_000
    world.restart()
    world.live(20, ("gerbang-1", "gate_open", True))
    world.send([Reading("gerbang-1", "gate_open", late, False)])
    world.live(1, ("gerbang-1", "gate_open", True))
    told = [(alert.kind, alert.began_at, alert.cleared_at is not None) for alert in world.alerts()]
    assert told == [("facility_failed", late, True)], "what came late dates it anew"
    assert [event for event, _ in world.events()] == ["raised", "cleared", "updated"]
    assert [state for _, state, _ in world.states()] == ["met", "failed", "met"]
    world.close()


def leading(database: Engine, partition: int, partitions: int) -> Tables:
    leases = Leases(database, "one", partitions)
    leases.deal_anew(lambda *_: None)
    lease = leases.take(partition, Free())
    assert lease is not None
    return Tables(database, lease)


def test_a_village_is_watched_by_one_engine_until_that_lets_it_go(database: Engine) -> None:
    one, other = Share(0, 2), Share(1, 2)
    with writing(database) as connection:
        assert claim(connection, one, ["a", "b"]) == {"a": None, "b": None}
        assert claim(connection, other, ["b", "c"]) == {"c": None}
        let_go(connection, ["b"], NOON)
        assert claim(connection, other, ["b", "c"]) == {"b": NOON, "c": None}
        assert claim(connection, one, ["a", "b"]) == {"a": None}
        assert [watched_by(connection, share) for share in (one, other)] == [{"a"}, {"b", "c"}]
        taken_over(connection, ["b"])
        assert claim(connection, other, ["b"]) == {"b": None}


@pytest.mark.parametrize(
    "write",
    [
        lambda mine: mine.commit(raising()),
        lambda mine: mine.commit(Changes(), [Row(CODE, 1, "gw", "batch", NOON, b"{}")], {CODE: Fold(0, NOON, b"")}),
        lambda mine: mine.save_states([], [], {"heard/0": {"until": NOON}}, {CODE: Fold(0, NOON, b"")}),
        lambda mine: mine.forget([CODE]),
        lambda mine: mine.save_past(UnreadPast(problem="away")),
        lambda mine: mine.end_running([CODE], NOON),
    ],
    ids=["alert", "inbox", "states", "forget", "past", "spans"],
)
def test_an_engine_whose_lease_was_taken_writes_nothing(database: Engine, write: Callable[[Tables], object]) -> None:
    before = leading(database, 0, 1)
    Leases(database, "one", 1).take(0, Held("one"))
    with database.connect() as connection:
        untouched = [connection.execute(select(table)).all() for table in WRITTEN]
    with pytest.raises(LeaseLost, match="partition 0"):
        write(before)
    with database.connect() as connection:
        assert [connection.execute(select(table)).all() for table in WRITTEN] == untouched
