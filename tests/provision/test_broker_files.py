"""The broker's files: whole, checked, with the right owner, and as Mosquitto's own tools read them."""

import os
import stat
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from siaga.provision.access import read_access, write_access
from siaga.provision.broker_config import Login
from siaga.provision.broker_files import BrokerFiles
from siaga.provision.certificates import Authority
from siaga.provision.damaged import DamagedFile
from siaga.provision.passwords import hash_password, matches, read_passwords, write_passwords
from siaga.provision.whole_file import Keeper, write_whole
from tests.servers import find_binary

NOW = datetime(2026, 11, 29, tzinfo=UTC)
VILLAGE, NEIGHBOUR = "35.10.15.2012", "35.10.15.2013"


def files(directory: Path, login: Login = Login.PASSWORD) -> BrokerFiles:
    return BrokerFiles(directory, login, port=8883, tls=True)


def test_a_hash_is_its_own_password_s_alone() -> None:
    hashed = hash_password("rahasia")
    assert hashed.startswith("$7$101$")
    assert matches("rahasia", hashed)
    assert not matches("rahasia ", hashed)
    assert not matches("rahasia", "$6$abc$def")
    assert hash_password("rahasia") != hashed, "each has a salt of its own"


@pytest.mark.servers
def test_a_hash_of_mosquitto_s_own_tool_is_understood(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("ratih:kampung 2026\n")
    subprocess.run([find_binary("mosquitto_passwd", "mosquitto"), "-U", str(tmp_path / "passwords")], check=True)
    found = read_passwords((tmp_path / "passwords").read_text(), "passwords")
    assert matches("kampung 2026", found["ratih"])


@pytest.mark.parametrize(
    "text",
    ["ratih\n", "ratih:rahasia\n", ":$7$101$AAAA$AAAA\n", "a:$7$101$AAAA$AAAA\na:$7$101$AAAA$AAAA\n", "a:$7$101$AA"],
    ids=["no hash", "a plain password", "no name", "twice", "cut off"],
)
def test_a_damaged_password_file_is_told_with_its_line_and_no_secret(text: str) -> None:
    with pytest.raises(DamagedFile, match=r"passwords line \d: is not a name and a hashed password") as told:
        read_passwords(text, "passwords")
    assert "rahasia" not in str(told.value)


def test_users_that_siaga_does_not_know_keep_their_lines(tmp_path: Path) -> None:
    broker = files(tmp_path)
    (tmp_path / "passwords").write_text(f"telegraf:{hash_password('x')}\n")
    (tmp_path / "acl").write_text("user telegraf\ntopic read siaga/#\n")
    broker.issue(VILLAGE, NOW, rotate=False)
    assert list(read_passwords((tmp_path / "passwords").read_text(), "")) == ["telegraf", VILLAGE]
    users = read_access((tmp_path / "acl").read_text(), "")
    assert users["telegraf"] == ["topic read siaga/#"]
    assert f"topic write siaga/v1/{VILLAGE}/gateway/+/batch" in users[VILLAGE]
    assert broker.villages() == [VILLAGE]


@pytest.mark.parametrize("line", ["topic read #", "pattern write siaga/v1/%u/#", "user x\nnonsense"])
def test_rules_that_would_be_lost_are_told_and_nothing_is_changed(tmp_path: Path, line: str) -> None:
    (tmp_path / "acl").write_text(line)
    with pytest.raises(DamagedFile, match=r"acl line \d: is not a rule of one user"):
        files(tmp_path).issue(VILLAGE, NOW, rotate=False)
    assert (tmp_path / "acl").read_text() == line
    assert not (tmp_path / "passwords").exists()


def test_no_village_has_a_topic_of_another_or_a_wildcard_for_it() -> None:
    users = read_access(write_access([VILLAGE, NEIGHBOUR], {}), "")
    for village in (VILLAGE, NEIGHBOUR):
        assert users[village]
        for rule in users[village]:
            assert rule.split(" ", 2)[2].startswith(f"siaga/v1/{village}/gateway/")


def test_a_file_is_replaced_whole_and_a_failure_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    keeper = Keeper(os.geteuid(), os.getegid(), 0o640)
    write_whole(path, b"first", keeper)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    seen: set[bytes] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    contents = [bytes([65 + n]) * 200_000 for n in range(20)]
    for content in contents:
        write_whole(path, content, keeper)
    stop.set()
    reader.join()
    assert seen <= {b"first", *contents}
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write_whole(tmp_path / "folder", b"x", keeper)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "passwords"], "nothing is left beside it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_as_root_the_files_belong_to_the_broker_and_the_authority_s_key_does_not(tmp_path: Path) -> None:
    os.chown(tmp_path, 1883, 1884)
    broker = files(tmp_path, Login.CERTIFICATE)
    broker.set_up("broker.example.go.id", {"api": "x"}, NOW)
    broker.issue(VILLAGE, NOW, rotate=False)
    for name in ("passwords", "acl", "server.key"):
        found = (tmp_path / name).stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1883, 1884, 0o600), name
    found = (tmp_path / "authority" / "authority.key").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o600)
    os.chown(tmp_path / "acl", 0, 1884)
    (tmp_path / "acl").chmod(0o640)
    broker.issue(NEIGHBOUR, NOW, rotate=False)
    found = (tmp_path / "acl").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 1884, 0o640), "as the one before it was"


def test_two_that_change_the_files_at_once_lose_nothing(tmp_path: Path) -> None:
    codes = [f"35.10.15.2{n:03}" for n in range(12)]
    threads = [threading.Thread(target=lambda c=code: files(tmp_path).issue(c, NOW, rotate=False)) for code in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(tmp_path).villages() == codes
    assert sorted(read_passwords((tmp_path / "passwords").read_text(), "")) == codes


def test_an_own_certificate_of_the_broker_stays_and_gateways_trust_the_system(tmp_path: Path) -> None:
    broker = files(tmp_path)
    other = Authority.new("another", NOW).server("broker.example.go.id", NOW)
    (tmp_path / "server.crt").write_text(other.certificate)
    (tmp_path / "server.key").write_text(other.key)
    broker.set_up("broker.example.go.id", {}, NOW, renew=True)
    assert (tmp_path / "server.crt").read_text() == other.certificate
    assert broker.trust() is None


def test_a_renewed_certificate_is_of_the_same_authority(tmp_path: Path) -> None:
    broker = files(tmp_path)
    broker.set_up("broker.example.go.id", {}, NOW)
    before, trusted = (tmp_path / "server.crt").read_text(), broker.trust()
    assert broker.set_up("broker.example.go.id", {}, NOW) == []
    broker.set_up("broker.example.go.id", {}, NOW, renew=True)
    assert (tmp_path / "server.crt").read_text() != before
    assert broker.trust() == trusted


def test_a_village_goes_from_a_password_to_a_certificate_and_back(tmp_path: Path) -> None:
    passwords, certificates = files(tmp_path), files(tmp_path, Login.CERTIFICATE)
    passwords.set_up("broker.example.go.id", {}, NOW)
    passwords.issue(VILLAGE, NOW, rotate=False)
    issued = certificates.issue(VILLAGE, NOW, rotate=True)
    assert issued.certificate
    assert VILLAGE not in read_passwords((tmp_path / "passwords").read_text(), "")
    assert "use_identity_as_username true" in (tmp_path / "2.1" / "siaga.conf").read_text()
    passwords.issue(VILLAGE, NOW, rotate=True)
    assert not (tmp_path / "certificates" / f"{VILLAGE}.crt").exists(), "and it is in the list of revoked ones"
    assert VILLAGE in read_passwords((tmp_path / "passwords").read_text(), "")


def test_a_revoke_that_failed_changed_nothing_and_can_be_made_again(tmp_path: Path) -> None:
    broker = files(tmp_path, Login.CERTIFICATE)
    broker.set_up("broker.example.go.id", {}, NOW)
    broker.issue(VILLAGE, NOW, rotate=False)
    access, sound = (tmp_path / "acl").read_text(), (tmp_path / "ca.crl").read_text()
    (tmp_path / "ca.crl").write_text("damaged")
    with pytest.raises(DamagedFile):
        broker.revoke(VILLAGE, NOW)
    assert (tmp_path / "acl").read_text() == access
    (tmp_path / "ca.crl").write_text(sound)
    broker.revoke(VILLAGE, NOW)
    assert not (tmp_path / "certificates" / f"{VILLAGE}.crt").exists()
    assert broker.villages() == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".passwords.0123456789ab"
    left.write_text(write_passwords({}))
    files(tmp_path).issue(VILLAGE, NOW, rotate=False)
    assert not left.exists()
