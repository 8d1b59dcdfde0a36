"""The annex of villages: a list of them, and a page each with a picture of every facility."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from api.reports.facility import JudgedFacility
from api.reports.levels import Level, subdistrict_of
from api.reports.numbers import NO_BREAK, NOTHING
from api.reports.pdf.blocks import Block, Strip, column, heading, long_table, text
from api.reports.pdf.context import Context
from api.reports.pdf.facts import Goal, goal, target_of
from api.reports.pdf.strip import draw
from api.reports.pdf.tables import left_of
from api.reports.report import Row
from api.words.formats import without_desa
from siaga.model.sites import Village

__all__ = ["annex_villages", "labels"]


def annex_villages(here: Context) -> Iterator[Block]:
    """Yields the annex."""
    say, report = here.say, here.report
    yield heading(1, say("pdf_appendix_villages"), page=True)
    yield heading(2, say("pdf_list_of_villages"))
    yield _list_of_villages(here) if report.villages else text(say("pdf_nothing_judged"))
    for subdistrict, villages in groupby(report.villages, key=lambda village: subdistrict_of(village.code)):
        first = True
        for village in villages:
            found = here.facts.by_village.get(village.code, ())
            if not found:
                continue
            if first:
                yield heading(2, here.region(subdistrict), page=True)
            yield heading(3, here.village(village.code), page=not first)
            first = False
            yield from _page_of(here, village, found)


def _list_of_villages(here: Context) -> Block:
    say, numbers = here.say, here.numbers
    rows_by_code: Mapping[str, Row] = {row.id: row for row in here.report.rows if row.level is Level.VILLAGE}
    columns = [
        column(say("pdf_head_village"), 2.6),
        column(say("pdf_head_facilities"), 0.9, "right"),
        column(say("pdf_head_low"), 1, "right"),
        column(say("pdf_head_high"), 1, "right"),
        column(say("pdf_head_failed"), 1.2, "right"),
        column(say("pdf_head_unknown"), 1.2, "right"),
        column(say("pdf_head_below"), 0.9, "right"),
    ]
    rows = []
    for village in here.report.villages:
        name = f"{village.name} ({village.code})"
        row = rows_by_code.get(village.code)
        if row is None:
            rows.append([name, "0", NOTHING, NOTHING, NOTHING, NOTHING, NOTHING])
            continue
        figures, time = row.figures, row.figures.availability
        missed = sum(goal(one.figures, target_of(one)) is Goal.MISSED for one in here.facts.by_village[village.code])
        rows.append(
            [
                name,
                numbers.count(figures.facilities),
                numbers.percent(figures.low),
                numbers.percent(figures.high),
                numbers.duration(time.failed),
                numbers.duration(time.unknown),
                numbers.count(missed),
            ]
        )
    return long_table(say("pdf_by_village"), columns, rows)


def _page_of(here: Context, village: Village, found: Sequence[JudgedFacility]) -> Iterator[Block]:
    say = here.say
    region = here.region(subdistrict_of(village.code))
    yield text(say("pdf_village_text", code=village.code, subdistrict=region, timezone=village.timezone))
    yield {
        "kind": "strips",
        "caption": say("pdf_village_strips", name=without_desa(village.name)),
        "items": [_strip(here, one) for one in found],
    }


def _line(here: Context, one: JudgedFacility, verdict: Goal) -> str:
    """What a facility came to, in one line: of a table, each cell would take ten kilobytes of memory."""
    numbers, figures = here.numbers, one.figures
    time = figures.availability
    return here.say(
        "pdf_strip_line",
        low=numbers.percent(figures.low),
        high=numbers.percent(figures.high),
        failed=numbers.duration(time.failed),
        unknown=numbers.duration(time.unknown),
        left=left_of(here, one) if time.counted else NOTHING,
        target=numbers.target(target_of(one)),
        verdict=here.say(f"pdf_goal_{verdict}"),
    )


def _since(here: Context, one: JudgedFacility) -> str:
    """Its name, and from when it is judged, where that is not all of the period."""
    zone = one.village.timezone
    if one.since <= here.report.period.window(zone)[0]:
        return one.facility.name
    return f"{one.facility.name} ({here.say('pdf_since', time=here.numbers.time(one.since, zone))})"


def _strip(here: Context, one: JudgedFacility) -> Strip:
    say, numbers, time = here.say, here.numbers, one.figures.availability
    days = here.days_of(one.village.timezone)
    window = (max(one.since, days[0][0]), min(days[-1][1], here.report.cut))
    verdict = goal(one.figures, target_of(one))
    name = f"{_since(here, one)} – {say.kind(one.facility.kind)}"
    return {
        "name": name,
        "line": _line(here, one, verdict),
        "strong": verdict is Goal.MISSED,
        "svg": draw(one.history.spans, days, window),
        "alt": _short(
            say(
                "pdf_strip_alt",
                name=name,
                dates=numbers.dates(here.report.period),
                met=numbers.duration(time.met),
                failed=numbers.duration(time.failed),
                unknown=numbers.duration(time.unknown),
                excused=numbers.duration(time.excused),
                required=numbers.duration(time.required),
            )
        ),
    }


def labels(here: Context) -> list[tuple[int, str]]:
    """The dates beside a picture, at most seven: of a month the days, of a longer period day and month."""
    dates = here.report.period.dates
    step = max(1, -(-len(dates) // 7))
    within = dates[0].month == dates[-1].month
    return [(at, f"{dates[at].day}" if within else f"{dates[at]:%d-%m}") for at in range(0, len(dates), step)]


def _short(text: str) -> str:
    """The text without our own characters beyond ASCII: one alone would double what it takes in the file."""
    return text.replace(NO_BREAK, " ").replace("–", "-").replace("−", "-")
