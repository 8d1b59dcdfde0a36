"""`siaga gateway` as a process: it ends when its work has."""

import threading
from pathlib import Path

import prometheus_client
import pytest

from gateway import Gateway
from siaga.run.settings import Settings
from siaga.run.village_gateway import run_gateway
from tests.servers import free_port

SITES = """
villages:
  - code: "35.10.15.2012"
    name: Kampunganyar
    lat: -8.19
    lon: 114.3
    timezone: Asia/Jakarta
    gateway: remote
    facilities:
      - {id: gerbang, kind: gate, name: Gerbang, devices: [{id: gerbang-1, adapter: senml, every: 1m}]}
"""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_gateway_that_fails_ends_its_process_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Gateway) -> int:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr("siaga.run.village_gateway._give_back", lambda: None)  # gc.freeze is for a process of its own
    monkeypatch.setattr(Gateway, "tick", broken)
    monkeypatch.setattr(prometheus_client, "REGISTRY", prometheus_client.CollectorRegistry())
    (tmp_path / "sites.yaml").write_text(SITES)
    nobody = f"mqtt://127.0.0.1:{free_port()}"
    settings = Settings(
        data_dir=tmp_path / "data", sites=tmp_path / "sites.yaml", mqtt_url=nobody, village_mqtt_url=nobody
    )
    stop = threading.Event()
    unless_it_ends = threading.Timer(60, stop.set)
    unless_it_ends.start()
    with pytest.raises(RuntimeError, match="the gateway failed: ValueError: a mistake of ours"):
        run_gateway(settings, stop)
    unless_it_ends.cancel()
