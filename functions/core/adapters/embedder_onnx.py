"""The built-in image-text model as an Embedder: two ONNX towers, loaded when first asked for, on one thread each."""

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from functions.core.errors import ModelBroken
from functions.core.models.preprocess import Preprocess
from functions.core.models.tokenizer import Tokenizer

Vectors = NDArray[np.float32]
Tower = Literal["image", "text"]

BUILTIN: Final = Path(__file__).parent.parent / "builtin"
BOTH: Final[frozenset[str]] = frozenset({"image", "text"})
BATCH: Final = 32
MERGES: Final = "merges.txt.gz"


class OnnxEmbedder:
    """A folder with `model.json`, both towers and the merge list; a process names the towers that it will ask for."""

    def __init__(self, folder: Path = BUILTIN, *, towers: frozenset[str] = BOTH) -> None:
        self._folder, self._towers = folder, towers
        self._about = _about(folder)
        self.model_id: str = self._about["model_id"]
        self.dim: int = self._about["dim"]
        self._prepare = Preprocess(self._about["picture"], tuple(self._about["mean"]), tuple(self._about["std"]))
        self._lock = Lock()
        self._sessions: dict[Tower, onnxruntime.InferenceSession] = {}
        self._words: Tokenizer | None = None

    def embed_images(self, pictures: Sequence[bytes]) -> Vectors:
        """Encoded renditions -> float32 of shape (n, dim), unit rows; raises UnreadableImage, ModelBroken."""
        parts = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        session = self._session("image")
        return self._unit([session.run(None, {"pixels": self._prepare.batch(part)})[0] for part in parts])

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Words -> float32 of shape (n, dim), unit rows; raises ModelBroken."""
        session, words = self._session("text"), self._tokenizer()
        # One by one: eight-bit layers take their range from the whole batch, and a text must always get one vector.
        return self._unit([session.run(None, {"ids": words.batch([text])})[0] for text in texts])

    def score_text(self, cosine: float) -> float:
        """Likeness of a text and a picture, calibrated to 0..1."""
        return self._score("text", cosine)

    def score_image(self, cosine: float) -> float:
        """Likeness of two pictures, calibrated to 0..1."""
        return self._score("image", cosine)

    def _score(self, kind: Tower, cosine: float) -> float:
        fitted = self._about["scores"][kind]
        return 1 / (1 + math.exp(-fitted["slope"] * (cosine - fitted["midpoint"])))

    def _unit(self, parts: list[NDArray[np.float32]]) -> Vectors:
        """Eight-bit towers end a hair off the unit length."""
        if not parts:
            return np.zeros((0, self.dim), np.float32)
        rows = np.concatenate(parts).astype(np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def _session(self, tower: Tower) -> onnxruntime.InferenceSession:
        if tower not in self._towers:
            raise ModelBroken("This process was started without that half of the model", tower=tower)
        with self._lock:
            if tower not in self._sessions:
                self._sessions[tower] = _open(self._checked(f"{tower}.onnx"))
            return self._sessions[tower]

    def _tokenizer(self) -> Tokenizer:
        with self._lock:
            if self._words is None:
                self._checked(MERGES)
                self._words = Tokenizer.load(self._folder / MERGES, self._about["context"])
            return self._words

    def _checked(self, name: str) -> bytes:
        """The bytes of a file that are the published ones."""
        try:
            data = (self._folder / name).read_bytes()
        except OSError as problem:
            raise ModelBroken("A file of the model cannot be read", file=name) from problem
        if hashlib.sha256(data).hexdigest() != self._about["files"][name]:
            raise ModelBroken("A file of the model is not the published one", file=name)
        return data


def _about(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise ModelBroken("The model has no readable description", file="model.json") from problem
    return found


def _open(data: bytes) -> onnxruntime.InferenceSession:
    """One thread: the callers bring their own, and the towers take about a millisecond."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
