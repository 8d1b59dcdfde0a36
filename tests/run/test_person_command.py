"""`siaga person`, and the link of the first admin, as a user meets them."""

import re
from pathlib import Path

import httpx
import pytest

from tests.run.test_cli import SITES, siaga
from tests.story.system import System
from tests.wait import PATIENCE, until

LINK = re.compile(r"http://127\.0\.0\.1:8000/welcome/[A-Za-z0-9_-]{43}\n")


def test_the_sign_in_link_is_printed_alone_on_standard_output(tmp_path: Path) -> None:
    made = siaga(
        tmp_path, "person", "add", "ratih", "--role", "technician", "--scope", "35.10.15", "--name", "Ratih S."
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert LINK.fullmatch(made.stdout)
    again = siaga(tmp_path, "person", "link", "ratih")
    assert (again.returncode, again.stderr) == (0, "")
    assert LINK.fullmatch(again.stdout)
    assert again.stdout != made.stdout


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"SIAGA_PUBLIC_URL": "https://Siaga.example.go.id/"}, "https://siaga.example.go.id"),
        ({"SIAGA_HTTP_HOST": "0.0.0.0", "SIAGA_HTTP_PORT": "8080"}, "http://127.0.0.1:8080"),
        ({"SIAGA_NOTIFY": "notify.yaml"}, "https://pantau.example.go.id"),
    ],
    ids=["public address", "own port", "the notify file's link"],
)
def test_the_link_leads_to_where_people_reach_the_pages(tmp_path: Path, settings: dict[str, str], address: str) -> None:
    notify = tmp_path / "notify.yaml"
    notify.write_text("link: https://pantau.example.go.id\npeople: []\nrules: []\n")
    notify.chmod(0o600)
    made = siaga(tmp_path, "person", "add", "ratih", "--role", "viewer", **settings)
    assert made.stdout.startswith(f"{address}/welcome/"), (made.stdout, made.stderr)


def test_people_of_accounts_and_of_the_notify_file_are_one_list(tmp_path: Path) -> None:
    notify = tmp_path / "notify.yaml"
    people = "".join(f"  - {{name: {name}, channels: {{web: 'jsons://h.example/x'}}}}\n" for name in ("ratih", "joko"))
    notify.write_text(f"people:\n{people}rules: []\n")
    notify.chmod(0o600)
    siaga(tmp_path, "person", "add", "ratih", "--role", "technician", "--scope", "35.10.15", "--name", "Ratih S.")
    for name in ("wati", "pergi"):
        siaga(tmp_path, "person", "add", name, "--role", "viewer")
    assert siaga(tmp_path, "person", "remove", "pergi").stdout == "pergi is removed\n"
    listed = siaga(tmp_path, "person", "list", SIAGA_NOTIFY="notify.yaml")
    day = r"\d{4}-\d\d-\d\d"
    patterns = [
        "joko  no account, told by web",
        rf"pergi  removed {day}, told of nothing",
        rf"ratih  technician  35\.10\.15  Ratih S\.  made {day}, has no password yet, told by web",
        rf"wati  viewer      \*  made {day}, has no password yet, told of nothing",
    ]
    lines = listed.stdout.splitlines()
    assert len(lines) == len(patterns), listed.stdout
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), line


MISTAKES = [
    (["add", "ratih"], "Missing option '--role'"),
    (["add", "ratih", "--role", "king"], "--role: 'king' is not a role: write viewer, technician or admin"),
    (["add", "ratih", "--role", "viewer", "--scope", "35.1"], "--scope: '35.1' is not a scope"),
    (["link", "ratih"], "ratih: nobody has an account of this name"),
]


@pytest.mark.parametrize(("arguments", "sentence"), MISTAKES, ids=[" ".join(case[0]) for case in MISTAKES])
def test_a_mistake_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    told = siaga(tmp_path, "person", *arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert sentence in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_the_first_start_prints_a_link_for_the_first_admin_and_later_ones_do_not(tmp_path: Path) -> None:
    with System(tmp_path, SITES) as system:
        until(lambda: "siaga person link admin" in system.log.read_text(), what="the link is printed")
        said = system.log.read_text()
        (link,) = re.findall(r"http\S+/welcome/\S+", said)
        assert link.startswith(f"http://127.0.0.1:{system.port}/welcome/")
        assert "siaga person link admin" in said
        assert httpx.get(link, timeout=PATIENCE).status_code == 200
    secret = link.rpartition("/")[2]
    system.log.unlink()
    with System(tmp_path, SITES) as later:
        assert "/welcome/" not in later.log.read_text()
    logged = [line for line in said.splitlines() if line.startswith("{")]
    assert secret not in "".join(logged), "it is on standard output, and in no log"
    listed = siaga(tmp_path, "person", "list").stdout
    assert listed.startswith("admin  admin       *  made ")
