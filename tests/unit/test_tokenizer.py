"""Words become the ids that the text tower was trained on."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.models.tokenizer import Tokenizer, clean, split_words

MERGES = [("c", "a"), ("ca", "t</w>"), ("c", "a</w>"), ("r", "e"), ("re", "d</w>")]


@pytest.fixture(name="words")
def _words() -> Tokenizer:
    return Tokenizer(MERGES, context=8)


def test_a_known_word_is_one_id_and_its_letters_are_several(words: Tokenizer) -> None:
    assert len(words.ids("cat")) == 3
    assert len(words.ids("act")) == 5


def test_every_text_begins_and_ends_with_its_marks(words: Tokenizer) -> None:
    for text in ("", "cat", "red red red red red red red red red"):
        ids = words.ids(text)
        assert (ids[0], ids[-1]) == (words.start, words.end)


def test_a_long_text_is_cut_to_the_context_and_keeps_its_end_mark(words: Tokenizer) -> None:
    ids = words.ids("red " * 50)
    assert len(ids) == 8
    assert ids[-1] == words.end


def test_the_end_mark_is_the_largest_id(words: Tokenizer) -> None:
    assert max(words.ids("a red cat in Ōsaka, 大阪 🐈 !?")) == words.end == words.size - 1


def test_upper_case_and_spaces_do_not_matter(words: Tokenizer) -> None:
    assert words.ids("  Red\n CAT ") == words.ids("red cat")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("it's a cat", ["it", "'s", "a", "cat"]),
        ("2024 cats!!", ["2", "0", "2", "4", "cats", "!!"]),
        ("snow-white", ["snow", "-", "white"]),
        ("café___x", ["café", "___", "x"]),
        ("we’ll", ["we", "'ll"]),
        ("fish &amp;amp; chips", ["fish", "&", "chips"]),
        ("½ ⅷ", ["½", "ⅷ"]),
        ("猫と犬", ["猫と犬"]),
    ],
)
def test_text_is_split_as_the_trained_tokenizer_splits_it(text: str, parts: list[str]) -> None:
    assert list(split_words(text)) == parts


def test_a_batch_is_padded_with_zeros_to_its_longest_text(words: Tokenizer) -> None:
    batch = words.batch(["cat", "red cat"])
    assert batch.shape == (2, 4)
    assert batch[0, 3] == 0
    assert batch.dtype == np.int64


def test_a_batch_can_be_padded_to_a_fixed_length(words: Tokenizer) -> None:
    assert words.batch(["cat"], length=8).shape == (1, 8)


def test_an_empty_batch_has_no_rows(words: Tokenizer) -> None:
    assert words.batch([]).shape[0] == 0


def test_a_merge_list_is_read_from_its_packed_file(tmp_path: Path, words: Tokenizer) -> None:
    lines = ["#version: 0.2", *(" ".join(pair) for pair in MERGES)]
    (tmp_path / "merges.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert Tokenizer.load(tmp_path / "merges.txt.gz", 8).ids("a red cat") == words.ids("a red cat")


@given(st.text(max_size=60))
def test_no_text_is_refused_and_no_id_is_out_of_range(text: str) -> None:
    words = Tokenizer(MERGES, context=8)
    ids = words.ids(text)
    assert 2 <= len(ids) <= 8
    assert all(0 <= number < words.size for number in ids)


@given(st.text(max_size=60))
def test_cleaning_twice_is_cleaning_once_for_words_without_entities(text: str) -> None:
    once = clean(text.replace("&", ""))
    assert clean(once) == once
