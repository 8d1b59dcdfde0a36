"""The status of a running gateway, for a technician on site. `siaga gateway check` shows it as sentences."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from gateway.heard import Heard
from gateway.intake import Intake
from gateway.outbox import Outbox
from siaga.model.signals import Value
from siaga.wire.refusal import mask

__all__ = ["DeviceReport", "GatewayReport", "make_report"]


class DeviceReport(BaseModel):
    """One device. Times in ms of the gateway's clock.

    `seen`: the time of its last message; `None` if there was none since the gateway started.
    `implausible`: by signal, how many values were dropped as implausible, and the last one.
    `offset`: its clock minus the gateway's, ms, if it is not trusted.
    `polled`: how a polled device answered last.
    `instead`, `error`: what arrives in place of the expected signals, and what is wrong with it.
    """

    model_config = ConfigDict(frozen=True)

    village: str
    device: str
    adapter: str
    address: str
    every: int
    seen: int | None = None
    online: bool | None = None
    values: dict[str, tuple[int, Value]] = {}
    refused: int = 0
    refusal: str = ""
    implausible: dict[str, tuple[int, Value]] = {}
    offset: int | None = None
    polled: str = ""
    instead: str = ""
    error: str = ""

    @property
    def spoke(self) -> bool:
        """Whether it sent anything since the gateway started. A birth or a refused message counts, too."""
        return self.seen is not None or self.online is not None or self.refused > 0 or bool(self.values)


class GatewayReport(BaseModel):
    """The whole gateway. Each `…_problem` is a sentence, or `None` if there is no problem."""

    model_config = ConfigDict(frozen=True)

    now: int
    time_known: bool
    village_problem: str | None
    centre_problem: str | None
    disk_problem: str | None
    buffered: int
    fill: float
    thinned: int
    undated: int
    devices: list[DeviceReport]
    sites_problem: str | None = None


def make_report(
    intake: Intake,
    outbox: Outbox,
    now: int,
    *,
    time_known: bool,
    village_problem: str | None,
    centre_problem: str | None,
    polled: Mapping[tuple[str, str], str],
    sites_problem: str | None = None,
) -> GatewayReport:
    """Returns the current report. `now`: wall time, ms."""
    devices = []
    for (village, name), installed in intake.router.installed.items():
        key = (village, name)
        heard = intake.heard.get(key, Heard())
        skew = intake.skewed.get(key)
        presence = intake.presences.get(key)
        instead = heard.instead(now, installed.device.validity)
        devices.append(
            DeviceReport(
                village=village,
                device=name,
                adapter=installed.device.adapter.value,
                address=installed.address,
                every=installed.device.every,
                seen=heard.seen,
                online=presence.online if presence is not None else None,
                values=dict(heard.values),
                refused=heard.refused,
                refusal=mask(heard.refusal),
                implausible={signal: (each.number, each.value) for signal, each in heard.implausible.items()},
                offset=skew.offset if skew is not None else None,
                polled=polled.get(key, ""),
                instead=instead.what if instead is not None else "",
                error=instead.error if instead is not None else "",
            )
        )
    return GatewayReport(
        now=now,
        sites_problem=sites_problem,
        time_known=time_known,
        village_problem=village_problem,
        centre_problem=centre_problem,
        disk_problem=outbox.problem,
        buffered=outbox.disk.readings,
        fill=outbox.disk.fill,
        thinned=outbox.disk.thinned,
        undated=outbox.disk.undated,
        devices=devices,
    )
