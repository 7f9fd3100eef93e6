"""A lesion mask that a request names as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_mammo.errors import RequestError
from monai_mammo.generation.mask_file import read_mask

SHAPE = (64, 48)
FIXTURES = Path(__file__).parents[1] / "fixtures" / "masks"


def test_a_mask_file_is_brought_to_the_grid(tmp_path):
    from PIL import Image

    picture = np.zeros((128, 96), np.uint8)
    picture[32:64, 64:80] = 255
    Image.fromarray(picture).save(tmp_path / "m.png")
    mask = read_mask(str(tmp_path / "m.png"), SHAPE)
    assert mask[16:32, 32:40].all() and mask.sum() == 16 * 8


@pytest.mark.parametrize("content", [b"", b"text", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"])
def test_a_mask_that_is_not_a_picture_is_a_request_error(tmp_path, content):
    (tmp_path / "m.png").write_bytes(content)
    with pytest.raises(RequestError, match="mask m.png: it is damaged or not one of PNG, JPEG"):
        read_mask(str(tmp_path / "m.png"), SHAPE)


@pytest.mark.parametrize("name", ["is1_m.png", "red_on_black_m.png"])
def test_masks_of_0_and_1_and_of_one_colour_show_their_lesion(name):
    mask = read_mask(str(FIXTURES / name), (320, 240))
    assert mask.sum() == 1050
    assert read_mask(str(FIXTURES / name), (160, 120)).sum() == pytest.approx(1050 / 4, rel=0.15)


def test_a_mask_of_everything_is_a_request_error(tmp_path):
    from PIL import Image

    Image.new("L", (48, 64), 1).save(tmp_path / "m.png")
    with pytest.raises(RequestError, match="mask m.png covers the whole picture"):
        read_mask(str(tmp_path / "m.png"), SHAPE)


def test_an_empty_mask_is_a_request_error(tmp_path):
    from PIL import Image

    Image.fromarray(np.zeros((64, 48), np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(RequestError, match="shows no lesion"):
        read_mask(str(tmp_path / "m.png"), SHAPE)
