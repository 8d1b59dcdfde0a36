"""`siaga up`: the whole system in one process.

The settings decide what runs: broker and stores are embedded, unless an outside one is named. The HTTP port opens
first, so that `/readyz` can say what is not ready. Parts that need the database wait for it; parts that need the broker
or the store retry by themselves.
"""

import fcntl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import structlog
import typer
from prometheus_client import REGISTRY
from sqlalchemy import Engine, select

from api.alert_records.stream import EventSignal
from api.app import create_app
from api.engine import AlertService
from api.engine.metrics import EngineMetrics
from api.http import HttpServer, Site
from api.issued.metrics import IssuedMetrics
from api.issued.service import IssuedService
from api.notifications import NotificationMetrics, NotificationService, open_channel
from api.notifications.live_book import BookDesk, ChannelsOf, LiveBook
from api.notifications.web_push import PushDesk, Subscribers
from api.schedules.runs import Scheduler
from api.schedules.telling import message_about
from api.web.guidance import NO_GUIDANCE, load_guidance
from api.web.outline import NO_OUTLINE, load_outline
from api.web.setup.health import Examined
from api.words import read_added
from collector import ROLE as COLLECTOR
from collector import CollectorService, assemble, broker_session
from gateway.metrics import GatewayMetrics
from siaga.broker import EmbeddedBroker
from siaga.database import connect, tables
from siaga.database.dealing import carry_over
from siaga.database.engine_state import read_past
from siaga.database.follower import RegistryFollower
from siaga.database.leases import Lease, Leases
from siaga.database.registry import Registry
from siaga.model.clock import SECOND, Clock, SystemClock
from siaga.model.readiness import UnreadPast
from siaga.model.sites import Village
from siaga.mqtt.sessions import SessionName
from siaga.mqtt.worker import Worker, WorkerLoop
from siaga.run.backup.copy_socket import CopySocket
from siaga.run.backup.nightly import NightlyBackups, by_command
from siaga.run.demo import Demo
from siaga.run.fault_watch import FaultWatch, Wrong
from siaga.run.garbage import keep_what_is_loaded, let_go
from siaga.run.gateways import GatewayPart, Served
from siaga.run.leading import Leading
from siaga.run.notify_file import the_book
from siaga.run.people import first_admin
from siaga.run.reports import the_office
from siaga.run.retention import Retention
from siaga.run.schedules import the_plan
from siaga.run.self_probe import ProbeMetrics, SelfProbe, heartbeat, probe_session
from siaga.run.services import ALERTS, alert_session, await_database, session_name
from siaga.run.settings import Settings
from siaga.run.sites_publisher import SitesService
from siaga.run.village_gateway import how_to_ask
from siaga.sites.file import SitesDocument
from siaga.sites.on_disk import read_sites_file
from siaga.telemetry import StoreUnavailable, TelemetryStore, open_store

__all__ = ["DirectoryInUse", "run", "welcome_first_admin"]

log = structlog.get_logger(__name__)

SENDERS_END_WITHIN = 3.0
END_WITHIN = 4.0
"""Timeouts of the first and second step of the shutdown, in seconds. All of it must take less than ten."""
GIVEN_UP_AFTER = 2.5
"""Seconds of the second step after which waiting statements fail, so that their threads can end properly."""


HTTP_STATEMENT_WITHIN = 10.0
"""Timeout of an SQL statement for a call or a page, in seconds."""
LEASE_STATEMENT_WITHIN = 2.0
"""Timeout of an SQL statement about leases, in seconds: some may fail before a lease is over."""
STORE_ASKED_EVERY = 3 * SECOND
"""How long a check of the store is cached, ms."""
RESTART_AFTER = 60.0
"""Seconds after which what nobody waits for goes on after a failure."""


class DirectoryInUse(OSError):
    """Another siaga uses the data directory. The message is a sentence."""


class DatabaseLost(OSError):
    """The database is empty, and the telemetry store is not. The message is a sentence."""


class Part(Protocol):
    """A part of the system with its own threads."""

    def stop(self) -> object:
        """Stop, without losing anything."""
        ...


def run(settings: Settings, stop: threading.Event, *, demo: int | None = None) -> None:
    """Run the whole system until `stop` is set. `demo`: add simulated villages with this much history, ms.

    Raises:
        SitesFileError: the sites file has mistakes; nothing was started.
        PortTaken, CannotListen: a port cannot be used.
        StoreUnavailable, DirectoryInUse: another process uses the data directory.
    """
    settings.make_data_dir()
    if demo is not None and settings.sites:
        log.warning("demo_leaves_sites_out", sites=str(settings.sites))
    with _lock(settings.data_dir):
        simulation = None if demo is None else Demo(settings.data_dir, demo)
        path = simulation.prepare() if simulation else settings.sites
        sites = read_sites_file(path) if path else None
        system = System(settings, SystemClock())
        try:
            system.start(sites, stop)
            if not stop.is_set():
                if simulation:
                    simulation.start(settings.central_broker, system.store)
                    system.also(simulation)
                typer.echo(f"siaga is at {system.url} (Ctrl-C ends it)")
                welcome_first_admin(system)
            stop.wait()
        finally:
            system.stop()
    log.info("ended")


def welcome_first_admin(system: "System") -> None:
    """Create an admin if there is none, and print the sign-in link: once, on standard output, and in no log."""
    made = system.first_admin()
    if made is not None:
        name, link = made
        typer.echo(f"siaga has no admin yet: {link} signs {name} in, once, within 72 hours")
        typer.echo(f"a new link: siaga person link {name}")


class System:
    """All parts of one process. `whole`: include broker, gateway and collector, not only engine, API and pages."""

    def __init__(self, settings: Settings, clock: Clock, *, whole: bool = True) -> None:
        self._settings, self._clock, self._whole = settings, clock, whole
        self._book = LiveBook(the_book(settings))
        self._office = the_office(settings)
        self._plan = the_plan(settings, self._book)
        self._form_languages = {} if settings.form_languages is None else read_added(settings.form_languages)
        self._guidance = NO_GUIDANCE if settings.guidance is None else load_guidance(settings.guidance)
        self._outline = NO_OUTLINE if settings.outline is None else load_outline(settings.outline)
        self._signal = EventSignal()
        self._starting: str | None = "it is starting"
        self._server: HttpServer | None = None
        self._alerts: Leading | None = None
        self._notifications: NotificationService | None = None
        self._issued: IssuedService | None = None
        self._collector: CollectorService | None = None
        self._gateway: GatewayPart | None = None
        self._sites: SitesService | None = None
        self._broker: EmbeddedBroker | None = None
        self._copies: CopySocket | None = None
        self._others: list[Part] = []
        self._names: list[SessionName] = []
        self.store: TelemetryStore = open_store(settings.store)
        self._engine = connect(settings.database)
        # Of its own: calls that wait for a database that hangs take no connection from alerts, and give up sooner
        self._answers = connect(settings.database, HTTP_STATEMENT_WITHIN)
        self._leases = connect(settings.database, LEASE_STATEMENT_WITHIN)

    def first_admin(self) -> tuple[str, str] | None:
        """Make an admin where there is none. Returns its name and its sign-in link, else `None`."""
        return first_admin(self._settings, self._engine, self._clock, self.url)

    @property
    def url(self) -> str:
        """The URL of the pages."""
        return self._server.url if self._server else ""

    def start(self, sites: SitesDocument | None, stop: threading.Event) -> None:
        """Start the parts, and import the sites once the database answers. Returns early if `stop` is set."""
        settings = self._settings
        self._serve_copies()
        if self._whole and settings.mqtt_url is None:
            # by the machine's clock, however fast siaga's own runs: keep-alives are its clients' business
            self._broker = EmbeddedBroker(settings.data_dir / "broker.db", settings.mqtt_port)
            self._broker.start()
        self._serve_http()
        registry = await_database(self._engine, stop, self._tell)
        if registry is None:
            return
        if not settings.new_database:
            _refuse_lost_database(self._engine, self.store)
        if sites is not None:
            report = registry.replace(sites.villages, self._clock.now(), sites.regions, sites.holidays)
            log.info("imported", added=report.added, changed=report.changed, unchanged=report.unchanged)
        self._notifications = NotificationService(
            self._engine,
            self._book,
            PushDesk(self._engine, self._clock, self._settings.public_url),
            self._clock,
            self._signal,
            NotificationMetrics(REGISTRY),
            about=partial(message_about, self._engine),
        )
        self._notifications.start()
        metrics = IssuedMetrics(REGISTRY)
        scheduler = Scheduler(self._engine, self._plan, self._book, metrics)
        self._issued = IssuedService(self._engine, self._office, self._clock, metrics, scheduler.step)
        self._issued.start()
        self._sites = SitesService(registry, settings.central_broker, settings.tls, self._clock)
        self._sites.start()
        self._alerts = self._leading(self._sites)
        self._alerts.start()
        if self._whole:
            self._start_collector()
            self._start_gateway(registry)
        retention = Retention(self._engine, self.store, settings.keep_telemetry, self._clock, REGISTRY)
        self._work("retention", lambda: retention)
        watch = self._fault_watch()
        self._work("fault watch", lambda: watch)
        if settings.self_probe:
            self._work("self-probe", partial(self._probe, ProbeMetrics(REGISTRY)))
        if settings.backup_dir is not None:
            backups = NightlyBackups(
                settings.backup_dir,
                settings.backup_at,
                settings.backup_keep,
                self._clock,
                by_command(settings),
                REGISTRY,
            )
            backups.start()
            self.also(backups)
        keep_what_is_loaded()
        self._starting = None

    def also(self, part: Part) -> None:
        """Add a part that was started elsewhere. It is stopped first."""
        self._others.append(part)

    def stop(self) -> None:
        """Stop everything in three steps: senders, receivers, then broker, database and store."""
        if self._copies is not None:
            self._copies.stop()
        _end_together([*self._others, self._gateway, self._sites], SENDERS_END_WITHIN)
        giving_up = threading.Timer(GIVEN_UP_AFTER, self._give_up_database)
        giving_up.daemon = True
        giving_up.start()
        _end_together([self._collector, self._alerts, self._notifications, self._issued, self._server], END_WITHIN)
        giving_up.cancel()
        if self._broker is not None:
            self._broker.close()
        for name in self._names:
            name.release()
        self._give_up_database()
        self.store.close()
        let_go()

    def _give_up_database(self) -> None:
        """Dispose of all database engines: a thread that waits for a hanging database would keep the process alive."""
        self._answers.dispose()
        self._engine.dispose()
        self._leases.dispose()

    def _leading(self, sites: SitesService) -> Leading:
        """Returns this process's part in leading the alert engines. `sites`: has a session with the broker, too."""
        leases = Leases(self._leases, self._claim(ALERTS).client_id, self._settings.partitions)
        begin = partial(self._alert_service, EngineMetrics(REGISTRY))
        return Leading(leases, begin, carry_over, lambda: sites.connected)

    def _alert_service(self, metrics: EngineMetrics, lease: Lease) -> AlertService:
        """Returns the engine of a partition that this process leads from now on."""
        session = alert_session(self._settings.central_broker, session_name(self._engine, lease), self._settings.tls)
        return AlertService(self._engine, self.store, session, self._clock, self._signal, metrics, lease)

    def _claim(self, role: str) -> SessionName:
        """Returns the name of a session, reserved for this process until it stops."""
        name = SessionName.of(self._settings.data_dir, role)
        self._names.append(name)
        return name

    def _tell(self, reason: str | None) -> None:
        self._starting = reason or "it is starting"

    def _book_desk(self) -> BookDesk | None:
        own = self._settings.own_notify
        if self._settings.notify not in (None, own):
            return None
        return BookDesk(own, self._book, open_channel, self._settings.public_url)

    def _examine(self) -> Sequence[Examined]:
        # what it imports takes memory, and is seldom needed
        from siaga.run.doctor.examination import examine  # noqa: PLC0415

        return examine(self._settings, self._clock)

    def _work(self, name: str, begin: Callable[[], Worker]) -> None:
        """Let a worker work in a thread of its own. Whatever fails there, it goes on."""
        loop = WorkerLoop(name, begin, self._clock, restart_after=RESTART_AFTER)
        loop.start()
        self.also(loop)

    def _fault_watch(self) -> FaultWatch:
        push = Subscribers(PushDesk(self._engine, self._clock, self._settings.public_url).subscriptions)

        def examine_often() -> Sequence[Wrong]:
            from siaga.run.doctor.examination import LOOKS_OFTEN, examine  # noqa: PLC0415 - as above

            return examine(self._settings, self._clock, looks=LOOKS_OFTEN)

        return FaultWatch(self._engine, lambda: push.book(self._book.current()), examine_often, self._clock, REGISTRY)

    def _probe(self, metrics: ProbeMetrics) -> SelfProbe:
        settings, url = self._settings, self._settings.heartbeat_url
        beat = None if url is None else partial(heartbeat, url.get_secret_value())
        session = probe_session(settings.central_broker, settings.tls)
        return SelfProbe(self._engine, session, self._clock, beat, metrics)

    def _serve_http(self) -> None:
        store = StoreAnswers(self.store, self._clock)
        checks = {
            "start": lambda: self._starting,
            "alerts": lambda: _problem(self._alerts),
            "store": store.problem,
            "history": self._history,
        }
        if self._whole:
            checks["collector"] = lambda: _problem(self._collector)
            checks["gateway"] = lambda: _problem(self._gateway)
        app = create_app(
            engine=self._answers,
            store=self.store,
            signal=self._signal,
            clock=self._clock,
            checks=checks,
            past=self._past,
            leads=self._leads,
            metrics=REGISTRY,
            public_page=self._settings.public_page,
            attestation_review=self._settings.attestation_review,
            scorecard_classes=self._settings.classes,
            answered_within=self._settings.complaints_answered_within,
            form_languages=self._form_languages,
            office=self._office,
            plan=self._plan,
            guidance=self._guidance,
            outline=self._outline,
            site=Site(self._settings.public_url),
            sites_file=None if self._settings.sites is None else str(self._settings.sites),
            book=self._book,
            book_desk=self._book_desk(),
            broker=_host_and_port(self._settings.village_broker),
            data_dir=self._settings.data_dir,
            examine=self._examine,
            channels=ChannelsOf(self._book),
        )
        settings = self._settings
        self._server = HttpServer(app, settings.http_host, settings.http_port, settings.proxies)
        self._server.start()

    def _serve_copies(self) -> None:
        """Copy the embedded store for `siaga backup`: no other process can read it."""
        if not self._settings.store.startswith("duckdb:"):
            return
        from siaga.telemetry.duck import DuckStore  # noqa: PLC0415 - DuckDB is large, so it is loaded on demand

        if isinstance(self.store, DuckStore):
            self._copies = CopySocket(self._settings.data_dir, self.store)
            self._copies.start()

    def _history(self) -> str | None:
        problem = None if self._alerts is None else self._alerts.unread()
        return None if problem is None else f"the past cannot be read: {problem}"

    def _past(self) -> UnreadPast:
        with self._answers.connect() as connection:
            return read_past(connection, self._settings.partitions)

    def _leads(self) -> Sequence[int]:
        return [] if self._alerts is None else self._alerts.leads()

    def _start_collector(self) -> None:
        session = broker_session(self._settings.central_broker, self._claim(COLLECTOR), self._settings.tls)
        self._collector = assemble(self.store, self._engine, session, clock=self._clock, metrics=REGISTRY)
        self._collector.start()

    def _start_gateway(self, registry: Registry) -> None:
        self._gateway = GatewayPart(
            self._settings.data_dir,
            self._settings.village_broker,
            self._settings.central_broker,
            Followed(registry, self._clock).changes,
            self._clock,
            GatewayMetrics(REGISTRY),
            village_tls=self._settings.tls,
            centre_tls=self._settings.tls,
            asking=how_to_ask(self._settings),
        )
        self._gateway.start()


def _refuse_lost_database(engine: Engine, store: TelemetryStore) -> None:
    """Do not begin anew beside readings of before: what a lost database knew would never be missed.

    Raises:
        DatabaseLost: the database is new, and the store holds readings.
    """
    with engine.connect() as connection:
        is_used = [
            connection.execute(select(table.c[0]).limit(1)).first() is not None
            for table in (tables.village, tables.engine_state)
        ]
    if any(is_used):
        return
    try:
        is_empty = store.is_empty()
    except StoreUnavailable as problem:
        log.warning("a new database, and nobody knows whether the store is new, too", problem=str(problem))
        return
    if not is_empty:
        raise DatabaseLost(
            "the database is empty, and the telemetry store already holds readings: if SIAGA_DATABASE_URL and "
            "SIAGA_DATA_DIR are right, the database was lost: restore a backup (siaga restore FILE), or set "
            "SIAGA_NEW_DATABASE=true to begin anew"
        )


def _host_and_port(url: str) -> str:
    """Returns where a broker is, without a password."""
    parts = urlsplit(url)
    return parts.hostname or "" if parts.port is None else f"{parts.hostname}:{parts.port}"


class StoreAnswers:
    """Whether the telemetry store answers, cached for a few seconds, because `/readyz` may be called often."""

    def __init__(self, store: TelemetryStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._asked: int | None = None
        self._problem: str | None = None

    def problem(self) -> str | None:
        """Returns why it does not answer, in one sentence; `None` if it does."""
        now = self._clock.monotonic()
        if self._asked is None or now - self._asked >= STORE_ASKED_EVERY:
            try:
                self._store.check()
            except StoreUnavailable as problem:
                self._problem = str(problem)
            else:
                self._problem = None
            self._asked = now
        return self._problem


class Followed:
    """The registry for the gateway of `siaga up`, which serves every village without its own gateway."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._follower = RegistryFollower(registry, _served, clock)

    def changes(self) -> Served | None:
        """Returns what to serve; `None` if it has not changed since the last call, or the database is down."""
        return self._follower.kept if self._follower.poll() else None


def _served(villages: Iterable[Village]) -> Served:
    every = list(villages)
    return Served([village for village in every if not village.remote], frozenset(village.code for village in every))


def _problem(part: Leading | CollectorService | GatewayPart | None) -> str | None:
    return "it is not running yet" if part is None else part.problem()


def _end_together(parts: Sequence[Part | None], within: float) -> None:
    """Stop parts concurrently, so that one that waits for its broker does not hold up the others."""
    threads = [threading.Thread(target=_end, args=(part,), daemon=True) for part in parts if part is not None]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + within
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _end(part: Part) -> None:
    try:
        part.stop()
    except Exception:
        log.exception("part_did_not_end", part=type(part).__name__)


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Lock the data directory.

    Raises:
        DirectoryInUse: another siaga has locked it.
    """
    with (directory / "siaga.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DirectoryInUse(
                f"the data directory {directory} is in use by another siaga: set SIAGA_DATA_DIR to another one"
            ) from None
        yield
