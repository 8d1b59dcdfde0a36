"""What siaga consists of, and whether any of it has a known vulnerability.

    python3 scripts/supply_chain.py sbom     # dist/sbom.cdx.json: CycloneDX 1.5, from uv.lock
    python3 scripts/supply_chain.py audit    # asks osv.dev; exit status 1 if there is a vulnerability
    python3 scripts/supply_chain.py lint     # both, once a day, and never a reason to fail

An advisory that was published over night is no fault of the change at hand, so `make lint` only tells of it.
"""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scripts.bootstrap import ROOT, find_uv

LOCK = ROOT / "uv.lock"
SBOM = ROOT / "dist" / "sbom.cdx.json"
STAMP = ROOT / ".venv" / ".audited"
WITHIN = 30.0
"""Seconds for one call of uv."""
HOLDS = 24 * 3600.0
"""Seconds after which `lint` asks again."""
VULNERABLE = 1
"""uv's exit status where it found a vulnerability; 2 is that it could not look."""


class CannotLook(Exception):
    """It could not be found out. The message is the reason."""


def sbom(target: Path = SBOM) -> Path:
    """Write what is installed with siaga. Returns the file.

    Raises:
        CannotLook: uv cannot write it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".new")
    ended = call(
        "export", "--frozen", "--offline", "--no-dev", "--format", "cyclonedx1.5", "--output-file", str(partial)
    )
    if ended.returncode != 0:
        raise CannotLook(reason(ended))
    partial.replace(target)
    return target


def audit() -> str | None:
    """Returns what is known of vulnerabilities of the locked versions; `None`: nothing.

    Raises:
        CannotLook: the advisories cannot be reached.
    """
    ended = call("audit", "--frozen", "--preview-features", "audit-command")
    if ended.returncode == VULNERABLE:
        return ended.stdout.strip() or ended.stderr.strip()
    if ended.returncode != 0:
        raise CannotLook(reason(ended))
    return None


def call(*words: str) -> subprocess.CompletedProcess[str]:
    """Run uv in the checkout."""
    uv = find_uv()
    if uv is None:
        raise CannotLook("uv is missing: make setup")
    environment = os.environ | {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "10", "UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    try:
        return subprocess.run(  # noqa: S603 - uv, with our own words
            [uv, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        raise CannotLook(f"uv {words[0]} did not end within {WITHIN:g} s") from None


def reason(ended: "subprocess.CompletedProcess[str]") -> str:
    """Returns why uv did not do it, in one line."""
    lines = [line.strip() for line in ended.stderr.splitlines() if line.strip() and not line.startswith("warning")]
    return "; ".join([lines[0], lines[-1]] if len(lines) > 1 else lines) or f"uv ended with {ended.returncode}"


def lint() -> None:
    """Write the SBOM and tell of vulnerabilities, if the lock file has changed or a day has passed."""
    known = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == known and time.time() - STAMP.stat().st_mtime < HOLDS:
        return
    try:
        say(f"supply chain: {sbom().relative_to(ROOT)} is written")
        found = audit()
        say("supply chain: no known vulnerability" if found is None else f"supply chain: VULNERABLE\n{found}")
    except CannotLook as problem:
        say(f"supply chain: not looked at: {problem}")
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(known)


def say(text: str) -> None:
    """Print a line."""
    print(text)  # noqa: T201 - a command's answer


def main(arguments: list[str]) -> int:
    """Do one of the three; answer with the exit status."""
    match arguments:
        case ["lint"]:
            lint()
        case ["sbom"]:
            say(str(sbom()))
        case ["audit"]:
            try:
                found = audit()
            except CannotLook as problem:
                say(f"not looked at: {problem}")
                return 0
            say(found or "no known vulnerability")
            return 0 if found is None else 1
        case _:
            say("write sbom, audit or lint")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
