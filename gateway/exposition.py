"""What Prometheus is told: what every process counted, each sample with its process, and what the rows say."""

import re
from collections.abc import Mapping
from typing import Final

from events import flow
from functions.core import metrics
from functions.core.errors import Unavailable
from functions.core.identity.keys import JwksKeys
from functions.core.postgres import vitals
from functions.core.postgres.vitals import Vitals
from gateway.door import Door

SAMPLE: Final = re.compile(r"^(\w+)(\{)?")
OURS: Final = "answer"


async def exposition(here: Door) -> str:
    """Prometheus's text format; a process or a database that is down leaves out its own numbers only."""
    texts = {OURS: metrics.own()}
    for name, ask in here.others.items():
        try:
            texts[name] = await ask()
        except Unavailable:
            metrics.PROCESS_UP.labels(name).set(0)
        else:
            metrics.PROCESS_UP.labels(name).set(1)
    return joined(texts) + await _of_rows(here)


def joined(texts: Mapping[str, str]) -> str:
    """The families of several processes as one text: each family once, its samples with a label `process`."""
    families: dict[str, list[str]] = {}
    for process, text in texts.items():
        for head, samples in _families(text):
            families.setdefault(head, []).extend(_labelled(line, process) for line in samples)
    return "".join(f"{head}{''.join(samples)}" for head, samples in families.items())


def _families(text: str) -> list[tuple[str, list[str]]]:
    """Each family's two lines of comment, and its samples."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("# HELP"):
            found.append((line, []))
        elif line.startswith("#"):
            found[-1] = (found[-1][0] + line, [])
        else:
            found[-1][1].append(line)
    return found


def _labelled(line: str, process: str) -> str:
    """A sample line with one label more, before the others."""
    return SAMPLE.sub(lambda found: f'{found[1]}{{process="{process}"{"," if found[2] else "}"}', line, count=1)


async def _of_rows(here: Door) -> str:
    try:
        async with here.world.database.transaction() as tx:
            _gauge(await vitals.look(tx))
    except Unavailable:
        return metrics.unread()
    if isinstance(here.verifier.keys, JwksKeys):
        metrics.JWKS_AGE_S.set(here.verifier.keys.age_s)
    return metrics.shared()


def _gauge(seen: Vitals) -> None:
    metrics.DATABASE_UP.set(1)
    for gauge in (metrics.QUEUE_DEPTH, metrics.QUEUE_AGE_S, metrics.DEAD_LETTERS, metrics.ASSETS):
        gauge.clear()
    for group in flow.FLOW:
        metrics.QUEUE_DEPTH.labels(group.name).set(0)
        metrics.QUEUE_AGE_S.labels(group.name).set(0)
        metrics.DEAD_LETTERS.labels(group.name).set(seen.dead_letters.get(group.name, 0))
    for queue in seen.queues:
        metrics.QUEUE_DEPTH.labels(queue.group).set(queue.depth)
        metrics.QUEUE_AGE_S.labels(queue.group).set(queue.age_s)
    for state, count in seen.assets.items():
        metrics.ASSETS.labels(state).set(count)
    metrics.OUTBOX_DEPTH.set(seen.outbox.depth)
    metrics.OUTBOX_AGE_S.set(seen.outbox.age_s)
