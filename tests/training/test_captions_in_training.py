"""Captions in training: their vectors are cached, dropped alone, and the rest of an item is as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_mammo.networks import Autoencoder
from monai_mammo.prepare import phantom_items
from monai_mammo.text import GrammarEncoder, caption_of
from monai_mammo.training import LatentDataset, LayoutLoss
from monai_mammo.training.caption_vectors import CaptionVectors


@pytest.fixture(scope="module")
def latents():
    torch.manual_seed(0)
    autoencoder, items = Autoencoder((8, 8), n_blocks=1), phantom_items(4, shape=(64, 48))

    def make(**settings):
        return LatentDataset(items, autoencoder, n_views=1, **{"drop_each": 0.0, "drop_all": 0.0, **settings})

    return make


class Counting(GrammarEncoder):
    """The built-in encoder, which counts what it encodes."""

    n_encoded = 0

    def encode(self, texts):
        Counting.n_encoded += len(texts)
        return super().encode(texts)


def test_captions_are_encoded_once_for_an_encoder_and_captions(latents, tmp_path):
    Counting.n_encoded = 0
    first = CaptionVectors(latents().conditions, Counting(), cache_dir=tmp_path)
    n = Counting.n_encoded
    again = CaptionVectors(latents().conditions, Counting(), cache_dir=tmp_path)
    assert Counting.n_encoded == n > 4 and first.captions == again.captions
    assert np.array_equal(first._vectors, again._vectors) and len(list(tmp_path.glob("captions_*.npy"))) == 1
    CaptionVectors(latents().conditions, Counting(64), cache_dir=tmp_path)  # another encoder
    CaptionVectors(latents().conditions, Counting(), seed=1, cache_dir=tmp_path)  # other captions
    assert len(list(tmp_path.glob("captions_*.npy"))) == 3


def test_each_image_has_its_whole_caption_first_and_vectors_are_its_own(latents):
    conditions = latents().conditions
    captions = CaptionVectors(conditions, GrammarEncoder(), n_captions=6)
    for index, one in enumerate(conditions):
        assert captions.captions[index][0] == caption_of(one)
        assert len(set(captions.captions[index])) > 2
        for k in range(6):
            expected = GrammarEncoder().encode([captions.captions[index][k]])[0]
            assert np.array_equal(captions.vector(index, k), expected)


def test_a_text_comes_with_an_item_and_changes_nothing_else_of_it(latents):
    plain, told = (
        latents(drop_each=0.3, drop_all=0.1),
        latents(drop_each=0.3, drop_all=0.1, text_encoder=GrammarEncoder()),
    )
    for index in range(4):
        one, other = plain[index], told[index]
        assert other.pop("text").shape == (256,) and one.keys() == other.keys()
        assert all(torch.equal(torch.as_tensor(one[key]), torch.as_tensor(other[key])) for key in one)


def test_a_text_is_dropped_alone_and_with_all_else(latents):
    def shares(**settings):
        dataset = latents(text_encoder=GrammarEncoder(), caption_drop=0.0, **settings)
        without_text, without_any = [], []
        for epoch in range(300):
            dataset.set_epoch(epoch)
            for index in range(4):
                item = dataset[index]
                without_text.append(not item["text"].any())
                without_any.append(bool((item["attributes"] == -1).all()))
        return np.array(without_text), np.array(without_any)

    without_text, without_any = shares(drop_each=0.3)
    assert abs(without_text.mean() - 0.3) < 0.05 and not without_any.any()  # 1,200 draws: 4 deviations are 0.053
    without_text, without_any = shares(drop_all=0.4)
    assert np.array_equal(without_text, without_any) and abs(without_text.mean() - 0.4) < 0.06
    assert not shares()[0].any()


def test_the_layout_stage_is_told_the_text(latents):
    dataset = latents(text_encoder=GrammarEncoder(64))
    batch = torch.utils.data.default_collate([dataset[index] for index in range(4)])
    told = []

    def call(x, **given):
        told.append(given["text"])
        return x

    from monai_mammo.sampling import CosineSchedule

    LayoutLoss(CosineSchedule())(call, batch)
    assert torch.equal(told[0], batch["text"]) and told[0].shape == (4, 64)
