"""Collectors whose store is behind a slow link, or whose URL leads to no store."""

import random
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector import assemble
from siaga.broker.memory import MemoryTransport
from siaga.telemetry import open_store
from tests.collector.desk import CLIFF, SHORE, Desk, T, batch, gate, topic
from tests.collector.post import Gateways, Post
from tests.mqtt.link import Link
from tests.servers import Influxd, Mosquitto
from tests.telemetry.stand_in import DONE, Reply, StandIn
from tests.wait import PATIENCE, until

LINE = 250_000
"""Bytes a second."""
BATCHES, READINGS, SIGNALS = 30, 2_001, 3


def test_a_backlog_gets_through_a_slow_line_and_another_village_beside_it(
    mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path
) -> None:
    chance = random.Random(7)
    post = Post(mosquitto, influxd, tmp_path)
    with Link(influxd.port, bits_per_second=8 * LINE) as line, Gateways(mosquitto) as gateways:
        post.store_url = post.store_url.replace(f":{influxd.port}/", f":{line.port}/")
        with post.collector():
            gateways.insist(range(1))
            before = line.passed
            plain = 0
            for seq in range(1, BATCHES + 1):
                times = range(Gateways.START + seq * READINGS, Gateways.START + (seq + 1) * READINGS, SIGNALS)
                records = [
                    {"n": f"gerbang-1/{signal}", "t": second, "v": round(chance.uniform(0, 100), 1)}
                    for second in times
                    for signal in ("power", "battery", "latency")
                ]
                plain += sum(len(str(record)) for record in records)
                gateways._client.publish(topic(CLIFF), batch(seq, *records, packed=True), qos=1)
            gateways._client.publish(topic(SHORE), batch(1_000, gate(T)), qos=1)
            gateways.hears(*range(BATCHES + 1), 1_000, timeout=45)
        passed = line.passed - before
    (counted,) = influxd.query(post.name, "SELECT count(latency) AS n FROM telemetry")
    assert counted["n"] == BATCHES * READINGS // SIGNALS
    assert passed < plain, "nothing went twice, and all of it packed"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "<html>Welcome to this hotel's Wi-Fi</html>", {"Content-Type": "text/html"}),
        Reply(200),
        Reply(200, {"error": "timeout"}),
        Reply(202),
        Reply(302, "", {"Location": "https://portal.example/sign-in"}),
    ],
    ids=["a page", "nothing", "200 with an error", "accepted", "a redirect"],
)
@pytest.mark.parametrize("signs", [True, False], ids=["behind an InfluxDB's ping", "whatever is asked"])
def test_what_says_yes_to_everything_gets_no_batch_acknowledged(tmp_path: Path, reply: Reply, signs: bool) -> None:
    desk = Desk(tmp_path)
    with StandIn(query=lambda _: DONE if signs else reply, write=lambda _: reply) as nobody:
        nobody.ping = None if signs else reply
        store = open_store(nobody.url())
        transport = MemoryTransport(desk.broker, "another collector", clean=False)
        service = assemble(store, desk.engine, transport, metrics=CollectorRegistry())
        stop = threading.Event()
        runs = threading.Thread(target=service.run, args=(stop,), daemon=True)
        runs.start()
        try:
            until(lambda: transport.connected, what="it listens")
            desk.transport.cut()  # else the desk's own session would get a share of the messages
            desk.publish(batch(1, gate(T)))
            shown = "portal.example" if reply.status == 302 else f" {reply.status} ("
            until(lambda: shown in (service.problem() or ""), what="the readiness says what answered")
            assert "check SIAGA_STORE_URL" in (service.problem() or "")
            assert desk.acks() == []
            nobody.ping, nobody.query, nobody.write = None, lambda _: DONE, lambda _: Reply(204)
            until(lambda: desk.seqs() == [1], what="it is acknowledged once it is stored")
            assert any("gate_open" in request.body for request in nobody.writes)
        finally:
            stop.set()
            runs.join(PATIENCE)
            store.close()
            desk.close()
