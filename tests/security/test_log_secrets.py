"""After everything that carries a secret has happened, none is in the log."""

import io
import logging
from collections.abc import Iterator

import pytest

from functions.core.redact import Redactor, protect
from tests.support.doors import Gallery
from tests.support.images import a_png


class Everything(logging.Formatter):
    """A line with the message and every fact beside it."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{super().format(record)} {record.__dict__}"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the log writes with all that its records carry, cleaned as the gallery's log is."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Everything())
    protect(handler, Redactor())
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    yield out
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.promises("S65", "S12")
async def test_no_secret_reaches_the_log(gallery: Gallery, written: io.StringIO) -> None:
    person = await gallery.a_person()
    asset = await gallery.a_picture(person, visibility="public")
    link = await gallery.accounts.link(person.user)
    entered = await gallery.get(f"/start/{link}")
    session = entered.headers["Set-Cookie"].split("=", 1)[1].split(";")[0]
    page = {"Cookie": f"miraveja_session={session}", "Origin": gallery.url}
    token = (await gallery.post("/v1/session/token", headers=page)).json["accessToken"]
    media = await gallery.media_of(asset, person)
    original = (await gallery.get(f"/v1/assets/{asset}/original", person)).headers["Location"]
    declared = {"name": "a.png", "size": 3, "contentType": "image/png", "sha256": "0" * 64}
    upload = (await gallery.post("/v1/uploads", person, json=declared)).json["upload"]

    key = (await gallery.post("/v1/keys", person, json={"name": "Camera", "scopes": ["read"]})).json["key"]
    wanted = {"assetId": str(asset), "password": "open sesame"}
    share = (await gallery.post("/v1/shares", person, json=wanted)).json["url"].rsplit("/", 1)[1]

    for path in (media, original, media + "x", f"/start/{link}", f"/v1/me?access_token={token}", f"/s/{share}",
                 f"/s/{share}x", f"/v1/assets?owner={key}", f"/nowhere/{share}"):  # fmt: skip
        await gallery.get(path, person)
    for password in ("open sesame", "wrong"):
        await gallery.post(f"/s/{share}", json={"password": password})
    for bearer in (key, key + "x", key[:-1]):
        await gallery.get("/v1/me", headers={"Authorization": f"Bearer {bearer}"})
    for headers in ({"Authorization": f"Bearer {token}x"}, {"Authorization": "Bearer mv_0123456789abcdef"},
                    {"Authorization": f"Bearer {token}.{token}"}, {"Authorization": f"Basic {token}"}):  # fmt: skip
        assert (await gallery.get("/v1/me", headers=headers)).status == 401
    form = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in upload["fields"].items()
    )
    body = (
        form.encode()
        + b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + a_png(1)
        + b"\r\n--b--\r\n"
    )
    await gallery.post(upload["url"], data=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    await gallery.ask("DELETE", "/v1/session", headers=page)
    logging.getLogger("test").info("the log works")

    said = written.getvalue()
    secrets = {link, session, token, person.token, media.split("sig=")[1], original.split("sig=")[1]}
    secrets |= {upload["fields"]["x-amz-signature"], upload["fields"]["policy"], "s" * 40, "mv_0123456789abcdef"}
    secrets |= {key, share, "open sesame"}
    assert "token refused" in said
    assert [secret for secret in secrets if secret in said] == []
    assert "eyJ" not in said
