"""Strangers' text: what stays, what goes, how long it takes."""

import time

import pytest

from functions.core.text import clean, line

HOSTILE = "\x00\x1b[31m\u202e\u2066\u200b\ud800\ufeff\uffff"


@pytest.mark.promises("S37")
@pytest.mark.parametrize("unfit", HOSTILE.replace("[31m", ""))
def test_a_character_that_tricks_eyes_or_encoders_is_removed(unfit: str) -> None:
    assert clean(f"be{unfit}fore", 100) == "before"


def test_words_of_any_language_and_joined_emoji_stay() -> None:
    text = "naïve 猫 قطة नमस्ते 👩‍🚀"
    assert clean(text, 100) == text


def test_line_breaks_are_kept_in_pages_and_become_spaces_in_lines() -> None:
    assert clean("one\r\ntwo\rthree", 100) == "one\ntwo\nthree"
    assert line(" one\r\n\ttwo ", 100) == "one two"


def test_text_is_cut_to_the_limit_after_cleaning() -> None:
    assert clean("\x00" * 10 + "abcdef", 4) == "abcd"
    assert len(line("word " * 1000, 200)) <= 200


@pytest.mark.promises("S37")
def test_what_remains_can_always_be_encoded() -> None:
    assert clean("".join(map(chr, range(0xD7F0, 0xE010))), 10_000).encode()


@pytest.mark.promises("S52")
@pytest.mark.parametrize("hostile", ["\x00" * 1_000_000, "a\u202e" * 500_000, " \r\n" * 333_333])
def test_a_megabyte_of_hostile_text_costs_less_than_50_ms(hostile: str) -> None:
    start = time.process_time()
    clean(hostile, 10_000)
    line(hostile, 200)
    assert time.process_time() - start < 0.05


@pytest.mark.parametrize("nothing", ["\u3164", "\u115f\u1160", "\xad", "\u034f", "\uffa0", "\u17b4\u17b5", "\u180b\u180e\u180f",
                                     "\u200b\u200c\u200d", " \u200d \ufe0f ", "\u2800", "\U000e0061", "\u200d" * 20])  # fmt: skip
def test_what_nobody_sees_is_nothing(nothing: str) -> None:
    assert line(nothing, 64) == clean(nothing, 64) == ""
    assert line(f"Ann {nothing} Lee", 64) == "Ann Lee"


@pytest.mark.parametrize("seen", [
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
])  # fmt: skip
def test_what_joins_letters_and_emoji_stays(seen: str) -> None:
    assert line(seen, 64) == seen
