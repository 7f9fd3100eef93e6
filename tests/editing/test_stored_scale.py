"""Grain by frequency, stored values from brightness, and the window that the painter sees."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.editing.stored_scale import StoredScale
from monai_mammo.errors import RequestError


@pytest.mark.parametrize("rises", [True, False])
def test_stored_values_follow_brightness_in_either_polarity_and_stay_without_a_change(rises):
    stored = np.arange(0, 4096, dtype=np.uint16).reshape(64, 64)
    shown = np.clip((stored.astype(np.float32) - 500) / 3000, 0, 1)
    shown = shown if rises else 1 - shown
    scale = StoredScale.of(stored, shown, largest=4095)
    added = np.zeros(stored.shape)
    added[20:40] = 0.1
    changed = scale.changed(stored, shown, added)
    assert np.array_equal(changed[added == 0], stored[added == 0])
    step = changed[20:40].astype(int) - stored[20:40].astype(int)
    assert np.abs(step - (300 if rises else -300)).max() <= 1
    assert np.allclose(scale.shown(changed, stored, shown)[20:40], shown[20:40] + added[20:40], atol=1e-3)
    assert changed.max() <= 4095


def test_what_shows_no_grey_or_is_signed_has_no_scale():
    stored = np.array([[0, 1], [1, 0]], dtype=np.uint8)
    with pytest.raises(RequestError, match="black and white alone"):
        StoredScale.of(stored, stored.astype(np.float32), largest=255)
    with pytest.raises(RequestError, match="signed"):
        StoredScale.of(stored.astype(np.int16), stored.astype(np.float32), largest=255)
    with pytest.raises(RequestError, match="beyond the 0"):
        StoredScale.of(stored, stored.astype(np.float32), largest=0)
