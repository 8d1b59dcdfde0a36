"""An error of a statement names the statement and none of its values: it goes into logs."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError


def test_an_error_does_not_show_the_values_of_its_statement(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as failed, engine.connect() as connection:
        connection.execute(text("SELECT * FROM nowhere WHERE hash = :hash"), {"hash": "r4hasia"})
    assert "nowhere" in str(failed.value)
    assert "r4hasia" not in str(failed.value)
