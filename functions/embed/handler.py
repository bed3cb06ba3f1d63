"""Computes the vector of a picture once, from its 720 rendition; everybody else reads it from its row."""

from dataclasses import dataclass

from events.types import AssetPreviewed, AssetVectorized
from functions.core.model import Asset, State, Variant
from functions.core.ports import Vector
from functions.core.runtime.step import Ports, Step, TooEarly
from functions.core.tx import Tx
from functions.embed import rows


@dataclass(frozen=True, slots=True)
class Vectorized:
    """A vector, float32 of shape (dim,), and the model whose space it is in."""

    model: str
    vector: Vector


async def load(tx: Tx, asset: Asset) -> str:
    """The content type of the 720 rendition; raises TooEarly while there is none."""
    content_type = await rows.rendition_type(tx, asset, Variant.MEDIUM)
    if content_type is None:
        raise TooEarly
    return content_type


async def work(asset: Asset, ports: Ports, content_type: str) -> Vectorized:
    """The vector of the picture, computed in a micro-batch with others."""
    picture = await ports.objects.read(asset.derived_key(Variant.MEDIUM, content_type))
    return Vectorized(ports.embedding.model.model_id, await ports.embedding.image(picture))


async def example(ports: Ports, data: bytes) -> Vectorized:
    """The vector of a stranger's picture that is searched by and never kept; raises of the Rejected family."""
    picture = await ports.pictures.query(data)
    return Vectorized(ports.embedding.model.model_id, await ports.embedding.image(picture))


async def warm(ports: Ports) -> None:
    """The image tower."""
    await ports.embedding.warm_images()


async def record(tx: Tx, asset: Asset, vectorized: Vectorized) -> AssetVectorized:
    """Keep the vector where it is durable."""
    await rows.store_vector(tx, asset, vectorized.model, vectorized.vector)
    return AssetVectorized.of(asset, model=vectorized.model)


STEP = Step(
    name="embed", consumes=(AssetPreviewed,), after=State.UPLOADED, load=load, work=work, record=record,
    warm=warm,
)  # fmt: skip
