"""Runs seeds and says what came of them: `python -m tests.simulation --seeds 1-200`, or one of them with its trace.

With `--days` the runs are of days instead of minutes.
"""

# ruff: noqa: T201 - it speaks to people

import argparse
import sys
import time

from tests.memory import keep_files_in_memory
from tests.simulation.options import Options
from tests.simulation.run import Outcome, simulate


def main() -> int:
    """Run what was asked for; 1 if a seed fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1-200", help="the seeds to run, such as 7 or 1-1000")
    parser.add_argument("--days", action="store_true", help="runs of days, not of minutes")
    parser.add_argument("--leaders", action="store_true", help="half of the faults: another engine takes over")
    parser.add_argument("--shows-late", action="store_true", help="the store shows what it stored up to 5 s later")
    parser.add_argument("--trace", action="store_true", help="show every step")
    parser.add_argument("--every-failure", action="store_true", help="go on after the first seed that fails")
    asked = parser.parse_args()
    keep_files_in_memory()
    first, _, last = asked.seeds.partition("-")
    began, days, failed = time.process_time(), 0.0, 0
    counted: dict[str, int] = {}
    for seed in range(int(first), int(last or first) + 1):
        options = Options.of_days(seed) if asked.days else Options.of(seed)
        options = options.with_leaders() if asked.leaders else options
        options = options.with_late_showing() if asked.shows_late else options
        outcome: Outcome = simulate(options, print if asked.trace else None)
        days += outcome.village_days
        for what, count in outcome.counted.items():
            counted[what] = counted.get(what, 0) + count
        if outcome.failures:
            failed += 1
            print(outcome.report, flush=True)
            if not asked.every_failure:
                break
    took = time.process_time() - began
    print(", ".join(f"{what} {count}" for what, count in sorted(counted.items())))
    print(
        f"{days:.1f} village-days in {took:.0f} s of one core: {60 * days / took:.0f} a minute; {failed} seeds failed"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
