"""A lesion mask that a request names as a file."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.errors import RequestError
from monai_mammo.generation.mask_file import read_mask

SHAPE = (64, 48)


def test_a_mask_file_is_brought_to_the_grid(tmp_path):
    from PIL import Image

    picture = np.zeros((128, 96), np.uint8)
    picture[32:64, 64:80] = 255
    Image.fromarray(picture).save(tmp_path / "m.png")
    mask = read_mask(str(tmp_path / "m.png"), SHAPE)
    assert mask[16:32, 32:40].all() and mask.sum() == 16 * 8


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_mask_that_is_no_picture_is_a_request_error(tmp_path, content):
    (tmp_path / "m.png").write_bytes(content)
    with pytest.raises(RequestError, match="cannot be read as a picture"):
        read_mask(str(tmp_path / "m.png"), SHAPE)


def test_an_empty_mask_is_a_request_error(tmp_path):
    from PIL import Image

    Image.fromarray(np.zeros((64, 48), np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(RequestError, match="shows no lesion"):
        read_mask(str(tmp_path / "m.png"), SHAPE)
