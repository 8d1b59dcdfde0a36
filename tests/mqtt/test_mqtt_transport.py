"""What only a real network can do to a transport: cables cut, brokers old, slow, gone or unwilling."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from siaga.broker import EmbeddedBroker
from siaga.mqtt import BrokerAddress, Message, MqttTransport, Tls
from tests.mqtt.link import Link
from tests.mqtt.odd_brokers import OldBroker
from tests.mqtt.test_transport_contract import send, take
from tests.servers import Mosquitto, free_port
from tests.wait import PATIENCE, until


@pytest.fixture
def link(mosquitto: Mosquitto) -> Iterator[Link]:
    with Link(mosquitto.port) as link:
        yield link


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker", BrokerAddress("broker", 1883)),
        ("mqtts://broker", BrokerAddress("broker", 8883, tls=True)),
        ("mqtt://desa:p%40ss@10.0.0.1:1884", BrokerAddress("10.0.0.1", 1884, False, "desa", "p@ss")),
        ("mqtt://[::1]:1885", BrokerAddress("::1", 1885)),
    ],
    ids=["port of MQTT", "port of TLS", "user and escaped password", "IPv6"],
)
def test_a_url_names_the_broker(url: str, address: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == address


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "broker:1883", "mqtt://u:geheim@:x", "mqtt://h:99999"])
def test_a_wrong_url_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="broker's URL") as caught:
        BrokerAddress.parse(url)
    assert "geheim" not in str(caught.value)


def test_the_password_is_in_no_log_and_in_no_text(mosquitto: Mosquitto) -> None:
    url = f"mqtt://desa:geheim@127.0.0.1:{mosquitto.port}"
    with structlog.testing.capture_logs() as logs, closing(MqttTransport(url, "a")) as transport:
        until(lambda: transport.connected)
        mosquitto.stop()
        until(lambda: not transport.connected)
        until(lambda: transport.problem)
    assert logs
    assert "geheim" not in f"{logs} {transport.problem} {BrokerAddress.parse(url)!r}"


def test_after_a_cut_it_comes_back_subscribes_again_and_hears_what_it_missed(mosquitto: Mosquitto, link: Link) -> None:
    with (
        closing(MqttTransport(link.url, "hearer", clean=False, marker="mark")) as hearer,
        closing(MqttTransport(mosquitto.url, "speaker")) as speaker,
    ):
        hearer.subscribe("a")
        until(lambda: hearer.connected and speaker.connected)
        link.cut()
        until(lambda: not hearer.connected)
        send(speaker, "a", b"missed")
        link.mend()
        (message,) = take(hearer, 1)
        assert (message.payload, message.kept) == (b"missed", True)
        until(lambda: hearer.connected)
        send(speaker, "a", b"live")
        assert take(hearer, 1)[0].payload == b"live"


def test_a_subscription_that_comes_later_is_no_break_of_the_connection(mosquitto: Mosquitto) -> None:
    with closing(MqttTransport(mosquitto.url, "hearer")) as hearer:
        hearer.subscribe("a")
        until(lambda: hearer.connected)
        mosquitto.freeze()
        try:
            hearer.subscribe("b", awaited=False)
            assert hearer.connected
            hearer.unsubscribe("b")
            assert hearer.connected
            hearer.subscribe("c")
            assert not hearer.connected
        finally:
            mosquitto.thaw()
        until(lambda: hearer.connected)


def test_a_receipt_of_before_the_cut_is_worth_nothing_after_it(mosquitto: Mosquitto, link: Link) -> None:
    with (
        closing(MqttTransport(link.url, "hearer", clean=False)) as hearer,
        closing(MqttTransport(mosquitto.url, "speaker")) as speaker,
    ):
        hearer.subscribe("a")
        until(lambda: hearer.connected and speaker.connected)
        send(speaker, "a", b"1")
        (old,) = take(hearer, 1, acknowledge=False)
        link.cut()
        until(lambda: not hearer.connected)
        link.mend()
        (again,) = take(hearer, 1, acknowledge=False)
        hearer.acknowledge(old)  # the same message id at the broker, another connection
        link.cut()
        until(lambda: not hearer.connected)
        link.mend()
        assert take(hearer, 1)[0].payload == again.payload == b"1"


def test_a_broken_connection_publishes_the_last_will(mosquitto: Mosquitto, link: Link) -> None:
    with (
        closing(MqttTransport(mosquitto.url, "hearer")) as hearer,
        closing(MqttTransport(link.url, "mortal", will=Message("will", b"gone", retain=True))) as mortal,
    ):
        hearer.subscribe("will")
        until(lambda: hearer.connected and mortal.connected)
        link.cut()
        assert take(hearer, 1)[0].payload == b"gone"


def test_what_was_taken_is_published_although_the_cable_was_cut(mosquitto: Mosquitto, link: Link) -> None:
    with (
        closing(MqttTransport(mosquitto.url, "hearer")) as hearer,
        closing(MqttTransport(link.url, "speaker")) as speaker,
    ):
        hearer.subscribe("a")
        until(lambda: hearer.connected and speaker.connected)
        mosquitto.freeze()
        for number in range(50):
            assert speaker.publish("a", b"%d" % number)
        link.cut()
        mosquitto.thaw()
        link.mend()
        until(lambda: {message.payload for message in take(hearer, 1)} == {b"49"})


def test_the_outbound_queue_has_a_bound(mosquitto: Mosquitto) -> None:
    with closing(MqttTransport(mosquitto.url, "speaker", max_outbound=10)) as speaker:
        until(lambda: speaker.connected)
        mosquitto.freeze()
        try:
            assert [speaker.publish("a", b"") for _ in range(12)] == [True] * 10 + [False] * 2
        finally:
            mosquitto.thaw()
        until(lambda: speaker.publish("a", b""))


def test_close_sends_what_is_queued(mosquitto: Mosquitto) -> None:
    with closing(MqttTransport(mosquitto.url, "hearer")) as hearer:
        hearer.subscribe("a")
        speaker = MqttTransport(mosquitto.url, "speaker")
        until(lambda: hearer.connected and speaker.connected)
        for number in range(500):
            assert speaker.publish("a", b"%d" % number)
        speaker.close()
        assert len(take(hearer, 500)) == 500


def test_close_does_not_wait_for_a_broker_that_hangs(mosquitto: Mosquitto) -> None:
    transport = MqttTransport(mosquitto.url, "speaker")
    until(lambda: transport.connected)
    mosquitto.freeze()
    transport.publish("a", b"")
    began = time.monotonic()
    transport.close()
    mosquitto.thaw()
    assert time.monotonic() - began < PATIENCE


def test_it_waits_for_a_broker_that_comes_later(tmp_path: Path) -> None:
    port = free_port()
    with closing(MqttTransport(f"mqtt://127.0.0.1:{port}", "early", version=4)) as transport:
        until(lambda: "refused" in (transport.problem or ""))
        broker = EmbeddedBroker(tmp_path / "broker.db", port)
        broker.start()
        until(lambda: transport.connected)
        assert transport.problem is None
        broker.close()


@pytest.mark.parametrize(
    ("refusal", "tries_again"),
    [(b"\x20\x02\x00\x01", [5, 4, 4]), (b"\x20\x03\x00\x84\x00", [5, 4, 4]), (None, [5, 4, 5, 4])],
    ids=["refused as 3.1.1 does", "refused as MQTT 5 does", "silence"],
)
def test_an_older_broker_is_spoken_to_in_3_1_1(refusal: bytes | None, tries_again: list[int]) -> None:
    with OldBroker(refusal) as broker, closing(MqttTransport(broker.url, "a")) as transport:
        until(lambda: transport.connected)
        broker.hang_up()
        until(lambda: broker.versions == tries_again, what=f"{broker.versions}")


def test_a_subscription_that_the_broker_refuses_is_no_connection_and_is_said() -> None:
    with OldBroker(None, suback=0x80) as broker, closing(MqttTransport(broker.url, "a", version=4)) as transport:
        transport.subscribe("secret/#")
        until(lambda: transport.problem and "secret/#" in transport.problem)
        assert not transport.connected


# A refused certificate leaves paho's half-open socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_publication_that_the_broker_refuses_is_said_until_it_lets_one_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga.mqtt.client.DENIED_AGAIN", 0.5)
    rules = tmp_path / "acl"
    rules.write_text("topic read #\n")
    with Mosquitto(config=[f"acl_file {rules}"]) as broker, closing(MqttTransport(broker.url, "a")) as transport:
        until(lambda: transport.connected)
        assert transport.publish("desa/status", b"online", retain=True)
        until(lambda: transport.problem)
        assert transport.publish("desa/batch", b"1")
        until(lambda: transport.problem)
        assert transport.problem == f"{broker.url} refuses what is published to desa/status: not authorized"
        assert transport.connected
        rules.write_text("topic readwrite #\n")
        os.kill(broker.pid, signal.SIGHUP)

        def passes() -> bool:  # a batch is sent again by who sent it, what is retained by the transport
            return transport.publish("desa/batch", b"2") and transport.problem is None

        until(passes)
        with closing(MqttTransport(broker.url, "b")) as other:
            other.subscribe("desa/status")
            until(lambda: (message := other.receive(0.1)) and message.payload == b"online")


def test_over_tls_a_broker_is_trusted_by_its_certificate_only(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    with Mosquitto([f"keyfile {key}", f"certfile {certificate}"]) as server:
        url = f"mqtts://127.0.0.1:{server.port}"
        with closing(MqttTransport(url, "trusting", tls=Tls(certificate.read_text()))) as transport:
            transport.subscribe("a")
            until(lambda: transport.connected)
            send(transport, "a", b"x" * 100_000)
            assert take(transport, 1)[0].payload == b"x" * 100_000
        with closing(MqttTransport(url, "careful")) as transport:
            until(lambda: "certificate" in (transport.problem or "").lower())
            assert not transport.connected


def test_a_full_queue_leaves_the_socket_unread_and_the_session_alive(mosquitto: Mosquitto) -> None:
    """QoS 0 knows no receive maximum: only the socket can hold it back."""
    with closing(MqttTransport(mosquitto.url, "hearer", max_queue=5, keepalive=5)) as hearer:
        hearer.subscribe("a")
        until(lambda: hearer.connected)
        with socket.create_connection(("127.0.0.1", mosquitto.port)) as raw:
            raw.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04loud")
            assert raw.recv(4) == b"\x20\x02\x00\x00"
            raw.sendall(b"".join(b"\x30\x05\x00\x01a%02d" % n for n in range(50)))
            until(lambda: hearer.inbound >= 5)
            assert hearer.inbound == 5
            assert [message.payload for message in take(hearer, 50)] == [b"%02d" % n for n in range(50)]


def test_a_full_queue_for_longer_than_the_keep_alive_breaks_nothing(mosquitto: Mosquitto) -> None:
    """The broker's answer to a ping is then behind messages that are not read."""
    with closing(MqttTransport(mosquitto.url, "busy", max_queue=5, keepalive=1)) as hearer:
        hearer.subscribe("a")
        until(lambda: hearer.connected)
        with closing(MqttTransport(mosquitto.url, "speaker")) as speaker:
            until(lambda: speaker.connected)
            for n in range(20):
                send(speaker, "a", b"%02d" % n)
        until(lambda: hearer.inbound == 5)
        full_until = time.monotonic() + 4
        until(lambda: time.monotonic() > full_until)
        assert [message.payload for message in take(hearer, 20)] == [b"%02d" % n for n in range(20)]
        assert hearer.connections == 1


def test_who_answers_each_message_is_not_stopped_by_answers_of_the_broker_that_nobody_reads() -> None:
    """Mosquitto 2.0 hands a session that publishes all it kept, more than MQTT 5's receive maximum allows.

    The PUBACKs of what the worker publishes are behind all that; the queue stays within its bound all the same.
    """
    kept = 3_000
    with Mosquitto(["max_queued_messages 0", "max_inflight_messages 1000"]) as mosquitto:
        with closing(MqttTransport(mosquitto.url, "worker", clean=False)) as worker:
            worker.subscribe("question")
            until(lambda: worker.connected)
        with closing(MqttTransport(mosquitto.url, "speaker", max_outbound=kept)) as speaker:
            until(lambda: speaker.connected)
            for n in range(kept):
                send(speaker, "question", b"%d" % n)
            until(lambda: speaker.outbound == 0)
        with closing(MqttTransport(mosquitto.url, "worker", clean=False, max_queue=100, max_outbound=50)) as worker:
            worker.subscribe("question")
            most, heard = 0, set[bytes]()
            while len(heard) < kept:
                some = take(worker, min(40, kept - len(heard)), acknowledge=False)
                most = max(most, worker.inbound)
                for message in some:
                    until(lambda: worker.publish("answer", message.payload))  # noqa: B023 - called at once
                for message in some:
                    worker.acknowledge(message)
                heard |= {message.payload for message in some}
            assert most <= 100
            assert worker.connections == 1
            until(lambda: worker.outbound == 0)


def test_a_session_that_an_unanswered_connect_may_have_begun_is_not_called_resumed(mosquitto: Mosquitto) -> None:
    with Link(mosquitto.port) as link, closing(MqttTransport(link.url, "unsure", clean=False, held=True)) as one:
        one.connect()
        until(lambda: one.connected)
        link.cut()
        until(lambda: not one.connected)
        one.connect()
        until(lambda: "broke" not in (one.problem or "broke"), what="an attempt that got no answer")
        link.mend()
        until(lambda: one.connected)
        assert not one.resumed
