"""The collector: takes the gateways' batches from the central broker, stores them, and only then acknowledges them.

`run_collector` runs it as one process. `assemble` builds its service on a store, a database and a session that the
caller shares with other rooms. `Collector` is the core, without threads.
"""

from collector.build import ROLE, assemble, broker_session, run_collector
from collector.collector import Collector
from collector.deduplication import Deduplication
from collector.intake import Intake
from collector.metrics import CollectorMetrics
from collector.refusals import Refusals
from collector.registry_cache import RegistryCache
from collector.service import CollectorService

__all__ = [
    "ROLE",
    "Collector",
    "CollectorMetrics",
    "CollectorService",
    "Deduplication",
    "Intake",
    "Refusals",
    "RegistryCache",
    "assemble",
    "broker_session",
    "run_collector",
]
