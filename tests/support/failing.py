"""Failpoints in this very process, for as long as a body runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from functions.core import failpoints


@contextmanager
def failing(plan: str) -> Iterator[None]:
    """What TEST_FAIL is to a process of its own."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TEST_FAIL", plan)
            patch.setattr(failpoints, "_hits", {})
            failpoints._plan.cache_clear()
            yield
    finally:
        failpoints._plan.cache_clear()
