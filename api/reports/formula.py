"""The formula of a restitution: numbers, X, Y, Z, + - * / ( ) and %, and nothing else. Exact; no code is evaluated.

    sum     = product {("+" | "-") product}
    product = factor {("*" | "/") factor}
    factor  = ("-" | "+") factor | part {"%"}
    part    = number | "X" | "Y" | "Z" | "(" sum ")"

`99.5%` is 0.995. A number has a decimal point.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

__all__ = ["LONGEST", "NAMES", "BadFormula", "Formula", "parse_formula"]

LONGEST = 200
"""Characters. What contracts hold has 20 to 60."""
NAMES = ("X", "Y", "Z")
_DEEPEST = 20
_SAMPLES = ((2, 3, 5), (7, 11, 13), (17, 23, 19))
"""X, Y and Z by which a formula is tried: what divides by nothing with all of them pays nothing back to anybody."""
_TOKEN = re.compile(r"\s*(?:(?P<number>\d{1,15}(?:\.\d{1,9})?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*/()%]))", re.ASCII)

_Values = Mapping[str, Fraction]
_Term = Callable[[_Values], Fraction]


class BadFormula(ValueError):
    """A text that is no formula; the message is the end of a sentence that begins with the text."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that can be worked out. `text`: as it was written."""

    text: str
    _term: _Term

    def value(self, x: Fraction, y: Fraction, z: Fraction) -> Fraction | None:
        """Returns what it comes to, exactly; `None` where it divides by nothing."""
        try:
            return self._term({"X": x, "Y": y, "Z": z})
        except ZeroDivisionError:
            return None


@lru_cache(maxsize=64)
def parse_formula(text: str) -> Formula:
    """Returns the formula of a text.

    Raises:
        BadFormula: it is none.
    """
    if len(text) > LONGEST:
        raise BadFormula(f"has {len(text)} characters, more than {LONGEST}")
    reader = _Reader(_tokens(text))
    term = reader.sum(0)
    if reader.next is not None:
        raise BadFormula(f"is not understood from {reader.next!r} on; write it such as (X*Y)/(Z*99.5%)")
    formula = Formula(text, term)
    if all(formula.value(*map(Fraction, values)) is None for values in _SAMPLES):
        raise BadFormula("divides by nothing, whatever X, Y and Z are")
    return formula


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise BadFormula(f"is not understood from {text[place:].strip()[:12]!r} on; it may hold {_MAY_HOLD}")
        name = token["name"]
        if name is not None and name not in NAMES:
            raise BadFormula(f"names {name[:20]!r}; it may hold {_MAY_HOLD}")
        found.append(token[token.lastgroup or 0])
        place = token.end()
    if not found:
        raise BadFormula(f"is empty; it may hold {_MAY_HOLD}")
    return found


_MAY_HOLD = "numbers such as 99.5, X, Y, Z, + - * / ( ) and %"


class _Reader:
    """Reads tokens from left to right, one rule of the grammar a method."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._place = 0

    @property
    def next(self) -> str | None:
        """The token that was not read yet."""
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _take(self, *signs: str) -> str | None:
        """Read the next token if it is one of these."""
        found = self.next
        if found not in signs:
            return None
        self._place += 1
        return found

    def sum(self, depth: int) -> _Term:
        left = self._product(depth)
        while sign := self._take("+", "-"):
            left = _joined(sign, left, self._product(depth))
        return left

    def _product(self, depth: int) -> _Term:
        left = self._factor(depth)
        while sign := self._take("*", "/"):
            left = _joined(sign, left, self._factor(depth))
        return left

    def _factor(self, depth: int) -> _Term:
        if depth > _DEEPEST:
            raise BadFormula(f"has more than {_DEEPEST} brackets or signs within each other")
        if sign := self._take("-", "+"):
            inner = self._factor(depth + 1)
            return inner if sign == "+" else lambda values: -inner(values)
        part = self._part(depth)
        while self._take("%"):
            part = _joined("/", part, _constant(Fraction(100)))
        return part

    def _part(self, depth: int) -> _Term:
        found = self.next
        if found is None:
            raise BadFormula("ends where a number, X, Y, Z or a bracket is due")
        self._place += 1
        if found in NAMES:
            return lambda values: values[found]
        if found == "(":
            inner = self.sum(depth + 1)
            if self._take(")") is None:
                raise BadFormula("has a bracket that is not closed")
            return inner
        if not found[0].isdigit():
            raise BadFormula(f"has {found!r} where a number, X, Y, Z or a bracket is due")
        return _constant(Fraction(found))


def _constant(value: Fraction) -> _Term:
    return lambda _: value


def _joined(sign: str, left: _Term, right: _Term) -> _Term:
    match sign:
        case "+":
            return lambda values: left(values) + right(values)
        case "-":
            return lambda values: left(values) - right(values)
        case "*":
            return lambda values: left(values) * right(values)
        case _:
            return lambda values: left(values) / right(values)
