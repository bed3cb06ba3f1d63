"""A pytest plugin: after the security tests, each promise with the tests that proved it, or the reason why none can here."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PROMISED: Final = re.compile(r"^\| (S\d+) \| (.+) \|$", re.MULTILINE)
ELSEWHERE: Final = re.compile(r"^- (S\d+): (.+)$", re.MULTILINE)
SENTENCE: Final = 96


class PromiseMap:
    """Collects outcomes by number; with more processes, those of all of them."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test counts as its worst part: it passed when nothing of it failed."""
        for number in str(dict(report.user_properties).get("promises", "")).split():
            before = self.outcomes[number].get(report.nodeid, "passed")
            self.outcomes[number][report.nodeid] = report.outcome if before == "passed" else before

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A promise without a test that passed is a failure, also when no test failed."""
        if not hasattr(session.config, "workerinput") and session.exitstatus == pytest.ExitCode.OK and self.broken():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The map."""
        terminalreporter.section("promise → tests → result")
        for number, sentence in written(PROMISED).items():
            terminalreporter.write_line(self._row(number, sentence))
        terminalreporter.section("not proven here")
        for number, reason in written(ELSEWHERE).items():
            terminalreporter.write_line(f"{number:4} {reason}")

    def broken(self) -> list[str]:
        """The promises that no passing test proves, or that a test found broken."""
        return [number for number in written(PROMISED) if not self._kept(number)]

    def _kept(self, number: str) -> bool:
        found = set(self.outcomes[number].values())
        return "passed" in found and "failed" not in found

    def _row(self, number: str, sentence: str) -> str:
        tests = self.outcomes[number]
        result = "kept" if self._kept(number) else "BROKEN" if tests else "NO TEST"
        places = sorted({Path(test.split("::")[0]).name for test in tests})
        short = sentence if len(sentence) <= SENTENCE else f"{sentence[: SENTENCE - 1]}…"
        return f"{number:4} {result:8} {len(tests):4} tests  {short}  [{', '.join(places)}]"


def written(pattern: re.Pattern[str]) -> dict[str, str]:
    """Numbers and sentences of SECURITY.md, in the order of their numbers."""
    found = pattern.findall((ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    return dict(sorted(found, key=lambda row: int(row[0][1:])))


def numbers(item: pytest.Item) -> list[str]:
    """The security promises that a test proves."""
    return [number for mark in item.iter_markers("promises") for number in mark.args if number.startswith("S")]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(PromiseMap(), "promise-map")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that prove a security promise, and let their reports carry its number."""
    for item in items:
        item.user_properties.append(("promises", " ".join(numbers(item))))
    others = [item for item in items if not numbers(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if numbers(item)]
