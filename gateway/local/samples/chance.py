"""Seeded chance: the same seed draws the same picture on every machine."""

import random


def seeded(seed: int | str) -> random.Random:
    """A source of chance that depends on nothing but the seed."""
    return random.Random(seed)  # noqa: S311 nothing here is a secret
