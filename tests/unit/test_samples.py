"""The drawn pictures that a new gallery starts with."""

import io
import re

import pytest
from PIL import Image

from gateway.local.samples import Sample, samples
from gateway.local.samples.elsewhere import TIMELESS_PLACES
from gateway.local.samples.objects import DRAWINGS, draw
from gateway.local.samples.papers import PAPERS
from gateway.local.samples.patterns import PATTERNS
from gateway.local.samples.places import PLACES as DRAWN_PLACES
from gateway.local.samples.words import COLOURS, DOCUMENTS, OBJECTS, PLACES, TEXTURES, USUAL_COLOURS

MAX_BYTES = 1_500_000
ENDINGS = {"JPEG": (".jpg", "image/jpeg"), "PNG": (".png", "image/png"), "WEBP": (".webp", "image/webp")}


@pytest.fixture(name="drawn", scope="module")
def _drawn() -> list[Sample]:
    return list(samples())


def test_there_are_enough_samples_and_every_name_is_distinct(drawn: list[Sample]) -> None:
    assert len(drawn) >= 40
    assert len({sample.name for sample in drawn}) == len(drawn)


def test_names_are_plain_words_with_the_ending_of_their_format(drawn: list[Sample]) -> None:
    for sample in drawn:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*\.(jpg|png|webp)", sample.name)


def test_every_sample_decodes_as_what_it_says_it_is(drawn: list[Sample]) -> None:
    for sample in drawn:
        with Image.open(io.BytesIO(sample.data)) as picture:
            picture.load()
            ending, content_type = ENDINGS[str(picture.format)]
        assert sample.name.endswith(ending)
        assert sample.content_type == content_type


def test_samples_stay_within_the_limits_of_an_upload(drawn: list[Sample]) -> None:
    for sample in drawn:
        with Image.open(io.BytesIO(sample.data)) as picture:
            assert 640 <= max(picture.size) <= 1600
        assert 2_000 < len(sample.data) < MAX_BYTES


def test_sizes_and_formats_are_mixed(drawn: list[Sample]) -> None:
    pictures = [Image.open(io.BytesIO(sample.data)) for sample in drawn]
    shapes = {(picture.width > picture.height) - (picture.width < picture.height) for picture in pictures}
    assert shapes == {-1, 0, 1}
    assert {sample.content_type for sample in drawn} == {"image/jpeg", "image/png", "image/webp"}


def test_the_same_seed_draws_the_same_bytes(drawn: list[Sample]) -> None:
    assert list(samples(6)) == drawn[:6]


def test_another_seed_draws_other_pictures(drawn: list[Sample]) -> None:
    assert [s.data for s in samples(4, seed=8)] != [s.data for s in drawn[:4]]


def test_a_large_order_still_has_distinct_names() -> None:
    names = [sample.name for sample in samples(60, seed=3)]
    assert len(set(names)) == 60


def test_every_word_has_a_painter() -> None:
    assert set(DRAWINGS) == set(OBJECTS) == set(USUAL_COLOURS)
    assert set(DRAWN_PLACES) | set(TIMELESS_PLACES) == set(PLACES)
    assert set(PATTERNS) == set(TEXTURES)
    assert set(PAPERS) == set(DOCUMENTS)


@pytest.mark.parametrize("name", OBJECTS)
def test_a_thing_is_drawn_in_the_colour_that_is_asked_for(name: str) -> None:
    red, blue = (draw(name, colour, 48).convert("RGB") for colour in ("red", "blue"))
    assert red.tobytes() != blue.tobytes()
    assert set(USUAL_COLOURS.values()) <= set(COLOURS)
