"""A push service on the loopback interface, with the browsers behind it: they read messages as RFC 8291 says."""

import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

from api.notifications.web_push.seal import base64url, from_base64url, point_of

HOST = "push.example"


class PhoneBrowser:
    """A browser that has subscribed: its keys, and how it reads a message."""

    def __init__(self, path: str = "/send/1", private: str | None = None, auth: str = "BTBZMqHH6r4Tts7J_aSIgg") -> None:
        self.path, self.auth = path, auth
        self._key = ec.generate_private_key(ec.SECP256R1())
        if private is not None:
            self._key = ec.derive_private_key(int.from_bytes(from_base64url(private), "big"), ec.SECP256R1())

    @property
    def endpoint(self) -> str:
        return f"https://{HOST}{self.path}"

    @property
    def p256dh(self) -> str:
        return base64url(point_of(self._key.public_key()))

    @property
    def subscription(self) -> dict[str, object]:
        """As browsers write it."""
        keys = {"p256dh": self.p256dh, "auth": self.auth}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """Returns the message in a body."""
        salt, (record, length) = body[:16], struct.unpack("!IB", body[16:21])
        assert len(body) <= record == 4096
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self._key.exchange(ec.ECDH(), theirs)
        info = b"WebPush: info\0" + point_of(self._key.public_key()) + sender
        key = _derived(shared, from_base64url(self.auth), info, 32)
        cipher = AESGCM(_derived(key, salt, b"Content-Encoding: aes128gcm\0", 16))
        padded = cipher.decrypt(_derived(key, salt, b"Content-Encoding: nonce\0", 12), sealed, None).rstrip(b"\0")
        assert padded.endswith(b"\x02"), "the last record"
        return padded[:-1]


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


@dataclass
class Posted:
    """A request. `claims`: of its token, whose signature is right."""

    path: str
    headers: dict[str, str]
    body: bytes
    claims: dict[str, object]
    key: str


@dataclass
class PushService:
    """What was posted, and what is answered: by path a status, else 201. `hanging`: paths that get no answer."""

    context: ssl.SSLContext
    port: int = 0
    posts: list[Posted] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    hang: threading.Event = field(default_factory=threading.Event)
    hanging: set[str] = field(default_factory=set)

    def resolve(self, host: str) -> tuple[str, int]:
        """Where its host is, as the channel asks."""
        assert host == HOST
        return "127.0.0.1", self.port

    def read(self, browser: PhoneBrowser) -> list[dict[str, object]]:
        """Returns the messages to a browser, decrypted."""
        return [orjson.loads(browser.read(one.body)) for one in self.posts if one.path == browser.path]


def _claims(authorization: str) -> tuple[dict[str, object], str]:
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "vapid"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    head, claims, signature = parts["t"].split(".")
    raw = from_base64url(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(parts["k"]))
    key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert orjson.loads(from_base64url(head)) == {"typ": "JWT", "alg": "ES256"}
    return orjson.loads(from_base64url(claims)), parts["k"]


@contextmanager
def push_service() -> Iterator[PushService]:
    """A push service that runs."""
    with tempfile.TemporaryDirectory() as directory:
        certificate, key = _certificate(Path(directory))
        trusted = ssl.create_default_context(cafile=str(certificate))
        service = PushService(trusted)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                claims, used = _claims(self.headers["Authorization"])
                service.posts.append(Posted(self.path, dict(self.headers), body, claims, used))
                if self.path in service.hanging:
                    service.hang.wait(30)
                status = service.answers.get(self.path, 201)
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", f"https://{HOST}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that hangs up in the middle is what some tests are about."""

        server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        service.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield service
        service.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate of the push service that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = directory / "certificate.pem", directory / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
