"""People of a district who sign in, as tests need them."""

import httpx

from siaga.database.people import Passwords, Persons, Sessions
from siaga.model.caller import Role
from siaga.model.scope import EVERYWHERE, Scopes
from tests.database.cheap import CHEAP
from tests.http.district import District

PASSWORD = "kuda-besi-42"
OWN = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form of our own pages."""
FOREIGN = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
HASHED = Passwords(CHEAP).hash(PASSWORD)


def account(district: District, name: str = "ratih", role: Role = Role.VIEWER, scopes: Scopes = EVERYWHERE) -> None:
    """Make an account with a password."""
    persons = Persons(district.engine, district.clock)
    persons.use_link(persons.add(name, role, scopes), HASHED)


def signed_in(
    district: District, role: Role = Role.VIEWER, name: str = "ratih", scopes: Scopes = EVERYWHERE
) -> dict[str, str]:
    """Make an account, and return the header of who is signed in to it."""
    account(district, name, role, scopes)
    return cookie_of(district, role, name)


def cookie_of(district: District, role: Role, name: str) -> dict[str, str]:
    """The header of a new session."""
    return {"Cookie": f"siaga={Sessions(district.engine, district.clock).begin(name, role, 'Firefox', '127.0.0.0/24')}"}


def sign_in(client: httpx.Client, name: str = "ratih", password: str = PASSWORD, **fields: str) -> httpx.Response:
    """Send the form of `/login`. The client keeps the cookie."""
    return client.post("/login", data={"name": name, "password": password, **fields}, headers=OWN)
