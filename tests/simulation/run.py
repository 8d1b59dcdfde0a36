"""One seed, one run: `simulate(Options.of(seed))`; from the command line `python -m tests.simulation --seeds 1-200`."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import structlog
from structlog.typing import EventDict

from siaga.model.clock import DAY, MINUTE, SECOND
from tests.simulation.answers import Answers
from tests.simulation.checks import Checks
from tests.simulation.faults import Faults
from tests.simulation.happenings import Happenings
from tests.simulation.healed import Healed
from tests.simulation.kernel import Kernel
from tests.simulation.options import LEADER_CHANGES, Options
from tests.simulation.system import System

__all__ = ["Outcome", "simulate"]

RECOVERS = 6 * MINUTE
"""How long all is well before anything is compared: longer than grace, recovery and every wait for late data."""
PATIENCE = 15 * MINUTE
"""How long after that everything must have come to rest."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed: `failures` in sentences, none if all was well; the digest of its trace."""

    options: Options
    failures: list[str]
    digest: str
    village_days: float
    counted: dict[str, int]
    lines: list[str]

    @property
    def report(self) -> str:
        """What to tell of a seed that failed."""
        seed = self.options.seed
        kind, again = ("days, seed", "DAY") if self.options.days else ("seed", "SEED")
        leaders = " LEADERS=1" if LEADER_CHANGES in self.options.faults else ""
        sentences = "\n".join(f"  {sentence}" for sentence in self.failures)
        replay = f"make simulate {again}={seed} TRACE=1{leaders}"
        return f"{kind} {seed} fails:\n{sentences}\n  with\n{self.options}\n  replay: {replay}"


def simulate(options: Options, show: Callable[[str], None] | None = None) -> Outcome:
    """Run a seed to its end; `show` is given each line of the trace."""
    kernel = Kernel(options.seed, options.begin, show)
    with (
        tempfile.TemporaryDirectory() as directory,
        _logs_into(kernel) as wrong,
        patch("api.engine.engine.REGISTRY_POLL", options.looks),
        patch("api.engine.state_rows.SAVE_EVERY", options.looks),
        patch("api.engine.engine.DATABASE_AGAIN", max(SECOND, options.looks // 30)),
        patch("api.engine.engine.SNOOZE_POLL", max(10 * SECOND, options.looks // 2)),
        patch("gateway.outbox.DISK_AGAIN", max(SECOND, options.looks // 60)),
        patch("gateway.sender.LATEST_AGAIN", max(2 * MINUTE, options.looks)),
        patch("gateway.service.LOOK_AGAIN", options.looks // 2),
    ):
        system = System(options, kernel, Path(directory))
        checks = Checks(system)
        answers = Answers(checks)
        try:
            system.start()
            if options.days:
                answers.watch()
            faults = Faults(system)
            Happenings(system, faults).begin()
            faults.happen()
            system.heal()
            kernel.run(kernel.time + max(RECOVERS, options.looks + 3 * MINUTE))
            _come_to_rest(system, checks, answers)
        finally:
            system.close()
        failures = [*checks.failures, *wrong]
    return Outcome(
        options,
        failures,
        kernel.digest,
        sum(kernel.time - place.since for place in system.places) / DAY,
        kernel.counted | {"readings": len(system.records.sent), "alerts": checks.raised},
        list(kernel.lines),
    )


def _come_to_rest(system: System, checks: Checks, answers: Answers) -> None:
    """Let no device say anything more and time run until nothing is under way, and look at everything then."""
    kernel = system.kernel
    system.hush()
    kernel.run(kernel.time + 21 * SECOND)  # what devices said last reaches their brokers, however late
    end = kernel.time + max(PATIENCE, 2 * system.options.looks)
    promised = missing = checks.promised()
    while kernel.time < end and not (system.quiet() and checks.caught_up() and not missing):
        kernel.run(kernel.time + SECOND // 4)
        missing = checks.missing(missing)
    if not system.quiet():
        checks.fail(f"it does not come to rest: {system.restless()}")
    system.engine.look_now()
    answers.look()
    Healed(checks, answers).look(promised)


@contextmanager
def _logs_into(kernel: Kernel) -> Iterator[list[str]]:
    """Logs go into the trace; one that tells of a mistake of ours is a failure."""
    wrong: list[str] = []

    def take(logger: object, method: str, event: EventDict) -> EventDict:
        kernel.note("log", str(event.get("event")))
        if method in ("error", "exception", "critical"):
            wrong.append(f"a mistake of ours was caught: {event.get('event')} {event.get('exc_info')}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[take], cache_logger_on_first_use=False)
    try:
        yield wrong
    finally:
        structlog.configure(**before)
