"""The whole process, where what its rooms know meets what it says of itself."""

from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from api.alerts import AlertService
from api.alerts.reader import UnreadPast
from siaga.model.clock import SystemClock
from siaga.run.settings import Settings
from siaga.run.system import System
from tests.servers import free_port


class Blind(AlertService):
    """An engine that watches, and whose store cannot be read."""

    def __init__(self) -> None:
        pass

    def problem(self) -> str | None:
        return None

    def past(self) -> UnreadPast:
        return UnreadPast({"35.10.15.2012": [(0, 2**62)]}, "InfluxDB refuses a query")

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
        assert "history" not in httpx.get(f"{system.url}/readyz").json()["reasons"]
        system._alerts = Blind()
        reasons = httpx.get(f"{system.url}/readyz").json()["reasons"]
        assert reasons["history"] == "the past cannot be read: InfluxDB refuses a query"
        assert "alerts" not in reasons
    finally:
        system.stop()
