"""Credentials of gateways on a real broker over TLS: who gets in, who is put out, and who reaches what."""

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from siaga.provision.broker_config import Login
from siaga.provision.broker_files import CredentialExists, NoCredential
from siaga.provision.gateway_file import GatewayFile, read_gateway_file
from siaga.run.credentials import prove
from tests.provision.central_broker import NEIGHBOUR, THIRD, VILLAGE, CentralBroker, Peer
from tests.wait import until

pytestmark = pytest.mark.servers
ROOT = Path(__file__).resolve().parents[2]
TAKEN = ("Success", "No matching subscribers")
OFF_WITHIN = 10
"""Seconds (the guarantee for a revoked gateway)."""


@pytest.fixture(params=list(Login), ids=str)
def broker(request: pytest.FixtureRequest) -> Iterator[CentralBroker]:
    with CentralBroker(request.param) as running:
        yield running


def gets_in(who: GatewayFile | str) -> bool:
    with closing(Peer(who)) as peer:
        return peer.welcome


def batch(village: str) -> str:
    return f"siaga/v1/{village}/gateway/gw/batch"


def ack(village: str) -> str:
    return f"siaga/v1/{village}/gateway/gw/ack"


def until_it_may_publish(peer: Peer, village: str) -> None:
    until(lambda: peer.publish(batch(village)) in TAKEN, what=f"{village} has its topics")


def test_a_village_is_added_while_the_others_stay_connected(broker: CentralBroker) -> None:
    first = broker.issue(VILLAGE)
    until(lambda: gets_in(first), what="the first village gets in")
    with closing(Peer(first)) as early:
        pid = broker.pid
        second = broker.issue(NEIGHBOUR)
        until(lambda: gets_in(second), what="the second village gets in")
        with closing(Peer(second)) as late:
            for peer, village in ((early, VILLAGE), (late, NEIGHBOUR)):
                until_it_may_publish(peer, village)
        assert early.drops == 0
        assert broker.pid == pid, "no restart"


def test_what_one_village_sends_another_can_neither_read_nor_write(broker: CentralBroker) -> None:
    mine, other = broker.issue(VILLAGE), broker.issue(NEIGHBOUR)
    until(lambda: gets_in(other))
    with (
        closing(Peer(mine)) as village,
        closing(Peer(other)) as neighbour,
        closing(Peer(broker.service_url("collector"))) as collector,
        closing(Peer(broker.service_url("api"))) as api,
    ):
        for each, name in ((village, VILLAGE), (neighbour, NEIGHBOUR)):
            until_it_may_publish(each, name)
            each.subscribe("#")
        collector.subscribe("siaga/v1/+/gateway/+/batch")
        assert village.publish(batch(NEIGHBOUR)) == "Not authorized"
        assert village.publish(ack(VILLAGE)) == "Not authorized", "only the centre acknowledges"
        assert village.publish(f"siaga/v1/{VILLAGE}/gateway/gw/sites") == "Not authorized", "nor says what is there"
        assert village.publish(batch(VILLAGE), b"1") == "Success"
        assert collector.publish(ack(NEIGHBOUR), b"2") == "Success"
        assert collector.publish(ack(VILLAGE), b"3") == "Success"
        assert api.publish(f"siaga/v1/{VILLAGE}/gateway/gw/sites", b"4") == "Success"
        assert api.publish(ack(VILLAGE)) == "Not authorized"
        until(lambda: len(village.got) == 2 and neighbour.got and collector.got)
        assert village.got == [(ack(VILLAGE), b"3"), (f"siaga/v1/{VILLAGE}/gateway/gw/sites", b"4")]
        assert neighbour.got == [(ack(NEIGHBOUR), b"2")]
        assert collector.got == [(batch(VILLAGE), b"1")]


def test_a_revoked_gateway_is_off_within_ten_seconds_and_the_others_stay(broker: CentralBroker) -> None:
    lost, kept = broker.issue(VILLAGE), broker.issue(NEIGHBOUR)
    until(lambda: gets_in(kept))
    with closing(Peer(lost)) as gone, closing(Peer(kept)) as stays, closing(Peer(broker.service_url("collector"))) as c:
        until_it_may_publish(gone, VILLAGE)
        until_it_may_publish(stays, NEIGHBOUR)
        gone.subscribe("#")
        c.subscribe("siaga/v1/+/gateway/+/batch")
        began = time.monotonic()
        broker.revoke(VILLAGE)
        if broker.settings.broker_login is Login.PASSWORD:
            until(lambda: gone.drops, OFF_WITHIN, "its connection is closed")
        else:  # Mosquitto checks a certificate at the handshake only: the connection stands, and reaches nothing
            until(lambda: gone.publish(batch(VILLAGE), b"late") == "Not authorized", OFF_WITHIN)
        until(lambda: not gets_in(lost), OFF_WITHIN, "and it gets in no more")
        assert time.monotonic() - began < OFF_WITHIN
        c.got.clear()
        assert c.publish(ack(VILLAGE)) in TAKEN
        assert stays.publish(batch(NEIGHBOUR), b"still here") == "Success"
        until(lambda: c.got)
        assert c.got == [(batch(NEIGHBOUR), b"still here")]
        assert gone.got == []
        assert stays.drops == 0
    with pytest.raises(NoCredential, match="nothing to revoke"):
        broker.revoke(VILLAGE)


def test_a_rotated_credential_gets_in_and_the_earlier_one_and_a_wrong_one_do_not(broker: CentralBroker) -> None:
    old = broker.issue(VILLAGE)
    until(lambda: gets_in(old))
    with pytest.raises(CredentialExists, match="--rotate makes a new one"):
        broker.issue(VILLAGE)
    new = broker.issue(VILLAGE, rotate=True)
    assert prove(broker.settings, new).good is True
    until(lambda: not gets_in(old), OFF_WITHIN, "the old one is out")
    assert gets_in(new)
    wrong = replace(new, password="x" if new.password else None, tls=replace(new.tls, certificate=None, key=None))
    assert not gets_in(wrong)


def test_a_broker_that_does_not_read_its_files_again_is_told() -> None:
    with CentralBroker() as broker:
        first = broker.issue(VILLAGE)
        told = prove(broker.settings, replace(first, password="never issued"), within=1)
        assert told.good is False
        assert "has not taken the new credential" in told.sentence
        broker.stop()
        assert prove(broker.settings, first).good is None


def test_the_command_prints_the_file_alone_and_shows_the_secret_to_nobody_else(tmp_path: Path) -> None:
    with CentralBroker() as broker:
        environment = {
            "PATH": os.environ["PATH"],
            "SIAGA_DATA_DIR": str(broker.settings.data_dir),
            "SIAGA_BROKER_DIR": str(broker.files),
            "SIAGA_BROKER_ADDRESS": str(broker.settings.broker_address),
        }

        def credentials(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [str(ROOT / ".venv" / "bin" / "siaga"), "gateway", "credentials", *arguments]
            return subprocess.run(
                command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=240, check=False
            )

        made = credentials(THIRD)
        assert made.returncode == 0, made.stderr
        file = read_gateway_file(made.stdout, "gateway.yaml")
        assert file.village.code == THIRD
        assert gets_in(file)
        assert "proved: the broker takes the new credential" in made.stderr
        assert file.password
        assert file.password not in made.stderr
        assert all(file.password not in path.read_text() for path in broker.files.rglob("*") if path.is_file())
        again = credentials(THIRD)
        assert (again.returncode, again.stdout) == (2, "")
        assert "--rotate makes a new one" in again.stderr
        revoked = credentials(THIRD, "--revoke")
        assert (revoked.returncode, revoked.stdout) == (0, "")
        until(lambda: not gets_in(file), OFF_WITHIN)
        for arguments, sentence in (
            (("35.10.15.9999",), "there is no village 35.10.15.9999: import a sites file that has it"),
            (("gw",), '"gw" is not the code of a village'),
            ((THIRD, "--rotate", "--revoke"), "say one of them"),
        ):
            told = credentials(*arguments)
            assert (told.returncode, told.stdout) == (2, "")
            assert sentence in told.stderr
            assert "Traceback" not in told.stderr
        for name in ("passwords", "acl", "server.key", "authority/authority.key"):
            assert stat.S_IMODE((broker.files / name).stat().st_mode) == 0o600
