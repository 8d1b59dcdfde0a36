"""Debian's snmpd on a free port of the loopback, with objects of the test beside its own."""

import json
import sys
from collections.abc import Mapping, Sequence

from gufo.snmp import SnmpError
from gufo.snmp.sync import SnmpSession

from siaga.sites.poll_address import HostAddress
from tests.servers import _Server, find_binary

__all__ = ["ENDLESS", "ENTERPRISE", "GROWING", "ROUTEROS", "Snmpd"]

ENTERPRISE = "1.3.6.1.4.1.99999"
"""Objects of the test's own."""
ROUTEROS = "1.3.6.1.4.1.14988.1.1.1"
"""Wireless tables as RouterOS has them: 3.1.6 clients by interface, 2.1.3 signal by station and interface."""

ENDLESS, GROWING = f"{ENTERPRISE}.66", f"{ENTERPRISE}.67"
"""Tables of a faulty agent: one that begins again after three rows, and one that has always one row more."""

_SCRIPT = """
import json, sys
objects = {tuple(map(int, oid.split("."))): value for oid, value in json.load(open(sys.argv[1])).items()}
while command := sys.stdin.readline().strip():
    if command == "PING":
        print("PONG", flush=True)
        continue
    asked = tuple(map(int, sys.stdin.readline().strip().strip(".").split(".")))
    tree, row = asked[:8], asked[8] if len(asked) > 8 else 0
    if command == "getnext" and tree[7:] in ((66,), (67,)):
        row = row % 3 + 1 if tree[7] == 66 else row + 1
        print("." + ".".join(map(str, (*tree, row))), "gauge", row, sep="\\n", flush=True)
        continue
    if command == "getnext":
        asked = min((oid for oid in objects if oid > asked), default=None)
    if asked in objects:
        print("." + ".".join(map(str, asked)), *objects[asked], sep="\\n", flush=True)
    else:
        print("NONE", flush=True)
"""


class Snmpd(_Server):
    """An agent with community `kampung` and a user of version 3. `objects`: (type of snmpd.conf(5), value) by OID."""

    name = "snmpd"
    community = "kampung"
    user, auth_password, privacy_password = "teknisi", "sandi-untuk-uji", "rahasia-untuk-uji"

    def __init__(self, objects: Mapping[str, Sequence[object]] | None = None) -> None:
        super().__init__()
        values, script = self.directory / "objects.json", self.directory / "objects.py"
        values.write_text(json.dumps(objects or {}))
        script.write_text(_SCRIPT)
        lines = [
            f"agentaddress udp:127.0.0.1:{self.port}",
            f"rocommunity {self.community} 127.0.0.1",
            f"createUser {self.user} SHA {self.auth_password} AES {self.privacy_password}",
            f"rouser {self.user} priv",
            *(f"pass_persist .{tree} {sys.executable} {script} {values}" for tree in (ENTERPRISE, ROUTEROS)),
        ]
        self._config = self.directory / "snmpd.conf"
        self._config.write_text("\n".join(lines) + "\n")

    @property
    def address(self) -> HostAddress:
        """Where it listens."""
        return HostAddress("127.0.0.1", self.port)

    def _command(self) -> Sequence[str]:
        surroundings = ["env", "MIBS=", f"SNMP_PERSISTENT_DIR={self.directory}"]
        return [*surroundings, find_binary("snmpd", "snmpd"), "-f", "-r", "-C", "-c", str(self._config), "-Lo"]

    def _ready(self) -> bool:
        try:
            with SnmpSession("127.0.0.1", port=self.port, community=self.community, timeout=1) as session:
                return session.get("1.3.6.1.2.1.1.3.0") is not None
        except (TimeoutError, SnmpError, OSError):
            return False
