"""Retention of an InfluxDB 1: readings for as long as the default policy says, a summary of each hour for ever.

An InfluxDB deletes by itself, shard by shard, whether siaga runs or not. So the policy keeps readings a week longer
than asked for, in which their summaries are written.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

import structlog

from siaga.model.clock import DAY, HOUR, SECOND
from siaga.telemetry import StoreUnavailable
from siaga.telemetry.influx_connection import InfluxConnection, NoBucket, identifier
from siaga.telemetry.influx_reading import HOURLY_POLICY, THINNED, InfluxReading
from siaga.telemetry.line_protocol import render_summary

__all__ = ["LONGER", "InfluxRetention"]

LONGER = 7 * DAY
"""For how much longer than asked for the server keeps readings."""
LINES = 5_000
"""Lines of one request."""
_DEFAULT = "autogen"
"""The policy of a database that nobody gave another. An administrator's own policy is left alone."""

log = structlog.get_logger(__name__)


class InfluxRetention:
    """Sets the policies of one database, and writes the summaries."""

    def __init__(self, connection: InfluxConnection, reading: InfluxReading) -> None:
        self._connection, self._reading = connection, reading

    def thin(self, before: int, now: int) -> None:
        """See `TelemetryStore.thin`. `now`: wall time, ms."""
        if not self._connection.is_influxdb_1:
            return
        policies = self._policies()
        if not policies.get(_DEFAULT, {}).get("default"):
            return
        if HOURLY_POLICY not in policies and not self._connection.administer(
            f'CREATE RETENTION POLICY "{HOURLY_POLICY}" ON {self._database} '
            "DURATION INF REPLICATION 1 SHARD DURATION 52w"
        ):
            log.warning("the user of the store may not set its retention", needed="ALL PRIVILEGES of the database")
            return
        self._summarise(before - before % HOUR)
        self.keep(now - before + LONGER)

    def keep(self, duration: int) -> None:
        """Set for how long the default policy keeps points, ms, in whole hours, if it is the database's own."""
        if self._connection.address.org is not None or self._connection.version()[0] != 1:
            return
        hours = max(1, -(-duration // HOUR))
        policy = self._policies().get(_DEFAULT, {})
        if policy.get("default") and _hours(policy) != hours:
            shard = 1 if hours < 48 else 24 if hours <= 180 * 24 else 168  # InfluxDB's own defaults
            self._connection.administer(
                f'ALTER RETENTION POLICY "{_DEFAULT}" ON {self._database} DURATION {hours}h SHARD DURATION {shard}h'
            )

    def kept_for(self) -> int | None:
        """See `TelemetryStore.kept_for`."""
        version = self._connection.version()[0]
        if version >= 3:
            return None  # it has no such setting that can be asked
        if version == 2:
            with suppress(NoBucket):  # then there is nothing that could be deleted
                seconds = self._connection.bucket_kept_for()
                return None if seconds is None else seconds * SECOND
            return None
        hours = [_hours(policy) for policy in self._policies().values() if policy.get("default")]
        return min((each * HOUR for each in hours if each), default=None)

    @property
    def _database(self) -> str:
        return identifier(self._connection.address.database)

    def _policies(self) -> Mapping[str, Mapping[str, object]]:
        """Returns the retention policies by name."""
        return {
            str(policy["name"]): policy
            for _, part in self._connection.query([f"SHOW RETENTION POLICIES ON {self._database}"])
            for row in part.values
            for policy in [dict(zip(part.columns, row, strict=True))]
        }

    def _summarise(self, before: int) -> None:
        """Write the summaries of all hours before a full hour that have none yet, and note that it was done."""
        start = self._reading.summarised_until()
        if start is None:
            start = self._reading.oldest()
        if start is None:
            return
        for day in range(start - start % DAY, before, DAY):
            window = (max(start - start % HOUR, day), min(day + DAY, before))
            lines: list[str] = []
            for line in self._summaries(window):
                lines.append(line)
                if len(lines) >= LINES:
                    self._write(lines)
                    lines = []
            self._write([*lines, f"{THINNED} ok=true {window[1]}"])

    def _summaries(self, window: tuple[int, int]) -> Iterator[str]:
        for signal in self._reading.signals():
            for (village, device), points in self._reading.hours(signal, window).items():
                yield from (render_summary(village, device, signal, point) for point in points)

    def _write(self, lines: list[str]) -> None:
        answer = self._connection.write(lines, "ms", within=60.0, policy=HOURLY_POLICY)
        if answer is not None:
            raise StoreUnavailable(f"InfluxDB does not take the summaries of hours: {answer.reason}")


def _hours(policy: Mapping[str, object]) -> int:
    """Returns the duration of a policy (`960h0m0s`, `0s` for ever) in whole hours; 0: for ever."""
    found = re.match(r"(\d+)h", str(policy.get("duration", "")))
    return int(found[1]) if found else 0
