"""What is not excused, by cause."""

from api.reports.figures import Figures

__all__ = ["by_cause"]


def by_cause(figures: Figures) -> list[tuple[str, str, int]]:
    """Returns state, cause and time (ms): failed first, and in each state the longest first."""
    return [
        (state, cause, time)
        for state, causes in (("failed", figures.failed_by), ("unknown", figures.unknown_by))
        for cause, time in sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    ]
