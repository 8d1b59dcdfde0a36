"""The outline of a district on its map, from a GeoJSON file (RFC 7946) that the district gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from api.web.overview_view import Frame

__all__ = ["NO_OUTLINE", "Outline", "OutlineError", "load_outline", "read_outline"]

_MOST_POINTS = 50_000
_NEAR = 1.0
"""Units of the map: what is closer to the point before is left out."""

Place = tuple[float, float]


class OutlineError(ValueError):
    """The file is no outline. The message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Lines of places (longitude, latitude)."""

    lines: Sequence[Sequence[Place]] = ()

    @property
    def corners(self) -> Sequence[Place]:
        """The south-west and the north-east of all of it; nothing of no line."""
        places = [place for line in self.lines for place in line]
        if not places:
            return ()
        return (
            (min(x for x, _ in places), min(y for _, y in places)),
            (max(x for x, _ in places), max(y for _, y in places)),
        )

    def path(self, frame: Frame) -> str:
        """Returns the lines as the path of an SVG."""
        return "".join(_path(line, frame) for line in self.lines)


NO_OUTLINE = Outline()


def load_outline(path: Path) -> Outline:
    """Returns the outline of a file.

    Raises:
        OutlineError: it cannot be read, or it is no GeoJSON with lines or areas.
    """
    try:
        return read_outline(path.read_bytes())
    except OSError as error:
        raise OutlineError(f"{path}: cannot be read: {error.strerror}") from None
    except OutlineError as error:
        raise OutlineError(f"{path}: {error}") from None


def read_outline(text: bytes) -> Outline:
    """Returns the outline that a GeoJSON text holds.

    Raises:
        OutlineError: it is no GeoJSON with lines or areas.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise OutlineError("is not JSON: save it as GeoJSON, in longitude and latitude") from None
    lines = [line for line in _lines(document) if len(line) > 1]
    if not lines:
        raise OutlineError("holds no line and no area: expected GeoJSON with LineString or Polygon")
    if sum(map(len, lines)) > _MOST_POINTS:
        raise OutlineError(f"has more than {_MOST_POINTS:,} points: simplify it")
    return Outline(tuple(lines))


def _lines(node: object) -> Iterator[list[Place]]:
    """Yields the lines of a GeoJSON object, however it wraps them."""
    if not isinstance(node, dict):
        return
    for key in ("features", "geometries"):
        for child in node.get(key) or () if isinstance(node.get(key), list) else ():
            yield from _lines(child)
    if "geometry" in node:
        yield from _lines(node["geometry"])
    if node.get("type") in ("LineString", "MultiLineString", "Polygon", "MultiPolygon"):
        yield from _nested(node.get("coordinates"))


def _nested(coordinates: object) -> Iterator[list[Place]]:
    if not isinstance(coordinates, list) or not coordinates:
        return
    places = [_place(one) for one in coordinates]
    found = [place for place in places if place is not None]
    if len(found) == len(coordinates):
        yield found
        return
    for one in coordinates:
        yield from _nested(one)


def _place(node: object) -> Place | None:
    if not isinstance(node, list) or len(node) < 2:
        return None
    x, y = node[0], node[1]
    if isinstance(x, bool) or isinstance(y, bool) or not isinstance(x, int | float) or not isinstance(y, int | float):
        return None
    if not (-180 <= x <= 180 and -90 <= y <= 90):
        raise OutlineError(f"[{x}, {y}] is no longitude and latitude: save it in WGS 84")
    return float(x), float(y)


def _path(line: Sequence[Place], frame: Frame) -> str:
    parts: list[str] = []
    before: Place | None = None
    for place in line:
        x, y = frame.place(*place)
        if before is None or abs(x - before[0]) + abs(y - before[1]) >= _NEAR:
            parts.append(f"{'L' if parts else 'M'}{x:g} {y:g}")
            before = (x, y)
    return "".join(parts)
