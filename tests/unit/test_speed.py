"""The bench's own promises: what it can be told, and when it says that a budget does not hold."""

import pytest

from tests.speed.__main__ import options
from tests.speed.lines import BUDGETS, Line, machine, over
from tests.speed.measures import Bench


def test_every_budget_has_a_measurement() -> None:
    assert all(callable(getattr(Bench, name)) for name in BUDGETS)


def test_without_a_choice_everything_is_measured_in_order() -> None:
    assert options([]).only == list(BUDGETS)


def test_a_choice_is_measured_in_the_same_order() -> None:
    assert options(["--only", "memory", "--only", "ingest"]).only == ["ingest", "memory"]


def test_a_measurement_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(["--only", "everything"])
    assert "invalid choice" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "good", "bad"), [("ingest", 3.1, 2.9), ("search", 1.4, 1.6), ("memory", 599, 601)])
def test_a_budget_is_over_on_its_bad_side(name: str, good: float, bad: float) -> None:
    assert over([Line(name, good, ""), Line(name, bad, "")]) == [name]
    assert "OVER" in str(Line(name, bad, "made of this"))


def test_the_machine_is_named_with_its_cores_and_load() -> None:
    assert "cores, load" in machine()
