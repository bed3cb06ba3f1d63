"""Placeholders decode to roughly the picture; fingerprints survive what people do to copies."""

import math

import pytest
from PIL import Image

from functions.core.pictures.hashes import phash, thumbhash
from tests.support.images import a_plain, an_image, encoded, opened


class Placeholder:
    """A small reader of ThumbHash, written from its description, sample by sample."""

    def __init__(self, data: bytes) -> None:
        first, second = int.from_bytes(data[:3], "little"), int.from_bytes(data[3:5], "little")
        self.clear, self.wide = bool(first >> 23), bool(second >> 15)
        finest, other = (5 if self.clear else 7), second & 7
        across, down = (finest, other) if self.wide else (other, finest)
        self._fours = [four for byte in data[6 if self.clear else 5 :] for four in (byte & 15, byte >> 4)]
        self.luma = self._waves((first & 63) / 63, (first >> 18 & 31) / 31, max(3, across), max(3, down))
        self.yellow_blue = self._waves((first >> 6 & 63) / 31.5 - 1, (second >> 3 & 63) / 63 * 1.25, 3, 3)
        self.red_green = self._waves((first >> 12 & 63) / 31.5 - 1, (second >> 9 & 63) / 63 * 1.25, 3, 3)
        alpha = ((data[5] & 15) / 15, (data[5] >> 4) / 15) if self.clear else (1.0, 0.0)
        self.alpha = self._waves(*alpha, 5, 5) if self.clear else {(0, 0): 1.0}

    def _waves(self, mean: float, scale: float, across: int, down: int) -> dict[tuple[int, int], float]:
        found = {(0, 0): mean}
        for y in range(down):
            for x in range(across):
                if (x or y) and x * down < across * (down - y):
                    found[x, y] = (self._fours.pop(0) / 7.5 - 1) * scale
        return found

    def at(self, across: float, down: float) -> tuple[float, float, float, float]:
        """Red, green, blue, alpha in 0..1 at a place in 0..1."""

        def value(waves: dict[tuple[int, int], float]) -> float:
            return sum(
                share
                * (2 if x else 1)
                * (2 if y else 1)
                * math.cos(math.pi * x * across)
                * math.cos(math.pi * y * down)
                for (x, y), share in waves.items()
            )

        luma, p, q = value(self.luma), value(self.yellow_blue), value(self.red_green)
        blue = luma - 2 / 3 * p
        red = (3 * luma - blue + q) / 2
        return red, red - q, blue, value(self.alpha)


@pytest.mark.parametrize("color", ["#ff0000", "#00ff00", "#1a2b3c", "#ffffff", "#000000", "#c08040"])
def test_a_plain_picture_decodes_to_its_colour(color: str) -> None:
    expected = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    assert Placeholder(thumbhash(a_plain(color))).at(0.5, 0.5)[:3] == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("size", [(100, 60), (60, 100), (90, 90), (1, 90), (300, 4)])
def test_places_keep_their_colours_and_shapes_are_told(size: tuple[int, int]) -> None:
    picture = Image.linear_gradient("L").rotate(90).resize(size).convert("RGB")
    found = Placeholder(thumbhash(picture))
    assert found.wide == (size[0] > size[1])
    if size[0] > 1:
        assert [found.at(x, 0.5)[0] for x in (0.1, 0.9)] == pytest.approx([0.1, 0.9], abs=0.1)


def test_transparency_is_part_of_the_placeholder() -> None:
    picture = an_image(1, (100, 100), "RGBA")
    found = Placeholder(thumbhash(picture))
    assert found.clear
    assert found.at(0.05, 0.05)[3] < 0.3
    assert found.at(0.95, 0.95)[3] > 0.8


def test_a_wholly_transparent_picture_has_a_placeholder() -> None:
    assert Placeholder(thumbhash(Image.new("RGBA", (10, 10)))).at(0.5, 0.5)[3] == pytest.approx(0, abs=0.05)


def test_a_placeholder_is_small() -> None:
    assert max(len(thumbhash(an_image(seed, (120, 90), mode))) for seed in range(4) for mode in ("RGB", "RGBA")) <= 25


def distance(one: int, other: int) -> int:
    """In how many of their 64 bits two fingerprints differ."""
    return (one ^ other).bit_count()


@pytest.mark.parametrize("seed", range(6))
def test_a_smaller_or_recompressed_copy_keeps_its_fingerprint(seed: int) -> None:
    original = an_image(seed, (640, 480))
    smaller = original.resize((200, 150), Image.Resampling.LANCZOS)
    rough = opened(encoded(original, "JPEG", quality=30))
    assert distance(phash(original), phash(smaller)) <= 6
    assert distance(phash(original), phash(rough)) <= 6


def test_different_pictures_differ_in_many_bits() -> None:
    prints = [phash(an_image(seed, (200, 150))) for seed in range(8)]
    apart = [distance(one, other) for at, one in enumerate(prints) for other in prints[:at]]
    assert min(apart) >= 10


def test_a_fingerprint_fits_64_bits_and_flat_pictures_have_a_stable_one() -> None:
    assert 0 <= phash(an_image()) < 1 << 64
    assert len({phash(a_plain("#777777", (side, side))) for side in (10, 33, 64, 100)}) == 1
