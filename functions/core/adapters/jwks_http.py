"""Brings the issuer's key set over HTTP, from the configured address and from nowhere else."""

from typing import Final

import aiohttp

from functions.core.errors import Unavailable
from functions.core.identity.keys import MAX_BYTES

PIECE: Final = 1 << 16


async def fetch_jwks(url: str, timeout_s: float = 2.0) -> bytes:
    """The body of a 200 answer, at most 1 MiB; Unavailable for anything else, redirects among it."""
    # Unpacked data would slip past the limit, so we ask for none and unpack none.
    plain = {"Accept": "application/json", "Accept-Encoding": "identity"}
    limit = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, auto_decompress=False, headers=plain) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            return await _body(answer)
    except (aiohttp.ClientError, TimeoutError) as problem:
        raise Unavailable(f"The identity provider's keys cannot be had: {type(problem).__name__}") from problem


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    if answer.status != 200:
        raise Unavailable(f"The identity provider answered {answer.status} instead of its keys")
    body = bytearray()
    async for piece in answer.content.iter_chunked(PIECE):
        body += piece
        if len(body) > MAX_BYTES:
            raise Unavailable("The identity provider's key set is over 1 MiB")
    return bytes(body)
