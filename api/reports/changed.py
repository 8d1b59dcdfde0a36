"""A figure that differs between two revisions of a report, and how it is called for people."""

from dataclasses import dataclass
from fractions import Fraction

from api.reports.columns import ROW_COLUMNS, Column
from api.reports.figures import Share
from api.reports.numbers import NOTHING, Numbers
from api.words import Words

__all__ = ["Change", "Value", "called", "shown", "why_of"]

Value = int | float | str | None
_SCORECARD = "scorecard."
_CAUSES = "causes"


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of one facility. `before` and `after`: as the JSON of the report has them.

    `facility`: `None` for an indicator of the village's scorecard (`api.issued.cards`).
    `why`: the grounds, separated by commas where a figure may rest on several.
    """

    village: str
    facility: str | None
    figure: str
    before: Value
    after: Value
    why: str

    @property
    def subject(self) -> str:
        """`VILLAGE/ID`, or the village alone."""
        return self.village if self.facility is None else f"{self.village}/{self.facility}"

    def row(self) -> dict[str, Value]:
        """Returns it as the database keeps it and the API shows it."""
        return {
            "village": self.village,
            "facility": self.facility,
            "figure": self.figure,
            "before": self.before,
            "after": self.after,
            "why": self.why,
        }


def called(figure: str, words: Words) -> str:
    """Returns what a figure is called: a column, `causes.failed.gate_open`, or `scorecard.playground`."""
    if figure.startswith(_SCORECARD):
        return words.kind(figure.removeprefix(_SCORECARD))
    parts = figure.split(".")
    if parts[0] == _CAUSES and len(parts) == 3:
        return f"{words(f'state_{parts[1]}')}: {words.cause(parts[1], parts[2]) or parts[2]}"
    column = "_".join(parts)
    return words(f"column_{column}") if column in ROW_COLUMNS else figure


def shown(figure: str, value: object, words: Words, numbers: Numbers) -> str:
    """Returns a value of a figure for people."""
    if figure.startswith(_SCORECARD) and isinstance(value, str):
        return words(f"scorecard_{value}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING
    exact = Fraction(repr(value))  # by the digits that it was written with
    column = ROW_COLUMNS.get("_".join(figure.split(".")), Column.SECONDS)
    if column is Column.SECONDS:
        return numbers.duration(exact * 1000)
    if column is Column.SHARE:
        return numbers.percent(Share(exact.numerator, exact.denominator))
    return numbers.count(int(exact))


def why_of(grounds: str, words: Words) -> str:
    """Returns the grounds of a change in words."""
    return ", ".join(words(f"reports_why_{ground}") for ground in grounds.split(","))
