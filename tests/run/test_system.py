"""The whole process, where what its rooms know meets what it says of itself."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from siaga.model.caller import Role
from siaga.model.clock import SystemClock
from siaga.run.leading import Leading
from siaga.run.services import create_token
from siaga.run.settings import Settings
from siaga.run.system import System
from tests.servers import Postgres, free_port
from tests.wait import PATIENCE, until


class Blind(Leading):
    """Engines that watch, and whose store cannot be read."""

    def __init__(self) -> None:
        pass

    def problem(self) -> str | None:
        return None

    def unread(self) -> str | None:
        return "InfluxDB refuses a query"

    def leads(self) -> Sequence[int]:
        return [0]

    def stop(self) -> None:
        pass


@pytest.mark.parametrize("whole", [True, False], ids=["siaga up", "siaga api"])
def test_readiness_names_a_past_that_cannot_be_read(
    tmp_path: Path, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga.run.system.REGISTRY", CollectorRegistry())
    settings = Settings(data_dir=tmp_path, http_port=free_port())
    system = System(settings, SystemClock(), whole=whole)
    try:
        system._serve_http()
        assert "history" not in httpx.get(f"{system.url}/readyz", timeout=PATIENCE).json()["reasons"]
        system._alerts = Blind()
        reasons = httpx.get(f"{system.url}/readyz", timeout=PATIENCE).json()["reasons"]
        assert reasons["history"] == "the past cannot be read: InfluxDB refuses a query"
        assert "alerts" not in reasons
        assert httpx.get(f"{system.url}/readyz").json()["leads"] == [0]
    finally:
        system.stop()


@pytest.mark.servers
def test_a_database_that_hangs_keeps_no_thread_at_the_end(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga.run.system.REGISTRY", CollectorRegistry())
    monkeypatch.setattr("siaga.run.system.END_WITHIN", 0.4)
    monkeypatch.setattr("siaga.run.system.GIVEN_UP_AFTER", 0.2)
    settings = Settings(data_dir=tmp_path, http_port=free_port(), database_url=SecretStr(postgres.database_url()))
    system = System(settings, SystemClock(), whole=False)
    before = set(threading.enumerate())
    system.start(None, threading.Event())
    token = create_token(settings, Role.VIEWER, "caller")
    address, headers = f"{system.url}/api/v1/villages", {"Authorization": f"Bearer {token}"}
    assert httpx.get(address, headers=headers, timeout=PATIENCE).status_code == 200
    postgres.freeze()
    try:
        with ThreadPoolExecutor(4) as callers:
            for _ in range(4):
                callers.submit(httpx.get, address, headers=headers, timeout=20)
            until(lambda: "no answer" in httpx.get(f"{system.url}/readyz", timeout=5).text)
            system.stop()
            # Python waits for threads that are no daemons, however long they take
            until(lambda: not [one for one in set(threading.enumerate()) - before if is_http(one)])
    finally:
        postgres.thaw()


def is_http(thread: threading.Thread) -> bool:
    return "AnyIO" in thread.name
