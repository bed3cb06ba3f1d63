"""Every knob of MiraVeja, read once. A URL per part: its scheme picks the adapter."""

import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from functions.core import written
from functions.core.errors import Invalid
from functions.core.model import BUCKET

PREFIX: Final = "MIRAVEJA_"
MIB: Final = 1 << 20
READ: Final[Mapping[str, Callable[[str], object]]] = {
    "moderation_thresholds": written.thresholds, "event_keys": written.event_keys, "media_keys": written.media_keys,
    "trusted_proxies": written.networks, "cors_origins": written.origins, "security_contact": written.contact,
}  # fmt: skip
"""Settings in a form of their own: a bad one stops the start, not the first request that needs it."""


def default_data_dir() -> Path:
    """The platform's folder for a user's data; for root a system folder, since Postgres runs as somebody else."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/miraveja")
    return Path(platformdirs.user_data_dir("miraveja", appauthor=False))


class Settings(BaseModel):
    """Defaults run the whole gallery with no service beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str = Field("embedded:", description="`embedded:` or a libpq address of the role without DDL")
    database_owner_url: SecretStr | None = Field(None, description="address of the role that migrates")
    objects_url: str = Field("folder:", description="`folder:` keeps objects in the data folder")
    objects_public_url: str | None = Field(None, description="where browsers post uploads; follows `PUBLIC_URL`")
    vectors_url: str = Field("edge:", description="`edge:` is Qdrant's engine in process")
    events_url: str = Field("postgres:", description="`postgres:` is the event log in the database")
    identity_url: str = Field("local:", description="`local:` or the address of an OIDC issuer")
    accept_typ_jwt: bool = Field(default=False, description="for issuers without RFC 9068: also take header typ JWT")
    embedder_url: str = Field("builtin:", description="`builtin:` is the model that ships with MiraVeja")

    data_dir: Path = Field(default_factory=default_data_dir, description="where everything embedded is kept")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=1, le=65535, description="port to listen on")
    public_url: str | None = Field(None, description="address people use; follows `PORT`")
    env: str = Field("local", pattern="^(local|test|production)$", description="`local`, `test` or `production`")

    event_keys: SecretStr | None = Field(None, description="one or two keys, base64, comma between; proof of senders")
    media_keys: SecretStr | None = Field(None, description="`kid:base64`, comma between; signs media URLs and cursors")

    max_bytes: int = Field(50 * MIB, ge=1, le=50 * MIB, description="largest upload, in bytes")
    max_pixels: int = Field(50_000_000, ge=1, le=50_000_000, description="largest picture, in pixels")
    quota_bytes: int = Field(0, ge=0, description="bytes one user may keep; 0 is no limit")
    quota_count: int = Field(0, ge=0, description="assets one user may keep; 0 is no limit")
    uploads_pending: int = Field(500, ge=1, description="uploads one user may have under way")
    uploads_per_day: int = Field(
        1_000,
        ge=0,
        description="uploads one user may begin in 24 h, but for an embedded gallery's owner; 0 is no limit",
    )

    rate_presign: int = Field(
        600,
        ge=0,
        description="upload forms a minute for one user; 0 is none; an embedded gallery's owner has no rates of users",
    )
    rate_complete: int = Field(600, ge=0, description="completed uploads a minute for one user")
    rate_search: int = Field(300, ge=0, description="searches a minute for one user")
    rate_search_anonymous: int = Field(60, ge=0, description="searches a minute without signing in, from one network")
    rate_similar: int = Field(120, ge=0, description="lists of similar pictures a minute for one user")
    rate_query_images: int = Field(60, ge=0, description="example pictures a minute from one user")
    rate_bulk: int = Field(60, ge=0, description="changes of many assets at once a minute by one user")
    rate_shares: int = Field(30, ge=0, description="share links made or changed a minute by one user")
    rate_sign_in: int = Field(20, ge=0, description="sign-in links tried a minute from one network")
    rate_failures: int = Field(600, ge=0, description="refused tokens and keys a minute from one network")
    streams_per_user: int = Field(10, ge=1, description="streams of live updates one user may have open at one gateway")
    streams: int = Field(200, ge=1, le=400, description="streams of live updates that one gateway keeps open")
    trusted_proxies: str = Field("", description="networks, comma between, whose `X-Forwarded-For` is believed")
    cors_origins: str = Field("", description="origins, comma between, of pages elsewhere that may use this gallery")
    security_contact: str = Field(
        "", description="`mailto:` or `https:` address for security.txt; unset: there is none"
    )

    anonymous_read: bool = Field(default=False, description="whether people who are not signed in see public assets")
    trash_days: int = Field(30, ge=0, description="days that trashed assets are kept")
    moderation_review: bool = Field(default=False, description="whether every picture waits for a moderator")
    moderation_thresholds: str = Field("", description="`concept=0.8,concept=0.9`: scores that restrict a picture")
    moderation_appeal_days: int = Field(
        30, ge=1, le=3650, description="days that owners may appeal, after which a rejected picture's renditions go"
    )
    metrics: bool | None = Field(None, description="whether /metrics is served; unset: where only this machine can ask")
    docs: bool = Field(default=True, description="whether /docs and /openapi.json are served")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level that is logged")
    log_format: str = Field(
        "", pattern="^(|text|json)$", description="`text` or `json`; unset: JSON when not a terminal"
    )

    url: str = Field("http://localhost:8080", description="for clients: the gallery to talk to")
    token: SecretStr | None = Field(None, description="for clients: an access token or an API key")
    insecure: bool = Field(default=False, description="for clients: send the token over `http:` to other machines too")
    skip_spa: bool = Field(default=False, description="for builds: known, ignored at run time")

    @field_validator(*READ)
    @classmethod
    def _readable(cls, value: str | SecretStr | None, about: ValidationInfo) -> str | SecretStr | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text is not None:
            READ[str(about.field_name)](text)
        return value

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: object) -> Self:
        """Read the environment (`X_FILE` names a file that holds X); an unknown name or bad value raises Invalid."""
        found = _read(os.environ if environ is None else environ)
        found |= {name: str(value) for name, value in overrides.items() if value is not None}
        try:
            return cls.model_validate_strings(found)
        except ValidationError as error:
            raise Invalid("; ".join(_sentence(each) for each in error.errors())) from None

    @property
    def address(self) -> str:
        """The address people use, without a slash at its end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def store_url(self) -> str:
        """The bucket's address as browsers see it."""
        return self.objects_public_url or f"{self.address}/store/{BUCKET}"

    @property
    def embedded_database(self) -> bool:
        """Whether the gallery starts its own Postgres."""
        return self.database_url == "embedded:"


def _read(environ: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX):
            continue
        field = name.removeprefix(PREFIX).lower()
        if field.endswith("_file") and field.removesuffix("_file") in Settings.model_fields:
            found[field.removesuffix("_file")] = _secret(name, value)
        else:
            found[field] = value
    return found


def _secret(name: str, path: str) -> str:
    try:
        if Path(path).stat().st_mode & stat.S_IRWXO:
            raise Invalid(f"{name} names a file that everybody may open: chmod o= it")
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Invalid(f"{name} names a file that cannot be read: {error.strerror}") from None


def _sentence(error: ErrorDetails) -> str:
    name = PREFIX + "_".join(str(part) for part in error["loc"]).upper()
    facts = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return f"{name} is not a setting of MiraVeja"
        case "int_parsing":
            says = "a whole number"
        case "bool_parsing":
            says = "true or false"
        case "greater_than_equal":
            says = f"{facts['ge']} or more"
        case "less_than_equal":
            says = f"{facts['le']} at most"
        case "string_pattern_mismatch":
            says = " or ".join(word for word in facts["pattern"].strip("^()$").split("|") if word)
        case _:
            return f"{name}: {error['msg'].removeprefix('Value error, ')}"
    return f"{name} is {says}"


def table() -> str:
    """The settings as rows of a Markdown table, from which the docs are made."""
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None or field.default_factory else str(field.default)
        rows.append(f"| `{PREFIX}{name.upper()}` | {f'`{default}`' if default else ''} | {field.description} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
