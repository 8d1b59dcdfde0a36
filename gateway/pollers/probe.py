"""`probe`: is it there, does the service answer, is there an internet behind it.

Three native keys: `reachability`, `latency` (ms) and `internet`. The kind of facility says which signals they are.
"""

from gateway.adapters.interface import Installed, Translation
from gateway.pollers.interface import Answer, Fetch, Internet, Question, Reach, Said
from siaga.sites.poll_address import HostAddress, read_probe_address

__all__ = ["Probe", "wants_internet"]


def wants_internet(installed: Installed) -> bool:
    """Whether the gateway's own internet check says something for this device."""
    return installed.device.adapter == "probe" and "internet" in installed.keys


class Probe:
    """A host, by ICMP or TCP, or a web address."""

    def question(self, installed: Installed) -> Question | None:
        """Nothing where neither `reachability` nor `latency` is a signal of the device: the internet is asked once."""
        address = read_probe_address(installed.address)
        if "reachability" not in installed.keys and "latency" not in installed.keys:
            return None
        if isinstance(address, HostAddress):
            return Reach(address)
        # A radio is up when its web page says anything; a service has to answer as it should.
        return Fetch(address, healthy=installed.keys.get("reachability", "service_ok") == "service_ok")

    def translate(self, installed: Installed, question: Question, answer: Answer) -> Translation:
        """A yes or no, and how long a yes took."""
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
