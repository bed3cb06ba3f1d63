"""The contract holds against requests that nobody would write: a few per route, minutes of them by `make test-fuzz`."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CHECKS

from functions.core.settings import Settings
from gateway import openapi
from tests.support.doors import Gallery, Person
from tests.support.mutations import minutes
from tests.support.things import a_key, handle_of, with_things

START = 20261124
EXAMPLES = 6
ENDLESS = "liveUpdates"
"""A stream that ends with its token is nothing to wait for; tests/gateway/test_live.py reads it."""
HOSTILE: tuple[object, ...] = (
    "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202e", "", " ", "x" * 70_000,
    "%s", "{}", "' OR 1=1 --", "../../etc/passwd", "\r\nX-Evil: 1", 0, -1, 1 << 31, 1 << 63, 1 << 64, -(1 << 64), 10**400,
    0.5, 1e308, float("nan"), float("inf"), -float("inf"), True, None, [], {}, [[]], [None], {"$where": "1"},
    "00000000-0000-0000-0000-000000000000", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "-infinity",
)  # fmt: skip
NAMES = {
    operation["operationId"]: f"{method.upper()} {path}"
    for path, methods in openapi.document()["paths"].items()
    for method, operation in methods.items()
    if operation["operationId"] != ENDLESS
}
SCHEMA = schemathesis.openapi.from_dict(openapi.document(), config=schemathesis.Config(seed=START))
Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Any]
SOUND: list[Any] = [
    CHECKS.get_one(name)
    for name in ("not_a_server_error", "status_code_conformance", "content_type_conformance",
                 "response_headers_conformance", "response_schema_conformance")
]  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """One operation of one gallery, those who call it, and the names of what is there."""

    url: str
    operation: Operation
    callers: tuple[dict[str, str], ...]
    places: dict[str, Any]
    http: requests.Session

    def send(self, case: Request, who: dict[str, str], *, there: bool) -> None:
        """As it was generated, in half of the cases about something that is there; the answer is what the contract says."""
        if there:
            case.path_parameters = {**(case.path_parameters or {}), **self._known(case)}
        case.headers.pop("Authorization", None)
        case.call_and_validate(
            base_url=self.url, session=self.http, headers=who, checks=SOUND, allow_redirects=False, timeout=20
        )

    def send_raw(self, case: Request, who: dict[str, str], where: int, what: object) -> None:
        """The same with one value somewhere in its body or query that is none."""
        case.path_parameters = {**(case.path_parameters or {}), **self._known(case)}
        body, query = case.body, dict(case.query or {})
        if isinstance(body, dict | list):
            body = spoilt(body, where, what)
        elif query:
            query[sorted(query)[where % len(query)]] = what
        path = case.operation.path.format(
            **{name: quote(str(value), safe="") for name, value in case.path_parameters.items()}
        )
        words = "&".join(
            f"{quote(name)}={quote(str(value).encode('utf-8', 'surrogatepass'))}" for name, value in query.items()
        )
        sent = json.dumps(body).encode() if isinstance(body, dict | list) else None
        headers = who | ({"Content-Type": "application/json"} if sent else {}) | {"If-Match": '"1"'}
        answer = self.http.request(
            self.operation.method,
            f"{self.url}{path}?{words[:7000]}",
            data=sent,
            headers=headers,
            allow_redirects=False,
            timeout=20,
        )
        assert str(answer.status_code) in self.operation.definition.raw["responses"], (sent or words, answer.text)

    def _known(self, case: Request) -> dict[str, Any]:
        return {name: self.places[name] for name in case.path_parameters or {} if name in self.places}


def spoilt(body: Any, where: int, what: object) -> Any:
    """The body with one of its values, however deep, replaced."""
    body = deepcopy(body)
    places = list(_leaves(body))
    if not places:
        return what
    inside, name = places[where % len(places)]
    inside[name] = what
    return body


def _leaves(part: Any) -> Iterator[tuple[Any, Any]]:
    for name, value in list(part.items() if isinstance(part, dict) else enumerate(part)):
        yield part, name
        if isinstance(value, dict | list):
            yield from _leaves(value)


def generated(operation: Operation) -> SearchStrategy[Request]:
    """Requests that fit the contract and requests that do not."""
    good: SearchStrategy[Request] = operation.as_strategy(GenerationMode.POSITIVE)
    return good | operation.as_strategy(GenerationMode.NEGATIVE)


def takes_nothing(operation: Operation) -> bool:
    return not {"parameters", "requestBody"} & {name for name, said in operation.definition.raw.items() if said}


def strike(attack: Attack, count: int, number: int) -> None:
    """So many requests of each kind; the first that finds something ends it."""
    if takes_nothing(attack.operation):
        for who in attack.callers:
            attack.send(attack.operation.Case(), who, there=False)
        return
    once: Callable[[Any], Any] = settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    callers = st.sampled_from(attack.callers)

    @seed(number)
    @once
    @given(case=generated(attack.operation), who=callers, there=st.booleans())
    def fits(case: Request, who: dict[str, str], there: bool) -> None:
        attack.send(case, who, there=there)

    @seed(number)
    @once
    @given(case=attack.operation.as_strategy(), where=st.integers(0, 50), what=st.sampled_from(HOSTILE))
    def spoils(case: Request, where: int, what: object) -> None:
        attack.send_raw(case, attack.callers[0], where, what)

    fits()
    spoils()


async def callers(gallery: Gallery, owner: Person) -> tuple[dict[str, str], ...]:
    """Somebody with everything, one of their programs, somebody else, nobody."""
    key, other = await a_key(gallery, owner, "read", "upload", "write"), await gallery.a_person("Other")
    return owner.headers, owner.headers, key.headers, other.headers, {}


@pytest.mark.promises("S20", "S47")
@pytest.mark.parametrize("name", NAMES)
async def test_every_answer_is_one_that_the_contract_knows(gallery: Gallery, name: str) -> None:
    until = time.monotonic() + 60 * minutes() / len(NAMES)
    method, path = NAMES[name].split(" ")
    unpaced = dict.fromkeys([each for each in Settings.model_fields if each.startswith("rate_")], 0)
    number = START
    with gallery.with_other({"anonymous_read": True, **unpaced}), requests.Session() as http:
        while number == START or time.monotonic() < until:
            # Whoever is erased, and whatever is deleted, was made for this.
            owner = await gallery.a_person("Ann", ("user", "moderator", "admin"))
            asset = await with_things(gallery, owner, await gallery.a_picture(owner, visibility="public"))
            places = dict.fromkeys(("assetId", "collectionId", "keyId", "shareId"), str(asset)) | {
                "handle": handle_of(asset), "generation": 1, "variant": "256", "kind": "sha256", "value": "0" * 64}  # fmt: skip
            attack = Attack(gallery.url, SCHEMA[path][method], await callers(gallery, owner), places, http)
            await asyncio.to_thread(strike, attack, EXAMPLES, number)
            number += 1
