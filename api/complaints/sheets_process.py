"""The process that makes QR sheets: typst takes up to 300 MB for a district, and keeps it.

    python -m api.complaints.sheets_process < JOB > PDF

The exit status is 0, or 1 with the reason, a packed sentence, as the last line on standard error.
"""

import sys
from collections.abc import Sequence
from dataclasses import astuple

import orjson

from api.complaints.sheets import CannotPrint, sheets_as_pdf
from api.queries.complaints import Place
from api.reports.process import bounded, ended_by
from api.words import WORDS, Language

__all__ = ["main", "sheets_job"]


def sheets_job(language: Language, places: Sequence[Place], site: str, time: int) -> bytes:
    """Returns what to give the process: what `sheets_as_pdf` takes."""
    given = {"language": language.value, "places": [astuple(one) for one in places], "site": site, "time": time}
    return orjson.dumps(given)


def main() -> int:
    """Make the sheets; returns the exit status."""
    bounded()
    job = orjson.loads(sys.stdin.buffer.read())
    places = [Place(*one) for one in job["places"]]
    try:
        made = sheets_as_pdf(WORDS[Language(job["language"])], places, str(job["site"]), int(job["time"]))
    except (CannotPrint, MemoryError) as problem:
        return ended_by(problem)
    sys.stdout.buffer.write(made)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
