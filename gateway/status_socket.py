"""The status socket of a running gateway, in its data directory. `read_status` reads it.

A socket rather than a file that is rewritten: it does not wear the SD card. Whoever may open the data directory may
read the status.
"""

import contextlib
import os
import queue
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.report import GatewayReport

__all__ = ["SOCKET", "NoGateway", "StatusSocket", "read_status"]

log = structlog.get_logger(__name__)

SOCKET = "gateway.sock"
"""The socket's name in the data directory."""
ANSWER_WITHIN = 10.0
"""Timeout of an answer, in seconds: one turn of the gateway's loop, on a slow SD card."""
MAX_REPORT = 16 << 20
"""Bytes of a report that are read at most."""
LONGEST_PATH = 100
"""Bytes of a socket's path at most. Linux takes 108."""


class NoGateway(OSError):
    """No gateway answers. The message is a sentence."""


class StatusSocket:
    """Passes requests for the status to the gateway's own thread. `wake`: makes that thread take its next turn."""

    def __init__(self, data_dir: Path, wake: Callable[[], None]) -> None:
        self._path = data_dir / SOCKET
        self._wake = wake
        self._asked: queue.Queue[queue.Queue[GatewayReport]] = queue.Queue(8)
        self._listener: socket.socket | None = None

    def start(self) -> None:
        """Begin to listen. If there can be no socket (path too long, disk unavailable), this is logged only."""
        if len(os.fsencode(self._path)) > LONGEST_PATH:
            log.info("status_socket_not_open", reason="the data directory's path is too long for a socket")
            return
        listener = socket.socket(socket.AF_UNIX)
        try:
            self._path.unlink(missing_ok=True)
            listener.bind(str(self._path))
            self._path.chmod(0o600)
            listener.listen(8)
        except OSError as error:
            log.info("status_socket_not_open", reason=str(error))
            listener.close()
            return
        self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), name="gateway answers", daemon=True).start()

    def answer(self, report: Callable[[], GatewayReport]) -> None:
        """Answer the waiting requests. Called by the gateway's own thread."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._asked.get_nowait().put(report())

    def stop(self) -> None:
        """Stop listening, and remove the socket."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            self._path.unlink(missing_ok=True)

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError, queue.Empty, queue.Full):
                connection.settimeout(ANSWER_WITHIN)
                answer: queue.Queue[GatewayReport] = queue.Queue(1)
                self._asked.put_nowait(answer)
                self._wake()
                connection.sendall(answer.get(timeout=ANSWER_WITHIN).model_dump_json().encode())


def read_status(data_dir: Path) -> GatewayReport:
    """Returns the status of the gateway that runs on a data directory.

    Raises:
        NoGateway: no gateway answers.
        PermissionError: this user may not open the socket.
    """
    path = data_dir / SOCKET
    parts: list[bytes] = []
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_WITHIN)
            connection.connect(str(path))
            while part := connection.recv(65_536):
                parts.append(part)
                if sum(map(len, parts)) > MAX_REPORT:
                    break
    except PermissionError:
        raise PermissionError(f"{path} may not be opened by this user: ask as root, or as the user siaga") from None
    except OSError as error:
        raise NoGateway(f"no gateway answers at {path}: {error.strerror or error}") from None
    try:
        return GatewayReport.model_validate_json(b"".join(parts))
    except ValueError:
        raise NoGateway(f"the gateway at {path} gives no answer") from None
