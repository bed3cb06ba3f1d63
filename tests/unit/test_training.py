"""The parts of the training that are plain logic: facts, captions, words and merges."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from functions.core.models.tokenizer import Tokenizer
from gateway.local.samples.words import COLOURS, OBJECTS, PLACES, TEXTURES
from training import bpe, captions, concepts, measures
from training.captions import Scene

CHATTY = Scene([("car", "red"), ("banjo", None)], "beach", "night", "rain")


def test_every_phrase_has_four_wordings_and_none_is_empty() -> None:
    bank = captions.phrases()
    assert len(bank) > 800
    assert all(all(wordings) for wordings in bank.values())
    assert {len(wordings) for wordings in bank.values()} == {4}


def test_the_bank_can_say_every_thing_pattern_and_place_in_every_colour() -> None:
    bank = captions.phrases()
    for colour in COLOURS:
        assert all(("oc", colour, thing) in bank for thing in OBJECTS)
        assert all(("tc", colour, texture) in bank for texture in TEXTURES)
    assert all(("p", place) in bank for place in PLACES)


@pytest.mark.parametrize("seed", range(40))
def test_a_caption_claims_only_what_is_true(seed: int) -> None:
    _, claims = captions.caption(CHATTY, random.Random(seed))
    names = {("o", name) for name, _ in CHATTY.things}
    assert set(claims) <= set(captions.true_facts(CHATTY)) | names


def test_the_facts_of_a_scene_are_all_in_the_bank() -> None:
    assert set(captions.true_facts(CHATTY)) <= set(captions.phrases())


def test_a_caption_reads_like_a_sentence() -> None:
    texts = {captions.caption(CHATTY, random.Random(seed))[0] for seed in range(60)}
    assert "a red car and a banjo on a beach at night in the rain" in texts


def test_a_place_alone_is_called_by_its_name() -> None:
    assert captions.caption(Scene([], "lake", "day", "clear"), random.Random(9))[0].startswith("a lake")


def test_an_article_fits_its_word() -> None:
    assert captions.with_article("apple") == "an apple"
    assert captions.with_article("car") == "a car"


def test_colour_facts_are_known_as_such() -> None:
    assert captions.is_colour(("oc", "red", "car"))
    assert not captions.is_colour(("pt", "beach", "night"))


def test_code_points_join_without_the_variation_selector() -> None:
    assert concepts.plain("1F481-200D-2640-FE0F") == "1f481-200d-2640"


def test_keywords_are_tidy_distinct_and_not_the_name() -> None:
    assert concepts.keywords_of("cat", ["Cat", "kitten", "kitten", "house_cat", "ねこ"]) == ("kitten", "house cat")


def test_held_out_words_are_chosen_by_what_they_are() -> None:
    words = [f"word{number}" for number in range(2000)]
    held = [word for word in words if concepts.is_held("1f408", word)]
    assert held == [word for word in words if concepts.is_held("1f408", word)]
    assert 100 < len(held) < 280


def test_the_most_frequent_pair_is_merged_first() -> None:
    merges = bpe.learn(Counter({"low": 5, "lower": 2, "newest": 6}), 3)
    assert len(merges) == 3
    assert merges[0] in {("l", "o"), ("w", "e"), ("n", "e"), ("e", "w"), ("e", "s"), ("s", "t</w>")}


def test_a_learnt_list_makes_frequent_words_one_id(tmp_path: Path) -> None:
    counts = bpe.count_words([("a red cat", 50), ("a cat", 20)])
    bpe.save(tmp_path / "merges.txt.gz", bpe.learn(counts, 20))
    words = Tokenizer.load(tmp_path / "merges.txt.gz", 16)
    assert len(words.ids("a red cat")) == 5


def test_the_same_list_is_saved_as_the_same_bytes(tmp_path: Path) -> None:
    merges = bpe.learn(Counter({"low": 5, "lower": 2}), 4)
    for name in ("first", "second"):
        bpe.save(tmp_path / name, merges)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_recall_counts_questions_answered_early() -> None:
    likeness = np.array([[0.9, 0.1, 0.5], [0.9, 0.1, 0.5]], np.float32)
    answers = np.array([[True, False, False], [False, True, False]])
    assert measures.recall(likeness, answers, 1) == 0.5
    assert measures.recall(likeness, answers, 3) == 1.0


def test_precision_is_one_when_all_answers_come_first() -> None:
    likeness = np.array([[0.9, 0.8, 0.1]], np.float32)
    assert measures.mean_average_precision(likeness, np.array([[True, True, False]])) == 1.0


def test_a_fitted_curve_lies_between_matches_and_others() -> None:
    rng = np.random.default_rng(1)
    matches, others = rng.normal(0.5, 0.1, 500), rng.normal(0.1, 0.1, 5000)
    fitted = measures.fit_logistic(matches.astype(np.float32), others.astype(np.float32))
    assert 0.2 < fitted["midpoint"] < 0.5
    assert fitted["slope"] > 5
