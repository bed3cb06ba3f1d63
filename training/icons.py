"""Draws every icon of every style once, at one size, and joins it to its concept by code point or by name."""

import io
import json
import re
import unicodedata
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from gateway.local.samples.chance import seeded
from training.concepts import Concept, load, plain
from training.outlines import twin
from training.sources import HELD_STYLE, TEST_STYLES, TRAIN_STYLES, folder
from training.work import Progress, Work

SIZE = 96


def slug(name: str) -> str:
    """A concept's name as icon sets write it in a file name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("’", "").replace("'", "")).strip("-")


class Style:
    """One icon package: finds the drawing of a concept, or None."""

    def __init__(self, package: Path) -> None:
        self.data: dict[str, Any] = json.loads((package / "icons.json").read_text("utf-8"))
        chars = package / "chars.json"
        names = json.loads(chars.read_text("utf-8")) if chars.exists() else {}
        self.chars = {plain(code): name for code, name in names.items()}

    def svg(self, concept: Concept) -> str | None:
        """The drawing as a whole SVG document."""
        found = (self._icon(name) for name in self._names(concept))
        icon = next((icon for icon in found if icon), None)
        if icon is None:
            return None
        width = icon.get("width", self.data.get("width", 16))
        height = icon.get("height", self.data.get("height", 16))
        box = f'viewBox="{icon.get("left", 0)} {icon.get("top", 0)} {width} {height}"'
        space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        return f'<svg {space} {box} width="{width}" height="{height}">{icon["body"]}</svg>'

    def _names(self, concept: Concept) -> Iterator[str]:
        """By code point, by name, and by Unicode's own name without spaces, as the oldest set writes it."""
        yield self.chars.get(concept.key, "")
        yield slug(concept.name)
        yield slug(concept.name).replace("-", "")
        if "-" not in concept.key:
            yield slug(unicodedata.name(chr(int(concept.key, 16)), "")).replace("-", "")

    def _icon(self, name: str) -> dict[str, Any] | None:
        alias = self.data.get("aliases", {}).get(name)
        icon: dict[str, Any] | None = self.data["icons"].get(alias["parent"] if alias else name)
        return icon


def render(svg: str) -> NDArray[np.uint8] | None:
    """A square RGBA raster, or None where the drawing is empty or broken."""
    try:
        data = resvg_py.svg_to_bytes(svg_string=svg, width=SIZE, height=SIZE, skip_system_fonts=True)
    except ValueError:
        return None
    picture = Image.open(io.BytesIO(bytes(data))).convert("RGBA")
    square = picture if picture.size == (SIZE, SIZE) else _squared(picture)
    pixels = np.asarray(square, dtype=np.uint8)
    return pixels if int((pixels[..., 3] > 40).sum()) > 60 else None


def _squared(picture: Image.Image) -> Image.Image:
    picture.thumbnail((SIZE, SIZE), Image.Resampling.BICUBIC)
    square = Image.new("RGBA", (SIZE, SIZE))
    square.paste(picture, ((SIZE - picture.width) // 2, (SIZE - picture.height) // 2))
    return square


def _twins(name: str, pixels: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """An outlined copy of every drawing."""
    rng = seeded(f"twins/{name}")
    return np.stack([np.asarray(twin(Image.fromarray(drawing), rng), np.uint8) for drawing in pixels])


def _render_style(job: tuple[Work, str]) -> str:
    work, name = job
    style = Style(folder(work, name))
    rows: list[int] = []
    pixels: list[NDArray[np.uint8]] = []
    for row, concept in enumerate(load(work)):
        svg = style.svg(concept)
        picture = render(svg) if svg else None
        if picture is not None:
            rows.append(row)
            pixels.append(picture)
    lined = _twins(name, pixels) if name not in TEST_STYLES else np.zeros(0, np.uint8)
    stored = {"rows": np.array(rows, np.int32), "pixels": np.stack(pixels), "lined": lined}
    np.savez(work.path("icons", f"{name}.npz"), allow_pickle=False, **stored)
    return f"{name}: {len(rows)} drawings"


def draw_all(work: Work, processes: int) -> None:
    """Every style that is not drawn yet, training styles first."""
    wanted = (*TRAIN_STYLES, HELD_STYLE, *TEST_STYLES)
    jobs = [(work, name) for name in wanted if not work.path("icons", f"{name}.npz").exists()]
    progress = Progress("icons")
    with Pool(processes) as pool:
        for text in pool.imap(_render_style, jobs):
            progress.say(text)


def load_style(work: Work, name: str, kind: str = "pixels") -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Concept rows and RGBA drawings of one style; `kind` "lined" gives the outlined twins."""
    with np.load(work.path("icons", f"{name}.npz")) as stored:
        return stored["rows"], stored[kind]
