"""The one place that picks adapters: a URL per part, its scheme says which."""

import asyncio
import base64
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from functions.core import traces, written
from functions.core.errors import Invalid
from functions.core.models.embedding import Embedding
from functions.core.ports import Embedder, Objects, Pictures, Vectors
from functions.core.runtime.run import World
from functions.core.runtime.step import Rules
from functions.core.secret_files import read_or_create
from functions.core.settings import PREFIX, Settings
from functions.core.signing import Keyring, parse_keys
from functions.core.tx import Database

log = logging.getLogger(__name__)
KEY_BYTES: Final = 32
KNOWN: Final = frozenset({"admin", "changeme", "minioadmin", "miraveja", "password", "postgres", "secret"})
"""Secrets of examples and of images as they come."""
ACCESS_KEY: Final = "miraveja"
SERVED: Final = {
    "objects_url": "folder:", "vectors_url": "edge:", "events_url": "postgres:", "embedder_url": "builtin:",
}  # fmt: skip
"""What each part may be so far."""


class Wired:
    """The ports of one process, each made when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def rules(self) -> Rules:
        """The settings that functions look at."""
        said = self._settings
        return Rules(
            max_bytes=said.max_bytes, quota_bytes=said.quota_bytes, quota_count=said.quota_count,
            uploads_pending=said.uploads_pending, uploads_per_day=said.uploads_per_day, review=said.moderation_review,
            thresholds=written.thresholds(said.moderation_thresholds), appeal_days=said.moderation_appeal_days,
        )  # fmt: skip

    @cached_property
    def objects(self) -> Objects:
        """`folder:` below the data folder."""
        from functions.core.adapters.objects_folder import FolderObjects
        from functions.core.adapters.post_policy import Credentials

        credentials = Credentials(ACCESS_KEY, store_secret(self._settings))
        return FolderObjects(self._settings.data_dir / "objects", credentials, self._settings.store_url)

    @cached_property
    def pictures(self) -> Pictures:
        """Children that may use little and reach nothing."""
        from functions.core.pictures.pictures import LimitedPictures

        return LimitedPictures(max_pixels=self._settings.max_pixels)

    @cached_property
    def vectors(self) -> Vectors:
        """`edge:` below the data folder, a shard for each model."""
        from functions.core.adapters.vectors_edge import EdgeVectors

        model = self.embedding.model
        return EdgeVectors(vectors_folder(self._settings, model.model_id), model.dim, model.model_id)

    @cached_property
    def embedding(self) -> Embedding:
        """The model of the settings."""
        return Embedding(lambda: embedder(self._settings))

    async def close(self) -> None:
        """Let go of what was made."""
        made = vars(self)
        for name in ("pictures", "vectors"):
            if name in made:
                await made[name].close()


def trace(process: str) -> None:
    """Record traces where OpenTelemetry's usual variables ask for them; a warning says so where its packages are missing."""
    if not traces.wanted():
        return
    try:
        from functions.core.adapters.tracer_otel import OtelTracer
    except ImportError:
        log.warning("OTEL_ variables ask for traces: install miraveja[otel] to have them")
    else:
        traces.start(OtelTracer(process))


def embedder(settings: Settings) -> Embedder:
    """`builtin:` is the model that ships."""
    check(settings)
    from functions.core.adapters.embedder_onnx import OnnxEmbedder

    return OnnxEmbedder(Path(str(files("functions.core") / "builtin")))


def vectors_folder(settings: Settings, model_id: str) -> Path:
    """Where the embedded index of one model lies."""
    return settings.data_dir / "vectors" / model_id


def secret_file(settings: Settings, name: str) -> Path:
    """A secret of the embedded mode, made at the first start."""
    return settings.data_dir / "secrets" / f"{name}.key"


def store_secret(settings: Settings) -> str:
    """What the embedded store signs forms with."""
    return read_or_create(secret_file(settings, "store"), lambda: secrets.token_hex(KEY_BYTES).encode()).decode()


def media_keys(settings: Settings) -> Keyring:
    """The keys that sign media addresses and cursors: from the settings, or made at the first start."""
    if settings.media_keys:
        return parse_keys(settings.media_keys.get_secret_value())
    made = read_or_create(
        secret_file(settings, "media"), lambda: b"1:" + base64.b64encode(secrets.token_bytes(KEY_BYTES))
    )
    return parse_keys(made.decode())


def event_keys(settings: Settings) -> list[bytes]:
    """One or two keys by which senders of events prove themselves; raises Invalid where there are none."""
    if settings.event_keys is None:
        raise Invalid("MIRAVEJA_EVENT_KEYS is needed: without it anybody could send events")
    return written.event_keys(settings.event_keys.get_secret_value())


def confidential(settings: Settings) -> list[str]:
    """Every secret of the settings, and of the embedded parts, that no log may show."""
    passwords = [_password(address) for address in (settings.database_url, _said(settings.database_owner_url))]
    media = [base64.b64encode(key).decode() for key in media_keys(settings).keys.values()]
    events = _said(settings.event_keys).split(",")
    return [*passwords, *media, *events, _said(settings.token), store_secret(settings)]


def _written_secrets(settings: Settings) -> dict[str, str]:
    """What the settings hold that nobody may guess, by the setting's name."""
    found = {name: _said(value) for name, value in settings if isinstance(value, SecretStr)}
    found["database_owner_url"] = _password(found.get("database_owner_url", ""))
    return found | {"database_url": _password(settings.database_url)}


def _said(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _password(address: str) -> str:
    try:
        return str(conninfo_to_dict(address).get("password", ""))
    except psycopg.ProgrammingError:
        return ""


def check(settings: Settings) -> None:
    """Raise Invalid, naming the setting, for a part that is not served here; nothing of an address is repeated."""
    for name, only in SERVED.items():
        if getattr(settings, name) != only:
            raise Invalid(f"{PREFIX}{name.upper()}: only {only!r} is served here")
    for name, secret in _written_secrets(settings).items():
        if secret.lower() in KNOWN:
            raise Invalid(f"{PREFIX}{name.upper()}: everybody knows this secret: choose another")
    if settings.identity_url != "local:" and not settings.identity_url.startswith(("https://", "http://")):
        raise Invalid(f"{PREFIX}IDENTITY_URL: 'local:' or the https:// address of an issuer")


async def open_world(
    settings: Settings, database_url: str | None = None, lease_s: float = 30.0, wall_s: float = 120.0
) -> World:
    """Rows and ports of one process; raises Invalid for a part that is not served here, Unavailable for a silent database."""
    check(settings)
    if database_url is None and settings.embedded_database:
        raise Invalid("MIRAVEJA_DATABASE_URL is needed: only `miraveja up` starts a database of its own")
    database = Database(database_url or settings.database_url)
    await database.open()
    return World(database, Wired(settings), lease_s, wall_s)


class Once:
    """Something that is made at its first use, once, whoever asks at the same time."""

    def __init__(self, make: Callable[[], Awaitable[World]]) -> None:
        self._make = make
        self._lock = asyncio.Lock()
        self._made: World | None = None

    async def get(self) -> World:
        """The world; an error of its making is raised, and the next call tries again."""
        async with self._lock:
            if self._made is None:
                self._made = await self._make()
            return self._made
