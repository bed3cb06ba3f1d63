"""ComfyUI stores the graph that made a picture: its parameters are found by walking up from the sampler."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

Graph = Mapping[str, object]
Inputs = Mapping[str, object]

_MAX_NODES: Final = 500
_TEXTS: Final = ("text", "text_g", "t5xxl", "clip_l", "prompt", "string", "value")
_SOUGHT: Final = {
    "seed": ("seed", "noise_seed"),
    "steps": ("steps",),
    "sampler": ("sampler_name",),
    "cfg": ("cfg", "guidance"),
    "model": ("ckpt_name", "unet_name", "model_name"),
}


def facts(graph: Graph) -> dict[str, object]:
    """prompt, negativePrompt, model, seed, steps, sampler, cfg, as far as the graph tells."""
    sampler = next((node for node in list(graph)[:_MAX_NODES] if _is_sampler(graph, node)), None)
    if sampler is None:
        return {}
    found: dict[str, object] = {key: _first(graph, sampler, names) for key, names in _SOUGHT.items()}
    found["prompt"] = _words(graph, sampler, ("positive", "conditioning"), avoid="negative")
    found["negativePrompt"] = _words(graph, sampler, ("negative",), avoid="positive")
    return found


def _is_sampler(graph: Graph, node: str) -> bool:
    inputs = _inputs(graph, node)
    kind = _kind(graph, node)
    return "Sampler" in kind and ("latent_image" in inputs or {"positive", "negative"} <= inputs.keys())


def _words(graph: Graph, sampler: str, ends: tuple[str, ...], avoid: str) -> object:
    """The text that conditions one side, or nothing: the first text upstream of the first node with such an input."""
    for _, inputs in _upstream(graph, sampler, avoid=""):
        for end in ends:
            if (node := _link(inputs.get(end))) is not None:
                return _first(graph, node, _TEXTS, avoid=avoid, kind=str)
    return None


def _first(
    graph: Graph, start: str, names: tuple[str, ...], avoid: str = "", kind: type | tuple[type, ...] = (str, int, float)
) -> object:
    """The nearest plain value under one of the names; a link under the name is followed to a value of its own."""
    for _, inputs in _upstream(graph, start, avoid):
        for name in names:
            value = inputs.get(name)
            if (node := _link(value)) is not None:
                value = next((v for v in _inputs(graph, node).values() if isinstance(v, kind)), None)
            if isinstance(value, kind) and value != "":
                return value
    return None


def _upstream(graph: Graph, start: str, avoid: str) -> Iterator[tuple[str, Inputs]]:
    """Nodes in order of distance, each once, at most _MAX_NODES; inputs named `avoid` are not followed."""
    waiting, seen = deque([start]), {start}
    while waiting and len(seen) <= _MAX_NODES:
        node = waiting.popleft()
        inputs = _inputs(graph, node)
        yield node, inputs
        for name, value in inputs.items():
            source = _link(value)
            if source is not None and name != avoid and source not in seen:
                seen.add(source)
                waiting.append(source)


def _link(value: object) -> str | None:
    """Links are [node, output]."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
        return str(value[0])
    return None


def _inputs(graph: Graph, node: str) -> Inputs:
    found = graph.get(node)
    inputs = found.get("inputs") if isinstance(found, dict) else None
    return inputs if isinstance(inputs, dict) else {}


def _kind(graph: Graph, node: str) -> str:
    found = graph.get(node)
    return str(found.get("class_type", "")) if isinstance(found, dict) else ""
