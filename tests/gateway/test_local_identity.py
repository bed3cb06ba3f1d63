"""The embedded gallery's own tokens are judged like Keycloak's, and its key is made once."""

import json
import stat
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

import pytest

from functions.core.errors import Invalid, Unauthenticated
from functions.core.identity.tokens import Verifier
from functions.core.secret_files import read_or_create, read_secret
from gateway.local.identity import ISSUER, LocalIdentity

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA = UUID("0f4c6a5e-2b1d-4c3e-9f60-7a8b9c0d1e2f")


def an_identity(folder: Path) -> LocalIdentity:
    return LocalIdentity(folder, clock=lambda: NOW)


def a_verifier(identity: LocalIdentity, now: datetime = NOW) -> Verifier:
    return Verifier(issuer=identity.issuer, keys=identity.keys(), clock=lambda: now)


def parts(token: str) -> list[dict[str, object]]:
    return [json.loads(urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


@pytest.mark.promises("S15")
async def test_a_minted_token_passes_the_strict_rules(tmp_path: Path) -> None:
    identity = an_identity(tmp_path)
    token = identity.mint(ADA, ["user", "moderator", "admin"], "ada")
    caller = await a_verifier(identity).verify(f"Bearer {token}")
    assert (caller.key, caller.name, caller.client) == ((ISSUER, str(ADA)), "ada", "miraveja-web")
    assert caller.roles == {"user", "moderator", "admin"}
    assert caller.expires_at - caller.issued_at == 300
    assert caller.is_admin(NOW)


def test_a_minted_token_has_the_claims_of_keycloak(tmp_path: Path) -> None:
    header, claims = parts(an_identity(tmp_path).mint(ADA, ["user"], "ada"))
    assert header.keys() == {"alg", "typ", "kid"}
    assert (header["alg"], header["typ"]) == ("RS256", "at+jwt")
    assert UUID(str(claims.pop("jti"))).version == 4
    at = int(NOW.timestamp())
    assert claims == {
        "iss": "urn:miraveja:local", "sub": str(ADA), "aud": "miraveja-api", "azp": "miraveja-web", "typ": "Bearer",
        "iat": at, "exp": at + 300, "scope": "openid profile", "realm_access": {"roles": ["user"]},
        "preferred_username": "ada",
    }  # fmt: skip


async def test_a_minted_token_ends(tmp_path: Path) -> None:
    identity = an_identity(tmp_path)
    token = identity.mint(ADA, ["user"], "ada", "miraveja-cli", lifetime_s=60)
    assert (await a_verifier(identity).verify(f"Bearer {token}")).client == "miraveja-cli"
    with pytest.raises(Unauthenticated):
        await a_verifier(identity, NOW + timedelta(seconds=91)).verify(f"Bearer {token}")


async def test_two_galleries_do_not_trust_each_other(tmp_path: Path) -> None:
    one, two = an_identity(tmp_path / "one"), an_identity(tmp_path / "two")
    with pytest.raises(Unauthenticated):
        await a_verifier(one).verify(f"Bearer {two.mint(ADA, ['admin'], 'ada')}")
    assert one.owner_subject() != two.owner_subject()


async def test_the_command_line_mints_by_the_same_key_file(tmp_path: Path) -> None:
    gallery = an_identity(tmp_path)
    token = an_identity(tmp_path).mint(gallery.owner_subject(), ["user"], "owner", "miraveja-cli")
    caller = await a_verifier(gallery).verify(f"Bearer {token}")
    assert caller.subject == str(an_identity(tmp_path).owner_subject())


@pytest.mark.promises("S64")
def test_what_is_secret_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    an_identity(folder).owner_subject()
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "identity.pem": 0o600,
        "owner": 0o600,
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.promises("S63")
def test_a_key_that_others_may_read_stops_the_start(tmp_path: Path) -> None:
    an_identity(tmp_path)
    (tmp_path / "identity.pem").chmod(0o640)
    with pytest.raises(Invalid, match="chmod 600"):
        an_identity(tmp_path)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_a_damaged_key_stops_the_start_by_name(tmp_path: Path, content: bytes) -> None:
    read_or_create(tmp_path / "identity.pem", lambda: content)
    with pytest.raises(Invalid, match=r"identity\.pem"):
        an_identity(tmp_path)


def the_owner_and_kid(folder: str) -> tuple[str, str]:
    identity = an_identity(Path(folder))
    header, _ = parts(identity.mint(ADA, [], "ada"))
    return str(identity.owner_subject()), str(header["kid"])


@pytest.mark.promises("S64")
def test_processes_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    with get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(the_owner_and_kid, [str(tmp_path)] * 4))) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"identity.pem", "owner"}


def test_whoever_writes_first_wins_and_nothing_is_left_beside(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(lambda i: read_or_create(path, lambda: b"%d" % i), range(64)))
    assert found == {path.read_bytes()}
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_secret(tmp_path / "secret")
