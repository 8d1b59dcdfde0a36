"""Which characters the font has: PDF/A and PDF/UA refuse a document with one that it lacks."""

import re
import unicodedata

__all__ = ["fitting", "printable"]

# Libertinus Serif, as typst brings it; a test has typst set every one of them
_HAS = (
    "\u0020-\u007e\u00a0-\u00ac\u00ae-\u02ff\u0300-\u036f\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ff"
    "\u0400-\u04ff\u1e00-\u1eff\u200b\u2010-\u2027\u2030-\u2040\u2042\u2044-\u2052\u2054-\u205e"
    "\u2070\u2071\u2074-\u208e\u2090-\u209c\u20a0-\u20bf\u2190-\u21ff\u2200-\u22ff\u25a0-\u25ff"
)
_OTHER = re.compile(f"[^{_HAS}]")
_LONG = re.compile(r"\w{20}(?=\w)")
_BREAK = "\u200b"
"""A place where a line may break: a word without end would leave its column."""
_WORD = re.compile(f"[^ {_BREAK}]+")
_NO_BREAK = "\u00a0"
_BREAKS_AFTER = frozenset("/-._,;:")
_POINTS = {"narrow": 3.2, "small": 4.0, "usual": 4.7, "capital": 6.3, "wide": 8.2}
"""What a character of a table takes at most, in points: as typst measures them at 8.5 pt, by groups."""
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def printable(text: str) -> str:
    """Returns the text with `[U+1F600]` for a character that the font lacks, and a space for one that is none.

    A long word gets places where it may break.
    """
    shown = _OTHER.sub(_shown, unicodedata.normalize("NFC", text).replace(_BREAK, ""))
    return _LONG.sub(lambda word: word.group() + _BREAK, shown)


def fitting(text: str, room: float) -> str:
    """Returns the text as `printable` does, with more places to break: no word is wider than `room`, in points."""

    def broken(match: "re.Match[str]") -> str:
        word = match.group()
        if _width(word) <= room:
            return word
        return " ".join(_broken(part, room) for part in word.split(_NO_BREAK))

    return _WORD.sub(broken, printable(text))


def _broken(word: str, room: float) -> str:
    """The word in parts that fit, broken after a sign where there is one."""
    parts, first, sign = [], 0, 0
    for place in range(len(word)):
        if _width(word[first : place + 1]) > room and place > first:
            cut = sign if sign > first else place
            parts.append(word[first:cut])
            first = cut
        if word[place] in _BREAKS_AFTER:
            sign = place + 1
    return _BREAK.join([*parts, word[first:]])


def _width(text: str) -> float:
    return sum(map(_points, text))


def _points(character: str) -> float:
    if character in "iljtfrIJ|!'()[].,:;/-":
        return _POINTS["narrow"]
    if character in "aceszé0123456789":
        return _POINTS["small"]
    if character in "mwMW@%" or ord(character) > 0x24F:
        return _POINTS["wide"]
    return _POINTS["capital"] if character.isupper() else _POINTS["usual"]


def _shown(match: "re.Match[str]") -> str:
    character = match.group()
    if unicodedata.category(character) in _INVISIBLE:
        return " " if unicodedata.category(character) != "Cf" else ""
    return " " if character.isspace() else f"[U+{ord(character):04X}]"
