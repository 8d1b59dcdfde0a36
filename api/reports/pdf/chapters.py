"""The chapters in words: A. Introduction, B. Activities, D. Conclusions and advice, E. Closing."""

from collections.abc import Iterator

from api.reports.figures import Figures
from api.reports.method import method
from api.reports.pdf.blocks import Block, Signature, heading, listing, text
from api.reports.pdf.causes import by_cause
from api.reports.pdf.context import Context
from api.reports.pdf.facts import KindTotal, goal

__all__ = ["ADVISED", "activities", "closing", "conclusion", "introduction"]

ADVISED = ("failed", "unknown")
"""States whose largest cause the advice names."""
_NAMED = 30
"""Villages that are named one by one where they have nothing to show."""


def introduction(here: Context) -> Iterator[Block]:
    """Yields chapter A."""
    say, report, numbers = here.say, here.report, here.numbers
    yield heading(1, say("pdf_introduction"), page=True)
    yield heading(2, say("pdf_basis"))
    basis = here.office.basis
    yield listing(basis, numbered=True) if basis else text(say("pdf_basis_none"))
    yield heading(2, say("pdf_purpose"))
    yield text(say("pdf_purpose_text"))
    yield heading(2, say("pdf_coverage_of_report"))
    yield text(
        say(
            "pdf_scope_text",
            period=numbers.whole_period(report.period),
            scope=here.scope(),
            villages=numbers.count(len(report.villages)),
            facilities=numbers.count(len(report.facilities)),
        )
    )
    without = here.facts.not_judged
    if without:
        names = [f"{village.name} ({village.code})" for village in without[:_NAMED]]
        if len(without) > _NAMED:
            names.append(say("pdf_and_more", count=numbers.count(len(without) - _NAMED)))
        yield text(say("pdf_not_judged_text", count=numbers.count(len(without)), names=", ".join(names)))
    yield heading(2, say("pdf_method_short"))
    yield listing(method(say)[:6])
    yield text(f"{say('pdf_cut_text')} {say('pdf_method_more')}")


def activities(here: Context) -> Iterator[Block]:
    """Yields chapter B."""
    say, numbers = here.say, here.numbers
    figures = here.facts.everything
    time, days = figures.availability, figures.days
    yield heading(1, say("pdf_activities"))
    if not here.report.facilities:
        yield text(say("pdf_nothing_judged"))
        return
    yield text(
        say(
            "pdf_activities_text",
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
    yield text(say("pdf_days_text", **counts))


def conclusion(here: Context) -> Iterator[Block]:
    """Yields chapter D."""
    say, numbers, figures = here.say, here.numbers, here.facts.everything
    yield heading(1, say("pdf_conclusion"))
    if not here.report.facilities:
        yield text(say("pdf_nothing_judged"))
        return
    yield heading(2, say("pdf_conclusions"))
    yield text(say("pdf_conclusion_text", low=numbers.percent(figures.low), high=numbers.percent(figures.high)))
    yield listing([_goal(here, one) for one in here.facts.kinds])
    yield heading(2, say("pdf_advice"))
    yield listing(list(_advice(here, figures)) or [say("pdf_advice_none")], numbered=True)


def _goal(here: Context, one: KindTotal) -> str:
    """Whether an indicator reached its target; where its facilities have different ones, that they do."""
    say, numbers = here.say, here.numbers
    name, low = say.kind(one.kind), numbers.percent(one.figures.low)
    if one.target is None:
        return say("pdf_conclusion_targets", name=name, low=low)
    verdict = say(f"pdf_goal_{goal(one.figures, one.target)}")
    return say("pdf_conclusion_goal", name=name, low=low, target=numbers.target(one.target), verdict=verdict)


def _advice(here: Context, figures: Figures) -> Iterator[str]:
    say, numbers = here.say, here.numbers
    if here.facts.below:
        yield say("pdf_advice_below", count=numbers.count(len(here.facts.below)))
    causes = by_cause(figures)
    for state in ADVISED:
        first = next((one for one in causes if one[0] == state), None)
        if first is not None:
            cause = say.cause(state, first[1]) or first[1]
            yield say(f"pdf_advice_{state}", cause=cause, duration=numbers.duration(first[2]))


def closing(here: Context) -> Iterator[Block]:
    """Yields chapter E, with where it is signed."""
    yield heading(1, here.say("pdf_closing"))
    yield _signature(
        here, here.say("pdf_closing_text", time=here.numbers.exact(here.report.generated_at, here.timezone))
    )


def _signature(here: Context, sentence: str) -> Signature:
    office, signer = here.office, here.office.signer
    date = f"{office.place}, {here.made_on()}" if office.place else here.made_on()
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
