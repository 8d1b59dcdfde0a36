"""Classes of villages by how many of the 14 indicators are met, with a district's own thresholds. Off without them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from siaga.model.indicators import INDICATORS

__all__ = ["BadClasses", "Class", "Classes", "counted", "parse_classes"]


class Class(StrEnum):
    """What a district calls a village; the names are those of the programme."""

    MAJU = "maju"
    BERKEMBANG = "berkembang"
    KURANG = "kurang"


class BadClasses(ValueError):
    """A text that says no thresholds; the message is the end of a sentence that begins with the text."""


@dataclass(frozen=True, slots=True)
class Classes:
    """From how many met on a village is `maju`, and from how many `berkembang`; below it is `kurang`."""

    maju: int
    berkembang: int

    def of(self, met: int) -> Class:
        """Returns the class of a village by how many of its indicators are met."""
        if met >= self.maju:
            return Class.MAJU
        return Class.BERKEMBANG if met >= self.berkembang else Class.KURANG


def parse_classes(text: str) -> Classes:
    """Returns the thresholds of a text such as `11,7`.

    Raises:
        BadClasses: it says none.
    """
    most = len(INDICATORS)
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise BadClasses("is not two numbers such as 11,7: maju from 11 met on, berkembang from 7 on")
    maju, berkembang = (int(part) for part in parts)
    if not 0 < berkembang < maju <= most:
        raise BadClasses(f"has to be two numbers of 1 to {most}, the larger one first")
    return Classes(maju, berkembang)


def counted(classes: Classes, met: Sequence[int]) -> Mapping[Class, int]:
    """Returns how many villages are of which class. `met`: of each village how many of its indicators are."""
    found = dict.fromkeys(Class, 0)
    for number in met:
        found[classes.of(number)] += 1
    return found
