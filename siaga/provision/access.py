"""Mosquitto's access file: who may publish and read which topics.

Every village has lines of its own. A pattern for all would be shorter, but a client whose certificate is revoked keeps
its connection, and its topics with it. Without its lines it reaches nothing from the reload on.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from siaga.model.probe_village import GATEWAY, PROBE
from siaga.provision.damaged import DamagedFile
from siaga.wire.topics import PREFIX, is_village_code

__all__ = ["SERVICES", "read_access", "write_access"]

SERVICES: Mapping[str, Sequence[str]] = {
    # takes batches and refused samples, and acknowledges
    "collector": ("read +/gateway/+/batch", "read +/gateway/+/refused", "write +/gateway/+/ack"),
    # the alert engine listens, and tells gateways their part of the sites file
    "api": (
        "read +/gateway/+/batch",
        "read +/gateway/+/status",
        "read +/gateway/+/ack",
        "read +/gateway/+/health",
        "readwrite +/gateway/+/sites",
        f"write {PROBE}/gateway/{GATEWAY}/batch",  # the self-probe
    ),
}
"""siaga's own clients: access and topic below `siaga/v1/`."""
_VILLAGE = (
    "write {}/gateway/+/batch",
    "write {}/gateway/+/status",
    "write {}/gateway/+/refused",
    "write {}/gateway/+/health",
    "read {}/gateway/+/ack",
    "read {}/gateway/+/sites",
)
_HEAD = "# Written by siaga, whole, at each change of a credential. Users that siaga does not know keep their lines.\n"
_RULE = re.compile(r"topic (?:(?:read|write|readwrite|deny) )?[^\x00]{1,65535}")


def read_access(text: str, filename: str) -> dict[str, list[str]]:
    """Returns the lines of each user.

    Raises:
        DamagedFile: it has rules for everybody, or lines that are none.
    """
    users: dict[str, list[str]] = {}
    rules: list[str] | None = None
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("user "):
            rules = users.setdefault(line.removeprefix("user ").strip(), [])
        elif rules is not None and _RULE.fullmatch(line):
            rules.append(line)
        else:
            raise DamagedFile(
                f"{filename} line {number}: is not a rule of one user: siaga would lose it; give every rule a user "
                "(user NAME, then topic lines), or move the file away"
            )
    return users


def write_access(villages: Iterable[str], others: Mapping[str, Sequence[str]]) -> str:
    """Returns the text of an access file: siaga's services, these villages, and lines of other users as they are."""
    blocks = [_block(name, rules) for name, rules in SERVICES.items()]
    blocks += [_block(code, [rule.format(code) for rule in _VILLAGE]) for code in sorted(villages)]
    for name, lines in others.items():
        if name not in SERVICES and not is_village_code(name):
            blocks.append("".join(f"{line}\n" for line in (f"user {name}", *lines)))
    return "\n".join([_HEAD, *blocks])


def _block(name: str, rules: Sequence[str]) -> str:
    lines = [f"user {name}\n"]
    for rule in rules:
        access, _, topic = rule.partition(" ")
        lines.append(f"topic {access} {PREFIX}{topic}\n")
    return "".join(lines)
