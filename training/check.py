"""Quick figures while training: pictures of a style that is never trained, found by their names."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from training.icons import load_style
from training.sources import HELD_STYLE
from training.work import PICTURE, Work


def on_white(drawings: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA drawings as plain pictures of the trained size."""
    out = []
    for drawing in drawings:
        icon = Image.fromarray(drawing).resize((PICTURE - 8, PICTURE - 8), Image.Resampling.BICUBIC)
        ground = Image.new("RGB", (PICTURE, PICTURE), (255, 255, 255))
        ground.paste(icon, (4, 4), icon)
        out.append(np.asarray(ground, np.uint8))
    return np.stack(out)


def recall(found: Tensor, bank: Tensor, rows: Tensor, depth: int) -> float:
    """Share of pictures whose own name is among the nearest `depth` of the bank."""
    nearest = (found @ bank.T).topk(depth, dim=1).indices
    return float((nearest == rows[:, None]).any(1).float().mean())


@torch.inference_mode()
def look(tower: Any, pixels: NDArray[np.uint8], prepare: Any) -> Tensor:
    """Unit vectors of pictures, in its order."""
    tower.eval()
    parts = np.array_split(pixels, max(1, len(pixels) // 128))
    return torch.cat([nn.functional.normalize(tower(prepare(part)), dim=-1) for part in parts])


def held_recall(work: Work, tower: Any, banks: Any) -> tuple[float, float]:
    """Recall at 1 and 5 of the held-out style against the names of all emoji concepts."""
    from training.images import prepared

    rows, drawings = load_style(work, HELD_STYLE)
    found = look(tower, on_white(drawings), prepared)
    known = sum(1 for concept in banks.facts.concepts if not concept.key.startswith("own-"))
    bank, wanted = banks.names[0][:known], torch.from_numpy(rows.astype(np.int64))
    return recall(found, bank, wanted, 1), recall(found, bank, wanted, 5)
