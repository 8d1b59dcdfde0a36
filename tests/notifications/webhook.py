"""A provider on the loopback interface: what is posted to it is kept, and it answers as a test wants."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Post:
    """One request: its path without the slash, title and text of the message, the status that was answered, files."""

    to: str
    title: str
    text: str
    status: int
    files: tuple[dict[str, str], ...] = ()


class Webhook:
    """Answers 200, or what `answers` says for a path: a status, or a function that is called first."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.answers: dict[str, int | Callable[[], int]] = {}
        self._lock = threading.Lock()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook._take(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, to: str) -> str:
        """The Apprise address of a path."""
        return f"json://127.0.0.1:{self.port}/{to}"

    def taken(self, to: str | None = None) -> list[Post]:
        """What was posted and answered with 200, in the order in which it came."""
        with self._lock:
            return [post for post in self.posts if post.status == 200 and to in (None, post.to)]

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        to = request.path.strip("/")
        message = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        answer = self.answers.get(to, 200)
        status = answer if isinstance(answer, int) else answer()
        with self._lock:
            files = tuple(message.get("attachments", ()))
            self.posts.append(Post(to, message["title"], message["message"], status, files))
        if status == 0:  # taken, and the line is cut before the answer
            request.close_connection = True
            return
        request.send_response(status)
        request.send_header("Content-Length", "0")
        request.end_headers()
