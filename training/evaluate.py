"""Examines exported towers and prints a table: `python -m training.evaluate`; `--final` opens the test styles."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from functions.core.models.tokenizer import Tokenizer
from training import galleries, measures
from training.export import MEAN, STD
from training.galleries import Asked
from training.icons import load_style
from training.sources import HELD_STYLE, TEST_STYLES, TRAIN_STYLES
from training.work import CONTEXT, Work

Floats = NDArray[np.float32]
OTHERS = 20_000


class Towers:
    """One pair of ONNX files."""

    def __init__(self, work: Work, ending: str) -> None:
        self.image = _open(work.path("onnx", f"image{ending}"))
        self.text = _open(work.path("onnx", f"text{ending}"))
        self.words = Tokenizer.load(work.path("merges.txt.gz"), CONTEXT)

    def look(self, pixels: NDArray[np.uint8]) -> Floats:
        """Unit vectors of raw pictures of the trained size."""
        scaled = ((pixels.astype(np.float32) / 255 - MEAN) / STD).transpose(0, 3, 1, 2).astype(np.float32)
        parts = np.array_split(scaled, max(1, len(scaled) // 64))
        return _unit(np.concatenate([self.image.run(None, {"pixels": part})[0] for part in parts]))

    def read(self, texts: list[str]) -> Floats:
        """Unit vectors of texts."""
        return _unit(np.concatenate([self.text.run(None, {"ids": self.words.batch([t])})[0] for t in texts]))


def _open(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@dataclass(frozen=True)
class Row:
    """One line of the table: what is asked, and its figures."""

    name: str
    figures: dict[str, float]


def _recalls(name: str, towers: Towers, asked: Asked) -> Row:
    likeness = towers.read(asked.questions) @ towers.look(asked.pixels).T
    figures = {f"R@{depth}": measures.recall(likeness, asked.answers, depth) for depth in (1, 5)}
    return Row(f"{name} ({len(asked.questions)} questions, {len(asked.pixels)} pictures)", figures)


def _precisions(towers: Towers, asked: dict[str, Asked]) -> list[Row]:
    rows = []
    for topic, questions in asked.items():
        likeness = towers.read(questions.questions) @ towers.look(questions.pixels).T
        found = measures.mean_average_precision(likeness, questions.answers)
        rows.append(Row(f"short queries: {topic} ({len(questions.questions)})", {"mAP": found}))
    counts = [len(questions.questions) for questions in asked.values()]
    total = float(np.average([row.figures["mAP"] for row in rows], weights=counts))
    return [*rows, Row(f"short queries: all ({sum(counts)})", {"mAP": total})]


def _across(name: str, towers: Towers, work: Work, styles: tuple[str, str]) -> Row:
    """Pictures of one style asked for by pictures of another."""
    (rows, first), (others, second) = (load_style(work, style) for style in styles)
    answers = rows[:, None] == others[None, :]
    kept = answers.any(1)
    likeness = towers.look(galleries.on_white(first[kept])) @ towers.look(galleries.on_white(second)).T
    return Row(name, {f"R@{depth}": measures.recall(likeness, answers[kept], depth) for depth in (1, 5)})


def examine(work: Work, *, final: bool) -> Callable[[Towers], list[Row]]:
    """The questions are made once, so that every pair of towers gets the same."""
    world = galleries.exam_world(work)
    scenes, mixed = galleries.scenes(world), galleries.mixed(world)
    styles = (HELD_STYLE, *TEST_STYLES) if final else (HELD_STYLE,)

    def ask(towers: Towers) -> list[Row]:
        rows = [_recalls(f"{style}, plain name", towers, galleries.named(work, style)) for style in styles]
        rows += [_recalls(f"{s}, unseen synonym", towers, galleries.synonyms(work, s)) for s in styles[:2]]
        rows.append(_recalls("scenes, whole caption", towers, scenes))
        rows += _precisions(towers, mixed)
        pairs = [(style, TRAIN_STYLES[0]) for style in styles]
        return rows + [_across(f"{a} -> same thing in {b}", towers, work, (a, b)) for a, b in pairs]

    return ask


def agreement(full: Towers, small: Towers, work: Work) -> list[Row]:
    """How far eight bits turn the vectors, and how long one picture and one query take."""
    drawings = galleries.on_white(load_style(work, HELD_STYLE)[1])
    names = galleries.named(work, HELD_STYLE).questions
    pairs = {"image": (full.look(drawings), small.look(drawings)), "text": (full.read(names), small.read(names))}
    rows = []
    for tower, (a, b) in pairs.items():
        cosines = (a * b).sum(1)
        rows.append(Row(f"{tower}: int8 against fp32", {"mean": float(cosines.mean()), "min": float(cosines.min())}))
    times = {"picture": _timed(lambda: small.look(drawings[:1])), "query": _timed(lambda: small.read(["a red car"]))}
    return [*rows, Row("milliseconds, one thread", times)]


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(50):
        call()
    return (time.perf_counter() - began) / 50 * 1000


def table(full: list[Row], small: list[Row], rest: list[Row]) -> str:
    """Markdown."""
    lines = ["| question | fp32 | int8 |", "|---|---|---|"]
    for a, b in zip(full, small, strict=True):
        lines.append(f"| {a.name} | {_shown(a)} | {_shown(b)} |")
    return "\n".join([*lines, *(f"| {row.name} | | {_shown(row)} |" for row in rest)])


def _shown(row: Row) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in row.figures.items())


def main(arguments: list[str] | None = None) -> None:
    """Prints the table and leaves it in the work folder."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".training"))
    parser.add_argument("--final", action="store_true", help="open the test styles; once, at the end")
    given = parser.parse_args(arguments)
    work = Work(given.work)
    full, small = Towers(work, ".fp32.onnx"), Towers(work, ".onnx")
    ask = examine(work, final=given.final)
    text = table(ask(full), ask(small), agreement(full, small, work))
    work.path("table.md").write_text(text + "\n", "utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
