"""Fixtures that several areas share: the real servers. How hypothesis searches. Which tests need no server."""

import gc
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

from tests import servers
from tests.memory import keep_files_in_memory
from tests.servers import Influxd, Mosquitto, Postgres
from tests.stores import close_stores

# The same code gets the same verdict; HYPOTHESIS_PROFILE=explore searches where nobody has looked yet.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture
def mosquitto() -> Iterator[Mosquitto]:
    """A fresh broker of this test alone."""
    with Mosquitto() as server:
        yield server


@pytest.fixture(scope="session")
def _influxd() -> Iterator[Influxd]:
    with Influxd() as server:
        yield server


@pytest.fixture
def influxd(_influxd: Influxd) -> Influxd:
    """The session's InfluxDB, running again whatever the test before did to it. A test takes databases of its own."""
    return _influxd.start()


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def postgres(_postgres: Postgres) -> Postgres:
    """The session's PostgreSQL, running again whatever the test before did to it."""
    return _postgres.start()


TESTS = Path(__file__).parent
SERVER_FIXTURES = {"mosquitto", "influxd", "postgres"}
SERVER_PARAMETERS = {"influxdb", "influxdb 3", "openGemini", "postgresql", "mosquitto", "mosquitto 3.1.1"}
WHOLE_PROCESSES = (
    "collector/test_process.py",
    "run/test_supervisor.py",
    "gateway/pollers/test_agent.py",
    "gateway/test_campaign.py",
    "gateway/test_disk.py",
    "gateway/test_gateway_story.py",
    "gateway/test_half_open.py",
    "gateway/test_operation.py",
    "gateway/test_slow_link.py",
    "gateway/test_village_broker.py",
    "http/test_openapi.py",
    "mqtt/test_mqtt_transport.py",
    "notifications/test_commands.py",
    "project/test_docs.py",
    "project/test_wheel.py",
    "run/test_cli.py",
    "run/test_health.py",
    "run/test_lost_database.py",
    "run/test_person_command.py",
    "run/test_report_command.py",
    "simulation/",
    "story/",
    "telemetry/test_influx_server.py",
    "test_servers.py",
    "web/",
)
"""Files and folders whose tests run servers, whole processes of siaga, or the whole system under simulation."""
SECONDS_LONG = (
    "alerts/test_equals_one_judgement.py",
    "alerts/test_equals_reference.py",
    "alerts/test_first_readings.py::test_the_past_of_a_remote",
    "alerts/test_history.py::test_days_of_several_villages_shuffled",
    "alerts/test_restarts.py::test_a_crash_before_any_step",
    "alerts/test_restarts.py::test_a_new_engine_before_every_step",
    "alerts/test_sites_change.py::test_a_facility_that_is_put_back_has_each_second_once",
    "alerts/test_sites_change.py::test_a_village_that_is_put_back_has_each_second_once",
    "broker/test_broker.py::test_a_client_that_falls_silent",
    "broker/test_broker.py::test_ten_thousand",
    "broker/test_broker.py::test_what_was_acknowledged_survives_kill_9",
    "database/test_migrations.py::test_processes_that_start_at_once",
    "gateway/test_any_payload.py",
    "gateway/test_buffer.py::test_kill_at_any_instant",
    "gateway/test_faults.py",
    "gateway/test_patience_judged.py",
    "gateway/test_two_days.py",
    "gateway/test_unknown_devices.py::test_a_hundred_thousand",
    "http/test_issued.py::test_a_report_is_kept_with_its_files_by_a_process",
    "http/test_scopes.py::test_a_limited_caller",
    "http/test_stream.py::test_a_reader_that_does_not_read",
    "http/test_stream.py::test_two_hundred_readers",
    "issued/test_service.py::test_an_order_whose_maker_died",
    "notifications/test_crash.py",
    "notifications/test_stories.py::test_a_provider_that_is_down_for_hours",
    "people/test_walk.py::test_every_route",
    "provision/test_gateway_file.py::test_a_gateway_file_is_read_as_it_was_written",
    "provision/test_gateway_file.py::test_a_village_is_written_as_it_was_read",
    "reports/test_figures_equal_brute_force.py",
    "reports/test_pdf.py::test_every_row_of_a_random_district",
    "run/backup/test_nightly.py::test_secrets_in_files",
    "run/backup/test_nightly.py::test_the_command",
    "run/test_retention.py::test_spans_outlive",
    "run/test_self_probe.py::test_an_alert_arrives",
    "schedules/test_crash.py",
    "sites/test_writing.py::test_any_file",
    "telemetry/test_slow_store.py::test_a_server_that_says_that_it_took_too_long",
    "telemetry/test_store_contract.py::test_a_hundred_thousand_points",
    "timeline/test_judge_equals_brute_force.py",
    "timeline/test_old_rules.py",
)
"""Tests that need no server and take seconds; together they take as long as all others."""
LONGEST = (
    "story/",
    "http/test_openapi.py::test_schemathesis",
    "web/test_every_page.py::test_axe",
    "gateway/test_campaign.py",
    "gateway/test_two_days.py",
    "gateway/test_any_payload.py",
    "reports/test_figures_equal_brute_force.py",
    "project/test_docs.py",
    "simulation/",
    "collector/test_process.py",
    "run/test_supervisor.py",
    "provision/",
    "alerts/test_equals_one_judgement.py",
    "telemetry/test_influx_server.py",
)
"""Tests that take longest. A worker that began one of them last would let the others wait."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make check`."""
    parser.addoption("--without-servers", action="store_true", help="run only the quick tests that need no server")


def pytest_configure(config: pytest.Config) -> None:
    """Keep files in memory. Refuse to start servers where the tests that need them are left out."""
    keep_files_in_memory()
    servers.allowed = not config.getoption("--without-servers")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without the cyclic garbage collector: it takes a quarter of the time and finds nothing.

    What is there afterwards stays until the end, so it is not searched again.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    """Close the stores that tests have lent out. Let what was frozen be collected, or extensions say that it leaked."""
    gc.unfreeze()
    close_stores()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Load no file, with `--without-servers`, of which nothing would run: what they import takes seconds."""
    if config.getoption("--without-servers") and collection_path.is_relative_to(TESTS):
        place = collection_path.relative_to(TESTS).as_posix() + ("/" if collection_path.is_dir() else "")
        if place.startswith((*WHOLE_PROCESSES, *SECONDS_LONG)):
            return True
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, with `--without-servers`, what needs a server or takes long. Deal the others to the workers."""
    if config.getoption("--without-servers"):
        quick, left_out = _split(items, _takes_long)
        config.hook.pytest_deselected(items=left_out)
        items[:] = quick
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        items[:] = _dealt(items, workers)


def _dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Returns the tests in another order: of each worker's share the longest first, and the quick ones last.

    With `--dist worksteal` a worker begins with one share of the list, and takes from the end of another's when it has
    done its own. So what is left at the end is quick. Of the others, those of a file stay together with their fixtures.
    """
    others, longest = _split(items, lambda item: _rank(item) < len(LONGEST))
    longest.sort(key=_rank)
    quick, long = _split(others, _takes_long)
    return [
        item
        for worker in range(workers)
        for item in (*longest[worker::workers], *_share(long, worker, workers), *_share(quick, worker, workers))
    ]


def _split(
    items: Sequence[pytest.Item], holds: Callable[[pytest.Item], bool]
) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Returns the tests of which something does not hold, and those of which it does."""
    found: tuple[list[pytest.Item], list[pytest.Item]] = [], []
    for item in items:
        found[holds(item)].append(item)
    return found


def _rank(item: pytest.Item) -> int:
    """Returns where a test stands in `LONGEST`, or behind its end."""
    place = _place(item)
    return next((rank for rank, start in enumerate(LONGEST) if place.startswith(start)), len(LONGEST))


def _share(items: Sequence[pytest.Item], worker: int, workers: int) -> Sequence[pytest.Item]:
    """Returns as much of a list as a worker begins with."""
    return items[len(items) * worker // workers : len(items) * (worker + 1) // workers]


def _takes_long(item: pytest.Item) -> bool:
    """Whether a test needs servers, or takes seconds without."""
    return _needs_servers(item) or _place(item).startswith(SECONDS_LONG)


def _place(item: pytest.Item) -> str:
    """Return where a test stands below `tests/`: path and name."""
    return f"{str(item.path).removeprefix(f'{TESTS}/')}::{item.name}"


def _needs_servers(item: pytest.Item) -> bool:
    """Whether a test is marked `servers`, asks for a server's fixture, or is the variant of one."""
    if _place(item).startswith(WHOLE_PROCESSES) or item.get_closest_marker("servers"):
        return True
    if SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
        return True
    callspec = getattr(item, "callspec", None)
    return callspec is not None and bool(SERVER_PARAMETERS & set(callspec.id.split("-")))
