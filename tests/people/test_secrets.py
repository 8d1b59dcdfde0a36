"""No log of a running siaga holds a password, a link, a cookie or a hash, whatever is sent and whatever fails."""

import re
import sqlite3
from pathlib import Path

import httpx
import pytest

from tests.people.accounts import OWN
from tests.run.test_cli import SITES, siaga
from tests.story.system import System

PASSWORD = "tukang bakso lewat"
WRONG = "rahasia-yang-salah"


@pytest.mark.servers
def test_no_log_holds_a_secret(tmp_path: Path) -> None:
    with System(tmp_path, SITES) as system:
        base = f"http://127.0.0.1:{system.port}"
        link = siaga(tmp_path, "person", "add", "ratih", "--role", "admin").stdout.strip()
        secret = link.rpartition("/")[2]
        with httpx.Client(base_url=base, headers=OWN, timeout=20) as client:
            set_ = client.post(f"/welcome/{secret}", data={"password": PASSWORD, "again": PASSWORD})
            assert set_.status_code == 303
            cookie = client.cookies["siaga"]
            assert client.post("/login", data={"name": "ratih", "password": WRONG}).status_code == 401
            assert client.post("/login", content=WRONG.encode() * 9_000).status_code == 413
            foreign = {"Sec-Fetch-Site": "cross-site"}
            assert client.post(f"/welcome/{secret}", data={"password": WRONG}, headers=foreign).status_code == 403
            fields = {"name": "layar", "role": "viewer"}
            made = client.post("/setup/tokens", data=fields, follow_redirects=True).text
            (token,) = re.findall(r'value="(siaga_[^"]+)"', made)
            with sqlite3.connect(tmp_path / "data" / "siaga.db") as database:
                stored = "SELECT hash FROM session UNION SELECT hash FROM token UNION SELECT password_hash FROM person"
                hashes = [value for (value,) in database.execute(stored) if value]
                # What nobody foresaw: statements fail while they carry all of it
                for table in ("session", "sign_in_wait", "welcome"):
                    database.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
            assert client.get("/account").status_code == 503
            assert client.post("/login", data={"name": "ratih", "password": PASSWORD}).status_code == 503
            assert client.get(f"/welcome/{secret}").status_code == 503
            with sqlite3.connect(tmp_path / "data" / "siaga.db") as database:
                for table in ("session", "sign_in_wait", "welcome"):
                    database.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
    logged = "".join(line for line in system.log.read_text().splitlines(keepends=True) if line.startswith("{"))
    assert "database_error" in logged, "the failures were logged"
    assert len(hashes) >= 4
    for held in (secret, PASSWORD, WRONG, cookie, token, *hashes):
        assert held not in logged
