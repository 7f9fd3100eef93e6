"""The built-in encoder: the same vector on every machine, one for words that mean the same."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_mammo.errors import RequestError
from monai_mammo.text import GrammarEncoder


def alike(one: str, other: str) -> float:
    first, second = GrammarEncoder().encode([one, other])
    return float(first @ second)


def test_one_meaning_is_the_signs_of_its_hash():
    digest = hashlib.shake_256(b"FINDING:mass").digest(32)
    signs = [1 if digest[i // 8] >> (7 - i % 8) & 1 else -1 for i in range(256)]
    (vector,) = GrammarEncoder().encode(["mass"])
    assert vector.dtype == np.float32 and vector.tolist() == [sign / 16 for sign in signs]


def test_words_that_mean_the_same_have_the_same_vector():
    assert alike("irregular spiculated mass, left breast", "Irregular, stellate nodule in the LEFT breast") == 1
    assert alike("ACR C", "The breast is heterogeneously dense.") == pytest.approx(1)
    assert alike("BI-RADS 5", "bi rads category v") == pytest.approx(1)


def test_words_that_mean_something_else_do_not():
    assert alike("mass", "edema") < 0.3
    assert alike("BI-RADS 2", "BI-RADS 5") < 0.3
    assert alike("mass, no calcification", "calcification, no mass") < 0.9
    assert (
        alike("oval mass", "oval circumscribed mass") > alike("oval mass", "spiculated mass") > alike("mass", "edema")
    )


def test_what_the_grammar_does_not_know_still_counts():
    assert 0.2 < alike("mass near a clip", "mass") < 0.99
    assert alike("wombat", "wombat") == pytest.approx(1)


@given(st.lists(st.text(max_size=60), max_size=4))
def test_vectors_are_of_length_one_or_zero_and_do_not_depend_on_their_neighbours(texts):
    encoder = GrammarEncoder(64)
    vectors = encoder.encode(texts)
    assert vectors.shape == (len(texts), 64)
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))
    for text, vector in zip(texts, vectors, strict=True):
        assert np.array_equal(encoder.encode([text])[0], vector)


def test_no_word_is_zero():
    assert not GrammarEncoder().encode(["", " . ", "the"]).any()


@pytest.mark.parametrize("channels", [7, 4097, "256", True])
def test_a_wrong_length_is_refused(channels):
    with pytest.raises(RequestError, match="is not a whole number from 8 to 4096"):
        GrammarEncoder(channels)
