"""The limit of a telemetry store: line protocol made beforehand, put into an influxd as fast as it takes it.

Nothing is checked, built or acknowledged here, so what this reaches is the server's; the collector's figure stands
beside it. The lines are those that the collector writes: 10,000 series, three signals a point, beside `received`.

python -m bench.bare_writer [PORT]      without PORT it starts an influxd of its own
"""

import http.client
import sys
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from urllib.parse import urlencode

__all__ = ["DEVICES", "SIGNALS_A_POINT", "bare_write"]

DEVICES = 10_000
SIGNALS_A_POINT = 3
POINTS_A_REQUEST = 10_000
T0 = 1_779_840_000_000


def bare_write(port: int, points: int = 1_000_000, *, database: str = "bare", connections: int = 2) -> float:
    """Readings (points × 3) a second that an influxd on 127.0.0.1 takes from `connections` writers.

    Bodies of 10,000 points (1.2 MB) are made before the clock starts. The database is created, and dropped at the end.

    Raises:
        RuntimeError: the server answers anything but 204.
    """
    bodies: SimpleQueue[bytes] = SimpleQueue()
    for first in range(0, points, POINTS_A_REQUEST):
        bodies.put("\n".join(_line(n) for n in range(first, min(first + POINTS_A_REQUEST, points))).encode())
    _query(port, f'CREATE DATABASE "{database}"')
    failures: list[str] = []
    writers = [threading.Thread(target=_post_all, args=(port, database, bodies, failures)) for _ in range(connections)]
    began = time.perf_counter()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    took = time.perf_counter() - began
    _query(port, f'DROP DATABASE "{database}"')
    if failures:
        raise RuntimeError(failures[0])
    return points * SIGNALS_A_POINT / took


def _line(n: int) -> str:
    """Point `n`: round after round over all devices, a second apart."""
    device, round_ = n % DEVICES, n // DEVICES
    moment = T0 + round_ * 1_000
    return (
        f"telemetry,village=35.10.15.{2000 + device // 20},device=dev-{device % 20} "
        f"gate_open={'true' if n % 3 else 'false'},battery={50 + n % 50}.5,power={n % 1000 / 8!r},"
        f"received={moment / 1000!r} {moment}"
    )


def _post_all(port: int, database: str, bodies: "SimpleQueue[bytes]", failures: list[str]) -> None:
    path = "/write?" + urlencode({"db": database, "precision": "ms"})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        while not failures:
            connection.request("POST", path, bodies.get_nowait())
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 204:
                failures.append(f"influxd answered {answer.status}: {said[:200]!r}")
    except Empty:
        pass
    except OSError as error:
        failures.append(f"influxd on port {port} is gone: {error}")
    finally:
        connection.close()


def _query(port: int, statement: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/query?" + urlencode({"q": statement}))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"influxd answered {answer.status} to {statement}")


def main(arguments: Sequence[str]) -> None:
    """Print what the influxd on the given port, or one of our own, takes."""
    if arguments:
        print(f"bare writer: {bare_write(int(arguments[0])):,.0f} readings/s")
        return
    from tests.servers import Influxd  # noqa: PLC0415 - only where no server is given

    with Influxd() as influxd:
        print(f"bare writer: {bare_write(influxd.port):,.0f} readings/s")


if __name__ == "__main__":
    main(sys.argv[1:])
