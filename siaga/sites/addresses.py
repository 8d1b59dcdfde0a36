"""Which device an address finds: behind one gateway, an adapter and an address belong to one device."""

from collections.abc import Iterable, Iterator

from siaga.model.sites import Adapter, Device, Village
from siaga.sites.dev_eui import plain_eui

__all__ = ["clashes", "plain_address"]

Found = tuple[Village, Device]


def plain_address(adapter: Adapter, address: str) -> str:
    """Returns the form in which equal addresses are equal texts: a DevEUI may be in any case, with separators."""
    return plain_eui(address) if adapter is Adapter.LORAWAN else address


def clashes(villages: Iterable[Village], others: Iterable[Village]) -> list[tuple[Found, Found]]:
    """Returns the devices of `villages` whose address is that of another device at siaga's own gateway, with that one.

    `others`: the villages that stay as they are; one that is among `villages` is left out.
    """
    changed = list(villages)
    codes = {village.code for village in changed}
    taken = {
        place: (village, device)
        for village in others
        if village.code not in codes
        for place, device in _places(village)
    }
    found = []
    for village in changed:
        for place, device in _places(village):
            before = taken.setdefault(place, (village, device))
            if before[1] is not device:
                found.append(((village, device), before))
    return found


def _places(village: Village) -> Iterator[tuple[tuple[Adapter, str], Device]]:
    if village.remote:
        return
    for facility in village.facilities:
        for device in facility.devices:
            if device.address is not None:
                yield (device.adapter, plain_address(device.adapter, device.address)), device
