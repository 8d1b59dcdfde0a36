"""`/status.json`, `/feed.atom`, `/badge.svg`: what the public page says, for programs and other home pages."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape

import orjson
from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from api.http.problems import Refused
from api.http.services import Services, ServicesHere
from api.queries.facilities import count_by_state, count_by_village, facilities
from api.queries.months import DAYS, VillageMonth
from api.queries.places import kinds_within
from api.queries.villages import VillageNow, count_villages, villages
from api.web.kept import Busy, Kept
from api.web.looker import LookerHere
from api.web.month_strip import LETTERS, by_indicator, letters, rule_of, worst_of
from api.web.months import Months
from api.web.public_sentence import PublicState, Standing, sentence_of, standing_of
from api.words import Words
from siaga.database.public_note import read_note
from siaga.model.clock import SECOND
from siaga.model.indicators import INDICATORS
from siaga.model.scope import EVERYWHERE
from siaga.timeline.spans import State

__all__ = ["FRESH_FOR", "router"]

router = APIRouter(include_in_schema=False)

FRESH_FOR = 2 * SECOND
"""ms for which an answer is given to everybody who asks."""

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
_LETTER = {letter: verdict.value if verdict is not None else "not_there_yet" for verdict, letter in LETTERS.items()}
_SHAPES = {PublicState.MET: "✓", PublicState.FAILED: "✕", PublicState.UNKNOWN: "?", PublicState.NONE: "–"}


@router.api_route("/status.json", methods=["GET", "HEAD"])
def status(request: Request, services: ServicesHere, looker: LookerHere) -> Response:
    """The sentence, the counts, the villages with their 30 days, the rules, and which facilities fail.

    No numbers of clients are in it.
    """
    months: Months = request.app.state.months

    def made() -> bytes:
        with services.engine.connect() as connection:
            return orjson.dumps(_document(connection, services, looker.words, months.kept()))

    return _kept(request, services, ("status", looker.language), made, "application/json")


def _document(
    connection: Connection, services: Services, words: Words, months: Mapping[str, VillageMonth]
) -> dict[str, object]:
    now = services.clock.now()
    listed = villages(connection, EVERYWHERE, "", _MOST)
    failing = facilities(connection, EVERYWHERE, ("", ""), _FAILING, state=State.FAILED)
    by_village = count_by_village(connection, EVERYWHERE)
    counts = sum((Counter(one) for one in by_village.values()), Counter[State]())
    standing = standing_of(counts, listed)
    kinds, note = kinds_within(connection, EVERYWHERE) & INDICATORS.keys(), read_note(connection)
    return {
        "state": standing.state,
        "sentence": sentence_of(words, standing, now),
        "note": None if note is None else {"text": note.text, "written_at": _time(note.time)},
        "rule": words("public_rule"),
        "rules": {kind: rule_of(words, kind) for kind in sorted(kinds, key=lambda one: INDICATORS[one].number)},
        "generated_at": _time(now),
        "counts": _counted(counts),
        "left_out": {
            "villages": count_villages(connection, EVERYWHERE) - len(listed),
            "failing": max(0, counts[State.FAILED] - len(failing)),
        },
        "days": {"count": DAYS, "letters": {letter: _LETTER[letter] for letter in LETTERS.values()}},
        "villages": [_village(one, by_village.get(one.code, {}), months.get(one.code)) for one in listed],
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


def _counted(counts: Mapping[State, int]) -> dict[str, int]:
    return {state.value: counts.get(state, 0) for state in State}


def _village(village: VillageNow, counts: Mapping[State, int], month: VillageMonth | None) -> dict[str, object]:
    """A village as programs read it. `until` and `indicators` are null and empty while its days are not read yet."""
    indicators = by_indicator(month) if month is not None else {}
    return {
        "code": village.code,
        "name": village.name,
        "link": "online" if village.heard else "offline",
        "facilities": _counted(counts),
        "until": None if month is None else month.until.isoformat(),
        "indicators": [
            {
                "kind": kind,
                "days": letters(worst_of(one.days for one in mine)),
                "measured_at": max((_time(one.measured_at) for one in mine if one.measured_at), default=None),
            }
            for kind, mine in sorted(indicators.items(), key=lambda item: INDICATORS[item[0]].number)
        ],
    }


_BASE = "https://base.invalid"
"""Stands in the kept feed for the address by which siaga was asked: callers make that up, so it keys nothing."""


@router.api_route("/feed.atom", methods=["GET", "HEAD"])
def feed(request: Request, services: ServicesHere, looker: LookerHere) -> Response:
    """The facilities that fail now, the latest first, as an Atom feed (RFC 4287).

    Where no village is heard, an entry says since when nothing is known.
    """
    base = str(request.base_url).rstrip("/")

    def made() -> bytes:
        with services.engine.connect() as connection:
            return _feed(connection, services, looker.words, _BASE).encode()

    answer = _kept(request, services, ("feed", looker.language), made, "application/atom+xml")
    body = bytes(answer.body).replace(_BASE.encode(), escape(base).encode())
    return Response(body, 200, _HEADERS, "application/atom+xml")


def _feed(connection: Connection, services: Services, words: Words, base: str) -> str:
    now = services.clock.now()
    listed = villages(connection, EVERYWHERE, "", _MOST)
    standing = standing_of(count_by_state(connection, EVERYWHERE), listed)
    failing = facilities(connection, EVERYWHERE, ("", ""), _FAILING, state=State.FAILED)
    names = {one.code: one.name for one in listed}
    failing = sorted(failing, key=lambda one: -(one.since or 0))[:_ENTRIES]
    failing_word = words("state_failed")
    entries = [
        _entry(
            f"{base}/desa/{one.village}#{one.id}-{one.since or 0}",
            f"{one.name}, {names.get(one.village, one.village)}: {failing_word}",
            one.since or now,
            f"{base}/desa/{one.village}",
            words.cause("failed", one.cause) or "",
        )
        for one in failing
    ]
    sentence, silent = sentence_of(words, standing, now), standing.silent_since
    if silent is not None:
        entries.insert(0, _entry(f"{base}/#unknown-{silent}", sentence, silent, f"{base}/", words("public_rule")))
    updated = max([one.since or 0 for one in failing] + ([silent] if silent is not None else []), default=now)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{words.language.value}"><id>{base}/feed.atom</id>'
        f"<title>{escape(words('title'))}</title><subtitle>{escape(sentence)}</subtitle>"
        f"<updated>{_time(updated)}</updated><author><name>siaga</name></author>"
        f'<link rel="self" href="{base}/feed.atom"/><link href="{base}/"/>{"".join(entries)}</feed>'
    )


def _entry(name: str, title: str, updated: int, link: str, summary: str) -> str:
    return (
        f"<entry><id>{escape(name)}</id><title>{escape(title)}</title><updated>{_time(updated)}</updated>"
        f'<link href="{escape(link)}"/><summary>{escape(summary)}</summary></entry>'
    )


@router.api_route("/badge.svg", methods=["GET", "HEAD"])
def badge(request: Request, services: ServicesHere, looker: LookerHere) -> Response:
    """The sentence as a small picture: a shape, a colour and words. Unknown is never green."""

    def made() -> bytes:
        with services.engine.connect() as connection:
            return _badge(connection, services, looker.words).encode()

    return _kept(request, services, ("badge", looker.language), made, "image/svg+xml")


def _badge(connection: Connection, services: Services, words: Words) -> str:
    standing: Standing = standing_of(
        count_by_state(connection, EVERYWHERE), villages(connection, EVERYWHERE, "", _MOST)
    )
    said = sentence_of(words, standing, services.clock.now())
    width = 40 + 7 * len(said)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="24" role="img" aria-label="{escape(said)}">'
        f'<title>{escape(said)}</title><rect width="{width}" height="24" rx="4" fill="{_COLOURS[standing.state]}"/>'
        '<g fill="#fff" font-family="system-ui,sans-serif" font-size="13">'
        f'<text x="9" y="17" font-weight="700">{_SHAPES[standing.state]}</text>'
        f'<text x="28" y="17">{escape(said)}</text></g></svg>'
    )


def _kept(
    request: Request, services: Services, key: tuple[str, ...], make: Callable[[], bytes], media_type: str
) -> Response:
    """Returns an answer that is made for all who ask within some seconds.

    Raises:
        Refused: 404, the public page is switched off; 503, the others that ask take too long.
    """
    if not services.public_page:
        raise Refused(404, "the public page is switched off")
    answers: Kept[bytes] = request.app.state.public_answers
    try:
        return Response(answers.get(key, make), 200, _HEADERS, media_type)
    except Busy:
        raise Refused(503, "this answer is being made; ask again in some seconds") from None


def _time(time: int) -> str:
    return datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
