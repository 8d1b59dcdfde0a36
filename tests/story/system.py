"""A whole siaga as a user runs it: the command in a process of its own, spoken to over MQTT and HTTP alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import SecretStr

from siaga.model.caller import Role
from siaga.run.services import create_token
from siaga.run.settings import Settings
from tests.servers import free_port
from tests.wait import until

SIAGA = Path(sys.executable).with_name("siaga")


def rfc3339(seconds: float) -> str:
    """Unix seconds as the API takes them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def unix(text: str) -> float:
    """Unix seconds of a time of the API."""
    return datetime.fromisoformat(text).timestamp()


class System:
    """One `siaga up` (or another command with the API), with a client that holds an admin's token.

    `sites`: the sites file; `None`: it has none. `command`: with its options, separated by spaces.
    """

    def __init__(self, directory: Path, sites: str | None, command: str = "up", **environment: str) -> None:
        self.directory, self.command = directory, command
        self.port = free_port()
        self.mqtt_port = free_port()
        if sites is not None:
            (directory / "sites.yaml").write_text(sites)
            environment = {"SIAGA_SITES": str(directory / "sites.yaml"), **environment}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")},
            "SIAGA_DATA_DIR": str(directory / "data"),
            "SIAGA_HTTP_PORT": str(self.port),
            "SIAGA_MQTT_PORT": str(self.mqtt_port),
            **environment,
        }
        self.log = directory / "siaga.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.killed = False
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it as an operator does; after a failed story only get rid of it, and show what it logged."""
        if error is None and not self.killed:
            assert self.stop() == 0
        self._end()

    def _end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
            sys.stderr.write(self.log.read_text()[-6000:])
        self.client.close()

    def start(self, *, ready: bool = True) -> None:
        """Start the process; wait until it says it is ready."""
        self.killed = False
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(SIAGA), *self.command.split()], env=self.environment, stdout=log, stderr=log, cwd=self.directory
            )
        if "Authorization" not in self.client.headers:
            self.client.headers["Authorization"] = f"Bearer {self.token()}"
        if ready:
            until(self.is_ready, timeout=180, what=f"siaga {self.command} is ready")

    def token(self) -> str:
        """A new admin's token, as `siaga token create` makes it; without a process of its own, which takes a second."""
        settings = Settings(data_dir=self.environment["SIAGA_DATA_DIR"])
        if url := self.environment.get("SIAGA_DATABASE_URL"):
            settings = settings.model_copy(update={"database_url": SecretStr(url)})
        settings.make_data_dir()
        return create_token(settings, Role.ADMIN, "story")

    def is_ready(self) -> bool:
        """Whether `/readyz` answers 200; fails at once if the process is gone."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """SIGTERM, and the exit status. Beside other tests the promised ten seconds may take longer."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """The power cut."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.killed = True

    def get(self, path: str, **parameters: str) -> Any:
        """The JSON answer of a call below `/api/v1`."""
        answer = self.client.get(f"/api/v1{path}", params=parameters)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def items(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, **parameters, **cursor)
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = {"cursor": page["next"]}

    def metric(self, name: str) -> float:
        """A metric's value, the sum over its labels."""
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def facility(self, facility: str) -> dict[str, Any]:
        """One facility as the list has it."""
        return next(item for item in self.items("/facilities") if item["id"] == facility)

    @contextmanager
    def stream(self) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
        """The alert stream as pairs of event and alert."""
        with self.client.stream("GET", "/api/v1/alerts/stream", timeout=60) as answer:
            assert answer.status_code == 200, answer.read()
            yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    event: Mapping[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            event = {**event, name: value}
        elif event:
            if "data" in event:
                yield event["event"], json.loads(event["data"])
            event = {}
