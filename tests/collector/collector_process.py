"""A collector as a process of its own, to be killed: `python -m tests.collector.collector_process`, by environment."""

import os
import signal
import threading
from pathlib import Path

from collector import run_collector


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    mqtt, store, database = (os.environ[f"SIAGA_{name}_URL"] for name in ("MQTT", "STORE", "DATABASE"))
    run_collector(mqtt, store, database, Path(os.environ["SIAGA_DATA_DIR"]), stop)


if __name__ == "__main__":
    main()
