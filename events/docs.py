"""Keeps schemas/ and topics.md true to the code: `python -m events.docs` writes, `--check` only compares."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from events.flow import FLOW, TOPICS, Group, Topic
from events.types import FACTS, Fact

HERE: Final = Path(__file__).parent
SCHEMAS: Final = "schemas"
TOPICS_PAGE: Final = "topics.md"
INTRODUCTION: Final = """# Topics and facts

Written by `python -m events.docs` from `events/flow.py` and `events/types.py`; a test compares them.
"""


def pages() -> dict[str, str]:
    """Every generated file by its path below `events/`, as text."""
    schemas = {f"{SCHEMAS}/{name}.json": _schema(kind) for name, kind in FACTS.items()}
    return {**schemas, TOPICS_PAGE: _topics()}


def stale(folder: Path) -> list[str]:
    """Paths below `folder` that are missing, differ from `pages()`, or are the schema of no fact."""
    wanted = pages()
    extra = {f"{SCHEMAS}/{path.name}" for path in (folder / SCHEMAS).glob("*")} - wanted.keys()
    return sorted(extra | {path for path, text in wanted.items() if _read(folder / path) != text})


def write(folder: Path) -> None:
    """Make `folder` hold exactly `pages()`."""
    (folder / SCHEMAS).mkdir(exist_ok=True)
    wanted = pages()
    for path in stale(folder):
        if path in wanted:
            (folder / path).write_text(wanted[path], encoding="utf-8")
        else:
            (folder / path).unlink()


def main(arguments: list[str], folder: Path = HERE) -> int:
    """The exit code: 1 when `--check` finds something stale, else 0."""
    if arguments != ["--check"]:
        write(folder)
        return 0
    found = stale(folder)
    sys.stdout.writelines(f"stale: events/{path}\n" for path in found)
    return 1 if found else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _schema(kind: type[Fact]) -> str:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:miraveja:{kind.type}"}
    return json.dumps({**head, **kind.model_json_schema(by_alias=True)}, indent=2, ensure_ascii=False) + "\n"


def _topics() -> str:
    topics = _table(("topic", "key", "partitions", "dead letters", "facts"), map(_topic_row, TOPICS))
    groups = _table(("group", "topic in", "steps", "topic out"), map(_group_row, FLOW))
    facts = _table(("fact", "type", "data", "says"), map(_fact_row, FACTS.values()))
    return f"{INTRODUCTION}\n{topics}\n## Groups\n\n{groups}\n## Facts\n\n{facts}"


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (titles, ("---",) * len(titles), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _topic_row(topic: Topic) -> tuple[str, ...]:
    facts = ", ".join(kind.__name__ for kind in topic.carries)
    return f"`{topic.name}`", topic.key, str(topic.partitions), f"`{topic.dead_letters}`", facts


def _group_row(group: Group) -> tuple[str, ...]:
    reply = f"`{group.replies_to}`" if group.replies_to else "none"
    return f"`{group.name}`", f"`{group.topic}`", " → ".join(group.steps), reply


def _fact_row(kind: type[Fact]) -> tuple[str, ...]:
    properties: Mapping[str, object] = kind.model_json_schema(by_alias=True)["properties"]
    return kind.__name__, f"`{kind.type}`", ", ".join(properties), (kind.__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
