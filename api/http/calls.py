"""Which requests are calls of programs: all others are of browsers, and ask for pages."""

__all__ = ["BASE", "is_call"]

BASE = "/api/v1"
_OUTSIDE = ("/openapi.json", "/healthz", "/readyz", "/metrics")


def is_call(path: str) -> bool:
    """Whether a program asks, and not a browser."""
    return path.startswith(("/api/", "/open311/")) or path in _OUTSIDE
