"""A collector as a process of its own, as `siaga collector` is one: addresses in the environment, ends at SIGTERM."""

import os
import signal
import sys
import threading
from pathlib import Path

from collector import run_collector


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    environment = os.environ
    run_collector(
        environment["SIAGA_MQTT_URL"],
        environment["SIAGA_STORE_URL"],
        environment["SIAGA_DATABASE_URL"],
        Path(environment["SIAGA_DATA_DIR"]),
        stop,
    )


if __name__ == "__main__":
    if os.environ.get("SIAGA_PROFILE"):
        import cProfile
        import threading as t

        sys.setswitchinterval(0.005)
        profs = []
        import collector.service as cs

        orig = cs.CollectorService._guard

        def guard(self, loop):
            p = cProfile.Profile()
            profs.append((loop.__name__, p))
            p.enable()
            try:
                orig(self, loop)
            finally:
                p.disable()

        cs.CollectorService._guard = guard
        try:
            main()
        finally:
            import pstats

            for n, p in profs:
                print("==", n, file=sys.stderr)
                pstats.Stats(p, stream=sys.stderr).sort_stats("tottime").print_stats(18)
    else:
        main()
