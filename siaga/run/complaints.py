"""Erases complaints before their time."""

from api.complaints.rows import erase
from api.complaints.rules import plain_id
from siaga.database import connect, migrate
from siaga.model.clock import SystemClock
from siaga.run.settings import Settings

__all__ = ["erase_complaint"]


def erase_complaint(settings: Settings, complaint: str) -> bool:
    """Erase the text and the photos of a complaint. Returns whether there is one of this id."""
    engine = connect(settings.database)
    try:
        migrate(engine)
        return erase(engine, plain_id(complaint), SystemClock().now())
    finally:
        engine.dispose()
