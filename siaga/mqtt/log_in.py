"""Tries a credential at a broker, once."""

import secrets
import time
from dataclasses import dataclass

from siaga.mqtt.address import BrokerAddress
from siaga.mqtt.session import Session, SessionOptions
from siaga.mqtt.tls import Tls

__all__ = ["LogIn", "log_in"]

ANSWERS_WITHIN = 5.0
"""Seconds for the broker's answer."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """What a broker answered. `refused`: it answered, and did not take the credential. `problem`: for people."""

    accepted: bool
    refused: bool
    problem: str


def log_in(url: str, tls: Tls) -> LogIn:
    """Log in with a URL's credential or with a certificate, and out again. Subscribes and publishes nothing."""
    options = SessionOptions(
        address=BrokerAddress.parse(url),
        client_id=f"siaga-proof-{secrets.token_hex(6)}",
        will=None,
        clean=True,
        receive_maximum=10,
        keepalive=30,
        expiry=0,
        marker=None,
        tls=tls,
    )
    session = Session(options, 5)
    try:
        stands = session.connect()
        deadline = time.monotonic() + ANSWERS_WITHIN
        while stands and session.alive and not session.accepted and time.monotonic() < deadline:
            session.serve(room=True, deliver=lambda *_: True)
        if session.accepted:
            session.disconnect(for_good=True)
            return LogIn(accepted=True, refused=False, problem="")
        return LogIn(accepted=False, refused=stands and not session.unanswered, problem=session.problem)
    finally:
        session.release()
