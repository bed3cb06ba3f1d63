"""What every Embedder promises, kept by the built-in model."""

import io
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from functions.core.adapters.embedder_onnx import BUILTIN, OnnxEmbedder
from functions.core.errors import ModelBroken, UnreadableImage
from functions.core.ports import Embedder
from gateway.local.samples import backdrops, papers, patterns
from gateway.local.samples.backdrops import View

GOLDEN_TEXT = "a red balloon on a beach at sunset"
GOLDEN_TEXT_START = (
    -0.5484,
    0.1530,
    0.1103,
    -0.0514,
    0.1609,
    0.2172,
    -0.0113,
    -0.1623,
    0.0620,
    0.0438,
    0.0245,
    -0.3185,
)
GOLDEN_IMAGE_START = (
    0.0792,
    -0.0095,
    0.0666,
    -0.0285,
    0.0190,
    0.0729,
    -0.0349,
    0.0095,
    -0.0222,
    0.0095,
    -0.0380,
    0.0000,
)
TOLERANCE = 0.01


@pytest.fixture(name="embedder", scope="module")
def _embedder() -> OnnxEmbedder:
    return OnnxEmbedder()


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, kind, lossless=True)
    return buffer.getvalue()


def golden_picture() -> bytes:
    """Made of numbers alone, so that no painter or codec can change it."""
    y, x = np.mgrid[0:96, 0:128]
    pixels = np.stack([x * 2, y * 2, 255 - x], axis=-1).astype(np.uint8)
    pixels[(x - 64) ** 2 + (y - 48) ** 2 < 900] = (220, 30, 30)
    return encoded(Image.fromarray(pixels))


def a_gallery() -> list[bytes]:
    size = (360, 270)
    views = [View("beach", "sunset"), View("mountains", "night"), View("city", "day"), View("forest", "day")]
    pictures = [
        patterns.shape("circle", "red", size, 1),
        patterns.paint("stripes", "blue", size, 1),
        papers.paint("bar chart", size, 1),
        *(backdrops.paint(view, size, 1).picture() for view in views),
    ]
    return [encoded(picture, "WEBP") for picture in pictures]


QUESTIONS = (
    "a red circle", "blue stripes", "a bar chart", "beach at sunset", "mountains at night", "a city", "a forest",
)  # fmt: skip


def test_the_model_names_itself_and_its_length(embedder: Embedder) -> None:
    assert embedder.model_id == "miraveja-builtin-1"
    assert embedder.dim == 256


def test_vectors_are_rows_of_unit_length(embedder: Embedder) -> None:
    for rows in (embedder.embed_images(a_gallery()), embedder.embed_texts(QUESTIONS)):
        assert rows.shape == (7, embedder.dim)
        assert rows.dtype == np.float32
        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(7), abs=1e-5)


def test_nothing_in_gives_no_rows_out(embedder: Embedder) -> None:
    assert embedder.embed_images([]).shape == (0, embedder.dim)
    assert embedder.embed_texts([]).shape == (0, embedder.dim)


def test_a_known_text_has_its_known_vector(embedder: Embedder) -> None:
    (found,) = embedder.embed_texts([GOLDEN_TEXT])
    assert found[:12] == pytest.approx(np.array(GOLDEN_TEXT_START), abs=TOLERANCE)


def test_a_known_picture_has_its_known_vector(embedder: Embedder) -> None:
    (found,) = embedder.embed_images([golden_picture()])
    assert found[:12] == pytest.approx(np.array(GOLDEN_IMAGE_START), abs=TOLERANCE)


def test_every_question_finds_its_picture_first(embedder: Embedder) -> None:
    likeness = embedder.embed_texts(QUESTIONS) @ embedder.embed_images(a_gallery()).T
    assert list(likeness.argmax(axis=1)) == list(range(len(QUESTIONS)))


def test_a_vector_does_not_depend_on_its_company(embedder: Embedder) -> None:
    together = embedder.embed_texts(["a cat", "a much longer text about mountains in the snow at night"])
    assert np.array_equal(embedder.embed_texts(["a cat"])[0], together[0])
    gallery = a_gallery()
    assert embedder.embed_images(gallery[:1])[0] == pytest.approx(embedder.embed_images(gallery)[0], abs=1e-4)


def test_more_pictures_than_one_batch_keep_their_order(embedder: Embedder) -> None:
    gallery = a_gallery()
    many = embedder.embed_images(gallery * 6)
    assert many.shape == (42, embedder.dim)
    assert many[35:42] == pytest.approx(embedder.embed_images(gallery), abs=1e-4)


def test_any_text_is_accepted(embedder: Embedder) -> None:
    texts = ["", " ", "x" * 5000, "猫 🐈 ½", "&lt;b&gt;", "\x00"]
    assert np.isfinite(embedder.embed_texts(texts)).all()


def test_many_threads_get_the_same_vectors(embedder: Embedder) -> None:
    gallery = a_gallery()

    def ask(number: int) -> NDArray[np.float32]:
        kind = number % 2
        return embedder.embed_images(gallery) if kind else embedder.embed_texts(QUESTIONS)

    alone = [ask(0), ask(1)]
    with ThreadPoolExecutor(8) as pool:
        for number, rows in enumerate(pool.map(ask, range(24))):
            assert rows == pytest.approx(alone[number % 2], abs=1e-6)


def test_scores_rise_with_the_cosine_and_stay_between_zero_and_one(embedder: Embedder) -> None:
    for score in (embedder.score_text, embedder.score_image):
        values = [score(cosine) for cosine in np.linspace(-1, 1, 21).tolist()]
        assert values == sorted(values)
        assert 0 <= values[0] < 0.05
        assert 0.5 < values[-1] <= 1


def test_a_match_scores_higher_than_half_and_a_stranger_near_nothing(embedder: Embedder) -> None:
    likeness = embedder.embed_texts(QUESTIONS) @ embedder.embed_images(a_gallery()).T
    scores = np.vectorize(embedder.score_text)(likeness)
    assert np.median(scores.diagonal()) > 0.5
    assert np.median(scores[~np.eye(len(scores), dtype=bool)]) < 0.1


def test_bytes_that_are_no_picture_are_refused(embedder: Embedder) -> None:
    with pytest.raises(UnreadableImage):
        embedder.embed_images([b"not a picture"])


@pytest.fixture(name="copy")
def _copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUILTIN, tmp_path / "model"))


def _images(embedder: OnnxEmbedder) -> NDArray[np.float32]:
    return embedder.embed_images([golden_picture()])


def _texts(embedder: OnnxEmbedder) -> NDArray[np.float32]:
    return embedder.embed_texts(["a cat"])


@pytest.mark.parametrize(("name", "ask"), [("image.onnx", _images), ("text.onnx", _texts), ("merges.txt.gz", _texts)])
def test_a_changed_file_is_refused_by_name(
    copy: Path, name: str, ask: Callable[[OnnxEmbedder], NDArray[np.float32]]
) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ModelBroken) as caught:
        ask(OnnxEmbedder(copy))
    assert caught.value.facts == {"file": name}


def test_a_missing_file_is_refused_by_name(copy: Path) -> None:
    (copy / "text.onnx").unlink()
    with pytest.raises(ModelBroken) as caught:
        _texts(OnnxEmbedder(copy))
    assert caught.value.facts == {"file": "text.onnx"}


def test_a_missing_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken):
        OnnxEmbedder(tmp_path)


def test_a_tower_that_was_not_asked_for_is_never_loaded(copy: Path) -> None:
    (copy / "image.onnx").unlink()
    embedder = OnnxEmbedder(copy, towers=frozenset({"text"}))
    assert len(embedder.embed_texts(["a cat"])) == 1
    with pytest.raises(ModelBroken):
        _images(embedder)


def test_the_shipped_files_are_small_and_described() -> None:
    about = json.loads((BUILTIN / "model.json").read_text("utf-8"))
    files = [path for path in BUILTIN.iterdir() if path.suffix != ".md"]
    assert {path.name for path in files} == {*about["files"], "model.json"}
    assert sum(path.stat().st_size for path in files) < 20_000_000
