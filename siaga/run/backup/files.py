"""Which files belong to the state of a siaga, beside its database and its telemetry."""

from pathlib import Path

from siaga.run.settings import Settings

__all__ = ["DATA_FILES", "GATEWAY", "settings_files"]

GATEWAY = "gateway.db"
"""The gateway's buffer in the data directory."""
DATA_FILES = ("*.session", "demo.json", "demo-*.yaml", "notify.yaml")
"""Small files of the data directory that a restored siaga goes on with."""


def settings_files(settings: Settings) -> list[Path]:
    """Returns the files that people wrote, and which the settings name. Each has a name of its own."""
    named = (
        settings.sites,
        settings.notify,
        settings.report_form,
        settings.schedules,
        settings.guidance,
        settings.outline,
    )
    found: dict[str, Path] = {}
    for path in named:
        if path is not None and path != settings.own_notify:  # it is a file of the data directory
            found.setdefault(path.name, path)
    return list(found.values())
