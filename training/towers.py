"""The two towers as OpenCLIP builds them from our config, and their forward passes at any text length."""

import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import Tensor, nn

CONFIG = Path(__file__).with_name("openclip.json")


def config() -> dict[str, Any]:
    """The OpenCLIP model config that belongs to our weights."""
    found: dict[str, Any] = json.loads(CONFIG.read_text("utf-8"))
    return found


def build() -> Any:
    """A fresh model with random weights."""
    given = config()
    return open_clip.CustomTextCLIP(
        embed_dim=given["embed_dim"], vision_cfg=given["vision_cfg"], text_cfg=given["text_cfg"]
    )


def encode_text(tower: Any, ids: Tensor) -> Tensor:
    """What OpenCLIP's text tower says, for ids of any length: the causal mask makes padding of no account."""
    length = ids.shape[1]
    states = tower.token_embedding(ids) + tower.positional_embedding[:length]
    states = tower.transformer(states, attn_mask=tower.attn_mask[:length, :length])
    states = tower.ln_final(states)
    ends = ids.argmax(dim=-1)[:, None, None].expand(-1, 1, states.shape[-1])
    pooled: Tensor = states.gather(1, ends).squeeze(1) @ tower.text_projection
    return nn.functional.normalize(pooled, dim=-1)


def groups(module: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Parameters for AdamW: no weight decay on norms, biases and embeddings."""
    named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    plain = [p for name, p in named if p.ndim < 2 or "embedding" in name]
    rest = [p for name, p in named if p.ndim >= 2 and "embedding" not in name]
    return [{"params": rest, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}]


@torch.no_grad()
def average(slow: nn.Module, fast: nn.Module, keep: float) -> None:
    """Moves the averaged copy a step towards the weights in training; running statistics are copied."""
    ours, theirs = slow.state_dict(), fast.state_dict()
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    torch._foreach_lerp_([ours[n] for n in floats], [theirs[n] for n in floats], 1 - keep)
