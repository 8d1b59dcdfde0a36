"""Make `.venv` in the checkout with everything of `uv.lock` in it, from a bare Python 3.11 or newer.

Standard library only, because it runs before anything is installed: Debian's Python may come without pip, venv and
ensurepip. The one tool that is needed, uv, is taken from PATH, else from `.tools/`, else its wheel is downloaded from
the Python package index that pip is configured to use and checked against the hash that the index publishes.

    python3 scripts/bootstrap.py            # what siaga needs to run
    python3 scripts/bootstrap.py --dev      # and what its tests and checks need
"""

import configparser
import hashlib
import json
import os
import platform
import re
import shutil
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
UV_VERSION = "0.13.9"
"""The uv that is downloaded; one that is found on PATH is taken as it is, if it can read the lock file."""
PUBLIC_INDEX = "https://pypi.org/simple"
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64", "armv7l": "armv7l"}
TIMEOUT = 180


class CannotSetUp(Exception):
    """Set-up cannot go on; the message is one sentence that says what to do."""


def main(arguments: list[str]) -> int:
    """Make the environment; answer with the exit status."""
    try:
        check_python()
        synchronise(find_uv() or download_uv(), dev="--dev" in arguments)
    except CannotSetUp as problem:
        print(f"set-up: {problem}", file=sys.stderr)  # noqa: T201 - there is no logger yet
        return 1
    return 0


def check_python() -> None:
    """Refuse a Python that siaga does not run on."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what a too old Python is told by
        raise CannotSetUp(f"siaga needs Python 3.11 or newer, this is {platform.python_version()}: set PYTHON=…")


def find_uv() -> str | None:
    """A uv that runs, from PATH or from an earlier set-up."""
    for candidate in (shutil.which("uv"), str(TOOLS / "uv")):
        if candidate and Path(candidate).exists():
            answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
            version = re.match(r"uv (\d+)\.(\d+)", answer.stdout)
            if answer.returncode == 0 and version and (int(version[1]), int(version[2])) >= (0, 8):
                return candidate
    return None


def synchronise(uv: str, *, dev: bool) -> None:
    """Bring `.venv` to what the lock file says, with the Python that runs this, never a downloaded one."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy"}
    environment.pop("VIRTUAL_ENV", None)
    environment["UV_PROJECT_ENVIRONMENT"] = str(ROOT / ".venv")
    environment.setdefault("UV_HTTP_TIMEOUT", str(TIMEOUT))
    if certificates := certificate_file():
        environment.setdefault("SSL_CERT_FILE", certificates)
    python = os.path.realpath(sys.executable)
    group = ["--group", "dev"] if dev else ["--no-default-groups", "--inexact"]
    index = configured_index()
    if index == PUBLIC_INDEX:
        run(uv, "sync", "--frozen", "--python", python, *group, environment=environment)
        return
    # The lock file names the public index's files; from another index the same versions and hashes are asked for.
    locked = ROOT / ".venv" / "locked.txt"
    if not (ROOT / ".venv" / "bin" / "python").exists():
        run(uv, "venv", "--python", python, str(ROOT / ".venv"), environment=environment)
    export_group = ["--group", "dev"] if dev else ["--no-default-groups"]
    export = ["export", "--frozen", "--quiet", "--no-emit-project", "-o", str(locked)]
    run(uv, *export, *export_group, environment=environment)
    install = ["pip", "install", "--python", str(ROOT / ".venv" / "bin" / "python"), "--default-index", index]
    run(uv, *install, "--require-hashes", "-r", str(locked), environment=environment)
    run(uv, *install, "--no-deps", "-e", str(ROOT), environment=environment)


def run(*command: str, environment: dict[str, str]) -> None:
    """Run one step of the set-up in the checkout."""
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:  # noqa: S603 - our own arguments
        raise CannotSetUp(f"`{' '.join(Path(word).name for word in command[:3])}` failed, see above")


def configured_index() -> str:
    """The package index by pip's own precedence: environment, then the user's and the machine's `pip.conf`."""
    if from_environment := os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_DEFAULT_INDEX"):
        return from_environment.rstrip("/")
    home = Path.home()
    places = [
        home / ".config/pip/pip.conf",
        home / ".pip/pip.conf",
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
    ]
    if named := os.environ.get("PIP_CONFIG_FILE"):
        places.insert(0, Path(named))
    for place in places:
        parser = configparser.RawConfigParser()
        try:
            parser.read(place)
        except (OSError, configparser.Error):
            continue
        if found := parser.get("global", "index-url", fallback=None):
            return found.rstrip("/")
    return PUBLIC_INDEX


def certificate_file() -> str | None:
    """The authorities to trust: what pip is told, else the machine's own."""
    for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if (path := os.environ.get(name)) and Path(path).exists():
            return path
    for machine_wide in (ssl.get_default_verify_paths().cafile, "/etc/ssl/certs/ca-certificates.crt"):
        if machine_wide and Path(machine_wide).exists():
            return machine_wide
    return None


def download_uv() -> str:
    """Fetch uv's wheel for this machine, check its hash, and unpack the program into `.tools/`."""
    machine = MACHINES.get(platform.machine().lower())
    if sys.platform != "linux" or machine is None:
        raise CannotSetUp("uv is missing and is only fetched for Linux: install it from https://docs.astral.sh/uv/")
    index = configured_index()
    url, digest = find_wheel(index, machine)
    wheel = fetch(url)
    if hashlib.sha256(wheel).hexdigest() != digest:
        raise CannotSetUp(f"the uv wheel from {shown(url)} does not have the hash that the index says: not used")
    with zipfile.ZipFile(BytesIO(wheel)) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        program = archive.read(member)
    TOOLS.mkdir(exist_ok=True)
    unfinished = TOOLS / "uv.new"
    unfinished.write_bytes(program)
    unfinished.chmod(unfinished.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    unfinished.replace(TOOLS / "uv")  # whole or not at all: a broken download is never found by the next run
    return str(TOOLS / "uv")


class _Links(HTMLParser):
    """Collects the links of a simple index page (PEP 503)."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads."""
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]


def find_wheel(index: str, machine: str) -> tuple[str, str]:
    """The address and sha256 of uv's Linux wheel for a machine, from an index in JSON (PEP 691) or HTML (PEP 503)."""
    page_url = f"{index}/uv/"
    page = fetch(page_url, accept="application/vnd.pypi.simple.v1+json, text/html;q=0.5")
    wanted = re.compile(rf"uv-{re.escape(UV_VERSION)}-py3-none-manylinux[^/#]*_{machine}[^/#]*\.whl")
    if page.lstrip().startswith(b"{"):
        for entry in json.loads(page)["files"]:
            if wanted.fullmatch(entry["filename"]) and not entry.get("yanked") and "sha256" in entry["hashes"]:
                return urllib.parse.urljoin(page_url, entry["url"]), entry["hashes"]["sha256"]
    else:
        links = _Links()
        links.feed(page.decode())
        for link in links.links:
            address, _, fragment = urllib.parse.urljoin(page_url, link).partition("#")
            if wanted.fullmatch(address.rpartition("/")[2]) and fragment.startswith("sha256="):
                return address, fragment.removeprefix("sha256=")
    raise CannotSetUp(f"{shown(page_url)} has no uv {UV_VERSION} for Linux on {machine}: install uv and try again")


def fetch(url: str, accept: str = "*/*") -> bytes:
    """The bytes at an https address (http for an index that is configured so), or a sentence why not."""
    parts = urllib.parse.urlsplit(url)
    headers = {"Accept": accept, "User-Agent": "siaga-bootstrap"}
    if parts.username:
        import base64  # noqa: PLC0415 - only an index with a password needs it

        secret = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if parts.scheme not in ("https", "http"):
        raise CannotSetUp(f"package index {shown(url)}: expected an https address")
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was checked
    try:
        context = ssl.create_default_context(cafile=certificate_file())
        with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as answer:  # noqa: S310
            return bytes(answer.read())
    except urllib.error.URLError as problem:
        reason, advice = problem.reason, "check the network or PIP_INDEX_URL"
        if isinstance(reason, ssl.SSLCertVerificationError):
            reason = reason.verify_message
            advice = "install ca-certificates, or name the file of authorities in SSL_CERT_FILE"
        raise CannotSetUp(f"{shown(url)} cannot be read ({reason}): {advice}") from problem
    except OSError as problem:
        raise CannotSetUp(f"{shown(url)} cannot be read ({problem}): check the network or PIP_INDEX_URL") from problem


def shown(url: str) -> str:
    """An address without the password that it may hold."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
