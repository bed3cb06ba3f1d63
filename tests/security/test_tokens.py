"""Every hostile token is refused in the same words, every good one is read, and neither takes long."""

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from functions.core.errors import Unauthenticated, Unavailable
from functions.core.identity.keys import JwksKeys, Key, KeySource, StaticKeys
from functions.core.identity.principal import Principal
from functions.core.identity.tokens import Verifier, bearer
from tests.support.battery import GOOD, HOSTILE
from tests.support.forge import ISSUER, KID, NOW, SUBJECT, Forge, jwk, jwks, rsa_key

FORGE = Forge()
LONGEST_S = 0.005
"""Of the processor's time, which others on the machine do not change."""


class Clock:
    """A time of day that tests move."""

    def __init__(self) -> None:
        self.at = datetime.fromtimestamp(NOW, UTC)

    def __call__(self) -> datetime:
        return self.at


def a_verifier(forge: Forge = FORGE, keys: KeySource | None = None, clock: Clock | None = None) -> Verifier:
    return Verifier(issuer=forge.issuer, keys=keys or StaticKeys([forge.key]), clock=clock or Clock())


async def refusal_of(verifier: Verifier, authorization: str | None) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(authorization)
    return caught.value


@pytest.mark.promises("S2", "S3", "S4")
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_token_is_refused_at_once_and_without_a_reason(name: str) -> None:
    authorization, verifier = f"Bearer {HOSTILE[name](FORGE)}", a_verifier()
    refusals, times = [], []
    for _ in range(3):
        began = time.thread_time()
        refusals.append(await refusal_of(verifier, authorization))
        times.append(time.thread_time() - began)
    assert {(r.detail, str(r.facts)) for r in refusals} == {("Sign in to do this", "{'code': 'invalid_token'}")}
    assert min(times) < LONGEST_S


@pytest.mark.promises("S2")
def test_the_battery_is_large_and_its_tokens_differ() -> None:
    tokens = {make(FORGE) for make in HOSTILE.values()}
    assert len(tokens) == len(HOSTILE) >= 60


@pytest.mark.promises("S2")
@pytest.mark.parametrize("name", GOOD)
async def test_a_good_token_is_read(name: str) -> None:
    caller = await a_verifier().verify(f"Bearer {GOOD[name](FORGE)}")
    assert (caller.issuer, caller.subject) == (ISSUER, SUBJECT)


async def test_a_principal_holds_what_the_token_says() -> None:
    caller = await a_verifier().verify(f"Bearer {FORGE.token()}")
    assert caller == Principal(ISSUER, SUBJECT, frozenset({"user"}), NOW, NOW + 300, "miraveja-web", "Ada")


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"name": "Ada"}, "Ada"),
        ({"name": None}, "ada"),
        ({"name": None, "preferred_username": None}, None),
        ({"name": "A\u202e\x00d\udc80a\n!"}, "Ada !"),
        ({"name": "x" * 5_000}, "x" * 200),
        ({"name": 7}, "ada"),
    ],
)
async def test_names_are_made_fit_to_display(claims: dict[str, object], shown: str | None) -> None:
    assert (await a_verifier().verify(f"Bearer {FORGE.token(**claims)}")).name == shown


@pytest.mark.promises("S2")
async def test_a_token_is_taken_10_s_past_its_end_and_refused_40_s_past() -> None:
    clock = Clock()
    verifier, token = a_verifier(clock=clock), f"Bearer {FORGE.token()}"
    clock.at += timedelta(seconds=310)
    await verifier.verify(token)
    clock.at += timedelta(seconds=30)
    await refusal_of(verifier, token)


async def test_no_header_is_no_caller_and_no_invalid_token_either() -> None:
    assert (await refusal_of(a_verifier(), None)).facts == {}


@pytest.mark.parametrize("value", ["", "Bearer", "Basic YTpi", "Bearer: x", "Token x", "Bearer\tx", "Bearer  x"])
async def test_only_the_bearer_scheme_is_read(value: str) -> None:
    assert (await refusal_of(a_verifier(), value)).facts == {"code": "invalid_token"}


async def test_the_scheme_is_read_in_any_letters() -> None:
    assert await a_verifier().verify(f"bearer {FORGE.token()}")


async def test_the_log_learns_the_reason_and_never_the_token(caplog: pytest.LogCaptureFixture) -> None:
    token = FORGE.token(azp="other")
    with caplog.at_level(logging.INFO):
        await refusal_of(a_verifier(), f"Bearer {token}")
    (record,) = caplog.records
    assert vars(record).items() >= {"reason": "client_is_ours", "sub": SUBJECT, "jti": "a1"}.items()
    assert not any(part in str(vars(record)) for part in token.split("."))


# keys and algorithms


async def test_a_key_that_is_meant_for_another_algorithm_judges_nothing() -> None:
    key = Key(KID, FORGE.private.public_key(), "RS512")
    await refusal_of(a_verifier(keys=StaticKeys([key])), f"Bearer {FORGE.token()}")


async def test_a_key_without_an_algorithm_judges_those_of_the_configuration() -> None:
    key = Key(KID, FORGE.private.public_key())
    assert await a_verifier(keys=StaticKeys([key])).verify(f"Bearer {FORGE.token()}")


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("RS256", "HS256"), ("ES256",)])
def test_a_verifier_judges_rsa_signatures_only(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="RSA"):
        replace(a_verifier(), algorithms=algorithms)


def test_a_verifier_needs_an_issuer_and_an_audience() -> None:
    with pytest.raises(ValueError, match="issuer"):
        replace(a_verifier(), issuer="")
    with pytest.raises(ValueError, match="audience"):
        replace(a_verifier(), audience="")


async def test_typ_jwt_is_taken_only_where_it_is_switched_on_and_the_claim_says_bearer() -> None:
    legacy = replace(a_verifier(), accept_typ_jwt=True)
    assert await legacy.verify(f"Bearer {FORGE.headed(typ='JWT')}")
    assert await legacy.verify(f"Bearer {FORGE.token(typ=None)}")
    await refusal_of(legacy, f"Bearer {FORGE.sign(FORGE.header(typ='JWT'), FORGE.claims(typ=None))}")
    await refusal_of(legacy, f"Bearer {FORGE.sign(FORGE.header(typ='JWT'), FORGE.claims(typ='ID'))}")


@pytest.mark.promises("S6")
async def test_without_any_key_nobody_is_let_in_and_nobody_is_called_a_liar() -> None:
    async def nothing(_url: str) -> bytes:
        raise Unavailable

    with pytest.raises(Unavailable) as caught:
        await a_verifier(keys=JwksKeys("https://id", nothing)).verify(f"Bearer {FORGE.token()}")
    assert caught.value.facts["retry_after"] == 2


# the short memory


class Counted:
    """A key source that counts, and whose key can go."""

    def __init__(self) -> None:
        self.asked, self.there = 0, True

    async def key(self, kid: str) -> Key | None:
        self.asked += 1
        return FORGE.key if self.there else None


async def test_a_good_token_is_remembered_for_30_s_and_no_longer() -> None:
    clock, keys = Clock(), Counted()
    verifier, token = a_verifier(clock=clock, keys=keys), f"Bearer {FORGE.token()}"
    assert await verifier.verify(token) is await verifier.verify(token)
    clock.at += timedelta(seconds=29)
    await verifier.verify(token)
    assert keys.asked == 1
    keys.there = False
    clock.at += timedelta(seconds=2)
    await refusal_of(verifier, token)


async def test_a_token_is_not_remembered_past_its_end() -> None:
    clock, keys = Clock(), Counted()
    verifier, token = a_verifier(clock=clock, keys=keys), f"Bearer {FORGE.token(exp=NOW + 5)}"
    await verifier.verify(token)
    clock.at += timedelta(seconds=6)
    await verifier.verify(token)
    assert keys.asked == 2


async def test_a_refused_token_is_not_remembered() -> None:
    keys = Counted()
    verifier = a_verifier(keys=keys)
    for _ in range(2):
        await refusal_of(verifier, f"Bearer {FORGE.token(azp='other')}")
    assert keys.asked == 2


# roles


@pytest.mark.promises("S8")
async def test_roles_come_from_realm_access_alone() -> None:
    token = FORGE.token(
        roles=["admin"], groups=["admin"], scope="admin", role="admin", resource_access={"x": {"roles": ["admin"]}}
    )
    assert (await a_verifier().verify(f"Bearer {token}")).roles == {"user"}


@pytest.mark.promises("S8")
async def test_unknown_roles_are_ignored() -> None:
    token = FORGE.token(realm_access={"roles": ["user", "offline_access", "Admin", "root"]})
    assert (await a_verifier().verify(f"Bearer {token}")).roles == {"user"}


@pytest.mark.promises("S9")
@pytest.mark.parametrize(
    ("roles", "age_s", "moderator", "admin"),
    [
        (["user"], 0, False, False),
        (["moderator"], 0, True, False),
        (["moderator"], 300, True, False),
        (["moderator"], 301, False, False),
        (["admin"], 300, True, True),
        (["admin"], 301, False, False),
        ([], 0, False, False),
    ],
)
async def test_privileges_need_the_role_and_a_fresh_token(
    roles: list[str], age_s: int, moderator: bool, admin: bool
) -> None:
    token = FORGE.token(realm_access={"roles": roles}, exp=NOW + 3_600)
    caller = await a_verifier().verify(f"Bearer {token}")
    now = datetime.fromtimestamp(NOW + age_s, UTC)
    assert (caller.is_moderator(now), caller.is_admin(now)) == (moderator, admin)


@pytest.mark.promises("S10")
async def test_the_same_mail_and_name_at_two_issuers_are_two_people() -> None:
    shared = {"email": "ada@example.org", "email_verified": True, "preferred_username": "ada", "name": "Ada"}
    callers = []
    for name in ("one", "two"):
        forge = Forge(issuer=f"https://{name}.example", kid=name, private=rsa_key(name))
        callers.append(await a_verifier(forge).verify(f"Bearer {forge.token(**shared)}"))
    assert callers[0].key != callers[1].key
    assert callers[0].name == callers[1].name


async def test_a_token_of_one_issuer_is_nothing_to_another_that_shares_its_key() -> None:
    other = Forge(issuer="https://two.example")
    await refusal_of(a_verifier(), f"Bearer {other.token()}")


# the header itself


def test_the_only_authorization_header_is_handed_on() -> None:
    headers = [(b"host", b"x"), (b"Authorization", b"Bearer abc")]
    assert bearer(headers) == "Bearer abc"
    assert bearer([(b"host", b"x"), (b"cookie", b"authorization=Bearer abc")]) is None


@pytest.mark.promises("S2", "S8")
@pytest.mark.parametrize(
    "values",
    [
        [b"Bearer abc", b"Bearer abc"],
        [b"Bearer abc", b""],
        [b""],
        [b"Basic YTpi"],
        [b"Bearer mv_0123456789"],
        ["Bearer ä".encode()],
        [b"Bearer \xff"],
        [b"Bearer " + b"a" * 8_193],
        [b"a" * (1 << 20)],
    ],
)
def test_doubled_strange_or_huge_authorization_is_refused(values: list[bytes]) -> None:
    with pytest.raises(Unauthenticated) as caught:
        bearer([(b"authorization", value) for value in values])
    assert caught.value.facts == {"code": "invalid_token"}


async def test_a_key_set_from_the_issuer_judges_its_tokens() -> None:
    async def published(_url: str) -> bytes:
        return jwks(jwk(KID, FORGE.private))

    assert await a_verifier(keys=JwksKeys("https://id", published)).verify(f"Bearer {FORGE.token()}")
