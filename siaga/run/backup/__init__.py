"""Backups: all state of a siaga in one file, made while it runs, checked, and restored elsewhere."""

from siaga.run.backup.archive import BadBackup, Manifest, Verified, verify_backup
from siaga.run.backup.making import Made, make_backup
from siaga.run.backup.restoring import Restored, restore_backup

__all__ = [
    "BadBackup",
    "Made",
    "Manifest",
    "Restored",
    "Verified",
    "make_backup",
    "restore_backup",
    "verify_backup",
]
