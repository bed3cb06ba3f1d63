"""`python -m tests.speed`: ratios against naive baselines and against parts, in one run on one machine."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.speed.gallery import running
from tests.speed.lines import BUDGETS, Line, machine, over
from tests.speed.measures import FULL, QUICK, Bench, Sizes


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """What may be said; `only` names the measurements, in their order."""
    parser = argparse.ArgumentParser(prog="python -m tests.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few images and assets: shows that it runs, no more")
    parser.add_argument("--only", action="append", choices=list(BUDGETS), metavar="NAME", help=", ".join(BUDGETS))
    given = parser.parse_args(arguments)
    given.only = [name for name in BUDGETS if name in (given.only or BUDGETS)]
    return given


async def measure(names: list[str], sizes: Sizes) -> list[Line]:
    """The lines of the named measurements, each printed as soon as it is known."""
    lines = []
    async with running() as gallery:
        with tempfile.TemporaryDirectory(prefix="miraveja-bench-") as folder:
            bench = Bench(gallery, sizes, Path(folder))
            for name in names:
                lines.append(await getattr(bench, name)())
                say(str(lines[-1]))
    return lines


def say(text: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """1 when a budget does not hold."""
    given, started = options(), time.monotonic()
    say(f"before: {machine()}")
    lines = asyncio.run(measure(given.only, QUICK if given.quick else FULL))
    say(f"after:  {machine()}; {time.monotonic() - started:.0f} s")
    if missed := over(lines):
        say(f"over budget: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
