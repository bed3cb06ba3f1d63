"""The two towers as ONNX files, in full and in eight bits, and the small document that says how to use them."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from torch import Tensor, nn

from training import shards, student, texts
from training.images import MEAN, STD, prepared
from training.towers import build
from training.work import CONTEXT, DIM, PICTURE, Progress, Work

MODEL_ID = "miraveja-builtin-1"
OPSET = 17
CALIBRATION = 384


class Looking(nn.Module):
    """Pictures to unit vectors."""

    def __init__(self, tower: Any) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixels: Tensor) -> Tensor:
        """Shape (n, 3, side, side) to (n, dim)."""
        return nn.functional.normalize(self.tower(pixels), dim=-1)


def attended(layer: Any, states: Tensor, mask: Tensor) -> Tensor:
    """What the layer's attention says, written out: the traced one would fix the length of the text."""
    batch, length, width = states.shape
    mixed = nn.functional.linear(states, layer.in_proj_weight, layer.in_proj_bias)
    split = mixed.reshape(batch, length, 3, layer.num_heads, width // layer.num_heads).permute(2, 0, 3, 1, 4)
    asked, keys, values = split[0], split[1], split[2]
    weights = asked @ keys.transpose(-1, -2) * (width // layer.num_heads) ** -0.5 + mask
    joined = (weights.softmax(-1) @ values).permute(0, 2, 1, 3).reshape(batch, length, width)
    said: Tensor = layer.out_proj(joined)
    return said


class Reading(nn.Module):
    """Token ids to unit vectors."""

    def __init__(self, tower: Any) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, ids: Tensor) -> Tensor:
        """Shape (n, length) to (n, dim)."""
        tower, length = self.tower, ids.shape[1]
        states = tower.token_embedding(ids) + tower.positional_embedding[:length]
        mask = tower.attn_mask[:length, :length]
        for block in tower.transformer.resblocks:
            states = states + attended(block.attn, block.ln_1(states), mask)
            states = states + block.mlp(block.ln_2(states))
        ends = ids.argmax(dim=-1)[:, None, None].expand(-1, 1, states.shape[-1])
        pooled = tower.ln_final(states).gather(1, ends).squeeze(1) @ tower.text_projection
        return nn.functional.normalize(pooled, dim=-1)


def image_tower(work: Work) -> Any:
    """The averaged weights of the image run."""
    tower = build().visual.eval()
    tower.load_state_dict(torch.load(work.path("images.pt"), weights_only=True)["slow"])
    return tower


def write_full(work: Work) -> None:
    """Both towers in single precision, any batch, any text length up to the context."""
    _write(
        Looking(image_tower(work)), torch.zeros(2, 3, PICTURE, PICTURE), work.path("onnx", "image.fp32.onnx"), "pixels"
    )
    ids = torch.ones(2, 7, dtype=torch.int64)
    _write(Reading(student.load(work)), ids, work.path("onnx", "text.fp32.onnx"), "ids")


def _write(module: nn.Module, example: Tensor, target: Path, name: str) -> None:
    axes = {name: {0: "batch"}, "vectors": {0: "batch"}}
    if name == "ids":
        axes[name][1] = "length"
    torch.onnx.export(
        module.eval(), (example,), str(target), input_names=[name], output_names=["vectors"],
        dynamic_axes=axes, opset_version=OPSET, dynamo=False,
    )  # fmt: skip


class Calibration(CalibrationDataReader):  # type: ignore[misc] # onnxruntime has no types
    """Pictures of both kinds, from which the ranges of the activations are taken."""

    def __init__(self, work: Work) -> None:
        each = CALIBRATION // len(shards.KINDS)
        pixels = [shards.load(shards.path(work, kind, 0)).pixels[:each] for kind in shards.KINDS]
        self.parts: Iterator[NDArray[np.uint8]] = iter(np.array_split(np.concatenate(pixels), CALIBRATION // 16))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next few pictures, or None at the end."""
        part = next(self.parts, None)
        return None if part is None else {"pixels": prepared(part).numpy()}


def write_small(work: Work) -> None:
    """Both towers in eight bits; `reduce_range` keeps older processors from overflowing."""
    full, small = work.path("onnx", "image.fp32.onnx"), work.path("onnx", "image.onnx")
    quantize_static(
        full, small, Calibration(work), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    quantize_dynamic(
        work.path("onnx", "text.fp32.onnx"), work.path("onnx", "text.onnx"), per_channel=True, reduce_range=True
    )


def describe(folder: Path, scores: dict[str, dict[str, float]]) -> dict[str, Any]:
    """What the serving code must know, with the sum of every file it loads."""
    files = ("image.onnx", "text.onnx", "merges.txt.gz")
    return {
        "model_id": MODEL_ID,
        "dim": DIM,
        "picture": PICTURE,
        "mean": list(MEAN),
        "std": list(STD),
        "context": CONTEXT,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
        "scores": scores,
    }


def ship(work: Work, folder: Path, scores: dict[str, dict[str, float]]) -> None:
    """Copies the small files to where the package carries them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("image.onnx", "text.onnx"):
        shutil.copyfile(work.path("onnx", name), folder / name)
    shutil.copyfile(work.path("merges.txt.gz"), folder / "merges.txt.gz")
    document = json.dumps(describe(folder, scores), indent=2) + "\n"
    (folder / "model.json").write_text(document, "utf-8")
    Progress("export").say(", ".join(f"{p.name} {p.stat().st_size / 1e6:.2f} MB" for p in sorted(folder.iterdir())))


def write_checkpoint(work: Work) -> Path:
    """The same weights as one OpenCLIP checkpoint, for whoever wants to train on."""
    model = build()
    model.visual.load_state_dict(image_tower(work).state_dict())
    model.text.load_state_dict(student.load(work).state_dict())
    with torch.no_grad():
        model.logit_scale.copy_(torch.load(work.path("images.pt"), weights_only=True)["scale"])
    target = work.path("openclip", "miraveja-builtin-1.pt")
    torch.save({"state_dict": model.state_dict()}, target)
    texts.merge_list(work)
    shutil.copyfile(work.path("merges.txt.gz"), work.path("openclip", "merges.txt.gz"))
    return target
