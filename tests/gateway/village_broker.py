"""The village's broker as `deploy/village` sets it up, in a real Mosquitto."""

import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.servers import Mosquitto, find_binary
from tests.wait import until

__all__ = ["VillageBroker"]

VILLAGE = Path(__file__).resolve().parents[2] / "deploy" / "village"


class VillageBroker(Mosquitto):
    """Debian's broker with our file in its conf.d. `users` have passwords of their own."""

    def __init__(self, users: Iterable[str]) -> None:
        super().__init__()
        passwords = self.directory / "siaga.passwords"
        passwords.write_text("".join(f"{user}:rahasia-{user}\n" for user in users))
        subprocess.run([find_binary("mosquitto_passwd", "mosquitto"), "-U", str(passwords)], check=True)
        (self.directory / "siaga.acl").write_text((VILLAGE / "siaga.acl").read_text())
        text = (VILLAGE / "mosquitto.conf").read_text()
        text = text.replace("/etc/mosquitto/", f"{self.directory}/").replace("log_dest syslog", "log_dest stderr")
        text = text.replace("listener 1883", f"listener {self.port} 127.0.0.1")
        debian = ["persistence true", f"persistence_location {self.directory}/"]
        # Started as root, Mosquitto changes its user and could not write to root's directory
        debian += ["user root"] if os.geteuid() == 0 else []
        self._config.write_text("\n".join([*debian, text]))

    def url_of(self, user: str) -> str:
        """For a client of that name."""
        quoted = user.replace("/", "%2F")
        return f"mqtt://{quoted}:rahasia-{quoted}@127.0.0.1:{self.port}"

    def save(self) -> None:
        """Write all sessions to the disk now, as it does by itself after each `autosave_interval`."""
        saved = self.directory / "mosquitto.db"
        saved.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        until(saved.exists, what="the broker wrote its sessions")
