"""The whole examination: one look after the other, none of which stops the rest."""

import threading
from collections.abc import Callable, Iterator, Mapping
from queue import Empty, Queue

import structlog

from siaga.model.clock import Clock
from siaga.run.doctor import backups, broker, certificates, database, files, machine, service, store
from siaga.run.doctor.finding import Finding, unknown
from siaga.run.settings import Settings

__all__ = ["LOOKS", "LOOKS_OFTEN", "examine"]

log = structlog.get_logger(__name__)

Look = Callable[[Settings, Clock], Iterator[Finding]]

LOOKS: dict[str, Look] = {
    "service": service.look,
    "machine": machine.look,
    "files": files.look,
    "broker": broker.look,
    "certificates": certificates.look,
    "store": store.look,
    "database": database.look,
    "backup": backups.look,
}
"""By name, in the order in which they are told: what is looked at."""
LOOKS_OFTEN = LOOKS | {"database": database.look_often}
"""The same, without what reads much: for every quarter of an hour."""
WITHIN = 20.0
"""Seconds for one look. Each of its calls to a server has a shorter deadline of its own."""


def examine(
    settings: Settings,
    clock: Clock,
    tell: Callable[[str], None] = lambda _: None,
    looks: Mapping[str, Look] = LOOKS,
) -> list[Finding]:
    """Returns all findings. `tell`: called with the name of what is looked at next.

    The looks run side by side, so that one server that hangs does not hold up the others.
    """
    answers: dict[str, Queue[list[Finding]]] = {}
    for name, look in looks.items():
        answers[name] = Queue(1)
        work = threading.Thread(target=_run, args=(name, look, settings, clock, answers[name]), daemon=True)
        work.start()
    found: list[Finding] = []
    for name, answer in answers.items():
        tell(name)
        try:
            found += answer.get(timeout=WITHIN)
        except Empty:
            found.append(unknown(name, f"there was no answer within {WITHIN:g} s"))
    return found


def _run(name: str, look: Look, settings: Settings, clock: Clock, answer: Queue[list[Finding]]) -> None:
    found: list[Finding] = []
    try:
        found.extend(look(settings, clock))
    except Exception as problem:
        log.debug("doctor_look_failed", look=name, exc_info=True)
        found.append(unknown(name, f"{type(problem).__name__}: {problem}".splitlines()[0][:200]))
    answer.put(found)
