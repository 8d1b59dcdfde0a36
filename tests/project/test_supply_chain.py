"""The bill of materials holds what is locked, and an audit that cannot be made fails nothing."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from scripts import supply_chain
from scripts.bootstrap import find_uv
from scripts.supply_chain import CannotLook, audit, main, sbom

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(find_uv() is None, reason="the environment was not made by make setup")
def test_the_bill_of_materials_has_each_dependency_with_its_version(tmp_path: Path) -> None:
    found = json.loads(sbom(tmp_path / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    locked = {(each["name"], each["version"]) for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    parts = {(each["name"], each["version"]) for each in found["components"]}
    assert parts <= locked
    assert {"fastapi", "duckdb", "paho-mqtt", "sqlalchemy"} <= {name for name, _ in parts}
    assert "pytest" not in {name for name, _ in parts}, "what only tests need is not installed with siaga"


def ended(status: int, out: str = "", err: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess(["uv"], status, out, err)


def test_a_vulnerability_fails_the_audit_and_advisories_out_of_reach_do_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [
        ended(0),
        ended(1, "idna 3.0: PYSEC-2024-60"),
        ended(2, err="error: Request failed\n  cause: dns error\n"),
    ]
    monkeypatch.setattr(supply_chain, "call", lambda *_: answers[0])
    for status, said in (
        (0, "no known"),
        (1, "PYSEC-2024-60"),
        (0, "not looked at: error: Request failed; cause: dns"),
    ):
        assert main(["audit"]) == status
        assert said in capsys.readouterr().out
        answers.pop(0)


def test_the_lint_tells_once_a_day_and_never_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(supply_chain, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(supply_chain, "sbom", lambda: ROOT / "dist" / "sbom.cdx.json")
    monkeypatch.setattr(supply_chain, "audit", lambda: "idna 3.0: PYSEC-2024-60")
    assert main(["lint"]) == 0
    assert "VULNERABLE\nidna" in capsys.readouterr().out
    assert main(["lint"]) == 0
    assert capsys.readouterr().out == ""


def test_a_uv_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "uv"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(supply_chain, "find_uv", lambda: str(slow))
    monkeypatch.setattr(supply_chain, "WITHIN", 0.2)
    with pytest.raises(CannotLook, match="did not end within"):
        audit()
