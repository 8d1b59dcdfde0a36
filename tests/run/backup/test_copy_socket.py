"""The owner of the embedded store makes copies for others, and keeps none of them."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from siaga.model.observation import Point
from siaga.run.backup.copy_socket import AT_ONCE, PREFIX, SOCKET, CopySocket, NobodyAnswers, borrowed_copy
from siaga.run.backup.scratch import scratch
from siaga.telemetry import StoreUnavailable
from siaga.telemetry.duck import DuckStore
from tests.wait import until

VILLAGE = "35.10.15.2012"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    """A store with two observations."""
    store = DuckStore.open(f"duckdb:///{tmp_path / 'telemetry.duckdb'}")
    store.write([Point(VILLAGE, "gerbang", 1000, 2000, {"gate_open": True, "battery": 88.5})])
    yield store
    store.close()


@pytest.fixture
def served(tmp_path: Path, store: DuckStore) -> Iterator[Path]:
    """A data directory whose path is far longer than a socket's may be."""
    directory = tmp_path / ("sebuah-nama-yang-panjang-" * 5)
    directory.mkdir()
    copies = CopySocket(directory, store)
    copies.start()
    yield directory
    copies.stop()
    assert not (directory / SOCKET).exists()


def test_a_copy_is_equal_and_gone_afterwards(served: Path, store: DuckStore, tmp_path: Path) -> None:
    other = DuckStore.open(f"duckdb:///{tmp_path / 'other.duckdb'}")
    with borrowed_copy(served) as directory:
        store.write([Point(VILLAGE, "gerbang", 3000, 3000, {"gate_open": False})])
        assert other.load(directory) == 2
    assert other.tracks(VILLAGE, 0, 9000) == store.tracks(VILLAGE, 0, 3000)
    assert other.latest(VILLAGE, "gerbang")["battery"] == (1000, 88.5)
    other.close()
    until(lambda: not list(served.glob(f"{PREFIX}*")), what="the copy is removed")


def test_a_copy_goes_when_the_one_who_asked_dies(served: Path) -> None:
    descriptor = socket.socket(socket.AF_UNIX)
    try:
        (served.parent / "short").symlink_to(served)
        descriptor.connect(str(served.parent / "short" / SOCKET))
        until(lambda: list(served.glob(f"{PREFIX}*/arrival.parquet")), what="a copy is made")
    finally:
        descriptor.close()
    until(lambda: not list(served.glob(f"{PREFIX}*")), what="the copy is removed")
    with borrowed_copy(served) as directory:
        assert directory.is_dir()


def test_copies_that_a_killed_process_left_are_removed_at_the_start(tmp_path: Path, store: DuckStore) -> None:
    left = tmp_path / f"{PREFIX}x"
    left.mkdir()
    (left / "series.parquet").write_bytes(b"x")
    copies = CopySocket(tmp_path, store)
    copies.start()
    assert not left.exists()
    copies.stop()


def test_a_store_that_cannot_be_copied_is_said(served: Path, store: DuckStore) -> None:
    store.close()
    with pytest.raises(StoreUnavailable, match="has been closed"), borrowed_copy(served):
        pass


def test_several_get_copies_at_once_and_one_too_many_is_told_why(served: Path) -> None:
    with contextlib.ExitStack() as others:
        copies = {others.enter_context(borrowed_copy(served)) for _ in range(AT_ONCE)}
        assert len(copies) == AT_ONCE
        with pytest.raises(StoreUnavailable, match="try again when one is done"), borrowed_copy(served):
            pass
    until(lambda: not list(served.glob(f"{PREFIX}*")), what="the copies are removed")


def test_what_a_killed_process_left_is_removed_and_what_another_uses_is_not(tmp_path: Path) -> None:
    left = tmp_path / ".x-left"
    left.mkdir()
    (left / "part").write_bytes(b"x")
    with scratch(tmp_path, ".x-") as one:
        assert not left.exists()
        with scratch(tmp_path, ".x-") as other:
            assert one.is_dir()
            assert other != one
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_lacks_a_table_is_not_loaded(served: Path, tmp_path: Path) -> None:
    other = DuckStore.open(f"duckdb:///{tmp_path / 'other.duckdb'}")
    with borrowed_copy(served) as directory:
        (directory / "arrival.parquet").unlink()
        with pytest.raises(StoreUnavailable, match="holds no arrival"):
            other.load(directory)
    other.close()


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(NobodyAnswers, match="nobody answers at"), borrowed_copy(tmp_path):
        pass
