"""The pages' own files. A file's address holds the hash of its content, so a browser keeps it for a year."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from api.http.problems import not_found

__all__ = ["router", "script", "static"]

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_ADDRESS = re.compile(r"(?P<stem>[a-z_]+)(?:-(?P<digest>[0-9a-f]{12}))?(?P<ending>\.[a-z]+)")
_A_YEAR = "public, max-age=31536000, immutable"
_A_MINUTE = "public, max-age=60"


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str
    address: str
    digest: str


def _files() -> dict[str, _File]:
    found = {}
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _TYPES:
            body = path.read_bytes()
            digest = hashlib.sha256(body).hexdigest()[:12]
            address = f"/static/{path.stem}-{digest}{path.suffix}"
            found[path.name] = _File(body, _TYPES[path.suffix], address, digest)
    return found


_FILES = _files()


def static(name: str) -> str:
    """Returns the address of a file.

    Raises:
        KeyError: there is no such file.
    """
    return _FILES[name].address


def script(name: str) -> str:
    """Returns the text of a file.

    Raises:
        KeyError: there is no such file.
    """
    return _FILES[name].body.decode()


@router.api_route("/static/{address}", methods=["GET", "HEAD"])
async def file(address: str) -> Response:
    """A file of the pages. By an address without the hash of what it is now, a browser keeps it for a minute."""
    parts = _ADDRESS.fullmatch(address)
    found = _FILES.get(f"{parts['stem']}{parts['ending']}") if parts else None
    if parts is None or found is None:
        raise not_found("file", address)
    kept = _A_YEAR if parts["digest"] == found.digest else _A_MINUTE
    return Response(found.body, media_type=found.media_type, headers={"Cache-Control": kept})
