"""Every page and every call, as nobody, a viewer, a technician, an admin, and a technician of another village.

A route that is not in the table fails: who may use it has to be said.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import create_engine

from api.app import create_app
from api.complaints.rows import Said, make
from api.complaints.rules import Way
from api.web.routes import PAGES
from siaga.database.people import NameTaken, Passwords, Persons
from siaga.model.caller import Role
from siaga.model.clock import HOUR
from siaga.model.scope import EVERYWHERE, Scopes
from siaga.telemetry import TelemetryStore
from tests.database.cheap import CHEAP
from tests.http.district import GLAGAH, LICIN, NOW, District
from tests.people.accounts import OWN, account, cookie_of

Statuses = tuple[int, int, int, int, int]
"""Of nobody, a viewer, a technician, an admin, and a technician whose scope is another village than the one named."""

FREE: Statuses = (200, 200, 200, 200, 200)
LIST: Statuses = (401, 200, 200, 200, 200)
NAMED: Statuses = (401, 200, 200, 200, 404)
ABSENT: Statuses = (401, 404, 404, 404, 404)
ACT: Statuses = (401, 403, 200, 200, 404)
BODY: Statuses = (401, 403, 422, 422, 422)
"""A call of technicians with an empty body: what it lacks is said to nobody else."""
PAGE: Statuses = (303, 200, 200, 200, 200)
ADMIN: Statuses = (303, 403, 403, 200, 403)
SENT: Statuses = (403, 303, 303, 303, 303)
TECHNICIANS_SENT: Statuses = (403, 403, 303, 303, 303)
ADMIN_SENT: Statuses = (403, 403, 403, 303, 403)

PAGE_NAMED: Statuses = (303, 200, 200, 200, 404)
TABLE: Mapping[str, Statuses] = {
    "GET /healthz": FREE,
    "GET /readyz": FREE,
    "GET /metrics": FREE,
    "GET /openapi.json": FREE,
    "GET /api/v1/villages": LIST,
    "GET /api/v1/villages/{code}": NAMED,
    "GET /api/v1/facilities": LIST,
    "GET /api/v1/facilities/{village}/{facility}/timeline": NAMED,
    "GET /api/v1/devices/{village}/{device}": NAMED,
    "GET /api/v1/series/{village}/{device}/{signal}": NAMED,
    "GET /api/v1/availability": LIST,
    "GET /api/v1/days": LIST,
    "GET /api/v1/links": LIST,
    "GET /api/v1/alerts/stream": LIST,
    "GET /api/v1/alerts": LIST,
    "GET /api/v1/alerts/{alert}": NAMED,
    "POST /api/v1/alerts/acknowledge": BODY,
    "POST /api/v1/alerts/assign": BODY,
    "POST /api/v1/alerts/snooze": BODY,
    "POST /api/v1/alerts/{alert}/acknowledge": ACT,
    "POST /api/v1/alerts/{alert}/assign": BODY,
    "POST /api/v1/alerts/{alert}/comments": BODY,
    "POST /api/v1/alerts/{alert}/snooze": BODY,
    "POST /api/v1/maintenance": BODY,
    "GET /api/v1/maintenance": LIST,
    "GET /api/v1/maintenance/{window}": NAMED,
    "DELETE /api/v1/maintenance/{window}": (401, 403, 204, 204, 404),
    "POST /api/v1/attestations": BODY,
    "GET /api/v1/attestations": LIST,
    "GET /api/v1/attestations/{attestation}": ABSENT,
    "DELETE /api/v1/attestations/{attestation}": (401, 403, 404, 404, 404),
    "POST /api/v1/attestations/{attestation}/confirm": (401, 403, 404, 404, 404),
    "GET /api/v1/attestations/{attestation}/photos/{n}": ABSENT,
    "POST /api/v1/complaints": (422, 422, 422, 422, 422),
    "GET /api/v1/complaints": LIST,
    "GET /api/v1/complaints/{complaint}": (200, 200, 200, 200, 404),
    "POST /api/v1/complaints/{complaint}/seen": ACT,
    "POST /api/v1/complaints/{complaint}/close": BODY,
    "POST /api/v1/complaints/{complaint}/reject": (401, 403, 200, 409, 404),
    "GET /api/v1/complaints/{complaint}/photos/{n}": ABSENT,
    "GET /api/v1/scorecard": LIST,
    "GET /api/v1/quarantine": LIST,
    "GET /api/v1/reports/availability": (401, 422, 422, 422, 422),
    "GET /api/v1/reports": LIST,
    "POST /api/v1/reports": BODY,
    "GET /api/v1/reports/{report}": ABSENT,
    "GET /api/v1/reports/{report}/files/{format}": ABSENT,
    "GET /": FREE,
    "GET /desa/{code}": FREE,
    "GET /kecamatan/{district}": FREE,
    "GET /alerts": PAGE,
    "GET /alerts/stream": PAGE,
    "GET /alerts/{alert}": PAGE_NAMED,
    "POST /alerts/{verb}": TECHNICIANS_SENT,
    "POST /alerts/{alert}/{verb}": (403, 403, 303, 303, 404),
    "GET /attest": PAGE,
    "GET /attest/{code}": (303, 403, 200, 200, 404),
    "POST /attestations": TECHNICIANS_SENT,
    "POST /attestations/{attestation}/confirm": (403, 403, 404, 404, 404),
    "POST /attestations/{attestation}/withdraw": (403, 403, 404, 404, 404),
    "GET /lapor/{code}/{facility}": FREE,
    "GET /lapor/{complaint}": FREE,
    "POST /complaints": (404, 404, 404, 404, 404),
    "GET /complaints": PAGE,
    "POST /complaints/quiet": TECHNICIANS_SENT,
    "POST /complaints/{complaint}/{act}": (403, 403, 303, 303, 404),
    "GET /scorecard": PAGE,
    "GET /reports": PAGE,
    "POST /reports": (403, 403, 422, 422, 422),
    "GET /reports/months": PAGE,
    "GET /reports/new": (303, 403, 303, 303, 303),
    "GET /reports/availability": (303, 422, 422, 422, 422),
    "GET /reports/{report}": (303, 404, 404, 404, 404),
    "GET /reports/{report}/files/{format_}": (303, 404, 404, 404, 404),
    "GET /r/{report}": (404, 404, 404, 404, 404),
    "GET /status.json": FREE,
    "GET /feed.atom": FREE,
    "GET /badge.svg": FREE,
    "GET /villages": PAGE,
    "GET /map": PAGE,
    "GET /wall": PAGE,
    "GET /villages/{code}": PAGE_NAMED,
    "GET /facilities/{code}/{facility}": PAGE_NAMED,
    "GET /devices/{code}/{device}": PAGE_NAMED,
    "POST /maintenance": (403, 403, 422, 422, 422),
    "POST /annotations": (403, 403, 422, 422, 422),
    "POST /annotations/{annotation}": (403, 403, 303, 303, 303),
    "POST /maintenance/{window}": (403, 403, 303, 303, 404),
    "POST /preferences": (303, 303, 303, 303, 303),
    "GET /login": (200, 303, 303, 303, 303),
    "POST /login": (401, 401, 401, 401, 401),
    "GET /logout": (303, 200, 200, 200, 200),
    "POST /logout": (303, 303, 303, 303, 303),
    "GET /welcome/{secret}": (404, 404, 404, 404, 404),
    "POST /welcome/{secret}": (404, 404, 404, 404, 404),
    "GET /account": PAGE,
    "POST /account/password": (403, 422, 422, 422, 422),
    "GET /account/push": PAGE,
    "POST /account/push": (403, 422, 422, 422, 422),
    "POST /account/push/test": SENT,
    "POST /account/push/remove": SENT,
    "POST /account/sessions/end": SENT,
    "POST /account/sessions/end-others": SENT,
    "GET /setup": ADMIN,
    "GET /setup/sites": ADMIN,
    "GET /setup/sites.yaml": ADMIN,
    "POST /setup/sites/preview": (403, 403, 403, 422, 403),
    "POST /setup/sites/apply": (403, 403, 403, 422, 403),
    "GET /setup/sites/regions": ADMIN,
    "POST /setup/sites/regions": (403, 403, 403, 422, 403),
    "GET /setup/sites/holidays": ADMIN,
    "POST /setup/sites/holidays": (403, 403, 403, 422, 403),
    "POST /setup/sites/holidays/remove": (403, 403, 403, 404, 403),
    "GET /setup/sites/new": ADMIN,
    "POST /setup/sites/new": (403, 403, 403, 422, 403),
    "GET /setup/sites/{code}": ADMIN,
    "POST /setup/sites/{code}": (403, 403, 403, 422, 403),
    "POST /setup/sites/{code}/remove": (403, 403, 403, 422, 403),
    "GET /setup/sites/{code}/facilities": ADMIN,
    "POST /setup/sites/{code}/facilities": (403, 403, 403, 422, 403),
    "GET /setup/sites/{code}/facilities/{facility}": ADMIN,
    "POST /setup/sites/{code}/facilities/{facility}": (403, 403, 403, 422, 403),
    "POST /setup/sites/{code}/facilities/{facility}/remove": (403, 403, 403, 422, 403),
    "POST /setup/sites/{code}/facilities/{facility}/trial": (403, 403, 403, 409, 403),
    "GET /setup/sites/{code}/devices": ADMIN,
    "POST /setup/sites/{code}/devices": (403, 403, 403, 422, 403),
    "GET /setup/sites/{code}/devices/{device}": ADMIN,
    "POST /setup/sites/{code}/devices/{device}": (403, 403, 403, 422, 403),
    "POST /setup/sites/{code}/devices/{device}/remove": (403, 403, 403, 422, 403),
    "GET /setup/people": ADMIN,
    "POST /setup/people": (403, 403, 403, 422, 403),
    "GET /setup/people/{name}": ADMIN,
    "POST /setup/people/{name}": ADMIN_SENT,
    "GET /setup/people/{name}/link": (303, 403, 403, 303, 403),
    "POST /setup/people/{name}/link": (403, 403, 403, 303, 403),
    "POST /setup/people/{name}/remove": ADMIN_SENT,
    "GET /setup/tokens": ADMIN,
    "POST /setup/tokens": (403, 403, 403, 422, 403),
    "GET /setup/tokens/made": (303, 403, 403, 303, 403),
    "POST /setup/tokens/{number}/revoke": ADMIN_SENT,
    "GET /setup/rules": ADMIN,
    "POST /setup/rules/gather": (403, 403, 403, 404, 403),
    "POST /setup/rules/channels": (403, 403, 403, 404, 403),
    "POST /setup/rules/channels/remove": (403, 403, 403, 404, 403),
    "POST /setup/rules/rules": (403, 403, 403, 404, 403),
    "POST /setup/rules/rules/remove": (403, 403, 403, 404, 403),
    "POST /setup/rules/test": (403, 403, 403, 404, 403),
    "GET /setup/qr": ADMIN,
    "GET /setup/qr/sheets.pdf": ADMIN,
    "GET /setup/quarantine": ADMIN,
    "GET /setup/gateways": ADMIN,
    "GET /setup/health": ADMIN,
    "GET /setup/note": ADMIN,
    "POST /setup/note": ADMIN_SENT,
    "GET /setup/unknown": ADMIN,
    "POST /setup/unknown/claim": (403, 403, 403, 404, 403),
    "POST /setup/unknown/ignore": (403, 403, 403, 404, 403),
    "POST /setup/unknown/list-again": (403, 403, 403, 404, 403),
    "GET /worker.js": FREE,
    "GET /manifest.webmanifest": FREE,
    "GET /offline": FREE,
    "GET /static/{address}": (404, 404, 404, 404, 404),
}
FORMS: Mapping[str, Mapping[str, str]] = {
    "POST /account/sessions/end": {"session": "1"},
    "POST /account/push/test": {"subscription": "1"},
    "POST /annotations/{annotation}": {"facility": f"{GLAGAH}/gerbang"},
    "POST /account/push/remove": {"subscription": "1"},
}
"""What a form needs to be understood at all."""
CALLERS = ("nobody", "viewer", "technician", "admin", "limited")


def routes() -> Iterator[str]:
    """Yields all calls of the OpenAPI document and all pages."""
    store: TelemetryStore = object()  # type: ignore[assignment] # never used
    document = create_app(engine=create_engine("sqlite://"), store=store, passwords=Passwords(CHEAP)).openapi()
    paths = document["paths"]
    assert isinstance(paths, dict)
    for path, operations in paths.items():
        yield from (f"{method.upper()} {path}" for method in operations)
    yield "GET /openapi.json"
    for router in PAGES:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            yield from (f"{method} {route.path}" for method in sorted(route.methods or ()) if method != "HEAD")


def test_the_table_has_a_line_for_each_route_and_no_other() -> None:
    assert sorted(routes()) == sorted(TABLE)


@pytest.fixture
def names(district: District) -> dict[str, str]:
    """Names that exist, all in Glagah."""
    district.declare(GLAGAH, NOW + HOUR)
    for name in CALLERS[1:]:
        role = Role.TECHNICIAN if name == "limited" else Role(name)
        account(district, name, role, Scopes.of([LICIN]) if name == "limited" else EVERYWHERE)
    return {
        "code": GLAGAH,
        "village": GLAGAH,
        "district": GLAGAH.rpartition(".")[0],
        "facility": "gerbang",
        "device": "gerbang-1",
        "signal": "gate_open",
        "alert": district.raise_alert(1),
        "annotation": "1",
        "window": f"{NOW + HOUR:032x}",
        "attestation": "0" * 32,
        "complaint": complaint(district),
        "act": "seen",
        "n": "1",
        "report": "0" * 32,
        "format": "pdf",
        "format_": "pdf",
        "secret": "A" * 43,
        "name": "wati",
        "number": "1",
        "address": "none.js",
        "verb": "acknowledge",
    }


def complaint(district: District) -> str:
    """A complaint in Glagah; answers its id."""
    said = Said(GLAGAH, "gerbang", "gate", "gate_closed", "", Way.CALL, "10.0.0.1")
    return make(district.engine, said, "secret", NOW)[0]


def test_every_route_is_for_whom_the_table_says(
    client: httpx.Client, district: District, names: dict[str, str]
) -> None:
    district.checks["start"] = lambda: None
    found = {}
    for line in TABLE:
        if "{name}" in line:
            with suppress(NameTaken):
                Persons(district.engine, district.clock).add("wati", Role.VIEWER)
        found[line] = tuple(answered(client, district, line, names, caller) for caller in CALLERS)
    wrong = {line: (statuses, TABLE[line]) for line, statuses in found.items() if statuses != TABLE[line]}
    assert wrong == {}, "what it answered, and what the table says"


def answered(client: httpx.Client, district: District, line: str, names: Mapping[str, str], caller: str) -> int:
    """The status that a route answers to somebody with a session of this moment."""
    method, _, path = line.partition(" ")
    role = Role.TECHNICIAN if caller == "limited" else Role(caller) if caller != "nobody" else None
    headers = {} if role is None else cookie_of(district, role, caller)
    is_call = path.startswith("/api/")
    options: dict[str, object] = {"headers": headers | OWN}
    if method == "POST":
        options |= {"json": {}} if is_call else {"data": FORMS.get(line, {})}
    with client.stream(method, path.format(**names), **options) as answer:  # type: ignore[arg-type] # keywords of httpx
        return answer.status_code
