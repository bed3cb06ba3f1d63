"""`python -m training`: every step from download to shipped files, each skipped where its result is already there."""

import argparse
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from training.work import Work

SHIPPED = Path(__file__).parent.parent / "functions" / "core" / "builtin"


def data(work: Work, processes: int) -> None:
    """Downloads, and every drawing rendered."""
    from training import icons, sources

    sources.fetch(work)
    icons.draw_all(work, processes)


def text(work: Work, minutes: float) -> None:
    """The merge list, the teacher's vectors and the distilled text tower."""
    from training import student

    student.train(work, minutes)


def images(work: Work, minutes: float) -> None:
    """The image tower, fed by a second process that composes its pictures."""
    from training import images as tower
    from training import shards

    # A fresh interpreter: a forked one would inherit torch's threads half alive.
    feeder = get_context("spawn").Process(target=shards.feed, args=(work,), daemon=True)
    feeder.start()
    tower.train(work, minutes)
    feeder.terminate()
    feeder.join()


def export(work: Work, folder: Path) -> None:
    """ONNX files, their calibration, and an OpenCLIP checkpoint."""
    from training import calibrate
    from training import export as files

    files.write_full(work)
    files.write_small(work)
    files.ship(work, folder, calibrate.scores(work))
    files.write_checkpoint(work)


def main() -> None:
    """All steps, or the one that is named."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("step", nargs="?", choices=("all", "data", "text", "images", "export"), default="all")
    parser.add_argument("--work", type=Path, default=Path(".training"), help="data, checkpoints and shards")
    parser.add_argument("--minutes", type=float, default=75.0, help="wall-clock budget of the image tower")
    parser.add_argument("--text-minutes", type=float, default=13.0, help="wall-clock budget of the text tower")
    parser.add_argument("--processes", type=int, default=2, help="how many draw icons at once")
    parser.add_argument("--to", type=Path, default=SHIPPED, help="where the exported model goes")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    work = Work(given.work.resolve())
    steps: dict[str, Callable[[], None]] = {
        "data": lambda: data(work, given.processes),
        "text": lambda: text(work, given.text_minutes),
        "images": lambda: images(work, given.minutes),
        "export": lambda: export(work, given.to),
    }
    for name, step in steps.items():
        if given.step in ("all", name):
            step()


if __name__ == "__main__":
    main()
