"""This process's part in leading: for each partition of the villages it stands by, or runs the alert engine.

Each partition has a thread. It takes the partition's lease when nobody holds it, renews it while the engine works, and
stops the engine when somebody else has taken it.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from api.engine import AlertService
from siaga.database.leases import Free, Held, Lease, LeaseLost, Leases, OtherLayout

__all__ = ["KEEPALIVE", "Leading"]

log = structlog.get_logger(__name__)

RENEW_EVERY = 2.0
"""Seconds between two renewals: three may fail before the lease is over."""
TRY_EVERY = 1.0
"""Seconds after which a member that stands by looks again."""
WAIT_PER_LED = 1.2
"""Seconds that a member waits before it takes a free partition, for each that it leads already. Members that lead fewer
look every second, so they take it first."""
WAITS_FOR_MOST = 2
"""The most partitions that count for this wait, so that it stays short."""
KEEPALIVE = 3
"""Seconds between two pings to the broker: a connection over which nothing comes any more is given up after two."""
DEAF_AFTER = 2.0
"""Seconds after which a leader without the broker says so. Then a member that has the broker may take its lease."""
HEARS_FOR = 15.0
"""Seconds that a member must have been connected to the broker before it replaces a leader that is not. After an outage
of the broker itself, the leader is about to be connected again, too."""
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0
"""A member whose engine ended without the broker replaces no other such leader for so many seconds, twice as many each
time. Otherwise two members that the broker denies a subscription would take the lease from each other for ever."""
GIVEN_UP_FOR = 10.0
"""Seconds for which a member whose engine hung does not try to lead again."""


class Leading:
    """A part of the system with the alert engines of the partitions that it leads.

    Args:
        leases: the leases, in this process's name.
        begin: makes the service of a partition's engine, not started yet.
        carry_over: keeps what engines left when the number of partitions changes.
        hears: whether this process has a connection to the broker.
    """

    def __init__(
        self,
        leases: Leases,
        begin: Callable[[Lease], AlertService],
        carry_over: Callable[[Connection, int], None],
        hears: Callable[[], bool],
    ) -> None:
        self._posts = [_Post(self, number) for number in range(leases.partitions)]
        self.leases, self.begin, self.carry_over, self.hears = leases, begin, carry_over, hears
        self.taking = threading.Lock()
        """Held while a partition is looked at and taken, so that each knows how many the others lead."""

    def start(self) -> None:
        """Begin. Returns at once."""
        for post in self._posts:
            post.start()

    def stop(self) -> None:
        """Stop the engines, and let others lead at once."""
        for post in self._posts:
            post.end()
        for post in self._posts:
            post.join()

    def leads(self) -> Sequence[int]:
        """Returns the partitions that this process leads now."""
        return [post.number for post in self._posts if post.leads]

    def led(self) -> Mapping[int, AlertService]:
        """Returns the running engines by partition."""
        found = ((post.number, post.service) for post in self._posts)
        return {number: service for number, service in found if service is not None}

    def problem(self) -> str | None:
        """Returns why a partition is neither led nor stood by for, in one sentence; `None` if all are."""
        return next((problem for post in self._posts if (problem := post.problem()) is not None), None)

    def unread(self) -> str | None:
        """Returns why the telemetry store does not answer the engines that run here; `None` if it does."""
        return next((past.problem for each in self.led().values() if (past := each.past()).problem is not None), None)


class _Post:
    """One partition, as this process sees it."""

    def __init__(self, whole: Leading, number: int) -> None:
        self._whole, self.number = whole, number
        self.service: AlertService | None = None
        self._confirmed = 0.0
        self._problem: str | None = "the alert engine is not running"
        self._may_take_own = True
        self._free_since: float | None = None
        self._hears_since: float | None = None
        self._deaf_since: float | None = None
        self._pause, self._pause_until = FIRST_PAUSE, 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lease of partition {number}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ending.set()

    def join(self) -> None:
        if self._thread.is_alive():
            self._thread.join()

    @property
    def leads(self) -> bool:
        """Whether its lease surely holds: by this machine's clock since the last renewal was asked for.

        That of a leader that lost the broker may be taken at any moment.
        """
        return self.service is not None and _now() - self._confirmed < self._whole.leases.ttl / 1000

    def problem(self) -> str | None:
        service = self.service
        return self._problem if service is None else service.problem()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                lease = self._try()
                if lease is None:
                    self._ending.wait(TRY_EVERY)
                else:
                    self._lead(lease)
            except DBAPIError as error:
                self._tell(f"the database does not answer ({type(error).__name__}): check SIAGA_DATABASE_URL")
                self._ending.wait(TRY_EVERY)
            except Exception as error:  # whatever fails, the partition is not left alone for ever
                log.exception("leading_failed", partition=self.number)
                self._tell(f"partition {self.number} cannot be led: {type(error).__name__}: {error}")
                self._ending.wait(TRY_EVERY)

    def _tell(self, problem: str | None) -> None:
        self._problem = problem

    def _try(self) -> Lease | None:
        """Take the lease, if nobody holds it. Returns it; `None`: somebody else leads, or is to."""
        leases = self._whole.leases
        self._note_hearing()
        with self._whole.taking:
            found = leases.look(self.number)
            match found:
                case OtherLayout(partitions=partitions, is_led=True):
                    self._tell(
                        f"SIAGA_PARTITIONS is {leases.partitions} here, and {partitions} where villages are watched "
                        "now: set it to the same number everywhere; this process waits until the others have ended"
                    )
                    return None
                case OtherLayout():
                    leases.deal_anew(self._whole.carry_over)
                    return None
                case Held() if not self._takes(found):
                    self._may_take_own, self._free_since = False, None
                    self._tell(None)  # it stands by
                    return None
                case Free() if self._leaves_to_others():
                    return None
            self._confirmed = _now()
            lease = leases.take(self.number, found)
            self._may_take_own, self._free_since = False, None
            if lease is not None:
                self._begin(lease)
        return lease

    def _begin(self, lease: Lease) -> None:
        try:
            self.service = self._whole.begin(lease)
        except Exception:
            with suppress(LeaseLost):
                self._whole.leases.release(lease)
            raise

    def _takes(self, held: Held) -> bool:
        """Returns whether to take a lease that is held: by this member's previous process, or without the broker."""
        if held.holder == self._whole.leases.holder:
            return self._may_take_own
        now = _now()
        hears = self._hears_since is not None and now - self._hears_since >= HEARS_FOR
        return held.is_deaf and hears and now >= self._pause_until

    def _note_hearing(self) -> None:
        """Note since when this process has had its own connection to the broker."""
        if not self._whole.hears():
            self._hears_since = None
        elif self._hears_since is None:
            self._hears_since = _now()

    def _leaves_to_others(self) -> bool:
        """Whether a free partition is left for a moment to members that lead fewer."""
        now = _now()
        self._free_since = now if self._free_since is None else self._free_since
        return now - self._free_since < WAIT_PER_LED * min(len(self._whole.led()), WAITS_FOR_MOST)

    def _lead(self, lease: Lease) -> None:
        """Run the engine while the lease holds."""
        service, self._deaf_since = self.service, None
        assert service is not None  # noqa: S101 - `_try` has just begun it
        log.info("leads", partition=lease.partition, epoch=lease.epoch)
        is_stuck = False
        try:
            service.start()
            while not self._ending.wait(RENEW_EVERY):
                is_stuck = service.is_stuck()
                if is_stuck:
                    break
                self._renew(lease, deaf=self._is_deaf(service))
        except LeaseLost as lost:
            log.warning("lease_lost", partition=lease.partition, epoch=lease.epoch, reason=str(lost))
        finally:
            self._hears_since = None
            self._note_pause()
            self._stop(service, lease)
        if is_stuck:
            log.error("engine_hangs", partition=lease.partition)
            self._tell(f"the alert engine of partition {lease.partition} hung, and is left to others for a moment")
            self._ending.wait(GIVEN_UP_FOR)

    def _is_deaf(self, service: AlertService) -> bool:
        """Whether the engine has been without the broker for a while."""
        if service.hears():
            self._deaf_since = None
            return False
        self._deaf_since = _now() if self._deaf_since is None else self._deaf_since
        return _now() - self._deaf_since >= DEAF_AFTER

    def _note_pause(self) -> None:
        """The engine ends. If it is without the broker, note for how long this member replaces no other such leader."""
        if self._deaf_since is None:
            self._pause = FIRST_PAUSE
        else:
            self._pause_until, self._pause = _now() + self._pause, min(2 * self._pause, LONGEST_PAUSE)

    def _renew(self, lease: Lease, *, deaf: bool) -> None:
        """Renew the lease. While the database is away nothing can be committed, so the engine may go on."""
        asked = _now()
        if deaf:
            self._confirmed = -math.inf  # before others read that they may take it
        with suppress(DBAPIError):  # the engine says so, too
            self._whole.leases.renew(lease, deaf=deaf)
            if not deaf:
                self._confirmed = asked

    def _stop(self, service: AlertService, lease: Lease) -> None:
        """Stop the engine, and let others lead."""
        self.service, self._problem = None, "the alert engine is stopping"
        service.stop()
        try:
            self._whole.leases.release(lease)
        except LeaseLost:
            pass  # it is somebody else's already
        except DBAPIError as error:
            log.warning("lease_not_released", partition=lease.partition, error=type(error).__name__)


def _now() -> float:
    """Returns the seconds since the machine started, those that it slept included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
