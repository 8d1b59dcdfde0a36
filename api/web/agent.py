"""What a browser calls itself, as its owner knows it again: browser and system, and nothing that marks one device."""

__all__ = ["agent_name"]

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""The first that is found: all browsers claim to be others, too."""
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def agent_name(header: str | None) -> str:
    """Returns browser and system of a `User-Agent`, such as `Firefox, Android`; of what is not known `?`."""
    text = (header or "")[:500]
    found = (next((name for mark, name in names if mark in text), None) for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in found if name is not None) or "?"
