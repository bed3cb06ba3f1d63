"""What each picture must be near to: fixed banks of encoded names, keywords and phrases, and which of them are true."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from functions.core.models.tokenizer import Tokenizer
from training import captions
from training.student import encode
from training.work import Work
from training.world import Facts, all_concepts


class Banks:
    """Vectors of every atomic caption, in four wordings where it has them."""

    def __init__(self, work: Work, tower: Any, tokenizer: Tokenizer) -> None:
        self.facts = Facts(all_concepts(work))
        concepts = self.facts.concepts
        words = sorted({word for concept in concepts for word in concept.keywords})
        self.names = _wordings(tower, tokenizer, [captions.name_wordings(c.name) for c in concepts])
        self.phrases = _wordings(tower, tokenizer, list(captions.phrases().values()))
        self.keywords = encode(tower, tokenizer, words)
        place = {word: number for number, word in enumerate(words)}
        self.keys = torch.zeros(len(concepts), len(words))
        for row, concept in enumerate(concepts):
            self.keys[row, [place[word] for word in concept.keywords]] = 1
        self.colours = torch.tensor([captions.is_colour(fact) for fact in self.facts.phrases])
        self.size = len(self.facts.number)

    def all_colours(self) -> Tensor:
        """Which facts of the whole numbering speak of a colour."""
        return nn.functional.pad(self.colours, (0, self.size - len(self.colours)))


def _wordings(tower: Any, tokenizer: Tokenizer, texts: list[tuple[str, str, str, str]]) -> Tensor:
    """Shape (4, n, dim): the same facts in four wordings."""
    return torch.stack([encode(tower, tokenizer, [t[k] for t in texts]) for k in range(captions.WORDINGS)])


def spread(numbers: NDArray[np.int16], size: int) -> Tensor:
    """Rows of numbers, -1 for none, as rows of zeros and ones."""
    out = torch.zeros(len(numbers), size + 1)
    at = torch.from_numpy(numbers.astype(np.int64))
    out.scatter_(1, torch.where(at < 0, size, at), 1.0)
    return out[:, :size]


def bank_loss(logits: Tensor, truth: Tensor, unknown: Tensor | None = None) -> Tensor:
    """Cross entropy with all true entries sharing the target; rows without any truth are left out."""
    told = truth.sum(1) > 0
    if not bool(told.any()):
        return logits.sum() * 0
    if unknown is not None:
        logits = logits.masked_fill(unknown & (truth == 0), -1e4)
    logs = logits[told].log_softmax(1)
    wanted = truth[told]
    return -(logs * wanted).sum(1).div(wanted.sum(1)).mean()


def caption_loss(logits: Tensor, truth: Tensor, claims: Tensor, unknown: Tensor) -> Tensor:
    """Pictures against captions both ways: a caption fits every picture that has all it claims.

    `truth` and `unknown` are (pictures, facts), `claims` (captions, facts); pairs that only an unknown fact
    keeps apart are left out, and a picture's own caption always fits.
    """
    asked = claims.sum(1)
    fits = (truth @ claims.T) >= asked - 0.5
    fits |= torch.eye(len(fits), dtype=torch.bool)
    maybe = ((torch.maximum(truth, unknown) @ claims.T) >= asked - 0.5) & ~fits
    logits = logits.masked_fill(maybe, -1e4)
    return (_one_way(logits, fits) + _one_way(logits.T, fits.T)) / 2


def _one_way(logits: Tensor, fits: Tensor) -> Tensor:
    wanted = fits.float()
    return -(logits.log_softmax(1) * wanted).sum(1).div(wanted.sum(1)).mean()
