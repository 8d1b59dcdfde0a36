"""A flag wins over the environment, which wins over siaga.toml, which wins over the defaults; secrets stay hidden."""

import os
from pathlib import Path

import pytest

from siaga.run.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to start in, and no setting in the environment."""
    for name in os.environ:
        if name.upper().startswith("SIAGA_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults_are_the_contracts() -> None:
    settings = load_settings()
    assert settings == Settings()
    assert settings.data_dir == Path("data")
    assert settings.sites is None
    assert settings.central_broker == settings.village_broker == "mqtt://127.0.0.1:1883"
    assert settings.store == f"duckdb:///{Path.cwd()}/data/telemetry.duckdb"
    assert settings.database == f"sqlite:///{Path.cwd()}/data/siaga.db"
    assert (settings.http_host, settings.http_port, settings.mqtt_port) == ("127.0.0.1", 8000, 1883)


def test_each_source_wins_over_the_one_below(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "siaga.toml").write_text('http_port = 1\nmqtt_port = 1\nhttp_host = "file"\n')
    monkeypatch.setenv("SIAGA_HTTP_PORT", "2")
    monkeypatch.setenv("SIAGA_MQTT_PORT", "2")
    settings = load_settings({"http_port": 3, "mqtt_port": None})
    assert (settings.http_port, settings.mqtt_port, settings.http_host) == (3, 2, "file")
    assert settings.central_broker == "mqtt://127.0.0.1:2"


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_SITES", "")
    monkeypatch.setenv("SIAGA_STORE_URL", "")
    assert load_settings() == Settings()


def test_outside_servers_are_used_as_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = {
        "SIAGA_MQTT_URL": "mqtts://pusat:r4hasia@broker.example:8883",
        "SIAGA_VILLAGE_MQTT_URL": "mqtt://desa:r4hasia@10.0.0.1",
        "SIAGA_STORE_URL": "influxdb://:r4hasia@influx.example:8086/dinas/siaga",
        "SIAGA_DATABASE_URL": "postgresql://siaga:r4hasia@db.example/siaga",
    }
    for name, url in urls.items():
        monkeypatch.setenv(name, url)
    settings = load_settings()
    assert [settings.central_broker, settings.village_broker, settings.store, settings.database] == list(urls.values())
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "r4hasia" not in shown


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SIAGA_HTTP_PORT", "eighty", 'SIAGA_HTTP_PORT: "eighty": input should be a valid integer'),
        ("SIAGA_HTTP_PORT", "65536", 'SIAGA_HTTP_PORT: "65536": input should be less than or equal to 65535'),
        ("SIAGA_VILLAGE", "Kampunganyar", 'SIAGA_VILLAGE: "Kampunganyar": it must be the code of a village such as'),
        ("SIAGA_MQTT_URL", "http://u:r4hasia@h", "SIAGA_MQTT_URL: the broker's URL begins with 'http'"),
        ("SIAGA_STORE_URL", "influxdb://u:r4hasia@h", "SIAGA_STORE_URL: the store URL lacks"),
        ("SIAGA_STORE_URL", "r4hasia", "SIAGA_STORE_URL: the store URL must be"),
        ("SIAGA_STORE_URL", "duckdb:///", "SIAGA_STORE_URL: the store URL must be"),
        ("SIAGA_DATABASE_URL", "mysql://u:r4hasia@h/d", "SIAGA_DATABASE_URL: the database URL must be"),
        ("SIAGA_PUBLIC_URL", "siaga.example.go.id", "SIAGA_PUBLIC_URL: it must be where people reach the pages"),
        ("SIAGA_PUBLIC_URL", "https://h/siaga", "SIAGA_PUBLIC_URL: it must be where people reach the pages"),
        ("SIAGA_PUBLIC_URL", "https://u:r4hasia@h", "SIAGA_PUBLIC_URL: it must be where people reach the pages"),
        ("SIAGA_PUBLIC_URL", "https://h?x", "SIAGA_PUBLIC_URL: it must be where people reach the pages"),
        (
            "SIAGA_TRUSTED_PROXIES",
            "10.0.0.1,proxy",
            "SIAGA_TRUSTED_PROXIES: \"10.0.0.1,proxy\": 'proxy' must be an address",
        ),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)
    assert "r4hasia" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("10.0.0.1, 172.16.0.0/12", ["10.0.0.1", "172.16.0.0/12"]),
        ("::1", ["::1"]),
        ("none", []),
        ("", ["127.0.0.1", "::1"]),
    ],
)
def test_proxies_are_a_list_and_none_is_an_empty_one(
    monkeypatch: pytest.MonkeyPatch, text: str, proxies: list[str]
) -> None:
    monkeypatch.setenv("SIAGA_TRUSTED_PROXIES", text)
    assert load_settings().proxies == proxies


@pytest.mark.parametrize("url", ["https://Siaga.example.go.id/", "http://10.0.0.5:8000", "http://[::1]:8000"])
def test_the_public_address_is_kept_as_browsers_write_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SIAGA_PUBLIC_URL", url)
    assert load_settings().public_url == url.lower().rstrip("/")


def test_a_wrong_flag_is_called_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_HTTP_PORT", "80")
    with pytest.raises(SettingsError, match=r'^--http-port: "x": input should be a valid integer'):
        load_settings({"http_port": "x"})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("http_prt = 80\n", r"siaga\.toml: there is no setting http_prt; did you mean http_port\?"),
        ("http_port = 'x'\n", r'siaga\.toml: http_port: "x": input should be a valid integer'),
        ("mqtt_url = 3\n", r"siaga\.toml: mqtt_url: input should be a valid string"),
        ("http_port = \n", r"siaga\.toml is not TOML: "),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(nowhere: Path, text: str, sentence: str) -> None:
    (nowhere / "siaga.toml").write_text(text)
    with pytest.raises(SettingsError, match=sentence):
        load_settings()


def test_a_file_that_is_no_text_is_said_to_be_none(nowhere: Path) -> None:
    (nowhere / "siaga.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"siaga\.toml cannot be read"):
        load_settings()


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_HTTP_PORT", "x")
    monkeypatch.setenv("SIAGA_VILLAGE", "y")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert len(str(refused.value).splitlines()) == 2


def test_a_value_may_be_in_a_file_that_the_environment_names(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "url").write_text("mqtts://api:r4hasia@broker.example:8883\n")
    monkeypatch.setenv("SIAGA_MQTT_URL_FILE", str(nowhere / "url"))
    (nowhere / "siaga.toml").write_text('mqtt_url = "mqtt://127.0.0.1"')
    assert load_settings().central_broker == "mqtts://api:r4hasia@broker.example:8883"
    assert load_settings({"mqtt_url": "mqtt://flag"}).central_broker == "mqtt://flag"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "SIAGA_MQTT_URL_FILE: url cannot be read: No such file or directory"),
        ("", "SIAGA_MQTT_URL_FILE: url is empty"),
        ("http://r4hasia", "SIAGA_MQTT_URL_FILE: the broker's URL begins with"),
    ],
)
def test_a_file_with_a_value_that_cannot_be_is_told_by_its_variable(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, sentence: str
) -> None:
    if content is not None:
        (nowhere / "url").write_text(content)
    monkeypatch.setenv("SIAGA_MQTT_URL_FILE", "url")
    with pytest.raises(SettingsError, match=sentence) as told:
        load_settings()
    assert "r4hasia" not in str(told.value)


def test_a_value_and_a_file_for_it_are_not_both_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_MQTT_URL", "mqtt://a")
    monkeypatch.setenv("SIAGA_MQTT_URL_FILE", "url")
    with pytest.raises(SettingsError, match="SIAGA_MQTT_URL_FILE: SIAGA_MQTT_URL is set too: set one of them"):
        load_settings()


def test_certificates_to_trust_that_are_none_are_told(nowhere: Path) -> None:
    (nowhere / "ca.crt").write_text("no certificate")
    with pytest.raises(SettingsError, match=r"SIAGA_MQTT_CA: ca\.crt is not a certificate in PEM"):
        _ = Settings(mqtt_ca=Path("ca.crt")).tls
    with pytest.raises(SettingsError, match=r"SIAGA_MQTT_CA: nowhere\.crt cannot be read"):
        _ = Settings(mqtt_ca=Path("nowhere.crt")).tls


def test_the_notify_file_that_the_pages_wrote_holds_where_none_is_named(tmp_path: Path) -> None:
    own = tmp_path / "notify.yaml"
    assert load_settings({"data_dir": tmp_path}).notify is None
    own.write_text("people: []\nrules: []\n")
    assert load_settings({"data_dir": tmp_path}).notify == own
    other = tmp_path / "mine.yaml"
    assert load_settings({"data_dir": tmp_path, "notify": other}).notify == other
