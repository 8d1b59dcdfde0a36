"""The file of a backup: whole and unchanged, or refused in a sentence."""

import contextlib
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from siaga.run.backup.archive import MANIFEST, BadBackup, Reader, Writer, verify_backup


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A sound backup of a table and a file."""
    path = tmp_path / "satu.siaga"
    (tmp_path / "sites.yaml").write_bytes(b"villages: []\n" * 1000)
    with Writer.open(path) as writer:
        writer.add_lines("database/region.jsonl", ("code", "name"), [b'["35","Jatim"]', b'["36","Banten"]'])
        writer.add_file("files/sites.yaml", tmp_path / "sites.yaml")
        writer.finish("1.0", "2026-11-29T00:00:00Z", "0001", ["settings"])
    return path


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Returns a copy of a backup with other parts, which is a valid ZIP file."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    copy = path.with_name("copy.siaga")
    with zipfile.ZipFile(copy, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return copy


def test_it_is_sound_and_says_what_is_not_in_it(backup: Path) -> None:
    told: list[str] = []
    found = verify_backup(backup, told.append)
    assert told == ["database/region.jsonl", "files/sites.yaml"]
    assert found.manifest.left_out == ("settings",)
    assert [part.rows for part in found.manifest.parts] == [2, None]
    assert found.size == len(b'["35","Jatim"]\n["36","Banten"]\n') + 13_000


def test_only_its_owner_may_read_it(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_parts_come_out_as_they_went_in(backup: Path, tmp_path: Path) -> None:
    with Reader.open(backup) as reader:
        reader.extract("files/sites.yaml", tmp_path / "again.yaml")
        assert [json.loads(line) for line in reader.lines("database/region.jsonl")] == [
            ["35", "Jatim"],
            ["36", "Banten"],
        ]
    assert (tmp_path / "again.yaml").read_bytes() == (tmp_path / "sites.yaml").read_bytes()
    assert stat.S_IMODE((tmp_path / "again.yaml").stat().st_mode) == 0o600


def test_every_cut_and_every_changed_byte_of_the_content_is_found(backup: Path, tmp_path: Path) -> None:
    content, manifest = backup.read_bytes(), verify_backup(backup).manifest
    damaged = tmp_path / "damaged.siaga"
    for at in range(0, len(content), 7):
        damaged.write_bytes(content[:at])
        with pytest.raises(BadBackup):
            verify_backup(damaged)
        damaged.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        with contextlib.suppress(BadBackup):  # the time of a part in the ZIP, for one, means nothing
            assert verify_backup(damaged).manifest == manifest


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda parts: parts.update({"files/sites.yaml": b"villages: []\n"}), "files/sites.yaml is damaged"),
        (lambda parts: parts.update({"files/sites.yaml": parts["files/sites.yaml"] + b"#"}), "sites.yaml is damaged"),
        (lambda parts: parts.pop("database/region.jsonl"), "database/region.jsonl is absent"),
        (lambda parts: parts.update({"files/more.yaml": b""}), "files/more.yaml is not in its manifest"),
        (lambda parts: parts.pop(MANIFEST), "has no manifest"),
        (lambda parts: parts.update({MANIFEST: b"{}"}), "its manifest is not one that this version"),
        (lambda parts: parts.update({MANIFEST: b" " * (5 << 20)}), "its manifest is larger"),
    ],
    ids=["other", "longer", "absent", "surplus", "no manifest", "empty manifest", "huge manifest"],
)
def test_what_does_not_agree_with_the_manifest_is_named(
    backup: Path, change: Callable[[dict[str, bytes]], None], sentence: str
) -> None:
    with pytest.raises(BadBackup, match=sentence):
        verify_backup(rewritten(backup, change))


def test_a_file_that_is_there_is_not_overwritten(backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(FileExistsError, match="never overwrites"), Writer.open(backup):
        pass
    assert backup.read_bytes() == before


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "dua.siaga"
    with pytest.raises(FileNotFoundError), Writer.open(path) as writer:
        writer.add_file("files/sites.yaml", tmp_path / "nowhere.yaml")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_zip_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("not a backup")
    with pytest.raises(BadBackup, match="is no backup of siaga"):
        verify_backup(tmp_path / "x")
    with pytest.raises(OSError, match="No such file"):
        verify_backup(tmp_path / "nowhere")
