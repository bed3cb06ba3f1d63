"""Makes what people see of an original, from one decode in a limited child."""

from events.types import AssetPreviewed, AssetUploaded
from functions.core.model import Asset, State
from functions.core.ports import Preview
from functions.core.runtime.step import Ports, Ref, Step
from functions.core.tx import Tx
from functions.thumbnail import rows


async def work(asset: Asset, ports: Ports) -> Preview:
    """Renditions, hashes and metadata of one original; the same keys hold the same pictures when run twice."""
    original = await ports.objects.read(asset.original_key)
    preview = await ports.pictures.preview(original, asset.content_type or asset.declared_type)
    for made in preview.renditions:
        key = asset.derived_key(made.variant, made.content_type)
        await ports.objects.write(key, made.data, made.content_type)
    return preview


async def record(tx: Tx, asset: Asset, preview: Preview) -> AssetPreviewed:
    """The rows that people will read."""
    await rows.store_facts(tx, asset, preview)
    await rows.store_renditions(tx, asset, preview.renditions)
    return AssetPreviewed.of(asset)


async def undo(ref: Ref, ports: Ports) -> None:
    """No rendition of this generation stays."""
    async for found in ports.objects.list(f"derived/{ref.id}/{ref.generation}/"):
        await ports.objects.delete(found.key)


STEP = Step(
    name="thumbnail", consumes=(AssetUploaded,), after=State.UPLOADED,
    work=work, record=record, undo=undo, by_generation=True,
)  # fmt: skip
