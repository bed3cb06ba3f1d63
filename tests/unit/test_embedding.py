"""The model as the functions use it: threads of its own, warm when told to be."""

import asyncio
import threading

import numpy as np

from functions.core.models.embedding import Embedding
from tests.support.worlds import MODEL

MORE_THAN_THERE_ARE = 64


async def test_words_are_computed_while_every_common_thread_is_busy() -> None:
    free, embedding = threading.Event(), Embedding(lambda: MODEL)
    busy = [asyncio.create_task(asyncio.to_thread(free.wait, 30)) for _ in range(MORE_THAN_THERE_ARE)]
    try:
        async with asyncio.timeout(10):
            vector = await embedding.text("a boat")
    finally:
        free.set()
        await asyncio.gather(*busy)
    assert np.array_equal(vector, MODEL.embed_texts(["a boat"])[0])


async def test_both_towers_can_be_loaded_before_they_are_needed_and_again() -> None:
    embedding = Embedding(lambda: MODEL)
    for _ in range(2):
        await embedding.warm()
        await embedding.warm_images()
    assert len(await embedding.text("a boat")) == MODEL.dim
