"""What stands in the document, in the order of an official report: from a `Report` to blocks, all text ready."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import groupby, pairwise
from typing import TypedDict
from zoneinfo import ZoneInfo

from api.reports.facility import JudgedFacility, Outage
from api.reports.figures import Figures, Share
from api.reports.levels import Level, subdistrict_of
from api.reports.office import Office
from api.reports.pdf.blocks import (
    Block,
    Column,
    Signature,
    Strip,
    column,
    heading,
    listing,
    table,
    text,
)
from api.reports.pdf.facts import Facts, Goal, facts, goal, target_of
from api.reports.pdf.numbers import NO_BREAK, NOTHING, Numbers
from api.reports.pdf.strip import Look, draw, legend, scale
from api.reports.pdf.words import Sentences
from api.reports.report import Report, Row
from api.reports.words import METHOD
from siaga.model.indicators import INDICATORS
from siaga.model.intervals import Interval
from siaga.model.local_time import local_moment
from siaga.model.sites import Village
from siaga.timeline.availability import Availability

__all__ = ["MOST_OUTAGES", "Document", "Issue", "compose"]

MOST_OUTAGES = 300
"""Outages in the annex, the longest; what is left out is counted. A district's month has tens of thousands, and a
table's cell takes ten kilobytes of memory while it is set."""
_WORST = 10
_NAMED = 30
"""Villages that are named one by one where they have nothing to show."""
_VILLAGES_IN_CONTENTS = 40
_CAUSES = 10


@dataclass(frozen=True, slots=True)
class Issue:
    """What an issued report is called, and where its page is, `None` without a link of the office."""

    id: str
    revision: int
    link: str | None


class Document(TypedDict):
    """All that typst gets, beside pictures."""

    language: str
    title: str
    cover: dict[str, str | list[str]]
    words: dict[str, str]
    legend: str
    scale: str
    depth: int
    summary: list[Block]
    body: list[Block]


def compose(report: Report, office: Office, issue: Issue | None = None) -> Document:
    """Returns the document of a report."""
    return _Composer(report, office, issue).document()


class _Composer:
    """One document while it is put together."""

    def __init__(self, report: Report, office: Office, issue: Issue | None) -> None:
        self._report, self._office, self._issue = report, office, issue
        self._numbers = Numbers(report.language)
        self._say = Sentences(report.language)
        self._facts: Facts = facts(report)
        self._villages: Mapping[str, Village] = {village.code: village for village in report.villages}
        self._names = {one.name: one.facility.name for one in report.facilities}
        self._timezone = next(iter(report.timezones.values()), "Asia/Jakarta")
        self._days: dict[str, list[Interval]] = {}

    def document(self) -> Document:
        """Put it together."""
        report, say = self._report, self._say
        title = f"{say('cover_subject')} {self._numbers.period(report.period)}"
        return {
            "language": report.language.value,
            "title": title,
            "cover": self._cover(),
            "words": {key: say(key) for key in ("contents", "table", "figure", "logo_alt")}
            | {"page": say("page", page="{page}", pages="{pages}")},
            "legend": legend({look: say(f"look_{look}") for look in Look}),
            "scale": scale(len(report.period.dates), self._labels()),
            "depth": 3 if len(report.villages) <= _VILLAGES_IN_CONTENTS else 2,
            "summary": list(self._summary()),
            "body": [
                *self._introduction(),
                *self._activities(),
                *self._results(),
                *self._conclusion(),
                *self._closing(),
                *self._appendix_villages(),
                *self._appendix_outages(),
                *self._appendix_method(),
            ],
        }

    # Cover

    def _cover(self) -> dict[str, str | list[str]]:
        say, office, issue = self._say, self._office, self._issue
        marks = [say("draft") if issue is None else say("issued", revision=issue.revision)]
        if self._report.provisional:
            marks.append(say("provisional"))
        link = None if issue is None else issue.link or f"/r/{issue.id}"
        return {
            "letterhead": list(office.letterhead),
            "address": list(office.address),
            "title": say("cover_title"),
            "subject": say("cover_subject"),
            "period": self._numbers.period(self._report.period),
            "scope": self._scope(),
            "number": "" if office.number is None else say("number", number=office.number),
            "marks": marks,
            "check": "" if link is None else say("check", link=link),
            "check_alt": "" if link is None else say("check_alt", link=link),
            "foot": f"{office.place}, {self._made_on()}" if office.place else self._made_on(),
        }

    def _made_on(self) -> str:
        made = datetime.fromtimestamp(self._report.generated_at // 1000, UTC).astimezone(ZoneInfo(self._timezone))
        return self._numbers.date(made.date())

    def _scope(self) -> str:
        if self._report.scopes.everything:
            return self._say("everything")
        names = (self._village(code) if code in self._villages else self._region(code) for code in self._scopes())
        return ", ".join(names) or self._say("nothing")

    def _scopes(self) -> Sequence[str]:
        return self._report.scopes.texts

    def _region(self, code: str) -> str:
        name = self._report.regions.get(code)
        if name is not None:
            return f"{name} ({code})"
        return self._say("subdistrict" if code.count(".") == 2 else "region", code=code)

    def _village(self, code: str) -> str:
        village = self._villages.get(code)
        return code if village is None else f"{self._say('village', name=village.name)} ({code})"

    # Summary: one page

    def _summary(self) -> Iterator[Block]:
        say, found = self._say, self._facts
        yield heading(1, say("summary"), page=True)
        yield text(f"{self._scope()}, {self._numbers.period(self._report.period)}")
        if not self._report.facilities:
            yield text(say("nothing_judged"))
            return
        yield {"kind": "figures", "items": self._three(found.everything)}
        yield listing([*self._known_of(found.everything)])
        yield self._by_indicator()
        if not found.longest:
            yield text(say("no_outages"))
        else:
            yield self._outages_table(say("longest_three"), found.longest[:3], acknowledged=False)

    def _three(self, figures: Figures) -> list[dict[str, str]]:
        say, numbers, time = self._say, self._numbers, figures.availability
        unknown = Share(time.unknown, time.required)
        met, required = numbers.duration(time.met), numbers.duration(time.required)
        return [
            {
                "name": say("low"),
                "value": numbers.percent(figures.low),
                "note": say("low_note", met=met, counted=numbers.duration(time.counted)),
            },
            {
                "name": say("measured"),
                "value": numbers.percent(figures.measured),
                "note": say("measured_note", met=met, required=required),
            },
            {
                "name": say("not_known"),
                "value": numbers.percent(unknown),
                "note": say("not_known_note", unknown=numbers.duration(time.unknown), required=required),
            },
        ]

    def _known_of(self, figures: Figures) -> Iterator[str]:
        say, numbers, goals, time = self._say, self._numbers, self._facts.goals, figures.availability
        yield say("high_note", high=numbers.percent(figures.high))
        yield say("excuses", excused=numbers.duration(time.excused), later=numbers.duration(time.excused_later))
        yield say(
            "goals",
            count=numbers.count(figures.facilities),
            achieved=numbers.count(goals[Goal.ACHIEVED]),
            missed=numbers.count(goals[Goal.MISSED]),
            open=numbers.count(goals[Goal.OPEN] + goals[Goal.NONE]),
        )

    def _by_indicator(self) -> Block:
        """The shares of each indicator, and of all together."""
        say = self._say
        columns = [column(say("head_no")), column(say("head_indicator"), 2.3), *self._share_columns()]
        rows = [
            [
                str(INDICATORS[one.kind].number),
                say.words.kind(one.kind),
                *self._shares(one.figures, one.target),
            ]
            for one in self._facts.kinds
        ]
        rows.append(["", say("total"), *self._shares(self._facts.everything, None)])
        return table(say("by_indicator"), columns, rows, [len(rows) - 1])

    def _share_columns(self) -> list[Column]:
        say = self._say
        keys = ("head_facilities", "head_target", "head_low", "head_high", "head_measured", "head_coverage")
        return [*(column(say(key), 1, "right") for key in keys), column(say("head_verdict"), 1)]

    def _shares(self, figures: Figures, target: Fraction | None) -> list[str]:
        numbers = self._numbers
        shares = (figures.low, figures.high, figures.measured, figures.coverage)
        verdict = self._say(f"verdict_{goal(figures, target)}")
        return [numbers.count(figures.facilities), numbers.target(target), *map(numbers.percent, shares), verdict]

    def _times(self) -> Block:
        """The times of each indicator, and of all together."""
        say = self._say
        keys = ("head_required", "head_met", "head_failed", "head_unknown", "head_excused", "head_later")
        columns = [column(say("head_indicator"), 1.5), *(column(say(key), 1, "right") for key in keys)]
        every = [(say.words.kind(one.kind), one.figures.availability) for one in self._facts.kinds]
        rows = [
            [name, *map(self._numbers.duration, _times_of(time))]
            for name, time in (*every, (say("total"), self._facts.everything.availability))
        ]
        return table(say("times"), columns, rows, [len(rows) - 1])

    # A. Introduction

    def _introduction(self) -> Iterator[Block]:
        say, report, numbers = self._say, self._report, self._numbers
        yield heading(1, say("introduction"), page=True)
        yield heading(2, say("basis"))
        basis = self._office.basis
        yield listing(basis, numbered=True) if basis else text(say("basis_none"))
        yield heading(2, say("purpose"))
        yield text(say("purpose_text"))
        yield heading(2, say("coverage_of_report"))
        yield text(
            say(
                "scope_text",
                period=numbers.period(report.period),
                dates=numbers.dates(report.period),
                scope=self._scope(),
                villages=numbers.count(len(report.villages)),
                facilities=numbers.count(len(report.facilities)),
            )
        )
        without = self._facts.not_judged
        if without:
            names = [f"{village.name} ({village.code})" for village in without[:_NAMED]]
            if len(without) > _NAMED:
                names.append(say("and_more", count=numbers.count(len(without) - _NAMED)))
            yield text(say("not_judged_text", count=numbers.count(len(without)), names=", ".join(names)))
        yield heading(2, say("method_short"))
        yield listing(METHOD[report.language][:6])
        yield text(f"{say('cut_text')} {say('method_more')}")

    # B. Activities

    def _activities(self) -> Iterator[Block]:
        say, numbers = self._say, self._numbers
        figures = self._facts.everything
        time, days = figures.availability, figures.days
        yield heading(1, say("activities"))
        if not self._report.facilities:
            yield text(say("nothing_judged"))
            return
        yield text(
            say(
                "activities_text",
                required=numbers.duration(time.required),
                known=numbers.duration(time.met + time.failed),
                coverage=numbers.percent(figures.coverage),
            )
        )
        counts = {
            name: numbers.count(count)
            for name, count in (
                ("met", days.met),
                ("missed", days.missed),
                ("unjudged", days.unjudged),
                ("not_required", days.not_required),
                ("provisional", days.provisional),
            )
        }
        yield text(say("days_text", **counts))

    # C. Results

    def _results(self) -> Iterator[Block]:
        say = self._say
        yield heading(1, say("results"))
        if not self._report.facilities:
            yield text(say("nothing_judged"))
            return
        yield heading(2, say("results_indicator"))
        yield self._by_indicator()
        yield self._times()
        yield heading(2, say("results_region"))
        yield self._by_region()
        yield heading(2, say("results_change"))
        yield self._change()
        yield heading(2, say("results_below"))
        yield from self._below()
        yield heading(2, say("results_outages"))
        longest = self._facts.longest[:_WORST]
        yield self._outages_table(say("longest"), longest) if longest else text(say("no_outages"))
        yield heading(2, say("results_causes"))
        yield self._causes()

    def _by_region(self) -> Block:
        say = self._say
        rows = [row for row in self._report.rows if row.level is Level.SUBDISTRICT]
        if len(rows) < 2:
            return text(say("no_regions"))
        columns = [column(say("head_region"), 2.3), *self._share_columns()[:-1]]
        cells = [[self._region(row.id), *self._shares(row.figures, None)[:-1]] for row in rows]
        return table(say("by_region"), columns, cells)

    def _change(self) -> Block:
        say, numbers, period = self._say, self._numbers, self._report.period
        rows = [(say.words.kind(one.kind), one.figures.low, one.before, one.a_year_ago) for one in self._facts.kinds]
        earlier = [(period.before, [row[2] for row in rows]), (period.a_year_ago, [row[3] for row in rows])]
        shown = [
            (which, found) for which, found in earlier if which is not None and any(one is not None for one in found)
        ]
        if not shown:
            return text(say("no_change"))
        columns = [column(say("head_indicator"), 2.4), column(numbers.period(period), 1, "right")]
        for which, _ in shown:
            columns += [column(numbers.period(which), 1, "right"), column(say("head_change"), 1, "right")]
        cells = []
        for place, (name, low, *_) in enumerate(rows):
            line = [name, numbers.percent(low)]
            for _, found in shown:
                before = _low(found[place])
                line += [numbers.percent(before), numbers.change(before, low)]
            cells.append(line)
        return table(say("change"), columns, cells)

    def _below(self) -> Iterator[Block]:
        say, numbers, below = self._say, self._numbers, self._facts.below
        if not below:
            yield text(say("below_none"))
            return
        yield text(say("below_text", count=numbers.count(len(below))))
        if len(below) > _WORST:
            rest = numbers.count(len(below) - _WORST)
            yield text(say("below_shown", shown=numbers.count(_WORST), rest=rest))
        columns = [
            column(say("head_facility"), 2),
            column(say("head_village"), 2),
            column(say("head_target"), 1, "right"),
            column(say("head_low"), 1, "right"),
            column(say("head_high"), 1, "right"),
            column(say("head_failed"), 1.2, "right"),
            column(say("head_left"), 1.2, "right"),
        ]
        rows = [
            [
                one.facility.name,
                f"{one.village.name} ({one.village.code})",
                numbers.target(target_of(one)),
                numbers.percent(one.figures.low),
                numbers.percent(one.figures.high),
                numbers.duration(one.figures.availability.failed),
                self._left(one),
            ]
            for one in below[:_WORST]
        ]
        yield table(say("below"), columns, rows)

    def _left(self, one: JudgedFacility) -> str:
        return self._numbers.duration(one.figures.budget(target_of(one)).left * 1000)

    def _causes(self) -> Block:
        say, numbers = self._say, self._numbers
        figures = self._facts.everything
        found = self._by_cause(figures)
        if not found:
            return text(say("causes_none"))
        columns = [
            column(say("head_state"), 1),
            column(say("head_cause"), 2.5),
            column(say("head_duration"), 1, "right"),
            column("%", 1, "right"),
        ]
        rows = [
            [
                say(f"head_{state}"),
                say.cause(state, cause) or NOTHING,
                numbers.duration(time),
                numbers.percent(Share(time, figures.availability.required)),
            ]
            for state, cause, time in found[: 2 * _CAUSES]
        ]
        return table(say("causes"), columns, rows)

    @staticmethod
    def _by_cause(figures: Figures) -> list[tuple[str, str, int]]:
        return [
            (state, cause, time)
            for state, causes in (("failed", figures.failed_by), ("unknown", figures.unknown_by))
            for cause, time in sorted(causes.items(), key=lambda item: (-item[1], item[0]))
        ]

    def _outages_table(self, caption: str, outages: Sequence[Outage], *, acknowledged: bool = True) -> Block:
        say = self._say
        columns = [
            column(say("head_facility"), 2.6),
            column(say("head_start"), 1.3),
            column(say("head_end"), 1.3),
            column(say("head_duration"), 1, "right"),
            column(say("head_cause"), 1.7),
        ]
        if acknowledged:
            columns.append(column(say("head_acknowledged"), 1.5))
        return table(caption, columns, [self._outage(outage, acknowledged) for outage in outages])

    def _outage(self, outage: Outage, acknowledged: bool) -> list[str]:
        code = outage.facility.partition("/")[0]
        village, timezone = self._villages[code], self._report.timezones[code]
        numbers, alert = self._numbers, outage.alert
        cells = [
            f"{self._names[outage.facility]}, {village.name} ({code})",
            numbers.time(outage.start, timezone),
            self._say("goes_on") if outage.end is None else numbers.time(outage.end, timezone),
            numbers.duration(outage.lasts),
            self._say.cause("failed", outage.cause) or NOTHING,
        ]
        if not acknowledged:
            return cells
        if alert is None or alert.acknowledged_at is None:
            return [*cells, NOTHING]
        who = alert.acknowledged_by or NOTHING
        return [*cells, self._say("acknowledged", name=who, time=numbers.time(alert.acknowledged_at, timezone))]

    # D. Conclusions and advice, E. Closing

    def _conclusion(self) -> Iterator[Block]:
        say, numbers, figures = self._say, self._numbers, self._facts.everything
        yield heading(1, say("conclusion"))
        if not self._report.facilities:
            yield text(say("nothing_judged"))
            return
        yield heading(2, say("conclusions"))
        yield text(say("conclusion_text", low=numbers.percent(figures.low), high=numbers.percent(figures.high)))
        yield listing(
            [
                say(
                    "conclusion_goal",
                    name=say.words.kind(one.kind),
                    low=numbers.percent(one.figures.low),
                    target=numbers.target(one.target),
                    verdict=say(f"goal_{goal(one.figures, one.target)}"),
                )
                for one in self._facts.kinds
            ]
        )
        yield heading(2, say("advice"))
        yield listing(list(self._advice(figures)) or [say("advice_none")], numbered=True)

    def _advice(self, figures: Figures) -> Iterator[str]:
        say, numbers = self._say, self._numbers
        if self._facts.below:
            yield say("advice_below", count=numbers.count(len(self._facts.below)))
        causes = self._by_cause(figures)
        for state, key in (("failed", "advice_cause"), ("unknown", "advice_unknown")):
            first = next((one for one in causes if one[0] == state), None)
            if first is not None:
                yield say(key, cause=say.cause(state, first[1]) or first[1], duration=numbers.duration(first[2]))

    def _closing(self) -> Iterator[Block]:
        yield heading(1, self._say("closing"))
        yield self._signature(self._say("closing_text", time=self._numbers.utc(self._report.generated_at)))

    def _signature(self, sentence: str) -> Signature:
        office, signer = self._office, self._office.signer
        date = f"{office.place}, {self._made_on()}" if office.place else self._made_on()
        if signer is None:
            return {"kind": "signature", "text": sentence, "lines": [date], "name": "", "below": []}
        below = [part for part in (signer.rank, signer.nip and f"NIP {signer.nip}") if part]
        return {
            "kind": "signature",
            "text": sentence,
            "lines": [date, f"{signer.office},"],
            "name": signer.name,
            "below": below,
        }

    # Annexes

    def _appendix_villages(self) -> Iterator[Block]:
        say, report = self._say, self._report
        yield heading(1, say("appendix_villages"), page=True)
        yield heading(2, say("list_of_villages"))
        yield self._list_of_villages() if report.villages else text(say("nothing_judged"))
        for subdistrict, villages in groupby(report.villages, key=lambda village: subdistrict_of(village.code)):
            first = True
            for village in villages:
                found = self._facts.by_village.get(village.code, ())
                if not found:
                    continue
                if first:
                    yield heading(2, self._region(subdistrict), page=True)
                yield heading(3, self._village(village.code), page=not first)
                first = False
                yield from self._page_of(village, found)

    def _list_of_villages(self) -> Block:
        say, numbers = self._say, self._numbers
        rows_by_code: Mapping[str, Row] = {row.id: row for row in self._report.rows if row.level is Level.VILLAGE}
        columns = [
            column(say("head_village"), 2.6),
            column(say("head_facilities"), 0.9, "right"),
            column(say("head_low"), 1, "right"),
            column(say("head_high"), 1, "right"),
            column(say("head_failed"), 1.2, "right"),
            column(say("head_unknown"), 1.2, "right"),
            column(say("head_below"), 0.9, "right"),
        ]
        rows = []
        for village in self._report.villages:
            name = f"{village.name} ({village.code})"
            row = rows_by_code.get(village.code)
            if row is None:
                rows.append([name, "0", NOTHING, NOTHING, NOTHING, NOTHING, NOTHING])
                continue
            figures, time = row.figures, row.figures.availability
            missed = sum(
                goal(one.figures, target_of(one)) is Goal.MISSED for one in self._facts.by_village[village.code]
            )
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
        return table(say("by_village"), columns, rows)

    def _page_of(self, village: Village, found: Sequence[JudgedFacility]) -> Iterator[Block]:
        say = self._say
        region = self._region(subdistrict_of(village.code))
        yield text(say("village_text", code=village.code, subdistrict=region, timezone=village.timezone))
        yield {
            "kind": "strips",
            "caption": say("village_strips", name=village.name),
            "items": [self._strip(one) for one in found],
        }

    def _line(self, one: JudgedFacility, verdict: Goal) -> str:
        """What a facility came to, in one line: of a table, each cell would take ten kilobytes of memory."""
        numbers, figures = self._numbers, one.figures
        time = figures.availability
        return self._say(
            "strip_line",
            low=numbers.percent(figures.low),
            high=numbers.percent(figures.high),
            failed=numbers.duration(time.failed),
            unknown=numbers.duration(time.unknown),
            left=self._left(one) if time.counted else NOTHING,
            target=numbers.target(target_of(one)),
            verdict=self._say(f"goal_{verdict}"),
        )

    def _since(self, one: JudgedFacility) -> str:
        """Its name, and from when it is judged, where that is not all of the period."""
        zone = one.village.timezone
        if one.since <= self._report.period.window(zone)[0]:
            return one.facility.name
        return f"{one.facility.name} ({self._say('since', time=self._numbers.time(one.since, zone))})"

    def _strip(self, one: JudgedFacility) -> Strip:
        say, numbers, time = self._say, self._numbers, one.figures.availability
        days = self._days_of(one.village.timezone)
        window = (max(one.since, days[0][0]), min(days[-1][1], self._report.generated_at))
        verdict = goal(one.figures, target_of(one))
        name = f"{self._since(one)} – {say.words.kind(one.facility.kind)}"
        return {
            "name": name,
            "line": self._line(one, verdict),
            "strong": verdict is Goal.MISSED,
            "svg": draw(one.history.spans, days, window),
            "alt": _short(
                say(
                    "strip_alt",
                    name=name,
                    dates=numbers.dates(self._report.period),
                    met=numbers.duration(time.met),
                    failed=numbers.duration(time.failed),
                    unknown=numbers.duration(time.unknown),
                    excused=numbers.duration(time.excused),
                    required=numbers.duration(time.required),
                )
            ),
        }

    def _labels(self) -> list[tuple[int, str]]:
        """The dates beside a picture, at most seven: of a month the days, of a longer period day and month."""
        dates = self._report.period.dates
        step = max(1, -(-len(dates) // 7))
        within = dates[0].month == dates[-1].month
        return [(at, f"{dates[at].day}" if within else f"{dates[at]:%d-%m}") for at in range(0, len(dates), step)]

    def _days_of(self, timezone: str) -> list[Interval]:
        if timezone not in self._days:
            period = self._report.period
            bounds = [local_moment(date, 0, timezone) for date in (*period.dates, period.end)]
            self._days[timezone] = list(pairwise(bounds))
        return self._days[timezone]

    def _appendix_outages(self) -> Iterator[Block]:
        say, numbers = self._say, self._numbers
        every = self._report.outages
        yield heading(1, say("appendix_outages"), page=True)
        if not every:
            yield text(say("no_outages"))
            return
        shown = sorted(self._facts.longest[:MOST_OUTAGES], key=lambda one: (one.start, one.facility))
        counts = {
            "shown": numbers.count(len(shown)),
            "all": numbers.count(len(every)),
            "left": numbers.count(len(every) - len(shown)),
        }
        yield text(say("outages_all" if len(shown) == len(every) else "outages_text", **counts))
        yield self._outages_table(say.words.heading("outages"), shown)

    def _appendix_method(self) -> Iterator[Block]:
        yield heading(1, self._say("appendix_method"), page=True)
        yield listing([*METHOD[self._report.language], self._say("cut_text")], numbered=True)


def _times_of(time: Availability) -> tuple[int, ...]:
    return time.required, time.met, time.failed, time.unknown, time.excused, time.excused_later


def _short(text: str) -> str:
    """The text without our own characters beyond ASCII: one alone would double what it takes in the file."""
    return text.replace(NO_BREAK, " ").replace("–", "-").replace("−", "-")


def _low(found: Availability | None) -> Share:
    return Share(0, 0) if found is None else Share(found.met, found.counted)
