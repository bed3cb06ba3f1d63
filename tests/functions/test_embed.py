"""embed: one vector per asset and model, durable in its row; an example picture is used and never kept."""

import numpy as np
import pytest

from events.types import AssetPreviewed, AssetUploaded
from functions.core.errors import UnreadableImage
from functions.core.models.embedding import from_bytes
from functions.core.runtime.answer import Outcome
from functions.core.runtime.run import World
from functions.embed.handler import example
from tests.support.images import a_jpeg
from tests.support.runs import arrived, read, said_of, through
from tests.support.worlds import a_user, an_upload


async def test_the_vector_is_kept_as_float16_of_unit_length(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(1))
    await arrived(world, asset)
    await through(world, "thumbnail", await said_of(world, AssetUploaded, asset))
    answer = await through(world, "embed", await said_of(world, AssetPreviewed, asset))
    [kept] = await read(world, "SELECT * FROM embeddings WHERE asset_id = %s", asset)
    model = world.ports.embedding.model
    assert answer.status == 200
    assert (kept["model"], kept["generation"], len(kept["vector"])) == (model.model_id, 1, 2 * model.dim)
    alike = (await example(world.ports, a_jpeg(1))).vector
    assert float(from_bytes(kept["vector"]) @ alike) > 0.95


async def test_word_before_the_rendition_makes_it_come_again(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(1))
    await arrived(world, asset)
    answer = await through(world, "embed", await said_of(world, AssetPreviewed, asset))
    assert (answer.outcome, answer.status) == (Outcome.EARLY, 409)


async def test_an_example_is_never_stored_and_a_broken_one_is_refused(world: World) -> None:
    found = await example(world.ports, a_jpeg(2))
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-3)
    with pytest.raises(UnreadableImage):
        await example(world.ports, a_jpeg(2)[:200])
    assert [each.key async for each in world.ports.objects.list("derived/")] == []
    assert await read(world, "SELECT 1 FROM embeddings") == []
