"""Addresses of pictures and cursors hold for as long as they should, and for nothing that was changed."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.errors import Forbidden, Invalid, Malformed, TooLarge
from functions.core.ids import AssetId
from functions.core.signing import (
    Keyring,
    Picture,
    media_url,
    original_url,
    parse_keys,
    seal,
    unseal,
    verify_media,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ASSET = AssetId(UUID("019ab000-0000-7000-8000-000000000001"))
OTHER = AssetId(UUID("019ab000-0000-7000-8000-000000000002"))
PICTURE = Picture(ASSET, 1, "720")
RING = Keyring({"b": b"b" * 32, "a": b"a" * 32}, current="b")
OLD_RING = Keyring({"a": b"a" * 32}, current="a")


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def check(url: str, picture: Picture = PICTURE, now: datetime = NOON, ring: Keyring = RING, **changes: str) -> int:
    return verify_media(ring, picture, now=now, **{**query(url), **changes}).seconds


def another(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


# pictures


def test_the_address_of_a_rendition_names_it_and_when_it_ends() -> None:
    url = media_url(RING, PICTURE, NOON)
    assert urlsplit(url).path == f"/media/{ASSET}/1/720"
    assert query(url).keys() == {"exp", "kid", "sig"}
    assert query(url)["exp"] == str(int(datetime(2026, 11, 24, 1, tzinfo=UTC).timestamp()))


@pytest.mark.promises("S30")
def test_the_address_stays_the_same_all_day_and_changes_at_midnight() -> None:
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    urls = {media_url(RING, PICTURE, midnight + timedelta(minutes=m)) for m in range(24 * 60)}
    assert len(urls) == 1
    assert media_url(RING, PICTURE, midnight + timedelta(days=1)) not in urls
    assert media_url(RING, PICTURE, NOON.astimezone(timezone(timedelta(hours=13)))) in urls


@pytest.mark.promises("S30")
def test_an_address_holds_until_an_hour_after_its_day() -> None:
    url, end = media_url(RING, PICTURE, NOON), datetime(2026, 11, 24, 1, tzinfo=UTC)
    assert check(url, now=NOON) == 13 * 3_600
    assert check(url, now=end - timedelta(seconds=1)) == 1
    with pytest.raises(Forbidden):
        check(url, now=end)


@pytest.mark.promises("S30")
def test_an_original_is_readable_for_five_minutes() -> None:
    url = original_url(RING, ASSET, 3, NOON)
    assert urlsplit(url).path == f"/media/{ASSET}/3/original"
    assert check(url, Picture(ASSET, 3, "original")) == 300
    with pytest.raises(Forbidden):
        check(url, Picture(ASSET, 3, "original"), NOON + timedelta(seconds=300))


@pytest.mark.promises("S30")
@pytest.mark.parametrize(
    "picture", [Picture(OTHER, 1, "720"), Picture(ASSET, 2, "720"), Picture(ASSET, 1, "1600"), Picture(ASSET, 1, "original")]
)  # fmt: skip
def test_an_address_is_good_for_its_picture_only(picture: Picture) -> None:
    with pytest.raises(Forbidden):
        check(media_url(RING, PICTURE, NOON), picture)


@pytest.mark.promises("S30")
@pytest.mark.parametrize(
    "exp", ["", "0", "-1", "1e12", " 1795482000", "+1795482000", "01795482000", "1795482001", "9" * 30, "١"]
)
def test_a_changed_end_is_refused(exp: str) -> None:
    with pytest.raises(Forbidden):
        check(media_url(RING, PICTURE, NOON), exp=exp)


@pytest.mark.promises("S30")
def test_a_changed_signature_is_refused_wherever_it_was_changed() -> None:
    url = media_url(RING, PICTURE, NOON)
    sig = query(url)["sig"]
    changed = [another(sig, i) for i in range(len(sig))]
    for wrong in [*changed, "", sig[:-1], sig + "=", sig + "A", sig.upper(), "ä" * 43, "\udc80"]:
        with pytest.raises(Forbidden):
            check(url, sig=wrong)


@pytest.mark.promises("S30")
@pytest.mark.parametrize("kid", ["a", "c", "", "\udc80"])
def test_a_changed_or_unknown_kid_is_refused(kid: str) -> None:
    with pytest.raises(Forbidden):
        check(media_url(RING, PICTURE, NOON), kid=kid)


@pytest.mark.promises("S30")
def test_what_an_old_key_signed_holds_while_it_is_on_the_ring() -> None:
    url, cursor = media_url(OLD_RING, PICTURE, NOON), seal(OLD_RING, "things", {"after": 1})
    assert check(url) > 0
    assert unseal(RING, "things", cursor) == {"after": 1}
    gone = Keyring({"b": b"b" * 32}, current="b")
    with pytest.raises(Forbidden):
        check(url, ring=gone)
    with pytest.raises(Malformed):
        unseal(gone, "things", cursor)


# cursors

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_a_cursor_brings_back_what_was_sealed(payload: dict[str, object]) -> None:
    text = seal(RING, "things", payload)
    assert unseal(RING, "things", text) == payload
    assert text.replace(".", "").replace("_", "").replace("-", "").isalnum()
    assert text.isascii()


@pytest.mark.promises("S49")
def test_a_cursor_changed_in_any_character_is_refused() -> None:
    text = seal(RING, "things", {"at": "2026-11-23T12:00:00Z", "id": str(ASSET)})
    for i in range(len(text)):
        with pytest.raises(Malformed) as caught:
            unseal(RING, "things", another(text, i))
        assert caught.value.facts == {"code": "invalid_cursor"}


@pytest.mark.promises("S49")
@given(st.text(max_size=100))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(Malformed):
        unseal(RING, "things", text)


@pytest.mark.promises("S49")
def test_a_cursor_over_a_kibibyte_is_neither_made_nor_read() -> None:
    with pytest.raises(TooLarge):
        seal(RING, "things", {"x": "x" * 1_024})
    with pytest.raises(Malformed):
        unseal(RING, "things", seal(RING, "things", {}) + "A" * 1_024)


@pytest.mark.promises("S49")
def test_a_signature_for_one_purpose_is_none_for_another() -> None:
    body = base64.urlsafe_b64encode(b"{}").rstrip(b"=").decode()
    kid, signature = RING.sign("media", body)
    assert RING.holds("media", body, kid, signature)
    assert not RING.holds("cursor:things", body, kid, signature)
    with pytest.raises(Malformed):
        unseal(RING, "things", f"{kid}.{body}.{signature}")


@pytest.mark.promises("S49")
def test_a_cursor_of_one_list_is_none_of_another() -> None:
    with pytest.raises(Malformed) as caught:
        unseal(RING, "others", seal(RING, "things", {"after": 1}))
    assert caught.value.facts == {"code": "invalid_cursor"}


# rings


def test_keys_are_written_as_kid_and_base64_and_the_first_signs() -> None:
    first, second = (base64.b64encode(bytes([i]) * 32).decode() for i in (1, 2))
    ring = parse_keys(f"new:{first}, old:{second}")
    assert (ring.current, dict(ring.keys)) == ("new", {"new": b"\x01" * 32, "old": b"\x02" * 32})


GOOD = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    ["", GOOD, f":{GOOD}", f"a b:{GOOD}", f"{'k' * 33}:{GOOD}", f"a:{GOOD},", f"a:{GOOD},a:{GOOD}", "a:c2hvcnQ=", f"a:{GOOD}!",
     f"a:{GOOD[:-1]}", "a:"],
)  # fmt: skip
def test_keys_that_are_none_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_keys(text)
    assert GOOD[:-1] not in str(caught.value)


def test_a_ring_signs_with_a_key_that_is_on_it() -> None:
    with pytest.raises(Invalid):
        Keyring({"a": bytes(32)}, current="b")


def test_a_ring_does_not_show_its_keys() -> None:
    assert "bbbb" not in repr(RING)
