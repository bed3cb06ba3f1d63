"""A bad setting stops the start and names itself, without repeating what it was given."""

import base64
from pathlib import Path

import pytest

from functions.core.errors import Invalid
from functions.core.settings import Settings
from functions.core.wire import check, event_keys, media_keys
from functions.core.written import thresholds

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODERATION_THRESHOLDS", "nudity"), ("MODERATION_THRESHOLDS", "nudity=nan"),
        ("MODERATION_THRESHOLDS", "nudity=1.1"), ("MODERATION_THRESHOLDS", "nudity=-0.1"),
        ("MODERATION_THRESHOLDS", "nudity=inf"), ("MODERATION_THRESHOLDS", " =0.5"),
        ("MODERATION_THRESHOLDS", "nudity=0.5,gore="), ("EVENT_KEYS", "c2hvcnQ="), ("EVENT_KEYS", "not base64!"),
        ("EVENT_KEYS", ""), ("EVENT_KEYS", f"{KEY},{KEY},{KEY}"), ("MEDIA_KEYS", KEY), ("MEDIA_KEYS", "a:c2hvcnQ="),
        ("MEDIA_KEYS", f"a:{KEY},a:{KEY}"),
    ],
)  # fmt: skip
def test_a_list_in_a_wrong_form_is_found_at_the_start(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=rf"^MIRAVEJA_{name}: ") as caught:
        Settings.load({f"MIRAVEJA_{name}": value})
    assert KEY not in caught.value.detail


@pytest.mark.parametrize(("name", "value", "says"), [
    ("PORT", "eighty", "a whole number"), ("PORT", "0", "1 or more"), ("PORT", "65536", "65535 at most"),
    ("DOCS", "maybe", "true or false"), ("ENV", "prod", "local or test or production"), ("LOG_FORMAT", "xml", "text or json"),
])  # fmt: skip
def test_a_value_in_a_wrong_form_is_told_the_right_one(name: str, value: str, says: str) -> None:
    with pytest.raises(Invalid, match=rf"^MIRAVEJA_{name} is {says}$"):
        Settings.load({f"MIRAVEJA_{name}": value})


def test_good_lists_are_read() -> None:
    said = Settings.load({"MIRAVEJA_EVENT_KEYS": f"{KEY},{KEY}", "MIRAVEJA_MEDIA_KEYS": f"b:{KEY},a:{KEY}"})
    assert event_keys(said) == [b"k" * 32] * 2
    assert media_keys(said).current == "b"
    assert thresholds("bare skin = 0.8,x=y=1,") == (("bare skin", 0.8), ("x=y", 1.0))
    assert thresholds("") == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVENTS_URL", "kafka://user:hunter2@broker"), ("OBJECTS_URL", "s3://bucket"), ("IDENTITY_URL", "locl:"),
        ("VECTORS_URL", "qdrant://index"), ("EMBEDDER_URL", "onnx:other"),
    ],
)  # fmt: skip
def test_a_part_that_is_not_served_here_names_its_setting(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=rf"^MIRAVEJA_{name}: ") as caught:
        check(Settings.load({f"MIRAVEJA_{name}": value}))
    assert "hunter2" not in caught.value.detail


def test_what_is_the_default_is_served_and_an_issuer_too() -> None:
    check(Settings.load({}))
    check(Settings.load({"MIRAVEJA_IDENTITY_URL": "https://id.example/realms/a"}))


@pytest.mark.promises("S63")
def test_a_secret_in_a_file_that_everybody_may_open_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"a:{KEY}\n")
    for mode, good in ((0o600, True), (0o640, True), (0o400, True), (0o644, False), (0o602, False), (0o604, False)):
        file.chmod(mode)
        if good:
            assert media_keys(Settings.load({"MIRAVEJA_MEDIA_KEYS_FILE": str(file)})).current == "a"
        else:
            with pytest.raises(Invalid, match="MIRAVEJA_MEDIA_KEYS_FILE names a file that everybody may open"):
                Settings.load({"MIRAVEJA_MEDIA_KEYS_FILE": str(file)})


@pytest.mark.promises("S63")
@pytest.mark.parametrize(("name", "value"), [
    ("DATABASE_URL", "postgresql://app:postgres@db/miraveja"), ("DATABASE_URL", "host=db user=app password=changeme"),
    ("DATABASE_OWNER_URL", "postgresql://owner:Admin@db/miraveja"), ("TOKEN", "minioadmin"), ("TOKEN", "password"),
])  # fmt: skip
def test_a_secret_that_everybody_knows_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=rf"^MIRAVEJA_{name}: everybody knows") as caught:
        check(Settings.load({f"MIRAVEJA_{name}": value}))
    assert value not in caught.value.detail
    check(Settings.load({"MIRAVEJA_DATABASE_URL": "postgresql://app:correct-horse@db/miraveja"}))
