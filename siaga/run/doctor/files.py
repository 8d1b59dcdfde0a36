"""The files that people wrote and the settings name: whether siaga can read them, and who else can."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from api.web.guidance import load_guidance
from api.web.outline import load_outline
from siaga.model.clock import Clock
from siaga.run.doctor.finding import Finding, Said, ok, warning, wrong
from siaga.run.notify_file import the_book
from siaga.run.reports import the_office
from siaga.run.schedules import the_plan
from siaga.run.settings import FILE, Settings
from siaga.sites.on_disk import read_sites_file

__all__ = ["look"]


def look(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Read each file as siaga does at its start."""
    readers: list[tuple[str, Path | None, Callable[[Path], object]]] = [
        ("sites", settings.sites, read_sites_file),
        ("notify", settings.notify, lambda _: the_book(settings)),
        ("report_form", settings.report_form, lambda _: the_office(settings)),
        ("schedules", settings.schedules, lambda _: the_plan(settings, the_book(settings))),
        ("guidance", settings.guidance, load_guidance),
        ("outline", settings.outline, load_outline),
    ]
    for name, path, read in readers:
        if path is not None:
            yield _file(name, path, read)
    for name, path in (("notify", settings.notify), ("settings_file", Path(FILE))):
        if path is not None and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o007:
            yield warning(f"{name}_mode", Said.FILE_OPEN, file=path)


def _file(name: str, path: Path, read: Callable[[Path], object]) -> Finding:
    try:
        read(path)
    except (ValueError, OSError) as problem:
        return wrong(name, Said.FILE_BAD, file=path, reason=str(problem).splitlines()[0])
    return ok(name, Said.FILE_OK, file=path)
