"""DevEUIs, the 64-bit ids of LoRaWAN devices, in all common notations."""

import re

__all__ = ["is_dev_eui", "plain_eui"]

_SEPARATORS = re.compile("[-:. ]")
_PLAIN = re.compile("[0-9a-f]{16}")


def plain_eui(text: str) -> str:
    """Returns a DevEUI in lower case without separators: `70-B3-D5-E7-5E-00-A1-B2` gives `70b3d5e75e00a1b2`."""
    return _SEPARATORS.sub("", text).lower()


def is_dev_eui(text: str) -> bool:
    """Returns whether the text is a DevEUI, in any notation."""
    return _PLAIN.fullmatch(plain_eui(text)) is not None
