"""Keys, invitations and bans as an operator meets them: the command line beside a real gallery."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.galleries import Up, a_gallery, wait_for
from tests.support.images import a_png


@pytest.fixture
def up() -> Iterator[Up]:
    with a_gallery() as running:
        running.start()
        yield running


@pytest.mark.promises("S13")
def test_a_key_uploads_and_searches_until_it_is_revoked(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    key = up.cli("keys", "create", "Camera", "--scope", "upload", "--scope", "read").stdout.strip()
    picture = up.folder / "harbour.png"
    picture.write_bytes(a_png(1, (64, 48)))

    def by_key(*arguments: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as given:
            given.setenv("MIRAVEJA_TOKEN", key)
            return up.cli(*arguments)

    assert by_key("upload", str(picture), "--wait").returncode == 0
    assert len(json.loads(by_key("search", "harbour", "--json").stdout)["items"]) == 1
    refused = by_key("keys", "list")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "sign in" in refused.stderr
    [listed] = json.loads(up.cli("keys", "list", "--json").stdout)["items"]
    assert listed["lastUsedAt"]
    assert up.cli("keys", "revoke", listed["id"]).returncode == 0
    wait_for(lambda: by_key("search", "harbour").returncode == 1)
    assert "MIRAVEJA_TOKEN does not hold" in by_key("search", "harbour").stderr
    assert up.cli("search", "harbour").returncode == 0
    assert key not in up.output.read_text()


def test_people_are_asked_in_and_put_out(up: Up) -> None:
    invited = up.cli("users", "invite", "Grace")
    assert invited.stdout.startswith(f"{up.url}/start/")
    [grace] = json.loads(up.cli("users", "list", "grace", "--json").stdout)["users"]
    assert up.cli("users", "ban", grace["handle"]).returncode == 0
    assert "banned" in up.cli("users", "list", "gRÂce").stdout
    refused = up.cli("users", "link", grace["handle"])
    assert (refused.returncode, "banned" in refused.stderr) == (1, True)
    assert "nobody" in up.cli("users", "list", "x" * 40).stderr
    assert up.cli("users", "unban", grace["id"]).returncode == 0
    assert "as before" in up.cli("users", "unban", grace["handle"]).stderr
    assert up.cli("users", "link", grace["handle"]).stdout.startswith(f"{up.url}/start/")
    nobody = up.cli("users", "ban", "nobody")
    assert (nobody.returncode, len(nobody.stderr.splitlines())) == (1, 1)
