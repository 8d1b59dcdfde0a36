"""What is ordered: a report of a period and some scopes, with the texts that belong to it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from api.reports.factors import Factor, Factors
from api.reports.period import Period, parse_dates, parse_period
from api.words import Language
from siaga.model.scope import Scopes

__all__ = ["Asked", "read_period"]


def read_period(name: str) -> Period:
    """Returns the period of its name, also of one from a date to another."""
    start, slash, end = name.partition("/")
    return parse_dates(start, end) if slash else parse_period(name)


@dataclass(frozen=True, slots=True)
class Asked:
    """A report to be issued. `by`: who issues it. `supersedes`: the id of the revision that it replaces.

    `schedule`: the name of the one whose run it is. `once`: what makes an order of a form its own: however often it
    is sent, also later, it is one report.
    """

    period: Period
    scopes: Scopes
    language: Language
    by: str
    factors: Factors = field(default_factory=dict)
    supersedes: str | None = None
    schedule: str | None = None
    once: str | None = None

    def key(self, who: str) -> str:
        """What the order is known by: the same, ordered by the same caller, is one order while it is made."""
        return hashlib.sha256(who.encode() + b"\0" + orjson.dumps(self.row(), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def row(self) -> dict[str, object]:
        """Returns it as the database keeps it."""
        return {
            "period": self.period.name,
            "scopes": self.scopes.texts,
            "language": self.language.value,
            "by": self.by,
            "factors": factors_row(self.factors),
            "supersedes": self.supersedes,
            "schedule": self.schedule,
            "once": self.once,
        }

    @staticmethod
    def of(row: Mapping[str, object]) -> "Asked":
        """Returns what a row of the database says."""
        return Asked(
            read_period(str(row["period"])),
            scopes_of(row["scopes"]),
            Language(str(row["language"])),
            str(row["by"]),
            factors_of(row["factors"]),
            _text(row["supersedes"]),
            _text(row["schedule"]),
            _text(row.get("once")),
        )


def scopes_of(stored: object) -> Scopes:
    """Returns the scopes of a list of texts."""
    return Scopes.of(str(text) for text in stored) if isinstance(stored, list) else Scopes(())


def factors_row(factors: Factors) -> dict[str, dict[str, str]]:
    """Returns the texts as the database keeps them and the API shows them."""
    return {kind: {"hindrance": one.hindrance, "follow_up": one.follow_up} for kind, one in sorted(factors.items())}


def factors_of(stored: object) -> dict[str, Factor]:
    """Returns the texts of a row of the database."""
    found = stored if isinstance(stored, dict) else {}
    return {
        str(kind): Factor(str(texts.get("hindrance", "")), str(texts.get("follow_up", "")))
        for kind, texts in found.items()
        if isinstance(texts, dict)
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
