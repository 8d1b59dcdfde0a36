"""`/status.json`, `/feed.atom`, `/badge.svg`: what the public page says, for programs and other home pages."""

from datetime import UTC, datetime
from html import escape

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.problems import Refused
from api.http.services import Services, ServicesHere
from api.queries.facilities import count_by_state, facilities
from api.queries.villages import villages
from api.web.looker import LookerHere
from api.web.public_sentence import PublicState, Standing, sentence_of, standing_of
from siaga.model.scope import EVERYWHERE
from siaga.timeline.spans import State

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_HEADERS = {"Cache-Control": "public, max-age=30", "Access-Control-Allow-Origin": "*", "Vary": "Accept-Language"}
_MOST = 10_000
_FAILING = 1_000
_ENTRIES = 50
_COLOURS = {
    PublicState.MET: "#1a7048",
    PublicState.FAILED: "#c02a2a",
    PublicState.UNKNOWN: "#56615b",
    PublicState.NONE: "#56615b",
}
_SHAPES = {PublicState.MET: "✓", PublicState.FAILED: "✕", PublicState.UNKNOWN: "?", PublicState.NONE: "–"}


@router.api_route("/status.json", methods=["GET", "HEAD"])
def status(services: ServicesHere, looker: LookerHere) -> Response:
    """The sentence, the counts, the villages, and which facilities fail. No numbers of clients are in it."""
    now, words = services.clock.now(), looker.words
    standing = _standing(services)
    with services.engine.connect() as connection:
        listed = villages(connection, EVERYWHERE, "", _MOST)
        failing = facilities(connection, EVERYWHERE, ("", ""), _FAILING, state=State.FAILED)
    document = {
        "state": standing.state,
        "sentence": sentence_of(words, standing, now),
        "rule": words("public_rule"),
        "generated_at": _time(now),
        "counts": {state.value: standing.counts.get(state, 0) for state in State},
        "villages": [
            {
                "code": one.code,
                "name": one.name,
                "link": "online" if one.online else "offline",
                "facilities": {state.value: one.facilities.get(state, 0) for state in State},
            }
            for one in listed
        ],
        "failing": [
            {
                "id": one.full_name,
                "name": one.name,
                "kind": one.kind,
                "cause": words.cause(one.state.value, one.cause),
                "since": None if one.since is None else _time(one.since),
            }
            for one in failing
        ],
    }
    return Response(orjson.dumps(document), 200, _HEADERS, "application/json")


@router.api_route("/feed.atom", methods=["GET", "HEAD"])
def feed(request: Request, services: ServicesHere, looker: LookerHere) -> Response:
    """The facilities that fail now, the latest first, as an Atom feed (RFC 4287)."""
    now, words = services.clock.now(), looker.words
    standing = _standing(services)
    base = str(request.base_url).rstrip("/")
    with services.engine.connect() as connection:
        failing = facilities(connection, EVERYWHERE, ("", ""), _FAILING, state=State.FAILED)
        names = {one.code: one.name for one in villages(connection, EVERYWHERE, "", _MOST)}
    failing = sorted(failing, key=lambda one: -(one.since or 0))[:_ENTRIES]
    failing_word = words("state_failed")
    entries = "".join(
        f"<entry><id>{base}/desa/{escape(one.village)}#{escape(one.id)}-{one.since or 0}</id>"
        f"<title>{escape(f'{one.name}, {names.get(one.village, one.village)}: {failing_word}')}</title>"
        f'<updated>{_time(one.since or now)}</updated><link href="{base}/desa/{escape(one.village)}"/>'
        f"<summary>{escape(words.cause('failed', one.cause) or '')}</summary></entry>"
        for one in failing
    )
    updated = max((one.since or 0 for one in failing), default=now)
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{looker.language.value}"><id>{base}/feed.atom</id>'
        f"<title>{escape(words('title'))}</title><subtitle>{escape(sentence_of(words, standing, now))}</subtitle>"
        f"<updated>{_time(updated)}</updated><author><name>siaga</name></author>"
        f'<link rel="self" href="{base}/feed.atom"/><link href="{base}/"/>{entries}</feed>'
    )
    return Response(text, 200, _HEADERS, "application/atom+xml")


@router.api_route("/badge.svg", methods=["GET", "HEAD"])
def badge(services: ServicesHere, looker: LookerHere) -> Response:
    """The sentence as a small picture: a shape, a colour and words. Unknown is never green."""
    standing = _standing(services)
    said = sentence_of(looker.words, standing, services.clock.now())
    width = 40 + 7 * len(said)
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="24" role="img" aria-label="{escape(said)}">'
        f'<title>{escape(said)}</title><rect width="{width}" height="24" rx="4" fill="{_COLOURS[standing.state]}"/>'
        '<g fill="#fff" font-family="system-ui,sans-serif" font-size="13">'
        f'<text x="9" y="17" font-weight="700">{_SHAPES[standing.state]}</text>'
        f'<text x="28" y="17">{escape(said)}</text></g></svg>'
    )
    return Response(text, 200, _HEADERS, "image/svg+xml")


def _standing(services: Services) -> Standing:
    """Returns how all facilities stand.

    Raises:
        Refused: 404, the public page is switched off.
    """
    if not services.public_page:
        raise Refused(404, "the public page is switched off")
    with services.engine.connect() as connection:
        return standing_of(count_by_state(connection, EVERYWHERE), villages(connection, EVERYWHERE, "", _MOST))


def _time(time: int) -> str:
    return datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
