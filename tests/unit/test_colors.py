"""Dominant colours and their names, as people would say them."""

import pytest
from PIL import Image

from functions.core.pictures.colors import NAMES, color_names, dominant
from tests.support.images import a_plain, an_image

SAID = {
    "red": ["#ff0000", "#dc143c", "#b22222", "#8b0000"],
    "orange": ["#ffa500", "#ff8c00", "#ff7f50"],
    "yellow": ["#ffff00", "#ffd700", "#f0e68c"],
    "green": ["#00ff00", "#008000", "#556b2f", "#2e8b57", "#6b8e23"],
    "teal": ["#008080", "#20b2aa", "#00ffff", "#40e0d0"],
    "blue": ["#0000ff", "#1e90ff", "#000080", "#87ceeb", "#4169e1"],
    "purple": ["#800080", "#8a2be2", "#9370db", "#4b0082"],
    "pink": ["#ffc0cb", "#ff69b4", "#ff1493", "#dda0dd"],
    "brown": ["#8b4513", "#a0522d", "#654321", "#5c4033"],
    "black": ["#000000", "#0a0a0a", "#101014"],
    "grey": ["#808080", "#a9a9a9", "#708090", "#d3d3d3"],
    "white": ["#ffffff", "#fafafa", "#f5f5f5"],
}


@pytest.mark.parametrize(("name", "color"), [(name, color) for name, colors in SAID.items() for color in colors])
def test_colours_have_the_names_that_people_use(name: str, color: str) -> None:
    assert color_names((color,)) == (name,)


def test_every_name_can_be_given_and_names_come_once_in_order() -> None:
    assert set(SAID) == set(NAMES)
    assert color_names(("#0000ff", "#ff0000", "#0000f0")) == ("blue", "red")
    assert color_names(()) == ()


@pytest.mark.parametrize("color", ["#ff0000", "#123456", "#ffffff", "#000000", "#7f7f7f"])
def test_a_plain_picture_has_exactly_its_colour(color: str) -> None:
    assert dominant(a_plain(color)) == (color,)


def test_the_strongest_colour_comes_first() -> None:
    picture = a_plain("#0000ff", (100, 100))
    picture.paste("#ff0000", (0, 0, 100, 30))
    picture.paste("#ffffff", (0, 0, 10, 100))
    assert color_names(dominant(picture)) == ("blue", "red", "white")


def test_there_are_at_most_five_and_the_same_picture_gives_the_same() -> None:
    for seed in range(10):
        picture = an_image(seed, (200, 150))
        assert 1 <= len(dominant(picture)) <= 5
        assert dominant(picture) == dominant(picture.copy())


def test_what_is_transparent_has_no_colour() -> None:
    picture = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert dominant(picture) == ()
    picture.paste((0, 128, 0, 255), (0, 0, 20, 10))
    assert color_names(dominant(picture)) == ("green",)
