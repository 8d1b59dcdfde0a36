"""Where somebody goes on after signing in: to a path of ours, and nowhere else."""

import re
from urllib.parse import quote, urlsplit

__all__ = ["START", "safe_next", "sign_in_address"]

START = "/alerts"
"""A technician's start page."""
_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,999}", re.ASCII)
"""Printable ASCII without a backslash: browsers take `//host` and `/\\host` for another host, and leave out tabs."""
_SIGN_IN = ("/login", "/logout", "/welcome")


def safe_next(text: str | None) -> str:
    """Returns the path that a form or an address asks to go on to, or the start page where that is none of ours."""
    if text is None or _PATH.fullmatch(text) is None:
        return START
    path = urlsplit(text).path
    return START if path.startswith(_SIGN_IN) else text


def sign_in_address(wanted: str) -> str:
    """Returns the address of the sign-in page that leads on to a path with its query."""
    return f"/login?next={quote(wanted, safe='/')}"
