"""`siaga rebuild`: judge the history again."""

from siaga.run.cli.options import DatabaseUrl, DataDir, StoreUrl
from siaga.run.cli.serving import serve

__all__ = ["rebuild"]


def rebuild(data_dir: DataDir = None, store_url: StoreUrl = None, database_url: DatabaseUrl = None) -> None:
    """Throw the judged history away and judge it again from the stored telemetry."""
    from siaga.run.rebuild import rebuild as rebuild_history
    from siaga.run.settings import load_settings

    flags = {"data_dir": data_dir, "store_url": store_url, "database_url": database_url}
    serve(lambda stop: rebuild_history(load_settings(flags), stop))
