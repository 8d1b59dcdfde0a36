"""Erases what an attestation shows of people."""

from api.attestations.book import erase
from siaga.database import connect, migrate
from siaga.run.settings import Settings

__all__ = ["erase_attestation"]


def erase_attestation(settings: Settings, attestation: str) -> bool:
    """Erase the note and the photos of an attestation. Returns whether there is one of this id."""
    engine = connect(settings.database)
    try:
        migrate(engine)
        return erase(engine, attestation)
    finally:
        engine.dispose()
