"""Facts about a picture as captions: the phrase bank with its wordings, and whole sentences for scenes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

from gateway.local.samples.words import (
    COLOURS,
    DOCUMENTS,
    OBJECTS,
    PLACES,
    SHAPES,
    TEXTURES,
    TIMELESS,
    TIMES,
    WEATHERS,
)

WORDINGS = 4
ADJECTIVES = {"rain": "rainy", "snowfall": "snowing", "fog": "foggy", "clouds": "cloudy", "clear": "clear"}
NIGHTLY = {"day": "daytime", "night": "night", "sunset": "sunset"}
PLURAL_TEXTURES = {"zigzag": "zigzag lines", "grid": "grid lines", "plaid": "plaid", "checks": "checkered squares"}
Fact = tuple[str, ...]
Phrases = dict[Fact, tuple[str, str, str, str]]


def with_article(words: str) -> str:
    """`apple` -> `an apple`."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _colours() -> Iterator[tuple[Fact, tuple[str, str, str, str]]]:
    for c in COLOURS:
        yield ("c", c), (c, f"something {c}", f"the colour {c}", f"{with_article(c)} picture")
        for thing in OBJECTS:
            yield ("oc", c, thing), _wordings(f"{c} {thing}")
        for shape in SHAPES:
            yield ("sc", c, shape), _wordings(f"{c} {shape}")
        for texture in TEXTURES:
            many = PLURAL_TEXTURES.get(texture, texture)
            wordings = (f"{c} {texture}", f"{c} {many}", f"a pattern of {c} {many}", f"{c} {texture} texture")
            yield ("tc", c, texture), wordings


def _wordings(name: str) -> tuple[str, str, str, str]:
    return with_article(name), name, f"a picture of {with_article(name)}", f"a drawing of {with_article(name)}"


def _places() -> Iterator[tuple[Fact, tuple[str, str, str, str]]]:
    for place, (alone, _) in PLACES.items():
        yield ("p", place), (place, alone, f"a picture of {alone}", f"{place} scenery")
        if place in TIMELESS:
            continue
        for time, when in TIMES.items():
            yield ("pt", place, time), (
                f"{place} {when}", f"{alone} {when}", f"{NIGHTLY[time]} {place}", f"a {NIGHTLY[time]} picture of {alone}",
            )  # fmt: skip
        for weather, how in WEATHERS.items():
            adjective = ADJECTIVES[weather]
            yield ("pw", place, weather), (
                f"{place} {how}", f"{alone} {how}", f"{adjective} {place}", f"{adjective} weather, {place}",
            )  # fmt: skip


def _rest() -> Iterator[tuple[Fact, tuple[str, str, str, str]]]:
    for time, when in TIMES.items():
        yield ("t", time), (NIGHTLY[time], when, f"a {NIGHTLY[time]} scene", f"a landscape {when}")
    for weather, how in WEATHERS.items():
        yield (
            ("w", weather),
            (f"{ADJECTIVES[weather]} weather", how, f"a landscape {how}", f"{ADJECTIVES[weather]} sky"),
        )
    for texture in TEXTURES:
        many = PLURAL_TEXTURES.get(texture, texture)
        yield ("tx", texture), (texture, f"a {texture} pattern", f"a pattern of {many}", f"{texture} texture")
    for shape in SHAPES:
        yield ("s", shape), _wordings(shape)
    for kind in DOCUMENTS:
        yield (
            ("d", kind),
            (kind, with_article(kind), f"a document with {with_article(kind)}", f"a scan of {with_article(kind)}"),
        )
    for a, b in combinations(COLOURS, 2):
        yield ("g", a, b), (
            f"a gradient from {a} to {b}", f"{a} and {b} gradient", f"{b} to {a} gradient", f"{a} fading into {b}",
        )  # fmt: skip
    yield ("g",), ("gradient", "a colour gradient", "a smooth gradient background", "smooth colours")
    yield ("d",), ("document", "a document", "a scanned page", "paper document")
    yield ("bw",), ("black and white", "a black and white picture", "monochrome", "a greyscale image")
    yield ("p",), ("landscape", "a landscape", "scenery", "a view of nature")
    yield ("tx",), ("pattern", "an abstract pattern", "texture", "a repeating pattern")


def phrases() -> Phrases:
    """Every atomic fact that is not the name of a thing, with four wordings."""
    return dict([*_colours(), *_places(), *_rest()])


def name_wordings(name: str) -> tuple[str, str, str, str]:
    """How people may ask for a thing by its name."""
    return name, with_article(name), f"a picture of {with_article(name)}", f"a drawing of {with_article(name)}"


@dataclass
class Scene:
    """What a picture shows; `things` pairs a name with its colour, or with none where it has no clear one."""

    things: list[tuple[str, str | None]] = field(default_factory=list)
    place: str | None = None
    time: str | None = None
    weather: str | None = None


def caption(scene: Scene, rng: random.Random) -> tuple[str, list[Fact]]:
    """One sentence and the facts it claims; what it leaves out is chosen by chance, so that short searches are learnt too."""
    parts, facts = _things(scene, rng)
    if scene.place:
        alone, inside = PLACES[scene.place]
        parts = [" and ".join(parts), inside] if parts else [alone]
        facts.append(("p", scene.place))
    if scene.time and rng.random() < 0.6:
        parts.append(TIMES[scene.time])
        facts.append(("t", scene.time))
    if scene.weather and scene.weather != "clear" and rng.random() < 0.6:
        parts.append(WEATHERS[scene.weather])
        facts.append(("w", scene.weather))
    return " ".join(parts) if scene.place else " and ".join(parts), facts


def _things(scene: Scene, rng: random.Random) -> tuple[list[str], list[Fact]]:
    parts, facts = list[str](), list[Fact]()
    for name, colour in scene.things:
        if colour and rng.random() < 0.7:
            parts.append(with_article(f"{colour} {name}"))
            facts.append(("oc", colour, name))
        else:
            parts.append(with_article(name))
            facts.append(("o", name))
    return parts, facts


def true_facts(scene: Scene) -> list[Fact]:
    """Every phrase of the bank that this scene makes true."""
    facts: list[Fact] = []
    for name, colour in scene.things:
        if colour:
            facts += [("c", colour), ("oc", colour, name)]
    if scene.place:
        facts += [("p",), ("p", scene.place)]
        if scene.time and scene.weather:
            facts += [("t", scene.time), ("w", scene.weather)]
            facts += [("pt", scene.place, scene.time), ("pw", scene.place, scene.weather)]
    return facts


def is_colour(fact: Fact) -> bool:
    """Whether the fact cannot be seen in a black-and-white picture."""
    return fact[0] in ("c", "oc", "sc", "tc", "g")


@lru_cache(maxsize=1)
def _all_phrases() -> Phrases:
    return phrases()


def phrases_of(fact: Fact) -> tuple[str, str, str, str]:
    """The wordings of one fact of the bank."""
    return _all_phrases()[fact]
