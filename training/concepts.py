"""The things the model learns to name: emoji concepts, their keywords, and the words held out for the test."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.sources import folder
from training.work import Work

LEFT_OUT_GROUPS = frozenset({2, 8, 9})  # skin tones and hair, symbols, flags
MAX_KEYWORDS = 12
HELD_PER_CENT = 9


@dataclass(frozen=True)
class Concept:
    """One nameable thing: its code points join it to the icons of every style."""

    key: str
    name: str
    group: int
    keywords: tuple[str, ...]
    held: tuple[str, ...] = ()


def plain(hexcode: str) -> str:
    """Code points as icon sets write them: lower case, without the variation selector."""
    return "-".join(part for part in hexcode.lower().split("-") if part != "fe0f")


def tidy(word: str) -> str:
    """Lower case words with single spaces, as a person would type them."""
    return re.sub(r"\s+", " ", re.sub(r"[_:,.!?“”\"()]+", " ", word.lower())).strip()


def is_held(key: str, word: str) -> bool:
    """Whether this keyword of this concept is kept out of every caption, by a hash so that no order matters."""
    digest = hashlib.sha256(f"{key}/{word}".encode()).digest()
    return digest[0] * 100 < HELD_PER_CENT * 256


def keywords_of(name: str, words: list[str]) -> tuple[str, ...]:
    """Distinct readable keywords that are not the name itself."""
    wanted = (tidy(word) for word in words)
    kept = dict.fromkeys(w for w in wanted if 2 < len(w) <= 24 and w != name and w.isascii())
    return tuple(kept)


def _concept(entry: dict[str, Any], more: list[str]) -> Concept:
    key, name = plain(entry["hexcode"]), tidy(entry["label"])
    words = keywords_of(name, [*entry.get("tags", []), *more])
    shown = tuple(w for w in words if not is_held(key, w))[:MAX_KEYWORDS]
    return Concept(key, name, entry["group"], shown, tuple(w for w in words if is_held(key, w)))


def load(work: Work) -> list[Concept]:
    """Every emoji that is neither flag, symbol, component nor the gendered double of another."""
    data = json.loads((folder(work, "emojibase-data") / "en" / "data.json").read_text("utf-8"))
    more = json.loads(_emojilib(work).read_text("utf-8"))
    wanted = [e for e in data if e.get("group", 2) not in LEFT_OUT_GROUPS and "gender" not in e]
    found = [_concept(e, more.get(e["emoji"].replace("\ufe0f", ""), more.get(e["emoji"], []))) for e in wanted]
    shown = {word for concept in found for word in (*concept.keywords, concept.name)}
    return [_only_unseen(concept, shown) for concept in found]


def _only_unseen(concept: Concept, shown: set[str]) -> Concept:
    held = tuple(w for w in concept.held if w not in shown)
    return Concept(concept.key, concept.name, concept.group, concept.keywords, held)


def _emojilib(work: Work) -> Path:
    return folder(work, "emojilib") / "dist" / "emoji-en-US.json"
