"""`probe`: is a host reachable, does a service answer, is there internet behind it.

It has three native keys: `reachability`, `latency` (ms) and `internet`. The facility's kind decides their signals.
"""

from gateway.adapters.interface import Installed, Translation
from gateway.pollers.interface import Answer, Fetch, Internet, Question, Reach, Said
from siaga.sites.poll_address import HostAddress, read_probe_address

__all__ = ["Probe", "wants_internet"]


def wants_internet(installed: Installed) -> bool:
    """Returns whether this device uses the gateway's internet check."""
    return installed.device.adapter == "probe" and "internet" in installed.keys


class Probe:
    """A host, by ICMP or TCP, or a web address."""

    def question(self, installed: Installed) -> Question | None:
        """Returns the question; `None` if the device has neither `reachability` nor `latency`: one internet check
        serves all.
        """
        address = read_probe_address(installed.address)
        if "reachability" not in installed.keys and "latency" not in installed.keys:
            return None
        if isinstance(address, HostAddress):
            return Reach(address)
        # A radio is up if its web page answers at all. A service must answer correctly.
        return Fetch(address, healthy=installed.keys.get("reachability", "service_ok") == "service_ok")

    def translate(self, installed: Installed, question: Question, answer: Answer) -> Translation:
        """Returns the yes or no, and the latency of a yes."""
        result = Translation()
        if not isinstance(answer, Said):
            return result
        result.heard = answer.yes and not isinstance(question, Internet)
        key = "internet" if isinstance(question, Internet) else "reachability"
        if key in installed.keys:
            installed.read(installed.keys[key], answer.yes, None, result, key=key)
        if key == "reachability" and answer.yes and answer.latency is not None and "latency" in installed.keys:
            installed.read(installed.keys["latency"], round(answer.latency, 1), None, result)
        return result
