"""Milliseconds as the seconds of an answer, such that what adds up in milliseconds adds up there too."""

import math
from fractions import Fraction
from itertools import product

__all__ = ["exact", "parts", "seconds"]


_MOVES = sorted(product(range(-3, 4), repeat=3), key=lambda found: sum(map(abs, found)))
"""Last bits by which three numbers may be moved, the least first."""


def seconds(milliseconds: int) -> int | float:
    """Milliseconds in seconds: an integer when whole."""
    whole, rest = divmod(milliseconds, 1000)
    return milliseconds / 1000 if rest else whole


def exact(number: Fraction) -> int | float:
    """A number as an answer has it: an integer when whole."""
    return number.numerator if number.denominator == 1 else float(number)


def parts(met: int, failed: int, unknown: int) -> tuple[int | float, int | float, int | float, int | float]:
    """Required, met, failed and unknown seconds, the last three adding up to the first exactly, also as floats.

    Whole seconds always do. Thousandths have no exact float: where their sum, from left to right, misses, the parts
    are moved by the last bits of a float, which is less than a nanosecond.
    """
    required = seconds(met + failed + unknown)
    shown = [seconds(part) for part in (met, failed, unknown)]
    if shown[0] + shown[1] + shown[2] == required:
        return required, shown[0], shown[1], shown[2]
    for moves in _MOVES:
        moved = [_moved(part, bits) for part, bits in zip(shown, moves, strict=True)]
        if moved[0] + moved[1] + moved[2] == required:
            return required, moved[0], moved[1], moved[2]
    return shown[0] + shown[1] + shown[2], shown[0], shown[1], shown[2]


def _moved(part: int | float, bits: int) -> int | float:
    """A positive number so many floats further; zero stays zero."""
    for _ in range(abs(bits) if part else 0):
        part = math.nextafter(part, math.inf if bits > 0 else -math.inf)
    return part
