"""Whether there is a backup, and how old it is."""

from collections.abc import Iterator

from siaga.model.clock import HOUR, Clock
from siaga.run.backup.nightly import last_backup
from siaga.run.doctor.finding import Finding, Said, ok, warning, wrong
from siaga.run.doctor.service import is_village
from siaga.run.settings import Settings

__all__ = ["look"]

OLD = 50
"""Hours after which the newest backup is too old: two nights were missed."""


def look(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Look at the directory of the nightly backups."""
    if is_village(settings):
        return  # a village's machine keeps only what it has not delivered yet
    if settings.backup_dir is None:
        yield warning("backup", Said.BACKUP_NONE)
        return
    last = last_backup(settings.backup_dir, clock.now())
    if last is None:
        yield wrong("backup", Said.BACKUP_OLD, directory=settings.backup_dir, hours="∞")
        return
    hours = (clock.now() - round(last.timestamp() * 1000)) // HOUR
    said, make = (Said.BACKUP_OLD, wrong) if hours >= OLD else (Said.BACKUP_OK, ok)
    yield make("backup", said, directory=settings.backup_dir, hours=hours)
