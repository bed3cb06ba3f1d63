"""What every fault is measured by: a tally of acknowledged operations, told to the table of faults."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

import pytest

from tests.support.ledger import Tally


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Iterator[Tally]:
    """The tally of this test."""
    kept = Tally()
    yield kept
    record_property("tally", json.dumps(asdict(kept)))
