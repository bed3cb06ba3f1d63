"""Keeps one point per findable asset, with what filters look at; the row stays the authority."""

from events.types import AssetChanged, AssetEmbedded, AssetProcessed, AssetRejected
from functions.core.model import ENDS, Asset, Moderation, State
from functions.core.runtime.step import Moved, Ports, Ref, Step, TooEarly
from functions.core.tx import Tx
from functions.index import rows


async def load(tx: Tx, asset: Asset) -> rows.Shown:
    """What the point is to show, and the change it shows, or that there is to be none."""
    if not _findable(asset):
        return rows.Shown(asset.change, None)
    shown = await rows.shown(tx, asset)
    if shown is None:
        raise TooEarly
    return shown


def _findable(asset: Asset) -> bool:
    return asset.state not in ENDS and asset.moderation is not Moderation.REJECTED


async def work(asset: Asset, ports: Ports, shown: rows.Shown) -> int:
    """The change that the index shows now; a vector of another model is no point here until it is embedded anew."""
    if shown.point and shown.model == ports.embedding.model.model_id:
        await ports.vectors.upsert([shown.point])
    else:
        await ports.vectors.delete([asset.id])
    return shown.change


async def record(tx: Tx, asset: Asset, change: int) -> AssetEmbedded | None:
    """Searchable, unless there is to be no point; once more when the row moved on while we worked."""
    if asset.change != change:
        raise Moved
    return AssetEmbedded.of(asset) if _findable(asset) else None


async def undo(ref: Ref, ports: Ports) -> None:
    """No point of an asset that is being purged stays."""
    await ports.vectors.delete([ref.id])


STEP = Step(
    name="index", consumes=(AssetProcessed, AssetRejected, AssetChanged), after=State.PROCESSED, to=State.READY,
    load=load, work=work, record=record, undo=undo, at_ends=True,
)  # fmt: skip
