"""Run the measurements and print one table: what was measured, its limit, their ratio.

`python -m bench` runs all of them, `python -m bench collector_throughput` the named ones; what is long runs only where
it is named, and may have options: `python -m bench country --villages 500`. It ends with an error when
a measurement could not be made; a limit that is missed is shown, not raised, as a loaded machine misses limits too.
"""

import importlib
import pkgutil
import signal
import sys
import time
import traceback
from collections.abc import Iterable
from types import ModuleType

from rich.console import Console
from rich.table import Table

import bench
from bench.figure import Figure


def main(arguments: list[str]) -> int:
    at = next((index for index, each in enumerate(arguments) if each.startswith("-")), len(arguments))
    names, options = arguments[:at], arguments[at:]
    if options and len(names) != 1:
        raise SystemExit("options are of one measurement: name it, and put them behind it")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an end in which the servers are ended as well
    console = Console(width=None if sys.stdout.isatty() else 150)
    figures: list[tuple[str, Figure]] = []
    failed: list[str] = []
    for module in _measurements(names):
        name = module.__name__.removeprefix("bench.")
        console.print(f"[bold]{name}[/]: {(module.__doc__ or '').strip().splitlines()[0]}")
        began = time.perf_counter()
        try:
            figures += [(name, figure) for figure in (module.run(options) if options else module.run())]
        except Exception:  # noqa: BLE001 - one measurement that breaks does not cost the others
            traceback.print_exc()
            failed.append(name)
        console.print(f"  took {time.perf_counter() - began:.0f} s")
    console.print(_table(figures))
    if failed:
        console.print(f"[red]could not be measured: {', '.join(failed)}[/]")
    return 1 if failed else 0


def _measurements(names: list[str]) -> Iterable[ModuleType]:
    known = sorted(each.name for each in pkgutil.iter_modules(bench.__path__) if not each.name.startswith("_"))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no such measurement: {', '.join(unknown)}")
    for name in names or known:
        module = importlib.import_module(f"bench.{name}")
        if callable(getattr(module, "run", None)) and (names or not getattr(module, "ALONE", False)):
            yield module


def _table(figures: Iterable[tuple[str, Figure]]) -> Table:
    table = Table(title="siaga bench", title_justify="left")
    for heading, justify in (("measurement", "left"), ("figure", "left"), ("measured", "right"), ("limit", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]  # the literals are in the tuple above
    table.add_column("ratio", justify="right")
    table.add_column("", justify="left")
    table.add_column("note", justify="left")
    last = ""
    for name, figure in figures:
        limit = f"{figure.side.value} {_number(figure.limit)} {figure.unit}" if figure.limit is not None else ""
        ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else ""
        verdict = "" if figure.limit is None else "[green]kept[/]" if figure.holds else "[red]missed[/]"
        shown = f"{_number(figure.value)} {figure.unit}"
        table.add_row("" if name == last else name, figure.name, shown, limit, ratio, verdict, figure.note)
        last = name
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
