"""Planted spots: what is kept has a closed form."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.evaluation.spots import _place, _planted, kept_contrast


def test_kept_contrast_is_the_share_that_is_left():
    image = np.full((16, 12), 0.3, np.float32)
    planted = _planted(image, (4, 5), 3, 0.2)
    assert kept_contrast(planted, image, planted - image, (4, 5), 3) == pytest.approx(1)
    assert kept_contrast(image, image, planted - image, (4, 5), 3) == 0
    blurred = image + 0.25 * (planted - image)
    assert kept_contrast(blurred, image, planted - image, (4, 5), 3) == pytest.approx(0.25, rel=1e-5)


def test_a_spot_in_white_tissue_is_dark_and_counts_alike():
    image = np.full((16, 12), 0.95, np.float32)
    planted = _planted(image, (4, 5), 2, 0.2)
    assert planted.min() == pytest.approx(0.75)
    assert kept_contrast(planted, image, planted - image, (4, 5), 2) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_spots_lie_in_the_breast_and_never_leave_the_picture(seed):
    breast = np.zeros((20, 16), bool)
    breast[3:17, :9] = True
    row, column = _place(breast, 2, seed=seed)
    assert breast[row : row + 2, column : column + 2].all()
    tiny = np.zeros((20, 16), bool)
    tiny[19, 15] = True
    assert _place(tiny, 4, seed=seed) == (16, 12)
