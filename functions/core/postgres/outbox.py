"""Facts born outside a step: written in the transaction that made them true, published by one relay in order."""

from psycopg.types.json import Jsonb

from events.envelope import new_event, to_json
from events.types import Fact
from functions.core import traces
from functions.core.failpoints import reach
from functions.core.postgres import log
from functions.core.times import utcnow
from functions.core.tx import Tx, one, rows

CHANNEL = "miraveja_outbox"
RELAY_LOCK = 7_155_002
BATCH = 256


async def put(tx: Tx, topic: str, *facts: Fact) -> None:
    """Say what happened, in this order, if this transaction commits."""
    now, trace = utcnow(), traces.current()
    said = [(topic, fact.key, Jsonb(to_json(new_event(fact, now=now, traceparent=trace)))) for fact in facts]
    async with tx.cursor() as cursor:
        await cursor.executemany("INSERT INTO outbox (topic, key, event) VALUES (%s, %s, %s)", said)
    await tx.execute(f"NOTIFY {CHANNEL}")


async def relay(tx: Tx) -> int:
    """Move a batch into the event log, in order and exactly once; returns how many. One relay at a time."""
    leader = await one(tx, "SELECT pg_try_advisory_xact_lock(%s) AS mine", RELAY_LOCK)
    if not leader or not leader["mine"]:
        return 0
    waiting = await rows(
        tx, "SELECT id, topic, key, event FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT %s", BATCH
    )
    for row in waiting:
        await log.append(tx, row["topic"], row["key"], row["event"])
    await reach("relay.before_mark")
    if waiting:
        await tx.execute("UPDATE outbox SET published_at = now() WHERE id = ANY(%s)", [[row["id"] for row in waiting]])
    return len(waiting)
