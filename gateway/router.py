"""Finds the devices of a message, and the topic filters to subscribe to."""

from collections.abc import Iterable, Iterator

from gateway.adapters import ADAPTERS, Adapter, Installed, may_be_of
from gateway.pollers import POLLERS
from siaga.model.sites import Adapter as Family
from siaga.model.sites import Village
from siaga.mqtt.transport import Message

__all__ = ["Router"]


class Router:
    """The devices of some villages by family and key. A change of the registry makes a new router."""

    def __init__(self, villages: Iterable[Village], before: "Router | None" = None) -> None:
        self.installed: dict[tuple[str, str], Installed] = {}
        """All devices by village and id."""
        self._by_key: dict[Family, dict[str, Installed]] = {}
        for village in villages:
            for facility in village.facilities:
                for device in facility.devices:
                    adapter = ADAPTERS.get(device.adapter)
                    if adapter is None and device.adapter not in POLLERS:
                        continue
                    installed = Installed.of(village, facility, device)
                    old = before.installed.get((village.code, device.id)) if before else None
                    if old == installed and old is not None:
                        installed = old  # keeps the adapter's memory
                    self.installed[village.code, device.id] = installed
                    if adapter is not None:
                        self._by_key.setdefault(device.adapter, {})[adapter.key(installed)] = installed

    def knows(self, installed: Installed) -> bool:
        """Returns whether a device of this family and address is there, in whatever village."""
        family = installed.device.adapter
        return ADAPTERS[family].key(installed) in self._by_key.get(family, {})

    def filters(self) -> set[str]:
        """Returns the topic filters for all devices."""
        return {
            topic_filter
            for installed in self.installed.values()
            if installed.device.adapter in ADAPTERS  # the others are polled
            for topic_filter in ADAPTERS[installed.device.adapter].filters(installed)
        }

    def route(self, message: Message) -> Iterator[tuple[Adapter, Installed]]:
        """Yields the devices that the message concerns, with their adapters; none for an unknown device."""
        for family, devices in self._by_key.items():
            if not may_be_of(family, message.topic):
                continue
            adapter = ADAPTERS[family]
            if adapter.concerns_all(message):
                for installed in devices.values():
                    yield adapter, installed
                continue
            for key in adapter.keys(message):
                if key in devices:
                    yield adapter, devices[key]
                    break
