"""A token is shown once, identifies the caller, and cannot be recovered from a stolen database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from siaga.database import connect, tables
from siaga.database.tokens import Tokens
from siaga.model.caller import Caller, Role
from siaga.model.clock import HOUR, ManualClock
from siaga.model.scope import EVERYWHERE
from tests.schema import with_tables


def test_a_token_names_its_caller_and_anything_else_nobody(engine: Engine) -> None:
    tokens = Tokens(engine, ManualClock(1_000))
    text = tokens.create("technician", "Bu Sri")
    assert text.startswith("siaga_")
    assert len(text) >= 6 + 43
    caller = tokens.verify(text)
    assert caller is not None
    assert (caller.role, caller.name) == (Role.TECHNICIAN, "Bu Sri")
    for wrong in ("", text[:-1], text + "x", text.upper(), "siaga_", "\ud800", "' OR 1=1 --"):
        assert tokens.verify(wrong) is None


def test_the_database_does_not_hold_the_token(engine: Engine) -> None:
    text = Tokens(engine).create(Role.ADMIN, "ops")
    with engine.connect() as connection:
        (row,) = connection.execute(select(tables.token)).all()
    assert text not in str(row)
    assert text.removeprefix("siaga_") not in str(row)


def test_two_tokens_are_never_the_same(engine: Engine) -> None:
    tokens = Tokens(engine)
    assert len({tokens.create(Role.VIEWER, "screen") for _ in range(20)}) == 20


def test_a_revoked_token_is_nobodys(engine: Engine) -> None:
    tokens = Tokens(engine)
    text, other = tokens.create(Role.VIEWER, "a"), tokens.create(Role.VIEWER, "b")
    caller = tokens.verify(text)
    assert caller is not None
    assert tokens.revoke(1)
    assert tokens.verify(text) is None
    assert tokens.verify(other) is not None
    assert [tokens.revoke(number) for number in (1, 99)] == [False, False]
    assert [(each.name, each.revoked_at is None) for each in tokens.issued()] == [("a", False), ("b", True)]


@pytest.mark.parametrize(
    ("scopes", "seen"),
    [
        ([], ["*"]),
        (["35.10"], ["35.10"]),
        (["35.10.16", "35.10.15.2012", "35.10.16.2003"], ["35.10.15.2012", "35.10.16"]),
        (["35.10", "*"], ["*"]),
    ],
)
def test_a_token_sees_its_scopes_and_without_any_everything(engine: Engine, scopes: list[str], seen: list[str]) -> None:
    tokens = Tokens(engine)
    caller = tokens.verify(tokens.create(Role.VIEWER, "layar", scopes))
    assert caller is not None
    assert (caller.scopes.texts, caller.who) == (seen, "token/1")
    assert [each.scopes.texts for each in tokens.issued()] == [seen]


def test_what_is_no_scope_gets_no_token(engine: Engine) -> None:
    with pytest.raises(ValueError, match=r"--scope: '35\.1' is not a scope: write a village's code"):
        Tokens(engine).create(Role.VIEWER, "layar", ["35.10", "35.1"])
    assert Tokens(engine).issued() == []


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201])
def test_what_is_no_name_gets_no_token(engine: Engine, name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        Tokens(engine).create(Role.VIEWER, name)


def test_when_a_token_was_last_used_is_kept_to_some_minutes(engine: Engine) -> None:
    clock = ManualClock(1_000)
    tokens = Tokens(engine, clock)
    text = tokens.create(Role.VIEWER, "screen")
    seen = []
    for pause in (0, 1_000, HOUR):
        clock.advance(pause)
        tokens.verify(text)
        with engine.connect() as connection:
            seen.append(connection.execute(select(tables.token.c.last_used)).scalar_one())
    assert seen == [1_000, 1_000, 1_000 + 1_000 + HOUR]


def test_there_are_three_roles(engine: Engine) -> None:
    with pytest.raises(ValueError, match="root"):
        Tokens(engine).create("root", "x")


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, [Role.VIEWER]),
        (Role.TECHNICIAN, [Role.VIEWER, Role.TECHNICIAN]),
        (Role.ADMIN, [Role.VIEWER, Role.TECHNICIAN, Role.ADMIN]),
    ],
)
def test_each_role_may_what_the_one_before_may(role: Role, may: list[Role]) -> None:
    assert [wanted for wanted in Role if Caller(role, "x", EVERYWHERE, "token/1").may(wanted)] == may


def test_a_caller_is_known_while_nothing_can_be_written(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'siaga.db'}")
    with_tables(engine)
    text = Tokens(engine).create(Role.VIEWER, "screen")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")  # what a full disk looks like, for this connection
    caller = Tokens(engine).verify(text)
    assert caller is not None
    assert caller.name == "screen"
    with engine.connect() as connection:
        assert connection.execute(select(tables.token.c.last_used)).scalar_one() is None, (
            "it could be written after all"
        )
    engine.dispose()
