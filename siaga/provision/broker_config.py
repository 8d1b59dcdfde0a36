"""The lines of mosquitto.conf that depend on how gateways log in, for Mosquitto 2.0 and for 2.1 and later."""

from enum import StrEnum
from pathlib import Path

__all__ = ["DIALECTS", "Login", "broker_config"]

DIALECTS = ("2.0", "2.1")
"""2.1 deprecates `password_file` and `acl_file` for plugins; 3.0 will not know them."""
_PLUGINS = "/usr/lib"
"""Where Mosquitto's image has its plugins."""


class Login(StrEnum):
    """How a gateway proves which village it is."""

    PASSWORD = "password"  # noqa: S105 - the name of a way to log in
    CERTIFICATE = "certificate"


def broker_config(dialect: str, directory: Path, login: Login, *, port: int, tls: bool) -> str:
    """Returns the text of a file for `include_dir`: who is admitted, and the listener for gateways.

    Args:
        dialect: one of `DIALECTS`.
        directory: where the broker finds the files.
        port: the listener's.
        tls: whether it speaks TLS only.
    """
    lines = [f"# Written by siaga, whole: for Mosquitto {dialect}{' and later' if dialect == '2.1' else ''}."]
    for name, file in (("password", "passwords"), ("acl", "acl")):
        if dialect == "2.0":
            lines.append(f"{name}_file {directory}/{file}")
        else:
            lines.append(f"global_plugin {_PLUGINS}/mosquitto_{name}_file.so")
            lines.append(f"plugin_opt_{name}_file {directory}/{file}")
    lines += ["allow_anonymous false", "", f"listener {port}"]
    if tls:
        lines += [f"certfile {directory}/server.crt", f"keyfile {directory}/server.key", "tls_version tlsv1.2"]
    if login is Login.CERTIFICATE:
        lines += [
            f"cafile {directory}/ca.crt",
            f"crlfile {directory}/ca.crl",
            "require_certificate true",
            "use_identity_as_username true",
        ]
    return "\n".join(lines) + "\n"
