"""The tables of the annexes and their columns, by the names whose words are `annex_sheet_…` and `annex_column_…`."""

from collections.abc import Mapping
from enum import Enum

__all__ = ["COLUMNS", "OF_A_CONTRACT", "Type"]


class Type(Enum):
    """What the cells of a column are."""

    TEXT = "text"
    COUNT = "count"
    TIME_SPAN = "time span"
    SHARE = "share"
    RATE = "rate"
    TIME = "time"
    DATE = "date"


_LINK = {"cut": Type.TIME_SPAN, "cuts": Type.COUNT, "longest_cut": Type.TIME_SPAN, "dark": Type.TIME_SPAN}
_LINKS = {"id": Type.TEXT, "villages": Type.COUNT, **_LINK, "blank": Type.COUNT}
_BUDGET = {
    "target": Type.SHARE,
    "budget_s": Type.TIME_SPAN,
    "used": Type.TIME_SPAN,
    "left_s": Type.TIME_SPAN,
    "burn_rate": Type.RATE,
}

COLUMNS: Mapping[str, Mapping[str, Type]] = {
    "below": {
        "id": Type.TEXT,
        "name": Type.TEXT,
        "village": Type.TEXT,
        "kind": Type.TEXT,
        "target": Type.SHARE,
        "availability_low": Type.SHARE,
        "availability_high": Type.SHARE,
        "failed_s": Type.TIME_SPAN,
        "left_s": Type.TIME_SPAN,
    },
    "links": {"id": Type.TEXT, "village": Type.TEXT, "uplink": Type.TEXT, **_LINK, "cut_change": Type.TIME_SPAN},
    "links_uplink": _LINKS,
    "links_subdistrict": _LINKS,
    "blank_spots": {"id": Type.TEXT, "village": Type.TEXT, "line_now": Type.TEXT, "line_before": Type.TEXT},
    "attestations": {
        "village_code": Type.TEXT,
        "village": Type.TEXT,
        "kind": Type.TEXT,
        "attested": Type.TEXT,
        "date": Type.DATE,
        "expires": Type.DATE,
        "by": Type.TEXT,
        "created_at": Type.TIME,
        "clock": Type.TIME_SPAN,
        "distance_m": Type.COUNT,
        "photos": Type.COUNT,
        "source": Type.TEXT,
        "same_as": Type.TEXT,
        "confirmed_by": Type.TEXT,
        "confirmed_at": Type.TIME,
        "withdrawn_by": Type.TEXT,
        "withdrawn_at": Type.TIME,
        "note": Type.TEXT,
        "attestation": Type.TEXT,
    },
    "scorecards": {
        "village_code": Type.TEXT,
        "village": Type.TEXT,
        "date": Type.DATE,
        "met": Type.COUNT,
        "missed": Type.COUNT,
        "unjudged": Type.COUNT,
        "which_met": Type.TEXT,
        "which_missed": Type.TEXT,
        "which_unjudged": Type.TEXT,
    },
    "complaints": {
        "id": Type.TEXT,
        "name": Type.TEXT,
        "village": Type.TEXT,
        "kind": Type.TEXT,
        "complaints": Type.COUNT,
        "contradicting": Type.COUNT,
        "until_seen": Type.TIME_SPAN,
        "until_ended": Type.TIME_SPAN,
    },
    "maintenance": {
        "id": Type.TEXT,
        "name": Type.TEXT,
        "start": Type.TIME,
        "end": Type.TIME,
        "times": Type.COUNT,
        "reason": Type.TEXT,
        "by": Type.TEXT,
        "declared_at": Type.TIME,
        "excused": Type.TIME_SPAN,
        "excused_later": Type.TIME_SPAN,
    },
    "sla_kinds": {"kind": Type.TEXT, "facilities": Type.COUNT, **_BUDGET, "repaid": Type.COUNT},
    "sla": {
        "id": Type.TEXT,
        "name": Type.TEXT,
        "kind": Type.TEXT,
        **_BUDGET,
        "downtime": Type.TIME_SPAN,
        "repaid": Type.COUNT,
    },
}
"""By table, in order."""
OF_A_CONTRACT = ("downtime", "repaid")
"""Columns that are there only where the office's form says what downtime pays back."""
