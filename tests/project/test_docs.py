"""The guides are true: what is marked `<!-- test -->` in them is done, in order, against a running siaga."""

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.story.system import SIAGA, System
from tests.wait import until

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MARK = r'<!-- test(?:: (?P<word>file|expect) (?P<what>"[^"]*"|\S+))? -->\n'
BLOCK = re.compile(MARK + r"```\w*\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
SITES = """
villages:
  - code: "35.10.15.2012"
    name: Kampunganyar
    lat: -8.19
    lon: 114.30
    timezone: Asia/Jakarta
    facilities:
      - {id: gerbang, kind: gate, name: Gerbang, devices: [{id: kontak, adapter: senml, every: 1m}]}
"""


class Step(NamedTuple):
    """A marked block: a file to write, or commands, perhaps with a word that their output has to hold."""

    file: str | None
    expected: str | None
    text: str


def steps(guide: str) -> list[Step]:
    found = []
    for block in BLOCK.finditer((DOCS / guide).read_text(encoding="utf-8")):
        what = block["what"].strip('"') if block["what"] else None
        found.append(
            Step(what if block["word"] == "file" else None, what if block["word"] == "expect" else None, block["text"])
        )
    return found


class Shell:
    """Runs blocks one after the other; what one sets, the next one sees. The guides' ports become the system's."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._state = system.directory / "shell-state"
        self._state.write_text("")

    def run(self, text: str) -> str:
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{self._system.port}")
        text = text.replace("-p 1883", f"-p {self._system.mqtt_port}")
        script = f"set -a\n. {self._state}\n{text}\ndeclare -p TOKEN ALERT 2>/dev/null > {self._state}.new || true\n"
        script += f"[ ! -s {self._state}.new ] || mv {self._state}.new {self._state}\n"
        path = f"{SIAGA.parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env={**self._system.environment, "PATH": path},
            cwd=self._system.directory,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, (text, done.stdout, done.stderr)
        return done.stdout


@pytest.mark.parametrize(
    "guide",
    [
        "connect-a-tasmota-gate.md",
        "sites-file.md",
        "api.md",
        "alerts.md",
        "notifications.md",
        "reports.md",
        "schedules.md",
        "attestations.md",
        "complaints.md",
        "people.md",
        "backup.md",
    ],
)
def test_a_guide_does_what_it_says(tmp_path: Path, guide: str) -> None:
    todo = steps(guide)
    assert len(todo) >= 2
    first = next((step.text for step in todo if step.file == "sites.yaml"), SITES)
    empty = "villages: []\n"
    with System(tmp_path, empty if guide == "sites-file.md" else first) as system:
        shell = Shell(system)
        for step in todo:
            if step.file:
                (tmp_path / step.file).write_text(step.text)
            elif step.expected is None:
                shell.run(step.text)
            else:
                word = step.expected
                until(lambda step=step, word=word: word in shell.run(step.text), what=step.text)  # type: ignore[misc]
        until(system.is_ready, what="siaga is well with all that the guide has done")


def test_every_guide_that_the_readme_names_is_there() -> None:
    for target in re.findall(r"\]\((docs/[^)#]+)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target


def test_every_setting_is_in_the_install_guide() -> None:
    from siaga.run.settings import Settings

    text = (DOCS / "install.md").read_text()
    assert [name for name in Settings.model_fields if f"`SIAGA_{name.upper()}`" not in text] == []


def test_every_fault_is_in_the_simulator_s_guide() -> None:
    from firmware_sim.faults import FaultKind

    text = (DOCS / "simulate.md").read_text()
    assert [kind for kind in FaultKind if f"`{kind}`" not in text] == []


def test_every_promise_of_security_names_a_test_that_is_there() -> None:
    text = (DOCS / "security.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 30
    assert [name for path, name in named if f"def {name}(" not in (ROOT / path).read_text()] == []
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`tests" in line]
    assert len(rows) == len(named), "a test for each promise"
