"""Removes every trace of an asset; the tombstone tells late events that they come too late."""

from events.types import AssetDeleted
from functions.core.model import Asset, State, incoming_key
from functions.core.runtime.step import Ports, Ref, Step
from functions.core.tx import Tx
from functions.purge import rows


async def work(asset: Asset, ports: Ports) -> None:
    """Vectors first, so that search forgets at once; the original last."""
    await _remove(Ref(asset.id, asset.generation), ports)


async def record(tx: Tx, asset: Asset, _nothing: None) -> None:
    """The row goes, the tombstone stays for a month."""
    await rows.bury(tx, asset)


async def undo(ref: Ref, ports: Ports) -> None:
    """The same once more: what a late step left is removed as well."""
    await _remove(ref, ports)


async def _remove(ref: Ref, ports: Ports) -> None:
    await ports.vectors.delete([ref.id])
    for prefix in (f"derived/{ref.id}/", f"originals/{ref.id}/"):
        async for found in ports.objects.list(prefix):
            await ports.objects.delete(found.key)
    await ports.objects.delete(incoming_key(ref.id))


STEP = Step(
    name="purge", consumes=(AssetDeleted,), after=State.DELETING, work=work, record=record, undo=undo
)  # fmt: skip
