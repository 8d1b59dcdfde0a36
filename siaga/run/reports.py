"""`siaga report`: writes a report from the database into a file."""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from api.queries.report import facility_days
from api.reports.answer import answer
from api.reports.forms import Form, Question
from api.reports.office import PLAIN, Office, load_office
from api.reports.period import BadPeriod, Period, parse_dates, parse_period
from api.words import Language
from siaga.database import connect, migrate
from siaga.model.clock import SystemClock
from siaga.model.scope import NotAScope, Scopes
from siaga.run.settings import Settings

__all__ = ["Asked", "Written", "the_office", "write_report"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command line, as written. `start`, `end`: `--from` and `--to`."""

    period: str | None
    start: str | None
    end: str | None
    scope: str
    language: str
    output: Path


@dataclass(frozen=True, slots=True)
class Written:
    """The result. `size`: bytes. `empty`: the scope has no facility."""

    size: int
    empty: bool


def write_report(settings: Settings, asked: Asked) -> Written:
    """Make a report and write it, as a whole or not at all.

    Raises:
        ValueError: an option is not valid; a sentence that names the flag.
        OSError: the file cannot be written.
    """
    question = Question(_period(asked), _scopes(asked), _language(asked), _form(asked.output), SystemClock().now())
    office = the_office(settings)
    _place(asked.output)
    settings.make_data_dir()
    engine = connect(settings.database)
    try:
        migrate(engine)
        with engine.connect() as connection:
            empty = not facility_days(connection, question.period, question.scopes)
            report = answer(connection, question, office)
    finally:
        engine.dispose()
    _write(asked.output, report)
    return Written(len(report), empty)


def the_office(settings: Settings) -> Office:
    """Returns the office's report form; a plain one if the settings name no file.

    Raises:
        ValueError: the file has mistakes, or cannot be read; a sentence for each.
    """
    office = PLAIN if settings.report_form is None else load_office(settings.report_form)
    return office if office.link is not None else office.model_copy(update={"link": settings.public_url})


def _period(asked: Asked) -> Period:
    try:
        if asked.period is not None:
            if asked.start is not None or asked.end is not None:
                raise ValueError("--period comes without --from and --to: leave one or the other out")
            return parse_period(asked.period)
        if asked.start is None or asked.end is None:
            raise ValueError("--period: say which, such as 2026-11, or both of --from and --to")
        return parse_dates(asked.start, asked.end)
    except BadPeriod as problem:
        raise ValueError(f"{'--from, --to' if asked.period is None else '--period'}: {problem}") from None


def _scopes(asked: Asked) -> Scopes:
    try:
        return Scopes.of([asked.scope])
    except NotAScope as problem:
        raise ValueError(f"--scope: {asked.scope[:40]!r} {problem}") from None


def _language(asked: Asked) -> Language:
    if asked.language not in list(Language):
        raise ValueError(f"--language: {asked.language!r} is not a language of reports: write id or en")
    return Language(asked.language)


def _form(output: Path) -> Form:
    ending = output.suffix.lower().removeprefix(".")
    if ending not in list(Form):
        raise ValueError(f"--output: {output} does not end in .pdf, .xlsx, .csv or .json, so which form is not said")
    return Form(ending)


def _place(output: Path) -> None:
    """Check that the file can be written there, before the work is done.

    Raises:
        ValueError: it cannot.
    """
    if not output.parent.is_dir():
        raise ValueError(f"--output: {output}: there is no directory {output.parent}")
    if output.is_dir():
        raise ValueError(f"--output: {output} is a directory")


def _write(output: Path, report: bytes) -> None:
    """Write a temporary file, then rename it, so that nobody reads an incomplete report."""
    handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(report)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)  # as for any new file; only the owner may read a temporary one
        Path(name).replace(output)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
