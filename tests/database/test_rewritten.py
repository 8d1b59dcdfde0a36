"""What was judged otherwise waits in one row a facility until reports are compared with it."""

from sqlalchemy import Engine

from siaga.database import writing
from siaga.database.rewritten import note_rewritten, take_rewritten


def test_a_facility_has_one_row_that_grows_until_it_is_taken(engine: Engine) -> None:
    for stretch in ((10, 20), (5, 7), (8, 30)):
        with writing(engine) as connection:
            note_rewritten(connection, {("35.10.15.2012", "gerbang"): stretch, ("35.10.15.2012", "wifi"): (1, 2)})
    with writing(engine) as connection:
        assert take_rewritten(connection) == {
            ("35.10.15.2012", "gerbang"): (5, 30),
            ("35.10.15.2012", "wifi"): (1, 2),
        }
        assert take_rewritten(connection) == {}
