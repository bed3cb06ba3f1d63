"""What the gallery says of itself, and the contract that it keeps."""

import json
import re

import pytest

from functions.core.model import ACCEPTED
from gateway import openapi
from tests.support.doors import Gallery


async def test_a_client_learns_what_it_needs_before_it_begins(gallery: Gallery) -> None:
    said = (await gallery.get("/.well-known/miraveja")).json
    assert said["name"] == "MiraVeja"
    assert said["acceptedTypes"] == list(ACCEPTED)
    assert said["limits"] == {"maxBytes": 50 << 20, "maxPixels": 50_000_000, "maxQueryImageBytes": 10 << 20}
    assert said["identity"] == {"kind": "local", "authority": None, "clientId": None}
    assert said["storeOrigin"] == gallery.url
    assert said["features"]["anonymousRead"] is False


async def test_health_is_told_without_a_token(gallery: Gallery) -> None:
    assert (await gallery.get("/livez")).data == b"ok\n"
    ready = await gallery.get("/readyz")
    assert (ready.status, ready.json) == (200, {"ready": True, "down": []})


async def test_me_is_who_the_token_speaks_for(gallery: Gallery) -> None:
    person = await gallery.a_person("Ada \u202e<script>")
    me = (await gallery.get("/v1/me", person)).json
    assert (me["id"], me["name"], me["roles"]) == (str(person.user), "Ada <script>", ["user"])
    assert me["handle"].startswith("user-")


@pytest.mark.promises("S16")
async def test_pages_have_a_policy_of_their_own_and_need_nothing_from_elsewhere(gallery: Gallery) -> None:
    for path in ("/", "/docs"):
        page = await gallery.get(path)
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert not re.findall(rb"(?:src|href|action)=['\"]?(?:https?:)?//", page.data)
        assert b"<script>" not in page.data
        assert b" style=" not in page.data
    for name in ("style.css", "docs.js", "home.js"):
        assert (await gallery.get(f"/pages/{name}")).status == 200
    for name in (
        "home.html",
        "docs.html",
        "../app.py",
        "__init__.py",
        ".css",
        "a.b.css",
        "x" * 400 + ".css",
        "%C3%A9.css",
        "%00.css",
    ):
        assert (await gallery.get(f"/pages/{name}")).code == "not_found"


@pytest.mark.promises("S76")
async def test_the_contract_is_shown_only_where_settings_say_so(gallery: Gallery) -> None:
    with gallery.with_other({"docs": False}):
        assert {(await gallery.get(path)).status for path in ("/docs", "/openapi.json")} == {404}
    assert (await gallery.get("/openapi.json")).json == openapi.document()


def test_the_committed_contract_is_the_code() -> None:
    assert openapi.main(["--check"]) == 0, "python -m gateway.openapi"


def test_the_contract_names_everything_and_points_nowhere_else() -> None:
    document = openapi.document()
    assert document["openapi"] == "3.1.0"
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name[0].islower() and "_" not in name for name in names)
    references = {text.split('"')[0] for text in json.dumps(document).split('"$ref": "')[1:]}
    parts = ("schemas", "responses")
    assert references == {f"#/components/{part}/{name}" for part in parts for name in document["components"][part]}
    for operation in operations:
        assert operation["description"], "what it is for"
        refused = {status: said for status, said in operation["responses"].items() if status >= "4"}
        assert {"429", "503"} <= refused.keys()
        assert refused == {status: {"$ref": f"#/components/responses/{status}"} for status in refused}
    for said in document["components"]["responses"].values():
        assert said["content"].keys() == {"application/problem+json"}


@pytest.mark.promises("S1")
def test_the_contract_says_who_needs_a_token() -> None:
    paths = openapi.document()["paths"]
    public = {
        path for path, methods in paths.items() if any(operation["security"] == [] for operation in methods.values())
    }
    assert public == {"/start/{link}", "/v1/session/token", "/v1/session", "/media/{assetId}/{generation}/{variant}",
                      "/.well-known/miraveja", "/livez", "/readyz", "/s/{token}"}  # fmt: skip
    anonymous = {path for path, methods in paths.items() if {} in methods.get("get", {}).get("security", [])}
    assert anonymous == {"/v1/assets", "/v1/assets/{assetId}", "/v1/assets/{assetId}/similar", "/v1/search", "/v1/suggest",
                         "/v1/users/{handle}", "/v1/collections", "/v1/collections/{collectionId}",
                         "/v1/collections/{collectionId}/items"}  # fmt: skip


def test_the_contract_uses_the_words_of_the_wire() -> None:
    schemas = openapi.document()["components"]["schemas"]
    assert {"id", "owner", "createdAt", "contentType", "renditions"} <= schemas["AssetOut"]["properties"].keys()
    assert not [
        f"{name}.{field}" for name, schema in schemas.items() for field in schema.get("properties", {}) if "_" in field
    ]
