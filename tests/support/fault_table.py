"""A pytest plugin: every test that carries an R number, and a page of what came of the loads that they put on."""

import json
import os
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PROMISED: Final = re.compile(r"^\| (R\d+) \| (.+) \|$", re.MULTILINE)
PAGE: Final = ROOT / "docs" / "faults.md"
TALLY: Final = "tally"
SUMS: Final = ("loads", "lost", "doubled", "stuck")
HEAD: Final = """<!-- made by `make test-faults`; do not edit -->

# What the faults did

One run of `make test-faults`: {tests} tests, {minutes:.1f} minutes on {cores} cores, which two test processes shared. Loads are
operations that were acknowledged: in {written} a client wrote each down, synced, before it went on, elsewhere the
test counts them. *Lost* are those without their effect afterwards, *doubled* effects beyond the first, *stuck* whatever
was still under way once nothing moved any more. Recovery is the longest wait after a fault until people were served again
or nothing lay about. A dash: the test holds rows, objects and points against each other, and counts nothing.

| number | fault | tests | loads | lost | doubled | stuck | recovery |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


class FaultTable:
    """Collects outcomes and tallies by number; with more processes, those of all of them."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)
        self.tallies: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test counts as its worst part."""
        said = dict(report.user_properties)
        for number in str(said.get("faults", "")).split():
            before = self.outcomes[number].get(report.nodeid, "passed")
            self.outcomes[number][report.nodeid] = report.outcome if before == "passed" else before
            if report.when == "teardown" and TALLY in said:
                self.tallies[number].append(json.loads(str(said[TALLY])))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A whole run that went well makes the page; a number without a test that passed is a failure."""
        config = session.config
        if hasattr(config, "workerinput") or config.option.collectonly or session.exitstatus != pytest.ExitCode.OK:
            return
        if self.broken():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif not config.option.keyword and config.args == config.getini("testpaths"):
            PAGE.write_text(self.page(), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table."""
        terminalreporter.section("fault → tests → result")
        for number, sentence in promised().items():
            terminalreporter.write_line(self._row(number, sentence))
        for number in self.broken():
            terminalreporter.write_line(f"{number} is not proven")

    def broken(self) -> list[str]:
        """The faults that no passing test survived, or that a test did not survive."""
        return [number for number in promised() if set(self.outcomes[number].values()) != {"passed"}]

    def page(self) -> str:
        tests = {test for found in self.outcomes.values() for test in found}
        rows = [self._row(number, sentence) for number, sentence in promised().items()]
        minutes = (time.monotonic() - self.began) / 60
        written = [number for number in promised() if any(tally["written"] for tally in self.tallies[number])]
        head = HEAD.format(
            tests=len(tests), minutes=minutes, cores=len(os.sched_getaffinity(0)), written=", ".join(written)
        )
        return head + "\n".join(rows) + "\n"

    def _row(self, number: str, sentence: str) -> str:
        tallies = self.tallies[number]
        sums = [str(sum(tally[name] for tally in tallies)) if tallies else "–" for name in SUMS]
        took = [tally["recovery_s"] for tally in tallies if tally["recovery_s"] is not None]
        recovery = f"{max(took):.1f} s" if took else "–"
        return " | ".join([f"| {number}", sentence, str(len(self.outcomes[number])), *sums, f"{recovery} |"])


def promised() -> dict[str, str]:
    """Numbers and sentences of docs/reliability.md, in the order of their numbers."""
    found = PROMISED.findall((ROOT / "docs" / "reliability.md").read_text(encoding="utf-8"))
    return dict(sorted(found, key=lambda row: int(row[0][1:])))


def numbers(item: pytest.Item) -> list[str]:
    """The faults that a test is about."""
    return [number for mark in item.iter_markers("promises") for number in mark.args if number.startswith("R")]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(FaultTable(), "fault-table")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that are about a fault, and let their reports carry its number."""
    for item in items:
        item.user_properties.append(("faults", " ".join(numbers(item))))
    config.hook.pytest_deselected(items=[item for item in items if not numbers(item)])
    items[:] = [item for item in items if numbers(item)]
