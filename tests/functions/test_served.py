"""A step as it is deployed: main.py under functions-framework's own application, over HTTP."""

import base64
import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from events.envelope import from_http, new_event, to_binary, to_structured
from events.proof import sign
from events.types import AssetPreviewed, AssetUploaded, Fact, ObjectArrived
from functions.core.ids import AssetId, uuid7
from functions.core.postgres.server import EmbeddedPostgres
from functions.core.runtime.run import World
from functions.core.times import utcnow
from functions.core.tx import Database
from gateway.local.steps import STEPS
from tests.support.databases import a_database
from tests.support.function_server import ROOT, Function, a_function
from tests.support.images import a_jpeg
from tests.support.quick_disk import quick_folder
from tests.support.runs import count, read, until
from tests.support.worlds import Parts, a_user, an_upload, state_of

KEY, OTHER = b"k" * 32, b"o" * 32
NUMBERS = itertools.count()


@dataclass(frozen=True)
class Deployed:
    """What deployed functions share: a database and a store, and the environment that names them."""

    world: World
    environment: dict[str, str]


@pytest.fixture(scope="module")
async def deployed(cluster: EmbeddedPostgres) -> AsyncIterator[Deployed]:
    with a_database(cluster) as url, quick_folder() as folder:
        database = Database(url)
        await database.open()
        said = {"DATABASE_URL": url, "DATA_DIR": str(folder), "EVENT_KEYS": base64.b64encode(KEY).decode()}
        environment = {f"MIRAVEJA_{name}": value for name, value in said.items()}
        yield Deployed(World(database, Parts(folder)), environment)
        await database.close()


@pytest.fixture(scope="module")
async def ingest(deployed: Deployed) -> AsyncIterator[Function]:
    async with a_function("ingest", deployed.environment) as function:
        yield function


@pytest.fixture
def world(deployed: Deployed) -> World:
    return deployed.world


def posted(fact: Fact, *, key: bytes = KEY, age_s: float = 0, structured: bool = False) -> dict[str, Any]:
    """Headers and body of a signed POST."""
    event = new_event(fact, now=utcnow())
    headers, body = (to_structured if structured else to_binary)(event)
    proof = sign([key], event.id, headers, body, utcnow() - timedelta(seconds=age_s))
    return {"headers": headers | proof, "data": body}


async def waiting(world: World) -> AssetId:
    return await an_upload(world, await a_user(world, f"u{next(NUMBERS)}"), a_jpeg(1))


@pytest.mark.parametrize("structured", [False, True])
async def test_a_step_answers_with_the_next_event(ingest: Function, world: World, structured: bool) -> None:
    asset = await waiting(world)
    answer = await ingest.send(**posted(ObjectArrived(asset_id=asset), structured=structured))
    assert answer.status == 200
    reply = from_http(answer.headers, answer.body, [AssetUploaded])
    assert isinstance(reply.fact, AssetUploaded)
    assert reply.fact.asset_id == asset
    assert await state_of(world, asset) == "uploaded"


async def test_a_step_without_a_reply_answers_204_with_nothing(ingest: Function) -> None:
    answer = await ingest.send(**posted(ObjectArrived(asset_id=uuid7())))
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.promises("S54")
async def test_without_proof_of_the_sender_nothing_happens(ingest: Function, world: World) -> None:
    asset = await waiting(world)
    good = posted(ObjectArrived(asset_id=asset))
    forgeries: list[dict[str, Any]] = [
        {"data": good["data"], "headers": {n: v for n, v in good["headers"].items() if "webhook" not in n}},
        posted(ObjectArrived(asset_id=asset), key=OTHER),
        posted(ObjectArrived(asset_id=asset), age_s=301),
        posted(ObjectArrived(asset_id=asset), age_s=-301),
        {"data": good["data"].replace(b"asset", b"Asset"), "headers": good["headers"]},
        {"data": good["data"], "headers": good["headers"] | {"ce-id": "another"}},
    ]
    for forgery in forgeries:
        answer = await ingest.send(**forgery)
        assert (answer.status, json.loads(answer.body)["code"]) == (401, "sender_not_proven")
    assert await state_of(world, asset) == "new"
    assert await read(world, "SELECT 1 FROM inbox WHERE asset_id = %s", asset) == []


@pytest.mark.promises("S59")
async def test_a_replay_gets_the_stored_reply_and_later_nothing(ingest: Function, world: World) -> None:
    asset = await waiting(world)
    sent = posted(ObjectArrived(asset_id=asset), age_s=200)
    first, again = await ingest.send(**sent), await ingest.send(**sent)
    assert [each.status for each in (first, again)] == [200, 200]
    assert (again.body, again.headers["ce-id"]) == (first.body, first.headers["ce-id"])
    assert await count(world, "SELECT attempts FROM inbox WHERE asset_id = %s", asset) == 1
    assert (await ingest.send(**posted(ObjectArrived(asset_id=asset), age_s=400))).status == 401


def signed(headers: Mapping[str, str], body: bytes, event_id: str = "e1") -> dict[str, Any]:
    return {"headers": {**headers, **sign([KEY], event_id, headers, body, utcnow())}, "data": body}


def binary(asset: object, **changed: str) -> dict[str, str]:
    known = {"ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/miraveja", "ce-type": ObjectArrived.type}
    return {"content-type": "application/json"} | known | {name.replace("_", "-"): v for name, v in changed.items()}


@pytest.mark.promises("S56")
async def test_what_is_no_event_of_ours_is_400_and_never_500(ingest: Function, world: World) -> None:
    asset = await waiting(world)
    body = json.dumps({"assetId": str(asset)}).encode()
    deep = b'{"assetId":"' + str(asset).encode() + b'","x":' + b"[" * 30 + b"]" * 30 + b"}"
    refused: list[dict[str, Any]] = [
        signed(binary(asset, ce_specversion="0.3"), body),
        signed(binary(asset, content_type="text/plain"), body),
        signed(binary(asset, content_type="application/cloudevents-batch+json"), b"[]"),
        signed(binary(asset, ce_time="yesterday"), body),
        signed(binary(asset, ce_source="with space"), body),
        signed(binary(asset), b"{"),
        signed(binary(asset), b"[]"),
        signed(binary(asset), b'{"assetId":1}'),
        signed(binary(asset), b'{"assetId":"a","assetId":"b"}'),
        signed(binary(asset), deep),
        signed(binary(asset), b'{"assetId":"' + b"x" * (64 << 10) + b'"}'),
        signed(binary(asset), b"\xff\xfe"),
    ]
    for request in refused:
        answer = await ingest.send(**request)
        assert answer.status == 400, (request, answer.body)
        assert answer.headers["content-type"].startswith("application/problem+json")
    assert await state_of(world, asset) == "new"


async def test_a_type_that_the_step_does_not_take_is_403(ingest: Function, world: World) -> None:
    answer = await ingest.send(**posted(AssetPreviewed(asset_id=await waiting(world), generation=1, run=0)))
    assert answer.status == 403


async def test_too_early_is_409(ingest: Function, world: World) -> None:
    asset = await waiting(world)
    await world.ports.objects.delete(f"incoming/{asset}")
    assert (await ingest.send(**posted(ObjectArrived(asset_id=asset)))).status == 409


async def test_probes_and_strangers(ingest: Function) -> None:
    assert (await ingest.send("GET", "/_/health")).status == 200
    assert (await ingest.send("GET", "/_/ready")).status == 200
    for method, path in (("GET", "/"), ("PUT", "/"), ("POST", "/other"), ("HEAD", "/"), ("DELETE", "/_/ready")):
        assert (await ingest.send(method, path)).status in (400, 405)


async def test_it_is_ready_only_while_the_database_answers(deployed: Deployed) -> None:
    nowhere = {"MIRAVEJA_DATABASE_URL": "postgresql:///nowhere?host=/nowhere"}
    async with a_function("ingest", deployed.environment | nowhere) as function:
        assert (await function.send("GET", "/_/health")).status == 200
        answer = await function.send("GET", "/_/ready")
        assert (answer.status, json.loads(answer.body)) == (503, {"status": 503, "code": "unavailable"})


async def test_a_wrong_setting_is_told_by_its_name_and_events_are_kept(deployed: Deployed) -> None:
    wrong = {name: value for name, value in deployed.environment.items() if not name.endswith("KEYS")}
    async with a_function("ingest", wrong | {"MIRAVEJA_EVENT_KEY": "misspelt"}) as function:
        assert (await function.send("GET", "/_/ready")).status == 503
        event = posted(ObjectArrived(asset_id=await waiting(deployed.world)))
        assert (await function.send(**event)).status == 500


@pytest.mark.parametrize("step", sorted(STEPS))
def test_nothing_connects_or_loads_when_a_function_is_imported(step: str, tmp_path: Path) -> None:
    program = f"""
import socket, sys
def refuse(*_): raise SystemExit("connected at import")
socket.socket.connect = refuse
from functions_framework.aio import create_asgi_app
create_asgi_app({step!r}, "functions/{step}/main.py")
loaded = {{"onnxruntime", "qdrant_edge"}} & set(sys.modules)
raise SystemExit(f"loaded at import: {{loaded}}" if loaded else 0)
"""
    nowhere = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "MIRAVEJA_DATABASE_URL": "postgresql://nobody@/nowhere",
    }
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=nowhere, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


async def test_embed_is_ready_with_its_model_loaded(deployed: Deployed) -> None:
    async with a_function("embed", deployed.environment) as function:

        async def is_ready() -> bool:
            return (await function.send("GET", "/_/ready")).status == 200

        await until(is_ready)
