"""A network of its own for servers and members: one network namespace a member, joined by a bridge.

Each server has an address of its own on the bridge, so that one member can be cut off from one server. Needs root. The
machine's own network is not touched.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["BROKER", "DATABASE", "STORE", "Network", "Place", "enter"]

HERE = "10.83.0.254"
BROKER, STORE, DATABASE = "10.83.0.1", "10.83.0.2", "10.83.0.3"
INSIDE = "SIAGA_KILLS_INSIDE"
NOWHERE = "02:00:00:00:00:99"
"""A hardware address that nobody has: what is sent to it is lost without a word."""


def enter() -> None:
    """Start this program again in a network namespace of its own, unless it runs in one.

    Raises:
        SystemExit: only root may make one; the sentence says so.
    """
    if INSIDE in os.environ:
        return
    if os.geteuid() != 0:
        sys.exit("kills: run it as root: only root may make network namespaces")
    words = ["unshare", "--net", sys.executable, *sys.orig_argv[1:]]
    os.execvpe(words[0], words, os.environ | {INSIDE: "yes"})


@dataclass
class Place:
    """The network namespace of a member. It stands as long as its holder waits for input."""

    number: int
    holder: "subprocess.Popen[bytes]"
    cut_from: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where it is reached from here."""
        return f"10.83.1.{self.number}"

    @property
    def prefix(self) -> Sequence[str]:
        """What a command begins with that is to run there. It becomes the command: its process id stays."""
        return ["nsenter", "--target", str(self.holder.pid), "--net"]

    def cut(self, *servers: str) -> None:
        """Lose all that goes between the member and these servers, in both directions, without a word."""
        for server in servers:
            _run(*self.prefix, "ip", "neigh", "replace", server, "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent")
            _run("ip", "rule", "add", "from", server, "to", self.address, "blackhole")
            self.cut_from.append(server)

    def mend(self) -> None:
        """Let everything through again."""
        while self.cut_from:
            server = self.cut_from.pop()
            _run("ip", "rule", "del", "from", server, "to", self.address, "blackhole")
            _run(*self.prefix, "ip", "neigh", "del", server, "dev", "eth0")

    def leave(self) -> None:
        """End it."""
        self.holder.terminate()
        self.holder.wait()


class Network:
    """The bridge, in the namespace of this program, and the places of its members."""

    def __init__(self) -> None:
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "siaga", "type", "bridge")
        for address in (HERE, BROKER, STORE, DATABASE):
            _run("ip", "address", "add", f"{address}/16", "dev", "siaga")
        _run("ip", "link", "set", "siaga", "up")
        self._places = 0

    def place(self) -> Place:
        """Returns a new place that reaches all servers."""
        self._places += 1
        holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        place = Place(self._places, holder)
        if holder.stdout is not None:
            holder.stdout.readline()  # it is in its namespace
        outer, inner = f"out{place.number}", f"in{place.number}"
        _run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner)
        _run("ip", "link", "set", inner, "netns", str(holder.pid))
        _run("ip", "link", "set", outer, "master", "siaga", "up")
        _run(*place.prefix, "ip", "link", "set", inner, "name", "eth0")
        _run(*place.prefix, "ip", "address", "add", f"{place.address}/16", "dev", "eth0")
        _run(*place.prefix, "ip", "link", "set", "eth0", "up")
        _run(*place.prefix, "ip", "link", "set", "lo", "up")
        return place


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
