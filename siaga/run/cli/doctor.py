"""`siaga doctor`: what is wrong with this deployment, and what mends it."""

import json
from typing import Annotated

import typer

from siaga.run.cli.mistakes import Mistake
from siaga.run.cli.options import DatabaseUrl, DataDir, HttpHost, HttpPort, MqttUrl, StoreUrl

__all__ = ["doctor"]


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    language: Annotated[str, typer.Option(help="Of the sentences: id or en.")] = "id",
    data_dir: DataDir = None,
    mqtt_url: MqttUrl = None,
    store_url: StoreUrl = None,
    database_url: DatabaseUrl = None,
    http_host: HttpHost = None,
    http_port: HttpPort = None,
) -> None:
    """Say what is wrong with this deployment, and what mends it. Exit status 1 if something is; changes nothing."""
    from api.words import WORDS, Language
    from siaga.model.clock import SystemClock
    from siaga.run.doctor import State, examine
    from siaga.run.settings import load_settings

    if language not in tuple(Language):
        raise Mistake(f"--language: {language!r} is not a language: write {' or '.join(Language)}")
    flags = {
        "data_dir": data_dir,
        "mqtt_url": mqtt_url,
        "store_url": store_url,
        "database_url": database_url,
        "http_host": http_host,
        "http_port": http_port,
    }
    words = WORDS[Language(language)]
    found = examine(load_settings(flags), SystemClock())
    if as_json:
        items = [
            {"id": each.id, "state": each.state.value, "text": each.text(words), "remedy": each.remedy(words)}
            for each in found
        ]
        typer.echo(json.dumps({"findings": items}, ensure_ascii=False, indent=1))
    else:
        width = max(len(words(f"doctor_state_{state.value}")) for state in State)
        for each in found:
            typer.echo(f"{words(f'doctor_state_{each.state.value}'):<{width}}  {each.text(words)}")
            remedy = each.remedy(words)
            if remedy is not None:
                typer.echo(f"{'':<{width}}  → {remedy}")
    if any(each.state is State.WRONG for each in found):
        raise typer.Exit(1)
