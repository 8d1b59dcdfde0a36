"""Names of sessions: found again after a restart, never used twice at a time."""

import os
from pathlib import Path

import pytest

from siaga.mqtt.sessions import SessionName

ROLES = ["collector", "gateway", "alerts"]


@pytest.mark.parametrize("role", ROLES)
def test_a_name_is_found_again_after_a_restart(tmp_path: Path, role: str) -> None:
    first = SessionName.of(tmp_path / "data", role)
    assert first.lasting
    assert first.client_id.startswith(f"siaga-{role}-")
    first.release()
    again = SessionName.of(tmp_path / "data", role)
    assert (again.client_id, again.lasting) == (first.client_id, True)
    again.release()


@pytest.mark.parametrize("role", ROLES)
def test_a_second_one_gets_another_name_for_this_once(tmp_path: Path, role: str) -> None:
    first, second = SessionName.of(tmp_path, role), SessionName.of(tmp_path, role)
    assert first.client_id != second.client_id
    assert not second.lasting, "the broker is to keep nothing for a name that nobody finds again"
    second.release()
    first.release()
    third = SessionName.of(tmp_path, role)
    assert (third.client_id, third.lasting) == (first.client_id, True)
    third.release()


def test_roles_do_not_stand_in_each_others_way(tmp_path: Path) -> None:
    names = [SessionName.of(tmp_path, role) for role in ROLES]
    assert all(name.lasting for name in names)
    for name in names:
        name.release()


def test_a_name_of_before_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "gateway.session").write_text("siaga-gateway-0123456789ab", encoding="ascii")
    name = SessionName.of(tmp_path, "gateway")
    assert name.client_id == "siaga-gateway-0123456789ab"
    name.release()


def test_a_file_that_a_full_disk_left_empty_gets_a_name(tmp_path: Path) -> None:
    (tmp_path / "gateway.session").touch()
    name = SessionName.of(tmp_path, "gateway")
    assert (tmp_path / "gateway.session").read_text(encoding="ascii") == name.client_id
    name.release()


def test_the_lock_ends_with_the_process(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        SessionName.of(tmp_path, "gateway")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    name = SessionName.of(tmp_path, "gateway")
    assert name.lasting
    name.release()


def test_several_members_of_a_role_keep_a_name_each(tmp_path: Path) -> None:
    first, second, third = (SessionName.of(tmp_path, "collector", members=2) for _ in range(3))
    assert len({first.client_id, second.client_id, third.client_id}) == 3
    assert [each.lasting for each in (first, second, third)] == [True, True, False]
    for each in (first, second, third):
        each.release()
    again = [SessionName.of(tmp_path, "collector", members=2) for _ in range(2)]
    assert [each.client_id for each in again] == [first.client_id, second.client_id]
    for each in again:
        each.release()
