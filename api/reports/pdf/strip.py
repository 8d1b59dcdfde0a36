"""The hours of a facility's days as one vector picture: 24 hours from left to right, a day a row.

Shape tells the states apart before colour does: failed is as high as its row, met is a low bar, not known is hatched,
excused is hollow, and where nothing is required there is a thin line. Where nothing was judged there is nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from xml.sax.saxutils import escape

from siaga.model.intervals import Interval
from siaga.timeline.spans import Span, State

__all__ = ["WIDTH", "Look", "draw", "legend", "scale"]

WIDTH = 720
"""Units of a day: two minutes each."""
_TALLEST = 420.0
"""Units of all days together, as far as a row can be seen at all."""
_ROW = (2.5, 40.0)
_MARGIN = 62
"""Units left of the days, for their dates."""
_HOURS = (0, 6, 12, 18, 24)
_FONT = 21
_FILL = 0.86
"""How much of a row's height is drawn on: between two days there is a gap."""


class Look(StrEnum):
    """What a stretch of time looks like."""

    MET = "met"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXCUSED = "excused"
    NOT_REQUIRED = "not_required"


_STYLE: Mapping[Look, str] = {
    Look.NOT_REQUIRED: 'stroke="#9a9a9a"',
    Look.MET: 'stroke="#6aa584"',
    Look.UNKNOWN: 'stroke="#5a5a5a" stroke-dasharray="1.2 4"',
    Look.EXCUSED: 'stroke="#1f4e79"',
    Look.FAILED: 'stroke="#8c1c13"',
}
"""In the order in which they are drawn: a failure over all else."""
_HEIGHT: Mapping[Look, float] = {Look.MET: 0.38, Look.UNKNOWN: 1, Look.FAILED: 1}
"""Of a row: bars are strokes so wide, which takes a quarter of what rectangles would. The others are outlines."""


def draw(spans: Sequence[Span], days: Sequence[Interval], window: Interval) -> str:
    """Returns the picture of what `spans` say of the days, as far as it lies in the window (ms), as SVG."""
    row = _row(len(days))
    paths: dict[Look, list[str]] = {look: [] for look in Look}
    for look, day, left, right in _pieces(spans, days, window):
        paths[look].append(_shape(look, round(left), max(round(right) - round(left), 1), day * row, row * _FILL))
    return _svg(paths, _box(len(days)), row * _FILL, "")


def scale(days: int, labels: Sequence[tuple[int, str]]) -> str:
    """Returns what lies under the pictures of so many days: hours and dates. It is the same for all facilities.

    `labels`: of some days, by their places, what stands beside them. Text in each picture would cost ten times that.
    """
    row, height = _row(days), _row(days) * days
    hours = "".join(f"M{WIDTH * hour // 24} 0v{height:.0f}" for hour in _HOURS)
    texts = [(WIDTH * hour / 24, height + 21, "middle", str(hour)) for hour in _HOURS]
    texts += [(-8, day * row + 17, "end", label) for day, label in labels]
    return _svg({}, _box(days), row, f'<path d="{hours}" stroke="#c9c9c9"/>{_texts(texts)}')


def _row(days: int) -> float:
    return min(max(_TALLEST / days, _ROW[0]), _ROW[1])


def _box(days: int) -> tuple[float, float, float, float]:
    return -_MARGIN, 0, WIDTH + _MARGIN + 14, _row(days) * days + 27


def legend(words: Mapping[Look, str]) -> str:
    """Returns what each look means, side by side, as SVG."""
    step = 280
    paths = {look: [_shape(look, number * step, 60, 2, 20)] for number, look in enumerate(words)}
    texts = [(number * step + 70, 20, "start", word) for number, word in enumerate(words.values())]
    box = (-1, 0, len(words) * step, 26)
    return _svg(paths, box, 20, _texts(texts))


def _pieces(
    spans: Sequence[Span], days: Sequence[Interval], window: Interval
) -> Iterator[tuple[Look, int, float, float]]:
    """Each span, cut at midnights: its look, its day, and where in that it begins and ends. Both are in order."""
    at = 0
    for number, (start, end) in enumerate(days):
        scale = WIDTH / (end - start)
        low, high = max(start, window[0]), min(end, window[1])
        while at < len(spans) and spans[at].end <= low:
            at += 1
        place = at
        while place < len(spans) and spans[place].start < high:
            span = spans[place]
            left, right = max(span.start, low), min(span.end, high)
            if left < right:
                yield _look(span), number, (left - start) * scale, (right - start) * scale
            place += 1


def _look(span: Span) -> Look:
    if span.excused and span.state in (State.FAILED, State.UNKNOWN):
        return Look.EXCUSED
    return _LOOKS[span.state]


_LOOKS = {
    State.MET: Look.MET,
    State.FAILED: Look.FAILED,
    State.UNKNOWN: Look.UNKNOWN,
    State.NOT_REQUIRED: Look.NOT_REQUIRED,
}


def _shape(look: Look, left: int, width: int, top: float, height: float) -> str:
    match look:
        case Look.FAILED | Look.UNKNOWN:
            return f"M{left} {top + height / 2:.1f}h{width}"
        case Look.MET:
            return f"M{left} {top + height * (1 - _HEIGHT[look] / 2):.1f}h{width}"
        case Look.NOT_REQUIRED:
            return f"M{left} {top + height:.1f}h{width}"
        case Look.EXCUSED:
            return f"M{left} {top + height * 0.2:.1f}h{width}v{height * 0.8:.1f}h-{width}z"


def _texts(texts: Sequence[tuple[float, float, str, str]]) -> str:
    """Texts, each with its place, which end of it stands there, and what it says."""
    return (
        f'<g fill="#1d1d1d" font-family="Libertinus Serif" font-size="{_FONT}">'
        + "".join(
            f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'
            for x, y, anchor, text in texts
        )
        + "</g>"
    )


def _svg(paths: Mapping[Look, Sequence[str]], box: tuple[float, float, float, float], row: float, under: str) -> str:
    drawn = "".join(
        f'<path d="{"".join(paths[look])}" {style} stroke-width="{_HEIGHT[look] * row if look in _HEIGHT else 1:.2f}"/>'
        for look, style in _STYLE.items()
        if paths.get(look)
    )
    view = " ".join(f"{number:.1f}" for number in box)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}">{under}<g fill="none">{drawn}</g></svg>'
