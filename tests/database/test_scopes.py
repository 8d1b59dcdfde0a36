"""Scopes in queries: the condition finds what is in the scopes, and uses an index."""

import pytest
from sqlalchemy import Engine, select, text

from siaga.database import tables, writing
from siaga.database.scopes import within, within_text
from siaga.model.scope import Scopes

VILLAGES = ("35.09.99.9999", "35.10.00.0000", "35.10.15.2012", "35.10.16.2003", "35.11.01.2001", "52.01.01.2001")


@pytest.mark.parametrize(
    "scopes",
    [["*"], [], ["35"], ["35.10"], ["35.10.15"], ["35.10.15.2012", "52"], ["35.10.15", "35.11", "35.09.99.9999"]],
)
def test_the_condition_finds_what_the_scopes_hold(engine: Engine, scopes: list[str]) -> None:
    column, asked = tables.gateway_state.c.village, Scopes.of(scopes)
    where, values = within_text("village", asked)
    with writing(engine) as connection:
        connection.execute(tables.gateway_state.insert(), [{"village": code, "gateway": "gw"} for code in VILLAGES])
        found = connection.execute(select(column).where(within(column, asked)).order_by(column)).scalars().all()
        same = connection.execute(text(f"SELECT village FROM gateway_state WHERE {where} ORDER BY 1"), values)
        assert found == same.scalars().all() == [code for code in VILLAGES if asked.holds(code)]


def test_each_scope_is_one_range_of_an_index(engine: Engine) -> None:
    where, values = within_text("village", Scopes.of(["35.10", "35.11.01"]))
    statement = f"SELECT * FROM alert WHERE {where}"
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), values)
            steps = [str(row.detail) for row in plan if "village>" in str(row.detail)]
            assert len(steps) == 2, steps
            return
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(text(f"EXPLAIN {statement}"), values)
        steps = [str(row[0]) for row in plan if "Index Cond" in str(row[0])]
        assert len(steps) == 2, steps
