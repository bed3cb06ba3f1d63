"""The page of what the faults did tells of each fault that is promised, and of no other."""

import re

from tests.support.fault_table import PAGE, promised


def told() -> dict[str, list[str]]:
    rows = re.findall(r"^\| (R\d+) \| .+? \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {number: columns.split(" | ") for number, columns in rows}


def test_each_promised_fault_is_in_the_table_and_no_other() -> None:
    assert list(told()) == list(promised())


def test_nothing_was_lost_doubled_or_stuck() -> None:
    for number, (tests, _, *bad, _) in told().items():
        assert int(tests) > 0, number
        assert set(bad) <= {"0", "–"}, number
