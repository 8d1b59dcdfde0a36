"""The tables of the SQL database, the same in SQLite and PostgreSQL.

All times are whole milliseconds of Unix time. Telemetry is not here; what is derived from it (spans, days, dark
stretches, first reports) can be deleted and is rebuilt from the telemetry store. A change here needs its migration
beside it: a test compares the two. A module holds one group of tables; all names are taken from here.
"""

from siaga.database.tables.alerts import (
    alert,
    alert_action,
    alert_comment,
    alert_event,
    alert_member,
    annotation,
    maintenance,
)
from siaga.database.tables.attestations import attestation, attestation_photo
from siaga.database.tables.base import metadata
from siaga.database.tables.complaints import complaint, complaint_day, complaint_photo, complaint_quiet
from siaga.database.tables.derived import (
    dark,
    day,
    engine_lease,
    engine_state,
    first_report,
    gateway_state,
    inbox,
    span,
    village_partition,
    village_snapshot,
    village_state,
)
from siaga.database.tables.edge import (
    ignored_device,
    public_note,
    quarantine,
    quarantine_dropped,
    token,
    unknown_device,
)
from siaga.database.tables.notifications import (
    escalation,
    notice,
    notification,
    notification_item,
    notification_provider,
)
from siaga.database.tables.people import person, push_key, push_subscription, session, sign_in_wait, welcome
from siaga.database.tables.registry import device, facility, holiday, region, registry_version, taken_out, village
from siaga.database.tables.reports import (
    lease,
    report,
    report_file,
    report_order,
    report_run,
    report_scope,
    rewritten,
)

__all__ = [
    "alert",
    "alert_action",
    "alert_comment",
    "alert_event",
    "alert_member",
    "annotation",
    "attestation",
    "attestation_photo",
    "complaint",
    "complaint_day",
    "complaint_photo",
    "complaint_quiet",
    "dark",
    "day",
    "device",
    "engine_lease",
    "engine_state",
    "escalation",
    "facility",
    "first_report",
    "gateway_state",
    "holiday",
    "ignored_device",
    "inbox",
    "lease",
    "maintenance",
    "metadata",
    "notice",
    "notification",
    "notification_item",
    "notification_provider",
    "person",
    "public_note",
    "push_key",
    "push_subscription",
    "quarantine",
    "quarantine_dropped",
    "region",
    "registry_version",
    "report",
    "report_file",
    "report_order",
    "report_run",
    "report_scope",
    "rewritten",
    "session",
    "sign_in_wait",
    "span",
    "taken_out",
    "token",
    "unknown_device",
    "village",
    "village_partition",
    "village_snapshot",
    "village_state",
    "welcome",
]
