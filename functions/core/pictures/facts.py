"""The only facts about an image that leave the decoder: known names, plain types, clean and short texts."""

import math
from collections.abc import Mapping
from typing import Final

from functions.core.text import clean, line

Facts = dict[str, object]

_EXIF_TEXTS: Final = {"camera": 200, "lens": 200, "exposure": 200, "takenAt": 200, "software": 200}
_EXIF_NUMBERS: Final = frozenset({"aperture", "iso", "focalLength"})
_AI_TEXTS: Final = {"tool": 200, "model": 200, "sampler": 200}
_AI_PAGES: Final = {"prompt": 10_000, "negativePrompt": 10_000, "raw": 20_000}
_AI_NUMBERS: Final = frozenset({"seed", "steps", "cfg"})
_HIGHEST: Final = 1 << 64


def tidy_exif(facts: Mapping[str, object]) -> Facts:
    """camera, lens, exposure, aperture, iso, focalLength (mm), takenAt, software: those that are there and make sense."""
    return _texts(facts, _EXIF_TEXTS) | _numbers(facts, _EXIF_NUMBERS)


def tidy_ai(facts: Mapping[str, object]) -> Facts:
    """tool, prompt, negativePrompt, model, seed, steps, sampler, cfg, raw: those that are there and make sense."""
    pages = {key: clean(value, limit) for key, limit in _AI_PAGES.items() if isinstance(value := facts.get(key), str)}
    found = _texts(facts, _AI_TEXTS) | {key: page for key, page in pages.items() if page}
    return found | _numbers(facts, _AI_NUMBERS)


def _texts(facts: Mapping[str, object], limits: Mapping[str, int]) -> Facts:
    found = {key: line(value, limit) for key, limit in limits.items() if isinstance(value := facts.get(key), str)}
    return {key: text for key, text in found.items() if text}


def _numbers(facts: Mapping[str, object], keys: frozenset[str]) -> Facts:
    found = {key: number(facts.get(key)) for key in sorted(keys)}
    return {key: value for key, value in found.items() if value is not None}


def number(value: object) -> int | float | None:
    """A finite number from 0 to 2^64, also out of a short text; None for anything else."""
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or not 0 <= value < _HIGHEST:
        return None
    return int(value) if value == int(value) else round(float(value), 4)


def _parsed(text: str) -> int | float | None:
    if len(text) > 32 or not text.isascii():
        return None
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return None
