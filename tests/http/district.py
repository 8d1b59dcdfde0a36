"""A small district as the engine would leave it in the database, and an API that serves it from a real socket."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
from fastapi import Request
from sqlalchemy import Engine

from api.alert_records.events import append_event
from api.alert_records.stream import EventSignal
from api.app import create_app
from api.attestations.classes import Classes
from api.http import HttpServer, Site
from api.http.services import Check
from api.notifications import Book, open_channel
from api.notifications.channels import OpenChannel
from api.notifications.live_book import BookDesk
from api.notifications.web_push import PushDesk
from api.schedules.schedule import Plan
from api.web.setup.health import Examine, nothing_examined
from api.words import AddedWords
from siaga.database import tables, writing
from siaga.database.people import Passwords
from siaga.database.registry import Registry
from siaga.database.spans import write_spans
from siaga.database.tokens import Tokens
from siaga.model.alert_kinds import SEVERITIES, Kind
from siaga.model.caller import Caller, Role
from siaga.model.clock import DAY, HOUR, MINUTE, ManualClock
from siaga.model.intervals import Interval
from siaga.model.readiness import UnreadPast
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.telemetry import TelemetryStore
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span, State
from tests.database.cheap import CHEAP
from tests.schema import with_tables

NOW = 1_772_600_400_000
"""2026-03-04T05:00:00Z: a Wednesday, noon in western Indonesia."""

MET, FAILED, UNKNOWN, NOT_REQUIRED = State.MET, State.FAILED, State.UNKNOWN, State.NOT_REQUIRED
GLAGAH, LICIN = "35.10.15.2012", "35.10.16.2003"


NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak plain HTTP. Each of them would read all certificate authorities, which takes 40 ms."""


def villages() -> list[Village]:
    """Two villages; Glagah's generator has no indicator."""
    gate = Facility(
        "gerbang", "gate", "Gerbang kantor desa", (Device("gerbang-1", Adapter.TASMOTA, MINUTE, "gerbang-depan"),)
    )
    wifi = Facility("wifi-balai", "free_wifi", "Wi-Fi balai desa", (Device("ap-1", Adapter.OPENWRT, MINUTE, "ap"),))
    mains = Facility("listrik", "power", "Listrik", (Device("ups-1", Adapter.SENML, MINUTE),))
    lamp = Facility(
        "lampu", "office_lighting", "Lampu kantor", (Device("lampu-1", Adapter.SENML, 5 * MINUTE),), date(2026, 3, 1)
    )
    return [
        Village(GLAGAH, "Kampunganyar", -8.19, 114.30, "Asia/Jakarta", (gate, wifi, mains)),
        Village(LICIN, "Banjar", -8.17, 114.26, "Asia/Jakarta", (lamp,)),
    ]


class District:
    """A database, a store, a clock and the API over them."""

    def __init__(self, engine: Engine, store: TelemetryStore) -> None:
        with_tables(engine)
        self.engine = engine
        self.store = store
        self.clock = ManualClock(NOW)
        self.signal = EventSignal()
        self.registry = Registry(engine)
        self.checks: dict[str, Check] = {}
        self.past = UnreadPast()
        self.public_page = True
        self.channels: dict[str, list[str]] = {}
        self.push: PushDesk | None = None
        self.attestation_review = False
        self.plan = Plan()
        self.sites_file: str | None = None
        self.book = Book()
        self.book_desk: BookDesk | None = None
        self.data_dir: Path | None = None
        self.examine: Examine = nothing_examined
        self.open_channel: OpenChannel = open_channel
        self.scorecard_classes: Classes | None = None
        self.answered_within: int | None = None
        self.form_languages: Mapping[str, AddedWords] = {}
        self.registry.replace(villages(), NOW - 40 * DAY)
        self.tokens = {role: Tokens(engine, self.clock).create(role, f"{role}-budi") for role in Role}

    def spans(self, village: str, facility: str, *spans: Span) -> None:
        """Write spans; the one that ends at `FOREVER` runs."""
        with writing(self.engine) as connection:
            write_spans(connection, {(village, facility): {span.start: span for span in spans}})

    def forget(self, village: str, facility: str) -> None:
        """Delete the spans of a facility."""
        table = tables.span
        with writing(self.engine) as connection:
            connection.execute(table.delete().where(table.c.village == village, table.c.facility == facility))

    def alternating(self, village: str, facility: str, start: int, *lengths: tuple[int, State, str | None]) -> None:
        """Spans that follow each other from `start`; the last one runs."""
        found: list[Span] = []
        for length, state, cause in lengths:
            found.append(Span(start, start + length, state, cause))
            start += length
        last = found.pop()
        self.spans(village, facility, *found, Span(last.start, FOREVER, last.state, last.cause))

    def link(self, village: str, link: str, since: int, last_alive: int | None = None) -> None:
        """What the engine knows of a village's gateway."""
        with writing(self.engine) as connection:
            connection.execute(tables.village_state.insert(), {"village": village, "link": link, "since": since})
            row = {"village": village, "gateway": "gw", "last_alive": last_alive}
            connection.execute(tables.gateway_state.insert(), row)

    def dark(self, village: str, *stretches: Interval) -> None:
        """When the village's gateway did not run."""
        rows = [{"village": village, "start": start, "end": end} for start, end in stretches]
        with writing(self.engine) as connection:
            connection.execute(tables.dark.insert(), rows)

    def heard(self, village: str, device: str, signal: str = "battery") -> None:
        """A device reported for the first time."""
        row = {"village": village, "device": device, "signal": signal, "time": NOW - DAY}
        with writing(self.engine) as connection:
            connection.execute(tables.first_report.insert(), row)

    def declare(self, village: str, end: int, facility: str | None = None) -> None:
        """Maintenance that is going on, until `end`."""
        row = {"id": f"{end:032x}", "village": village, "facility": facility, "start": NOW - HOUR, "end": end}
        with writing(self.engine) as connection:
            told = {"reason": "", "created_by": "budi", "created_at": NOW}
            connection.execute(tables.maintenance.insert(), row | told)

    def raise_alert(
        self,
        number: int,
        *,
        kind: Kind = Kind.FACILITY_FAILED,
        village: str = GLAGAH,
        facility: str | None = "gerbang",
        device: str | None = None,
        evidence: Mapping[str, object] | None = None,
        at: int = NOW - HOUR,
    ) -> str:
        """Raise an alert as the engine does; answers its id."""
        alert = f"{number:032x}"
        row = {
            "id": alert,
            "kind": kind.value,
            "severity": SEVERITIES[kind],
            "village": village,
            "facility": facility,
            "device": device,
            "subject": f"{village}/{facility or device}",
            "began_at": at - 5 * MINUTE,
            "raised_at": at,
            "cause": "gate_open",
            "evidence": evidence or {"state": "failed"},
            "revision": 1,
        }
        with writing(self.engine) as connection:
            connection.execute(tables.alert.insert(), row)
            append_event(connection, alert, "raised", at)
        self.signal.ring()
        return alert

    def lost_together(self, alert: str, villages: Mapping[str, int | None]) -> None:
        """The members of a `village_offline`, and when something came from each again."""
        rows = [
            {"alert": alert, "village": village, "began_at": NOW - 2 * HOUR, "ended_at": ended}
            for village, ended in villages.items()
        ]
        with writing(self.engine) as connection:
            connection.execute(tables.alert_member.insert(), rows)

    def clear_alert(self, alert: str, at: int) -> None:
        """Clear an alert as the engine does."""
        table = tables.alert
        with writing(self.engine) as connection:
            values = {"ended_at": at - 2 * MINUTE, "cleared_at": at, "revision": table.c.revision + 1}
            connection.execute(table.update().where(table.c.id == alert).values(values))
            append_event(connection, alert, "cleared", at)
        self.signal.ring()

    @contextmanager
    def served(
        self,
        role: Role | None = Role.ADMIN,
        *,
        caller: Caller | None = None,
        port: int = 0,
        site: Site | None = None,
    ) -> Iterator[httpx.Client]:
        """The API on a port (0: one of its own), and a client that holds a token of this role.

        `caller`: who has signed in to the pages; a request with the cookie `tester=NAME` is of that name.
        """

        def caller_of(request: Request) -> Caller | None:
            name = request.cookies.get("tester")
            return replace(caller, name=name) if caller is not None and name else caller

        app = create_app(
            engine=self.engine,
            store=self.store,
            registry=self.registry,
            signal=self.signal,
            clock=self.clock,
            checks=self.checks,
            past=lambda: self.past,
            public_page=self.public_page,
            site=site,
            passwords=Passwords(CHEAP),
            channels=self.channels,
            push=self.push,
            caller_of=caller_of if caller is not None else None,
            attestation_review=self.attestation_review,
            plan=self.plan,
            sites_file=self.sites_file,
            book=self.book,
            data_dir=self.data_dir,
            examine=self.examine,
            open_channel=self.open_channel,
            book_desk=self.book_desk,
            scorecard_classes=self.scorecard_classes,
            answered_within=self.answered_within,
            form_languages=self.form_languages,
        )
        with (
            HttpServer(app, "127.0.0.1", port) as server,
            httpx.Client(base_url=server.url, timeout=20, verify=NO_AUTHORITIES) as client,
        ):
            if role is not None:
                client.headers["Authorization"] = f"Bearer {self.tokens[role]}"
            if caller is not None:
                client.headers["Sec-Fetch-Site"] = "same-origin"
            yield client

    def bearer(self, role: Role) -> dict[str, str]:
        """The header of a call in this role."""
        return {"Authorization": f"Bearer {self.tokens[role]}"}


def names(answer: httpx.Response, key: str = "id") -> Sequence[str]:
    """One field of all items of a list."""
    assert answer.status_code == 200, answer.text
    return [item[key] for item in answer.json()["items"]]
