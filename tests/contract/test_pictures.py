"""The port Pictures: what one original becomes, whatever its format, mode, size and orientation."""

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from functions.core.errors import TooManyPixels, TypeMismatch, UnreadableImage, Unsupported
from functions.core.pictures.admission import Admission
from functions.core.pictures.colors import color_names
from functions.core.pictures.pictures import LimitedPictures
from functions.core.ports import Pictures, Preview
from tests.support.bombs import ODD, a_deep_png
from tests.support.images import FORMATS, a_jpeg, a_plain, a_png, a_webp, an_image, encoded, opened

Builder = Callable[..., bytes]
FORMAT = pytest.mark.parametrize(("content_type", "build"), FORMATS.items(), ids=FORMATS)


@pytest.fixture(scope="module")
async def pictures() -> AsyncIterator[Pictures]:
    limited = LimitedPictures()
    yield limited
    await limited.close()


def sizes(preview: Preview) -> dict[str, tuple[int, int]]:
    return {rendition.variant: (rendition.width, rendition.height) for rendition in preview.renditions}


def shown(preview: Preview, variant: str = "1600") -> Image.Image:
    return opened(next(rendition.data for rendition in preview.renditions if rendition.variant == variant))


def near(one: Image.Image, other: Image.Image) -> float:
    """Mean difference per channel, 0..255."""
    pair = [np.asarray(image.convert("RGB").resize((64, 48)), dtype=float) for image in (one, other)]
    return float(np.abs(pair[0] - pair[1]).mean())


@FORMAT
async def test_every_format_gives_three_renditions_of_the_promised_sizes(
    pictures: Pictures, content_type: str, build: Builder
) -> None:
    preview = await pictures.preview(build(size=(2000, 1000)), content_type)
    assert (preview.width, preview.height) == (2000, 1000)
    assert sizes(preview) == {"1600": (1600, 800), "720": (720, 360), "256": (256, 128)}
    assert [r.content_type for r in preview.renditions] == ["image/jpeg", "image/webp", "image/webp"]
    assert all(opened(r.data).size == (r.width, r.height) for r in preview.renditions)


@FORMAT
async def test_renditions_look_like_the_original(pictures: Pictures, content_type: str, build: Builder) -> None:
    preview = await pictures.preview(build(7, size=(640, 480)), content_type)
    for variant in ("1600", "720", "256"):
        assert near(shown(preview, variant), an_image(7, (640, 480))) < 9


async def test_small_originals_are_never_enlarged_and_every_variant_exists(pictures: Pictures) -> None:
    preview = await pictures.preview(a_png(size=(300, 200)), "image/png")
    assert sizes(preview) == {"1600": (300, 200), "720": (300, 200), "256": (256, 171)}


async def test_transparency_that_is_used_is_kept_in_webp(pictures: Pictures) -> None:
    preview = await pictures.preview(a_png(size=(900, 600), mode="RGBA"), "image/png")
    assert {rendition.content_type for rendition in preview.renditions} == {"image/webp"}
    assert all(shown(preview, variant).mode == "RGBA" for variant in ("1600", "720", "256"))


async def test_an_alpha_channel_that_hides_nothing_makes_a_jpeg(pictures: Pictures) -> None:
    opaque = an_image(1, (900, 600)).convert("RGBA")
    preview = await pictures.preview(encoded(opaque, "PNG"), "image/png")
    assert preview.renditions[0].content_type == "image/jpeg"


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_pictures_stand_upright_whatever_exif_says(pictures: Pictures, orientation: int) -> None:
    upright = a_plain("#ff0000", (120, 80))
    upright.paste("#0000ff", (0, 0, 30, 20))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    preview = await pictures.preview(encoded(stored, "JPEG", quality=95, exif=exif), "image/jpeg")
    assert (preview.width, preview.height) == (120, 80)
    assert near(shown(preview), upright) < 6


@pytest.mark.promises("S35")
@pytest.mark.parametrize(
    ("form", "content_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
async def test_colours_of_another_profile_are_converted_before_the_profile_goes(
    pictures: Pictures, form: str, content_type: str
) -> None:
    """A profile that calls blue what sRGB calls red: only who converts shows blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "qRGB".encode("utf-16-be"))
    data = encoded(a_plain("#e01010", (64, 64)), form, icc_profile=swapped)
    assert color_names((await pictures.preview(data, content_type)).colors) == ("blue",)


@pytest.mark.parametrize("profile", [b"not a profile" * 20, bytes(200), b"x"])
async def test_a_broken_profile_is_ignored(pictures: Pictures, profile: bytes) -> None:
    data = encoded(a_plain("#00a000"), "PNG", icc_profile=profile)
    assert color_names((await pictures.preview(data, "image/png")).colors) == ("green",)


@pytest.mark.promises("S34")
@pytest.mark.parametrize("name", ODD)
async def test_rare_but_honest_files_give_a_preview(pictures: Pictures, name: str) -> None:
    content_type, build = ODD[name]
    preview = await pictures.preview(build(), content_type)
    assert set(sizes(preview)) == {"1600", "720", "256"}


async def test_deep_greys_keep_their_range(pictures: Pictures) -> None:
    grey = np.asarray(shown(await pictures.preview(a_deep_png(0), "image/png")).convert("L"), dtype=float)
    assert grey[:, 0].mean() < 10
    assert grey[:, -1].mean() > 245
    assert grey[:, 20].mean() == pytest.approx(130, abs=8)


async def test_printers_colours_are_shown_right(pictures: Pictures) -> None:
    data = encoded(a_plain("#d02020").convert("CMYK"), "JPEG", quality=95)
    assert color_names((await pictures.preview(data, "image/jpeg")).colors) == ("red",)


async def test_the_first_frame_of_an_animation_is_shown(pictures: Pictures) -> None:
    frames = [a_plain("#ff0000"), a_plain("#0000ff")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert color_names((await pictures.preview(data, "image/gif")).colors) == ("red",)


async def test_the_same_bytes_give_the_same_preview(pictures: Pictures) -> None:
    data = a_webp(3, size=(800, 500))
    assert await pictures.preview(data, "image/webp") == await pictures.preview(data, "image/webp")


async def test_a_preview_tells_how_a_picture_was_made(pictures: Pictures) -> None:
    exif = Image.Exif()
    exif[0x0110] = "X100V"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + "a cat\nSteps: 9, Seed: 5".encode("utf-16-be")
    preview = await pictures.preview(a_jpeg(exif=exif), "image/jpeg")
    assert preview.exif == {"camera": "X100V"}
    assert (preview.ai["prompt"], preview.ai["seed"], preview.ai["steps"]) == ("a cat", 5, 9)


@FORMAT
async def test_a_query_picture_is_a_small_webp(pictures: Pictures, content_type: str, build: Builder) -> None:
    data = await pictures.query(build(2, size=(800, 400)))
    assert (opened(data).format, opened(data).size) == ("WEBP", (512, 256))


@pytest.mark.promises("S31")
async def test_bytes_of_another_kind_are_refused_by_name(pictures: Pictures) -> None:
    with pytest.raises(TypeMismatch):
        await pictures.preview(a_png(), "image/jpeg")
    with pytest.raises(Unsupported):
        await pictures.preview(b"<svg/>", "image/png")
    with pytest.raises(Unsupported):
        await pictures.query(b"%PDF-1.7")


@pytest.mark.promises("S32")
async def test_the_limit_of_pixels_is_a_setting() -> None:
    small = LimitedPictures(max_pixels=10_000)
    try:
        assert (await small.preview(a_png(size=(100, 100)), "image/png")).width == 100
        with pytest.raises(TooManyPixels):
            await small.preview(a_png(size=(101, 100)), "image/png")
    finally:
        await small.close()


@pytest.mark.promises("S32")
async def test_half_a_picture_is_not_shown(pictures: Pictures) -> None:
    data = a_jpeg(size=(600, 400))
    with pytest.raises(UnreadableImage):
        await pictures.preview(data[: len(data) // 2], "image/jpeg")


async def test_many_at_once_are_all_answered(pictures: Pictures) -> None:
    previews = await asyncio.gather(*(pictures.preview(a_jpeg(seed), "image/jpeg") for seed in range(12)))
    assert [preview.phash for preview in previews] == [
        (await pictures.preview(a_jpeg(seed), "image/jpeg")).phash for seed in range(12)
    ]


async def settled() -> None:
    """Every task has gone as far as it can without an event."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.promises("O8")
async def test_pixels_in_flight_are_bounded_and_waiting_is_in_turn() -> None:
    admission, order = Admission(workers=3, pixels=100), []
    release = {name: asyncio.Event() for name in "abcd"}

    async def work(name: str, pixels: int) -> None:
        async with admission.of(pixels):
            order.append(name)
            await release[name].wait()

    tasks = [asyncio.create_task(work(name, pixels)) for name, pixels in (("a", 60), ("b", 30), ("c", 50), ("d", 5))]
    await settled()
    assert order == ["a", "b"]
    release["a"].set()
    await settled()
    assert order == ["a", "b", "c", "d"]
    for event in release.values():
        event.set()
    await asyncio.gather(*tasks)


@pytest.mark.promises("O8")
async def test_one_picture_over_the_budget_still_gets_its_turn() -> None:
    async with Admission(workers=2, pixels=100).of(1000):
        pass
