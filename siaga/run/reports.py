"""`siaga report`: writes a report from the database into a file."""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from api.queries.report import facility_days
from api.reports.answer import answer
from api.reports.forms import CannotSet, Form, Question
from api.reports.office import PLAIN, Office, load_office
from api.reports.period import BadPeriod, Period
from api.reports.wanted import asked_period, asked_scope
from api.words import WORDS, Explained, Language, Sentence, Words
from siaga.database import connect, migrate
from siaga.model.clock import SystemClock
from siaga.model.scope import EVERYTHING, Scopes
from siaga.run.settings import Settings

__all__ = ["Asked", "Written", "the_office", "write_report"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command line, as written. `start`, `end`: `--from` and `--to`."""

    period: str | None
    start: str | None
    end: str | None
    scope: str
    language: str | None
    output: Path


@dataclass(frozen=True, slots=True)
class Written:
    """The result. `size`: bytes. `notice`: a sentence where the scope has no facility."""

    size: int
    notice: str | None


def write_report(settings: Settings, asked: Asked) -> Written:
    """Make a report and write it, as a whole or not at all.

    Raises:
        ValueError: an option is not valid; a sentence that names the flag.
        OSError: the file cannot be written.
    """
    question = Question(_period(asked), _scopes(asked), _language(asked), _form(asked), SystemClock().now())
    office = the_office(settings)
    _check_place(asked)
    if settings.database_url is None and not (settings.data_dir / "siaga.db").is_file():
        raise _wrong(asked, "--data-dir", Sentence("asked_no_data", {"directory": str(settings.data_dir)}))
    engine = connect(settings.database)
    try:
        migrate(engine)
        with engine.connect() as connection:
            empty = not facility_days(connection, question.period, question.scopes)
            report = answer(connection, question, office)
    except CannotSet as problem:
        raise ValueError(problem.sentence.said(_words(asked))) from None
    finally:
        engine.dispose()
    _write(asked.output, report)
    if not empty:
        return Written(len(report), None)
    if asked.scope == EVERYTHING:
        return Written(len(report), str(_wrong(asked, "--data-dir", Sentence("asked_no_facility"))))
    return Written(len(report), str(_wrong(asked, "--scope", Sentence("asked_unknown_scope", {"value": asked.scope}))))


def the_office(settings: Settings) -> Office:
    """Returns the office's report form; a plain one if the settings name no file.

    Raises:
        ValueError: the file has mistakes, or cannot be read; a sentence for each.
    """
    office = PLAIN if settings.report_form is None else load_office(settings.report_form)
    link = settings.public_url if office.link is None else office.link
    return office.model_copy(update={"link": link, "answered_within": settings.complaints_answered_within})


def _period(asked: Asked) -> Period:
    if asked.period is None and asked.start is None and asked.end is None:
        raise _wrong(asked, "--period", Sentence("asked_nothing"))
    try:
        return asked_period(asked.period, asked.start, asked.end)
    except BadPeriod as problem:
        raise _wrong(asked, "--from, --to" if asked.period is None else "--period", problem.sentence) from None


def _scopes(asked: Asked) -> Scopes:
    try:
        return Scopes((asked_scope(asked.scope),))
    except Explained as problem:
        raise _wrong(asked, "--scope", problem.sentence) from None


def _language(asked: Asked) -> Language:
    if asked.language is None:
        return Language.ID
    if asked.language not in list(Language):
        raise _wrong(asked, "--language", Sentence("asked_language", {"value": repr(asked.language[:40])}))
    return Language(asked.language)


def _form(asked: Asked) -> Form:
    ending = asked.output.suffix.lower().removeprefix(".")
    if ending not in list(Form):
        raise _wrong(asked, "--output", Sentence("asked_no_form", {"file": str(asked.output)}))
    return Form(ending)


def _check_place(asked: Asked) -> None:
    """Check that the file can be written there, before the work is done.

    Raises:
        ValueError: it cannot.
    """
    file, directory = asked.output, asked.output.parent
    if not directory.is_dir():
        sentence = Sentence("asked_no_directory", {"file": str(file), "directory": str(directory)})
        raise _wrong(asked, "--output", sentence)
    if file.is_dir():
        raise _wrong(asked, "--output", Sentence("asked_directory", {"file": str(file)}))


def _wrong(asked: Asked, flag: str, sentence: Sentence) -> ValueError:
    """Returns what is wrong with a flag: in the language of the report where that is said, else in English."""
    return ValueError(f"{flag}: {sentence.said(_words(asked))}")


def _words(asked: Asked) -> Words:
    return WORDS[Language.ID if asked.language == Language.ID else Language.EN]


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
