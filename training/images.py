"""Teaches the image tower to put pictures where their words are: single things first, then whole scenes as well."""

import math
import time
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training import shards, student, texts
from training.banks import Banks, bank_loss, caption_loss, spread
from training.check import held_recall
from training.towers import average, build, groups
from training.work import SEED, Progress, Work

BATCH = 96
SINGLES = 38  # of each batch in the second part
RATE = 2e-3
FIRST_PART = 0.35
SAVE_S = 60.0
CHECK_S = 300.0
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def prepared(pixels: NDArray[np.uint8]) -> Tensor:
    """Pictures as the tower wants them: CLIP's mean and deviation, channels last in memory."""
    found = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return found.sub_(mean).div_(std)


class Supply:
    """Rows of shards in a shuffled order, over and over, with whatever shards exist by then."""

    def __init__(self, work: Work, kind: str, seed: int) -> None:
        self.work, self.kind = work, kind
        self.rng = np.random.default_rng(seed)
        self.used: dict[int, int] = {}
        self.shard: shards.Shard | None = None
        self.order: list[int] = []

    def take(self, count: int) -> tuple[shards.Shard, list[int]]:
        """So many rows of the shard at hand."""
        if len(self.order) < count or self.shard is None:
            self.shard = self._next()
            self.order = [int(k) for k in self.rng.permutation(shards.COUNT)]
        taken, self.order = self.order[:count], self.order[count:]
        return self.shard, taken

    def _next(self) -> shards.Shard:
        """The least used shard, the newest of these first; waits for the first one."""
        while True:
            there = [k for k in range(shards.SHARDS) if shards.path(self.work, self.kind, k).exists()]
            if there:
                index = min(there, key=lambda k: (self.used.get(k, 0), -k))
                self.used[index] = self.used.get(index, 0) + 1
                return shards.load(shards.path(self.work, self.kind, index))
            time.sleep(1.0)


@dataclass
class Batch:
    """One step's pictures and what is true of them; the last rows have captions."""

    pixels: NDArray[np.uint8]
    rows: NDArray[np.int16]
    phrases: NDArray[np.int16]
    open_colour: NDArray[np.bool_]
    claims: NDArray[np.int16]
    told: NDArray[np.float16]


def gather(parts: list[tuple[shards.Shard, list[int]]]) -> Batch:
    """Rows of several shards as one batch; only scenes bring captions."""

    def joined(name: str) -> Any:
        return np.concatenate([getattr(shard, name)[rows] for shard, rows in parts])

    scene, rows = parts[-1]
    told = scene.told[rows] if scene.told.shape[1] else scene.told[:0]
    return Batch(joined("pixels"), joined("rows"), joined("phrases"), joined("open_colour"), scene.claims[rows], told)


class Run:
    """The loop with its clock, its averaged weights and its checkpoint."""

    def __init__(self, work: Work, minutes: float) -> None:
        torch.manual_seed(SEED)
        self.work, self.budget_s = work, minutes * 60
        self.banks = Banks(work, student.load(work), texts.merge_list(work))
        self.tower = build().visual.to(memory_format=torch.channels_last)
        self.slow = deepcopy(self.tower)
        self.head = nn.Linear(self.tower.trunk.num_features, len(self.banks.facts.concepts))
        self.scale = nn.Parameter(torch.tensor(math.log(25.0)))
        learning = [*groups(self.tower, 0.05), *groups(self.head, 0.05), {"params": [self.scale], "weight_decay": 0.0}]
        self.best = torch.optim.AdamW(learning, lr=RATE, betas=(0.9, 0.98), foreach=True)
        self.spent, self.steps, self.seen = 0.0, 0, 0
        self.progress = Progress("images")
        self._resume()

    def _parts(self) -> dict[str, Any]:
        return {"tower": self.tower, "slow": self.slow, "head": self.head, "best": self.best}

    def _resume(self) -> None:
        path = self.work.path("images.pt")
        if path.exists():
            state = torch.load(path, weights_only=True)
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
            with torch.no_grad():
                self.scale.copy_(state["scale"])
            self.spent, self.steps, self.seen = state["spent"], state["steps"], state["seen"]

    def _save(self) -> None:
        path = self.work.path("images.pt")
        state = {name: part.state_dict() for name, part in self._parts().items()}
        state |= {"scale": self.scale.detach(), "spent": self.spent, "steps": self.steps, "seen": self.seen}
        torch.save(state, path.with_suffix(".draft"))
        path.with_suffix(".draft").replace(path)

    def run(self) -> None:
        """Until the budget of wall-clock is spent."""
        singles, scenes = (Supply(self.work, kind, SEED + self.steps) for kind in shards.KINDS)
        saved = checked = self.spent
        began = time.monotonic() - self.spent
        while self.spent < self.budget_s:
            if self.spent < FIRST_PART * self.budget_s:
                batch = gather([singles.take(BATCH)])
            else:
                batch = gather([singles.take(SINGLES), scenes.take(BATCH - SINGLES)])
            losses = self._step(batch)
            self.spent = time.monotonic() - began
            if self.spent - saved > SAVE_S:
                saved = self.spent
                self._save()
                self._tell(losses)
            if self.spent - checked > CHECK_S:
                checked = self.spent
                self._check()
        self._save()
        self._check()

    def _tell(self, losses: list[float]) -> None:
        shown = " ".join(f"{loss:.2f}" for loss in losses)
        self.progress.say(f"{self.steps} steps, {self.seen} pictures, {self.seen / self.spent:.0f}/s, loss {shown}")

    def _check(self) -> None:
        first, fifth = held_recall(self.work, self.slow, self.banks)
        self.progress.say(f"{self.seen} pictures: held style R@1 {first:.3f} R@5 {fifth:.3f}")

    def _rate(self) -> float:
        part = min(1.0, self.spent / self.budget_s)
        return RATE * min(1.0, (self.steps + 1) / 80) * (0.01 + 0.495 * (1 + math.cos(math.pi * part)))

    def _step(self, batch: Batch) -> list[float]:
        for group in self.best.param_groups:
            group["lr"] = self._rate()
        losses = self._losses(batch)
        loss = sum(losses[1:], losses[0])
        self.best.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.tower.parameters(), 3.0)
        self.best.step()
        self.steps += 1
        self.seen += len(batch.rows)
        if self.steps % 2 == 0:
            average(self.slow, self.tower, min(0.996, self.steps / (self.steps + 20)))
        return [float(part.detach()) for part in losses]

    def _losses(self, batch: Batch) -> list[Tensor]:
        """Names, keywords, phrases, the throw-away classifier and, for scenes, whole captions."""
        banks, pick = self.banks, int(torch.randint(4, ()))
        with torch.autocast("cpu", torch.bfloat16):
            trunk = self.tower.trunk(prepared(batch.pixels).to(memory_format=torch.channels_last))
        trunk = trunk.float()
        found = nn.functional.normalize(self.tower.head(trunk), dim=-1)
        scaled = found * self.scale.exp().clamp(max=100)
        rows = spread(batch.rows, len(banks.facts.concepts))
        phrases = spread(batch.phrases, len(banks.facts.phrases))
        loose = torch.from_numpy(batch.open_colour)[:, None]
        losses = [
            bank_loss(scaled @ banks.names[pick].T, rows),
            0.5 * bank_loss(scaled @ banks.keywords.T, (rows @ banks.keys).clamp(max=1)),
            0.7 * bank_loss(scaled @ banks.phrases[pick].T, phrases, loose & banks.colours),
            0.5 * bank_loss(self.head(trunk), rows),
        ]
        if len(batch.told):
            losses.append(0.5 * self._captions(batch, scaled, torch.cat([phrases, rows], 1)))
        return losses

    def _captions(self, batch: Batch, scaled: Tensor, truth: Tensor) -> Tensor:
        count = len(batch.told)
        loose = torch.from_numpy(batch.open_colour[-count:])[:, None]
        claims = spread(batch.claims, self.banks.size)
        unknown = (loose & self.banks.all_colours()).float()
        logits = scaled[-count:] @ torch.from_numpy(batch.told).float().T
        return caption_loss(logits, truth[-count:], claims, unknown)


def train(work: Work, minutes: float) -> None:
    """Trains for so many minutes of wall-clock; a killed run goes on from its last checkpoint."""
    torch.set_num_threads(1)
    Run(work, minutes).run()
