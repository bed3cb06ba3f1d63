"""How good a ranking is: recall, mean average precision, and the curve that turns a cosine into a score."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Truth = NDArray[np.bool_]


def recall(likeness: Floats, answers: Truth, depth: int) -> float:
    """Share of questions with a right picture among the first `depth`; both are (questions, pictures)."""
    best = np.argsort(-likeness, axis=1, kind="stable")[:, :depth]
    return float(np.take_along_axis(answers, best, 1).any(1).mean())


def mean_average_precision(likeness: Floats, answers: Truth) -> float:
    """The mean over questions of the precision at each right picture."""
    order = np.argsort(-likeness, axis=1, kind="stable")
    hits = np.take_along_axis(answers, order, 1)
    precision = hits.cumsum(1) / np.arange(1, hits.shape[1] + 1)
    return float(((precision * hits).sum(1) / hits.sum(1)).mean())


def fit_logistic(matches: Floats, others: Floats, others_weight: float = 30.0) -> dict[str, float]:
    """Slope and midpoint of a logistic curve; a false match costs `others_weight` times a missed one."""
    x = np.concatenate([matches, others]).astype(np.float64)
    y = np.concatenate([np.ones(len(matches)), np.zeros(len(others))])
    weight = np.concatenate(
        [np.full(len(matches), 1 / len(matches)), np.full(len(others), others_weight / len(others))]
    )
    design, answer = np.stack([x, np.ones_like(x)], 1), np.zeros(2)
    for _ in range(60):
        p = 1 / (1 + np.exp(-design @ answer))
        bend = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
        answer += np.linalg.solve(bend, design.T @ (weight * (y - p)))
    slope, offset = answer
    return {"slope": round(float(slope), 4), "midpoint": round(float(-offset / slope), 4)}
