"""Teaches our small text tower the teacher's geometry: same directions, same neighbours, a third of the size."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from functions.core.models.tokenizer import BYTES, END, Tokenizer
from training import texts
from training.teacher import encode_list
from training.towers import build, encode_text, groups
from training.work import SEED, Progress, Work

BATCH = 384
RATE = 2e-3
SHARP = 20.0
EVERY_S = 60.0
Samples = list[tuple[list[int], NDArray[np.float32]]]


def token_rows(work: Work, tokenizer: Tokenizer, reduce: texts.Reduction) -> Tensor:
    """The token table's first values: what the teacher says to each token's letters."""
    plain = {letter: chr(byte) for byte, letter in enumerate(BYTES)}
    spelt = ["".join(plain.get(x, x) for x in s.removesuffix(END)) for s in tokenizer.symbols]
    vectors = reduce(encode_list(work, "tokens", spelt))
    table = np.zeros((tokenizer.size, vectors.shape[1]), np.float32)
    table[: len(vectors)] = vectors * 0.5
    return torch.from_numpy(table)


class Lesson:
    """Ids and wanted vectors of all texts, drawn by the weight of their part."""

    def __init__(self, work: Work, tokenizer: Tokenizer) -> None:
        parts, wanted, self.reduce = texts.targets(work)
        names = list(parts)
        self.ids = [tokenizer.ids(text) for part in names for text in parts[part]]
        self.wanted = torch.from_numpy(np.concatenate([wanted[part] for part in names]))
        shares = np.concatenate([np.full(len(parts[p]), texts.WEIGHTS[p], np.float64) for p in names])
        rng = np.random.default_rng(SEED)
        self.check = rng.permutation(len(self.ids))[:2000]
        shares[self.check] = 0
        self.shares = shares / shares.sum()

    def batches(self, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """A few batches of texts of like length."""
        rows = rng.choice(len(self.ids), BATCH * 16, p=self.shares)
        rows = rows[np.argsort([len(self.ids[i]) for i in rows], kind="stable")]
        cut = rows.reshape(16, BATCH)
        return list(cut[rng.permutation(16)])

    def padded(self, rows: NDArray[np.int64]) -> Tensor:
        """Ids of these texts as one rectangle."""
        return pad([self.ids[i] for i in rows])


def pad(rows: list[list[int]]) -> Tensor:
    """Ids of several texts, zeros after their ends."""
    width = max(len(row) for row in rows)
    return torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])


def loss_of(found: Tensor, wanted: Tensor) -> Tensor:
    """Directions by cosine, and neighbours by the likeness of each text to the others of its batch."""
    direct = 1 - (found * wanted).sum(1).mean()
    theirs = (wanted @ wanted.T * SHARP).log_softmax(1)
    ours = (found @ found.T * SHARP).log_softmax(1)
    return direct + 0.5 * nn.functional.kl_div(ours, theirs, log_target=True, reduction="batchmean")


def train(work: Work, minutes: float) -> None:
    """Distils for so many minutes of wall-clock; a killed run goes on from its last checkpoint."""
    torch.manual_seed(SEED)
    tokenizer = texts.merge_list(work)
    lesson, tower = Lesson(work, tokenizer), build().text
    with torch.no_grad():
        tower.token_embedding.weight.copy_(token_rows(work, tokenizer, lesson.reduce))
    Distillation(work, lesson, tower, minutes * 60).run()


class Distillation:
    """The loop, its clock and its checkpoint."""

    def __init__(self, work: Work, lesson: Lesson, tower: Any, budget_s: float) -> None:
        self.lesson, self.tower, self.budget_s = lesson, tower, budget_s
        self.best = torch.optim.AdamW(groups(tower, 0.02), lr=RATE, betas=(0.9, 0.98))
        self.path = work.path("student.pt")
        self.progress = Progress("student")
        self.spent, self.steps = 0.0, 0
        self._resume()

    def _resume(self) -> None:
        if self.path.exists():
            state = torch.load(self.path, weights_only=True)
            self.tower.load_state_dict(state["tower"])
            self.best.load_state_dict(state["best"])
            self.spent, self.steps = state["spent"], state["steps"]

    def _save(self) -> None:
        draft = self.path.with_suffix(".draft")
        state = {"tower": self.tower.state_dict(), "best": self.best.state_dict()}
        torch.save({**state, "spent": self.spent, "steps": self.steps}, draft)
        draft.replace(self.path)

    def run(self) -> None:
        """Until the budget is spent; the rate falls along a cosine to its end."""
        rng = np.random.default_rng(SEED + self.steps)
        saved = began = time.monotonic() - self.spent
        while self.spent < self.budget_s:
            for rows in self.lesson.batches(rng):
                self._step(rows)
            self.spent = time.monotonic() - began
            if self.spent - (saved - began) > EVERY_S:
                saved = time.monotonic()
                self._save()
                self.progress.say(f"{self.steps} steps, check cosine {self.check():.3f}")
        self._save()
        self.progress.say(f"done: {self.steps} steps, check cosine {self.check():.3f}")

    def _step(self, rows: NDArray[np.int64]) -> None:
        part = min(1.0, self.spent / self.budget_s)
        rate = RATE * min(1.0, (self.steps + 1) / 200) * (0.02 + 0.49 * (1 + math.cos(math.pi * part)))
        for group in self.best.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            found = encode_text(self.tower, self.lesson.padded(rows))
        loss = loss_of(found.float(), self.lesson.wanted[rows])
        self.best.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.tower.parameters(), 1.0)
        self.best.step()
        self.steps += 1

    @torch.no_grad()
    def check(self) -> float:
        """Mean cosine to the teacher on texts never trained."""
        rows = self.lesson.check
        found = torch.cat([encode_text(self.tower, self.lesson.padded(part)) for part in np.array_split(rows, 16)])
        return float((found * self.lesson.wanted[rows]).sum(1).mean())


@torch.no_grad()
def encode(tower: Any, tokenizer: Tokenizer, listed: list[str]) -> Tensor:
    """Unit vectors of a list of texts, in its order."""
    ids = [tokenizer.ids(text) for text in listed]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out = torch.zeros(len(ids), tower.text_projection.shape[1])
    for start in range(0, len(order), 256):
        rows = order[start : start + 256]
        out[rows] = encode_text(tower, pad([ids[i] for i in rows])).float()
    return out


def load(work: Work) -> Any:
    """The distilled tower, frozen."""
    tower = build().text.eval().requires_grad_(requires_grad=False)
    tower.load_state_dict(torch.load(work.path("student.pt"), weights_only=True)["tower"])
    return tower


def teller(work: Work) -> Callable[[list[str]], NDArray[np.float16]]:
    """Encodes captions with the distilled tower, in bfloat16 and half precision: they only steer training."""
    tower, tokenizer = load(work), texts.merge_list(work)

    def tell(listed: list[str]) -> NDArray[np.float16]:
        with torch.autocast("cpu", torch.bfloat16):
            return encode(tower, tokenizer, listed).numpy().astype(np.float16)

    return tell
