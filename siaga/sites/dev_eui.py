"""DevEUIs: the 64-bit number of a LoRaWAN device, as labels, servers and people write it."""

import re

__all__ = ["is_dev_eui", "plain_eui"]

_SEPARATORS = re.compile("[-:. ]")
_PLAIN = re.compile("[0-9a-f]{16}")


def plain_eui(text: str) -> str:
    """Without separators, in lower case: `70-B3-D5-E7-5E-00-A1-B2` is `70b3d5e75e00a1b2`."""
    return _SEPARATORS.sub("", text).lower()


def is_dev_eui(text: str) -> bool:
    """Whether it is a DevEUI, in whichever of these forms."""
    return _PLAIN.fullmatch(plain_eui(text)) is not None
