"""The OpenAPI document: complete, and true under whatever schemathesis makes up."""

import subprocess
import sys
from pathlib import Path

import httpx

from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR
from tests.http.district import FAILED, GLAGAH, MET, NOW, District

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")

CONTRACT = {
    "/api/v1/villages",
    "/api/v1/villages/{code}",
    "/api/v1/facilities",
    "/api/v1/facilities/{village}/{facility}/timeline",
    "/api/v1/devices/{village}/{device}",
    "/api/v1/series/{village}/{device}/{signal}",
    "/api/v1/availability",
    "/api/v1/days",
    "/api/v1/alerts",
    "/api/v1/alerts/{alert}",
    "/api/v1/alerts/acknowledge",
    "/api/v1/alerts/assign",
    "/api/v1/alerts/snooze",
    "/api/v1/alerts/{alert}/acknowledge",
    "/api/v1/alerts/{alert}/assign",
    "/api/v1/alerts/{alert}/comments",
    "/api/v1/alerts/{alert}/snooze",
    "/api/v1/alerts/stream",
    "/api/v1/attestations",
    "/api/v1/attestations/{attestation}",
    "/api/v1/attestations/{attestation}/confirm",
    "/api/v1/attestations/{attestation}/photos/{n}",
    "/api/v1/complaints",
    "/api/v1/complaints/{complaint}",
    "/api/v1/complaints/{complaint}/close",
    "/api/v1/complaints/{complaint}/photos/{n}",
    "/api/v1/complaints/{complaint}/reject",
    "/api/v1/complaints/{complaint}/seen",
    "/api/v1/links",
    "/api/v1/maintenance",
    "/api/v1/maintenance/{window}",
    "/api/v1/quarantine",
    "/api/v1/reports",
    "/api/v1/reports/availability",
    "/api/v1/reports/{report}",
    "/api/v1/reports/{report}/files/{format}",
    "/api/v1/scorecard",
    "/healthz",
    "/readyz",
    "/metrics",
}
OPEN: dict[str, list[dict[str, list[str]]]] = {
    "post /api/v1/complaints": [],
    "get /api/v1/complaints/{complaint}": [{}, {"token": []}],
}
"""Calls for which a token is not needed."""


def test_all_calls_are_described_with_their_problems(reader: httpx.Client) -> None:
    document = reader.get("/openapi.json").json()
    assert set(document["paths"]) == CONTRACT
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            for parameter in operation.get("parameters", []):
                assert parameter["schema"], (where, parameter)
            if path.startswith("/api/"):
                assert operation["security"] == OPEN.get(where, [{"token": []}]), where
                assert {"503"} | ({"401"} if operation["security"] else set()) <= set(operation["responses"]), where
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (where, status)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_schemathesis_finds_no_answer_that_the_document_does_not_promise(district: District, tmp_path: Path) -> None:
    """All its checks but one: what a schema cannot say (a cursor is one of ours, `from` is before `to`) is refused."""
    district.alternating(GLAGAH, "gerbang", NOW - DAY, (DAY - HOUR, MET, None), (HOUR, FAILED, "gate_open"))
    district.raise_alert(1)
    with district.served() as client:
        command = [
            str(SCHEMATHESIS), "run", str(client.base_url.join("/openapi.json")),
            "--header", f"Authorization: Bearer {district.tokens[Role.ADMIN]}",
            "--exclude-path", "/api/v1/alerts/stream",  # it never ends
            "--exclude-checks", "positive_data_acceptance",
            "--request-timeout", "120",  # to issue a report takes a process its time
            "--max-examples", "5", "--seed", "1", "--no-color",
        ]  # fmt: skip
        found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert found.returncode == 0, found.stdout[-6_000:]
