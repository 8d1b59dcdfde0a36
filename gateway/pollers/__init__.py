"""Device families that are polled: probes of hosts, services and the internet, and SNMP agents."""

from gateway.pollers.agent import Credentials
from gateway.pollers.asking import Network, ThreadedAsker
from gateway.pollers.polling import POLLERS, Polled, Polling

__all__ = ["POLLERS", "Credentials", "Network", "Polled", "Polling", "ThreadedAsker"]
