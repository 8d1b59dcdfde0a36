"""What a message about a report says: three figures, the worst three, and where it is seen whether it is genuine."""

from collections.abc import Iterator, Mapping

from api.issued.asked import read_period
from api.issued.summary import share_of
from api.notifications.messages import Attachment, Message, Tone
from api.queries.issued import KeptReport, Places
from api.reports.numbers import Numbers
from api.schedules.since_sent import SinceSent
from api.words import WORDS, Language, Words
from api.words import Language as ReportLanguage

__all__ = ["report_message"]


def report_message(
    report: KeptReport,
    summary: Mapping[str, object],
    places: Places,
    language: str,
    link: str | None,
    files: tuple[Attachment, ...] = (),
    since: SinceSent | None = None,
) -> Message:
    """Returns the message about an issued report, in a language of its reader.

    `link`: where the pages are. `since`: of a revision, what differs from the one that its reader has.
    """
    words, numbers = WORDS[Language(language)], Numbers(ReportLanguage(language))
    period = numbers.period(read_period(report.period))
    scope = ", ".join(places.names.get(one, one) for one in report.scopes)
    scope = words("report_everything") if "*" in report.scopes else scope
    if report.revision == 1:
        title = words("report_told", period=period, scope=scope)
    else:
        title = words("report_told_revised", revision=str(report.revision), period=period, scope=scope)
    body = list(_lines(since, summary, words, numbers))
    if link is not None:
        body.append(f"{link}/r/{report.id}")
    return Message(title, "\n".join(body), Tone.INFO, files)


def _lines(since: SinceSent | None, summary: Mapping[str, object], words: Words, numbers: Numbers) -> Iterator[str]:
    if since is not None:
        yield words("report_told_changes", count=numbers.count(since.count), before=str(since.revision))
    if not _number(summary.get("facilities")):
        yield words("report_told_nothing")
        return
    shares = {name: numbers.percent(share_of(summary.get(name))) for name in ("low", "measured", "unknown")}
    yield words("report_told_figures", **shares)
    counts = {name: numbers.count(_number(summary.get(name))) for name in ("below", "facilities")}
    yield words("report_told_below", **counts)
    worst = summary.get("worst")
    if not isinstance(worst, list) or not worst:
        return
    yield words("report_told_worst")
    for one in worst:
        yield words(
            "report_told_one",
            facility=str(one["facility"]),
            village=str(one["village"]),
            low=numbers.percent(share_of(one["low"])),
            failed=numbers.duration(_number(one["failed"])),
        )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
