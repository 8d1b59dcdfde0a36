"""Web addresses: what counts as an answer, and what a server cannot do to the gateway."""

import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from gateway.pollers.interface import Answer, Internet, Said, Unasked
from gateway.pollers.web import MAX_BODY, check_internet, fetch
from siaga.sites.poll_address import read_web
from tests.gateway.pollers.peers import Behaviour, BlackHole, Peer, page
from tests.servers import free_port
from tests.wait import PATIENCE, until

ELSEWHERE = "Location: http://portal.example/login?mac=02:00:00:00:00:01"


def no_http(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def hang_up(_connection: socket.socket, _request: bytes) -> None:
    return


def drip(connection: socket.socket, _request: bytes) -> None:
    """Send a byte now and then, for ever: each byte restarts the usual timeouts."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def flood(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65_536)


def endless_headers(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        connection.sendall(b"x" * 65_536)


def ask(behaviour: Behaviour, rest: str = "/", *, healthy: bool = True, timeout: float = 5) -> Said:
    with Peer(behaviour) as peer:
        answer = fetch(peer.web(rest), healthy=healthy, timeout=timeout)
    assert isinstance(answer, Said), answer
    return answer


@pytest.mark.parametrize(
    ("behaviour", "rest", "healthy", "there"),
    [
        (page("200 OK"), "/", True, True),
        (page("204 No Content"), "/", True, True),
        (page("302 Found", b"", ELSEWHERE), "/", True, True),
        (page("401 Unauthorized"), "/", False, True),
        (page("404 Not Found"), "/", False, True),
        (page("500 Oops"), "/", False, True),
        (page("401 Unauthorized"), "/#status=401", True, True),
        (page("200 OK"), "/#status=401", False, True),
        (page("200 OK", b"<p>Selamat datang</p>"), "/#match=Selamat%20datang", True, True),
        (page("200 OK", b"<p>Perbaikan</p>"), "/#match=Selamat%20datang", False, True),
        (page("500 Oops", b"Selamat datang"), "/#match=Selamat%20datang", False, True),
        (page("200 OK", b"x" * (MAX_BODY - 2) + b"ok"), "/#match=ok", True, True),
        (page("200 OK", b"x" * MAX_BODY + b"ok"), "/#match=ok", False, True),
        (flood, "/", True, True),
        (no_http, "/", False, True),
        (hang_up, "/", False, True),
        (endless_headers, "/", False, True),
    ],
    ids=[
        "200",
        "204",
        "a redirect is an answer",
        "401",
        "404",
        "500",
        "401 where it is due",
        "200 where 401 is due",
        "with its text",
        "without its text",
        "its text under an error",
        "the text at the end of what is read",
        "the text after it",
        "a body without end is not read",
        "no HTTP",
        "hangs up",
        "headers without end",
    ],
)
def test_a_service_answers_as_it_should_a_radio_answers_at_all(
    behaviour: Behaviour, rest: str, healthy: bool, there: bool
) -> None:
    service = ask(behaviour, rest)
    assert service.yes is healthy, service.how
    radio = ask(behaviour, rest, healthy=False)
    assert radio.yes is there, radio.how


def test_a_port_that_is_refused_is_no_service_but_somebody_is_there() -> None:
    address = read_web(f"http://127.0.0.1:{free_port()}/")
    assert fetch(address, healthy=True, timeout=2) == Said(yes=False, how="Connection refused")
    assert fetch(address, healthy=False, timeout=2) == Said(yes=True, how="Connection refused")


@pytest.mark.parametrize("healthy", [True, False], ids=["service", "radio"])
def test_a_port_that_swallows_is_a_no_in_time(healthy: bool) -> None:
    with BlackHole() as hole:
        begun = time.monotonic()
        answer = fetch(read_web(f"http://127.0.0.1:{hole.port}/"), healthy=healthy, timeout=0.4)
        assert time.monotonic() - begun < PATIENCE
    assert answer == Said(yes=False, how="no answer within 0.4 s")


@pytest.mark.parametrize("rest", ["/", "/#match=ok"])
def test_a_server_that_drips_cannot_hold_the_gateway(rest: str) -> None:
    begun = time.monotonic()
    assert not ask(drip, rest, timeout=0.5).yes
    assert time.monotonic() - begun < PATIENCE


def test_the_latency_is_from_the_first_byte_out_to_the_answer() -> None:
    def slow(connection: socket.socket, request: bytes) -> None:
        time.sleep(0.1)
        page("200 OK")(connection, request)

    answer = ask(slow)
    assert answer.latency is not None
    assert 100 <= answer.latency < 1000 * PATIENCE


def test_a_request_says_who_asks_and_nothing_of_the_village() -> None:
    with Peer(page("200 OK")) as peer:
        fetch(peer.web("/a?b=c#match=zzz"), healthy=True, timeout=5)
        request = until(lambda: peer.requests)[0].decode()
    assert request.startswith("GET /a?b=c HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{peer.port}\r\n" in request
    assert "zzz" not in request
    assert "cookie" not in request.lower()


# Certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Returns a key and a self-signed certificate."""
    directory = tmp_path_factory.mktemp("tls")
    key, cert = directory / "key.pem", directory / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


class TlsPeer(Peer):
    """A `Peer` behind TLS."""

    context: ssl.SSLContext

    def _talk(self, connection: socket.socket) -> None:
        try:
            secured = self.context.wrap_socket(connection, server_side=True)
        except OSError:
            return  # the client does not like the certificate
        super()._talk(secured)


@pytest.mark.parametrize(("healthy", "yes"), [(True, False), (False, True)], ids=["service", "radio"])
def test_a_certificate_that_nobody_signed_is_no_good_service(
    certificate: tuple[Path, Path], healthy: bool, yes: bool
) -> None:
    key, cert = certificate
    peer = TlsPeer(page("200 OK"))
    peer.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    peer.context.load_cert_chain(cert, key)
    with peer:
        answer = fetch(read_web(f"https://127.0.0.1:{peer.port}/"), healthy=healthy, timeout=5)
    assert isinstance(answer, Said)
    assert answer.yes is yes, answer.how
    assert healthy is ("certificate" in answer.how)


def test_a_service_whose_certificate_is_good_answers(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, cert = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    peer = TlsPeer(page("200 OK", b"hidup"))
    peer.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    peer.context.load_cert_chain(cert, key)
    with peer:
        answer = fetch(read_web(f"https://127.0.0.1:{peer.port}/#match=hidup"), healthy=True, timeout=5)
    assert isinstance(answer, Said)
    assert answer.yes, answer.how


def test_plain_http_where_tls_is_due_is_no_good_service() -> None:
    with Peer(page("200 OK")) as peer:
        answer = fetch(read_web(f"https://127.0.0.1:{peer.port}/"), healthy=True, timeout=5)
    assert isinstance(answer, Said)
    assert not answer.yes


# The internet


@pytest.mark.parametrize(
    ("behaviour", "yes", "how"),
    [
        (page("204 No Content"), True, "the internet answers"),
        (page("200 OK"), True, "the internet answers"),
        (page("200 OK", b"<form>"), False, "a captive portal answers in its place, with 200"),
        (page("302 Found", b"", ELSEWHERE), False, "a captive portal answers in its place, with 302 to portal.example"),
        (page("307 Temporary Redirect", b"", "Location: /login"), False, "captive portal"),
        (page("511 Network Authentication Required", b"sign in"), False, "captive portal"),
        (page("502 Bad Gateway"), False, "no internet: 127.0.0.1 answers with 502 where 204 is due"),
        (page("404 Not Found"), False, "no internet"),
        (no_http, False, "no internet"),
        (hang_up, False, "no internet"),
    ],
    ids=[
        "204",
        "a proxy made an empty 200 of it",
        "a page where nothing was due",
        "sent to a portal",
        "sent to a page of its own",
        "the status for portals",
        "a proxy without internet",
        "404",
        "no HTTP",
        "hangs up",
    ],
)
def test_the_internet_is_what_answers_204(behaviour: Behaviour, yes: bool, how: str) -> None:
    with Peer(behaviour) as peer:
        answer = check_internet(peer.web("/generate_204"), 5)
    assert isinstance(answer, Said)
    assert answer.yes is yes
    assert how in answer.how


def test_a_redirect_is_not_followed_and_its_query_not_told() -> None:
    with Peer(page("204 No Content")) as portal:
        there = f"Location: http://127.0.0.1:{portal.port}/login?mac=02:00:00:00:00:01"
        with Peer(page("302 Found", b"", there)) as peer:
            for answer in (check_internet(peer.web(), 5), fetch(peer.web(), healthy=True, timeout=5)):
                assert "02:00" not in answer.how
        assert portal.requests == []


@pytest.mark.parametrize("how", ["refused", "swallowed", "dripping"])
def test_without_an_answer_there_is_no_internet(how: str) -> None:
    with BlackHole() as hole, Peer(drip) as peer:
        port = {"refused": free_port(), "swallowed": hole.port, "dripping": peer.port}[how]
        answer = check_internet(read_web(f"http://127.0.0.1:{port}/generate_204"), 0.4)
    assert isinstance(answer, Said)
    assert not answer.yes
    assert answer.how.startswith("no internet: ")


@pytest.mark.parametrize(("link", "kind"), [(True, Said), (False, Unasked)], ids=["with a link", "without a link"])
def test_without_a_name_service_there_is_no_internet_unless_the_gateway_hangs_on_no_network(
    monkeypatch: pytest.MonkeyPatch, link: bool, kind: type[Answer]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "…")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    question = Internet(read_web("http://check.example/generate_204"))
    assert isinstance(check_internet(question.address, 1, lambda: link), kind)
    # A service is another matter: who cannot look up its name does not know whether it answers
    assert isinstance(fetch(question.address, healthy=True, timeout=1, link=lambda: link), Unasked)
