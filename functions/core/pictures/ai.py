"""How a picture was generated, out of what the common generators write into their files."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from functions.core.pictures import comfy

_MAX_CHARS: Final = 1 << 20
_LINE_CHARS: Final = 4_096
_FIELD: Final = re.compile(r'([A-Za-z][\w /-]{0,40}): ("(?:[^"\\]|\\.){0,1000}"|[^,]{0,300})(?:,|$)')
_DREAM: Final = re.compile(r"(?:^|\s)-([sSCA]) ?([\w.]{1,32})")

Texts = Mapping[str, str]
Facts = dict[str, object]


def facts(texts: Texts) -> Facts:
    """tool, prompt, negativePrompt, model, seed, steps, sampler, cfg, raw of one image's texts; not yet tidied."""
    fitting = {key: text for key, text in texts.items() if len(text) <= _MAX_CHARS}
    for read in _READERS:
        if found := read(fitting):
            return found
    return {}


def load(text: str) -> dict[str, object]:
    """A JSON object, or nothing: what is nested too deep or is no object does not count."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _novelai(texts: Texts) -> Facts:
    if not texts.get("Software", "").startswith("NovelAI"):
        return {}
    comment = load(texts.get("Comment", ""))
    return {
        "tool": "NovelAI",
        "prompt": comment.get("prompt") or texts.get("Description"),
        "negativePrompt": comment.get("uc"),
        "model": texts.get("Source"),
        "seed": comment.get("seed"),
        "steps": comment.get("steps"),
        "sampler": comment.get("sampler"),
        "cfg": comment.get("scale"),
        "raw": texts.get("Comment"),
    }


def _invoke(texts: Texts) -> Facts:
    if "invokeai_metadata" in texts:
        return _invoke_json(texts["invokeai_metadata"])
    if "sd-metadata" in texts:
        return _invoke_old(texts["sd-metadata"])
    return _invoke_dream(texts["Dream"]) if "Dream" in texts else {}


def _invoke_json(raw: str) -> Facts:
    found = load(raw)
    model = found.get("model")
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name")
    return {
        "tool": "InvokeAI",
        "prompt": found.get("positive_prompt"),
        "negativePrompt": found.get("negative_prompt"),
        "model": model,
        "seed": found.get("seed"),
        "steps": found.get("steps"),
        "sampler": found.get("scheduler"),
        "cfg": found.get("cfg_scale"),
        "raw": raw,
    }


def _invoke_old(raw: str) -> Facts:
    outer = load(raw)
    image = outer.get("image")
    found: dict[str, object] = image if isinstance(image, dict) else {}
    prompt = found.get("prompt")
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], dict):
        prompt = prompt[0].get("prompt")
    named = {"seed": "seed", "steps": "steps", "sampler": "sampler", "cfg": "cfg_scale"}
    values = {key: found.get(theirs) for key, theirs in named.items()}
    return {"tool": "InvokeAI", "prompt": prompt, "model": outer.get("model_weights"), "raw": raw} | values


def _invoke_dream(raw: str) -> Facts:
    head, _, options = raw[:_LINE_CHARS].rpartition('"')
    found = dict(_DREAM.findall(options))
    named = {"seed": found.get("S"), "steps": found.get("s"), "sampler": found.get("A"), "cfg": found.get("C")}
    return {"tool": "InvokeAI", "prompt": head.lstrip().removeprefix('"'), "raw": raw} | named


def _comfy(texts: Texts) -> Facts:
    raw = texts.get("prompt") or texts.get("workflow")
    if raw is None:
        return {}
    graph = load(texts.get("prompt", ""))
    if not graph and not load(texts.get("workflow", "")):
        return {}
    return {"tool": "ComfyUI", "raw": raw} | comfy.facts(graph)


def _webui(texts: Texts) -> Facts:
    """AUTOMATIC1111 and what descends from it: prompt, negative prompt, and one line of settings at the end."""
    raw = texts.get("parameters") or texts.get("UserComment", "")
    head, _, last = raw.strip().rpartition("\n")
    if not last.startswith("Steps: "):
        return {"tool": "AUTOMATIC1111", "prompt": raw, "raw": raw} if "parameters" in texts else {}
    prompt, _, negative = f"\n{head}".partition("\nNegative prompt:")
    found = {key: value.strip('" ') for key, value in _FIELD.findall(last[:_LINE_CHARS])}
    return {
        "tool": "AUTOMATIC1111",
        "prompt": prompt,
        "negativePrompt": negative,
        "model": found.get("Model"),
        "seed": found.get("Seed"),
        "steps": found.get("Steps"),
        "sampler": found.get("Sampler"),
        "cfg": found.get("CFG scale"),
        "raw": raw,
    }


_READERS: Final[tuple[Callable[[Texts], Facts], ...]] = (_novelai, _invoke, _comfy, _webui)
