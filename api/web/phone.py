"""What makes the pages an app on a phone: the service worker, the manifest, and the page without a connection."""

import hashlib
import json

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.http.sender import PERSON
from api.web.frame import FrameHere
from api.web.looker import stranger
from api.web.static_files import script, static

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_NEEDED = (
    "siaga.css",
    "work.css",
    "siaga.svg",
    "attest.css",
    "drafts.js",
    "shrink.js",
    "attest.js",
    "phone.js",
    "push.js",
    "send.js",
    "offline.js",
)
"""Files that a phone keeps, for the pages that it can show without a connection."""
_WORKER_POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'"
_GREEN, _PAPER = "#0b5d4b", "#f5f6f3"


def _worker() -> str:
    """The worker's script, with what it needs to know of this version. It differs whenever one of the files does."""
    files = [static(name) for name in _NEEDED]
    version = hashlib.sha256("".join(files).encode()).hexdigest()[:12]
    known = {
        "version": version,
        "files": files,
        "header": PERSON,
        "icon": static("icon_small.png"),
        "drafts": static("drafts.js"),
    }
    return f"const SIAGA = {json.dumps(known)};\n{script('worker.js')}"


_WORKER = _worker()


@router.api_route("/worker.js", methods=["GET", "HEAD"])
async def worker() -> Response:
    """The service worker. A browser asks for it again at each visit, and takes a new one when it differs."""
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _WORKER_POLICY}
    return Response(_WORKER, headers=headers, media_type="text/javascript")


@router.api_route("/manifest.webmanifest", methods=["GET", "HEAD"])
async def manifest(request: Request) -> Response:
    """How the app is named and drawn where it is installed (W3C Web Application Manifest)."""
    words = stranger(request).words
    said = {
        "id": "/",
        "name": "siaga",
        "short_name": "siaga",
        "description": words("app_description"),
        "lang": words.language.value,
        "start_url": "/alerts",
        "scope": "/",
        "display": "standalone",
        "background_color": _PAPER,
        "theme_color": _GREEN,
        "icons": [
            {"src": static("icon_small.png"), "sizes": "192x192", "type": "image/png"},
            {"src": static("icon.png"), "sizes": "512x512", "type": "image/png"},
            {"src": static("icon_maskable.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
            {"src": static("siaga.svg"), "sizes": "any", "type": "image/svg+xml"},
        ],
        "shortcuts": [
            {"name": words("nav_alerts"), "url": "/alerts"},
            {"name": words("nav_attest"), "url": "/attest"},
        ],
    }
    headers = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Language, Cookie"}
    return JSONResponse(said, headers=headers, media_type="application/manifest+json")


@router.api_route("/offline", methods=["GET", "HEAD"])
async def offline(request: Request, frame: FrameHere) -> Response:
    """The page that a phone shows without a connection, in place of any other. It holds nothing of anybody."""
    looker = stranger(request)
    return frame.page(request, looker, "offline.html", title=looker.words("offline_title"))
