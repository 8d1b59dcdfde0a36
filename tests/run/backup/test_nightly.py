"""A backup each night: once, made up for, verified before an older one goes."""

import threading
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path

import pytest

from siaga.model.clock import DAY, HOUR, MINUTE, ManualClock
from siaga.run.backup.archive import Reader
from siaga.run.backup.nightly import NightlyBackups, by_command, last_backup, made_by
from siaga.run.settings import Settings, SettingsError, load_settings
from tests.run.backup.test_restore import fill, settings

EVENING = round(datetime(2026, 11, 28, 22, 0).astimezone().timestamp() * 1000)
"""22.00 by the machine's own clock."""


class Nights:
    """Backups at 02.30, of which two are kept, with a clock that is moved by hand."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.clock = directory, ManualClock(EVENING)
        self.problem: str | None = None
        self.backups = NightlyBackups(directory, time(2, 30), 2, self.clock, self._make)

    def _make(self, path: Path, _stop: threading.Event) -> str | None:
        if self.problem is None:
            path.write_bytes(b"sound")
        return self.problem

    def after(self, ms: int) -> bool:
        self.clock.advance(ms)
        return self.backups.step()

    @property
    def names(self) -> list[str]:
        return [path.name for path in made_by(self.directory, self.clock.now())]


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    """A first evening, without any backup."""
    return Nights(tmp_path / "backups")


def test_the_first_is_made_at_once_and_then_one_each_night(nights: Nights) -> None:
    assert nights.after(0)
    assert not nights.after(4 * HOUR), "02.00"
    assert nights.after(30 * MINUTE), "02.30"
    assert not nights.after(MINUTE)
    assert nights.names == ["siaga-2026-11-28T2200.siaga", "siaga-2026-11-29T0230.siaga"]


def test_a_night_on_which_siaga_was_off_is_made_up_for_once(nights: Nights) -> None:
    assert nights.after(0)
    assert nights.after(3 * DAY)
    assert not nights.after(MINUTE)


def test_only_the_newest_are_kept_and_other_files_are_left_alone(nights: Nights) -> None:
    nights.directory.mkdir()
    (nights.directory / "siaga-old.siaga").write_text("made by hand")
    for _ in range(4):
        assert nights.after(DAY)
    assert nights.names == ["siaga-2026-12-01T2200.siaga", "siaga-2026-12-02T2200.siaga"]
    assert (nights.directory / "siaga-old.siaga").exists()


def test_one_that_fails_is_tried_again_later_and_deletes_none(nights: Nights) -> None:
    assert nights.after(0)
    assert nights.after(DAY)
    before, nights.problem = nights.names, "the disk is full"
    assert not nights.after(DAY)
    nights.problem = None
    assert not nights.after(29 * MINUTE), "not at once"
    assert nights.names == before
    assert nights.after(MINUTE)
    assert nights.names == [before[1], "siaga-2026-11-30T2230.siaga"]


def test_when_the_last_one_was_made_is_read_from_its_name(nights: Nights) -> None:
    assert last_backup(nights.directory, EVENING) is None
    nights.after(0)
    last = last_backup(nights.directory, EVENING)
    assert last is not None
    assert last.timestamp() * 1000 == EVENING


@pytest.mark.parametrize("name", ["siaga-2999-01-01T0100.siaga", "siaga-2026-13-01T0100.siaga"])
def test_a_name_of_a_time_to_come_or_of_no_day_stops_no_backup(nights: Nights, name: str) -> None:
    nights.directory.mkdir()
    (nights.directory / name).touch()
    assert nights.after(0)
    assert nights.after(DAY)


@pytest.fixture
def by_process(tmp_path: Path) -> Callable[[Path], str | None]:
    """What makes a backup of a filled data directory, in a process."""
    here = settings(tmp_path / "here")
    fill(here)
    run = by_command(here)
    return lambda path: run(path, threading.Event())


def test_the_command_makes_and_verifies_it_and_says_why_not(
    by_process: Callable[[Path], str | None], tmp_path: Path
) -> None:
    assert by_process(tmp_path / "x.siaga") is None
    assert (tmp_path / "x.siaga").stat().st_size > 0
    assert (
        by_process(tmp_path / "nowhere" / "x.siaga")
        == f"{tmp_path}/nowhere/.unverified-x.siaga.partial: no such file or directory"
    )


def test_secrets_in_files_are_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text(f"sqlite:///{tmp_path / 'here' / 'siaga.db'}")
    fill(settings(tmp_path / "here"))
    monkeypatch.setenv("SIAGA_DATABASE_URL_FILE", str(tmp_path / "url"))
    (tmp_path / "desa.yaml").write_text("villages: []")
    run = by_command(load_settings({"data_dir": tmp_path / "here", "sites": tmp_path / "desa.yaml"}))
    assert run(tmp_path / "x.siaga", threading.Event()) is None
    with Reader.open(tmp_path / "x.siaga") as made:
        assert [part.name for part in made.named("files/")] == ["files/desa.yaml"], "what a flag named is in it, too"


def test_a_stop_ends_it(tmp_path: Path) -> None:
    here = settings(tmp_path / "here")
    fill(here)
    stopped = threading.Event()
    stopped.set()
    assert by_command(here)(tmp_path / "x.siaga", stopped) in ("it was ended before it was done", None)
    assert not list(tmp_path.glob(".*partial"))


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [({"backup_at": "dini hari"}, "--backup-at"), ({"backup_keep": 0}, "--backup-keep")],
)
def test_settings_that_cannot_be_right_are_a_sentence(flags: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load_settings(flags)
    assert Settings().backup_dir is None
