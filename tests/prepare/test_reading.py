"""Reading one file of any format: values, labels, and refusals that name their reason."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Limits, Skipped, SkipReason
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare.reading import FileReader, read_any
from monai_mammo.study import Mammogram


@pytest.mark.parametrize(("name", "bits", "step"), [("a.png", 8, 255), ("a.png", 16, 65535), ("a.webp", 8, 255)])
def test_lossless_pictures_give_their_values_labels_and_mask(tmp_path, picture, save_picture, name, bits, step):
    save_picture(picture, tmp_path / name, bits=bits)
    read = read_any(tmp_path / name)
    assert isinstance(read, Mammogram)
    assert np.abs(read.pixels - picture.pixels).max() <= 0.5 / step + 1e-6
    assert read.conditions == picture.conditions
    assert np.array_equal(read.lesion_mask, picture.lesion_mask)
    assert read.person_id == picture.person_id and read.source == name and read.spacing is None
    assert read.source_sha256 == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()


def test_a_jpeg_without_sidecar_is_read_with_nothing_known(tmp_path, picture):
    Image.fromarray(np.round(picture.pixels * 255).astype(np.uint8)).save(tmp_path / "a.JPG", quality=95)
    read = read_any(tmp_path / "a.JPG")
    assert np.abs(read.pixels - picture.pixels).mean() < 0.01 and read.conditions == Conditions()


@pytest.mark.parametrize(("kind", "top"), [("P5", 255), ("P5", 4095), ("P5", 65535), ("P2", 100)])
def test_a_portable_grey_map_is_divided_by_its_own_top(tmp_path, kind, top):
    values = np.random.default_rng(top).integers(0, top + 1, (24, 16))
    values[0, :2] = 0, top
    cells = values.astype(">u2" if top > 255 else "u1").tobytes()
    text = "\n".join(" ".join(map(str, row)) for row in values).encode()
    (tmp_path / "a.pgm").write_bytes(f"{kind}\n16 24\n{top}\n".encode() + (cells if kind == "P5" else text))
    read = read_any(tmp_path / "a.pgm")
    assert np.abs(read.pixels - values / top).max() <= 0.5 / (255 if top <= 255 else 65535) + 1e-6


def test_a_reader_of_ones_own_takes_dicom_and_pictures(tmp_path, picture, save_picture, save_dicom):
    save_picture(picture, tmp_path / "a.png", bits=16)
    save_dicom(picture, tmp_path / "b.dcm")
    with FileReader(limits=Limits(pixels=160 * 120)) as reader:
        both = [read_any(tmp_path / name, reader=reader) for name in ("a.png", "b.dcm")]
    assert np.abs(both[0].pixels - both[1].pixels).max() < 1 / 4000
    with FileReader(limits=Limits(pixels=160 * 120 - 1)) as reader:
        for name in ("a.png", "b.dcm"):
            assert read_any(tmp_path / name, reader=reader).reason is SkipReason.TOO_LARGE


def test_dicom_goes_through_the_dicom_reader(tmp_path, picture, save_dicom):
    save_dicom(picture, tmp_path / "a.dcm")
    read = read_any(tmp_path / "a.dcm")
    assert isinstance(read, Mammogram)
    assert np.abs(read.pixels - picture.pixels).max() < 1 / 4095
    assert read.conditions.view == "MLO" and read.conditions.laterality == "R"


def test_files_that_give_no_mammogram_name_their_reason(tmp_path: Path, picture):
    def saved(name: str, image: Image.Image, **options) -> Path:
        image.save(tmp_path / name, **options)
        return tmp_path / name

    rng = np.random.default_rng(0)
    grey = Image.fromarray(rng.integers(0, 255, (40, 40), dtype=np.uint8))
    whole = saved("whole.png", grey).read_bytes()
    (tmp_path / "torn.png").write_bytes(whole[:300])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "text.txt").write_text("no picture")
    cases = {
        tmp_path / "torn.png": (Failed, SkipReason.DAMAGED),
        tmp_path / "text.png": (Failed, SkipReason.DAMAGED),
        tmp_path / "missing.png": (Failed, SkipReason.UNREADABLE),
        tmp_path / "text.txt": (Skipped, SkipReason.NOT_DICOM),
        saved("mask.png", grey.convert("1")): (Skipped, SkipReason.MASK_OR_CROP),
        saved("tiny.png", grey.resize((7, 40))): (Skipped, SkipReason.UNSUPPORTED_PIXELS),
        saved("cmyk.jpg", grey.convert("CMYK")): (Skipped, SkipReason.COLOR),
        saved("two.webp", grey, save_all=True, append_images=[grey.rotate(90)]): (Skipped, SkipReason.MULTI_FRAME),
        saved("huge.png", Image.new("L", (9000, 9000))): (Failed, SkipReason.TOO_LARGE),
    }
    colour = Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8))
    cases[saved("colour.png", colour)] = (Skipped, SkipReason.COLOR)
    bluish = np.stack([np.full((40, 40), 9, np.uint8)] * 3, axis=-1)
    bluish[20, 20, 2] = 10
    cases[saved("bluish.png", Image.fromarray(bluish))] = (Skipped, SkipReason.COLOR)
    for path, (sort, reason) in cases.items():
        result = read_any(path)
        assert type(result) is sort and result.reason is reason, result
        assert result.detail


@pytest.mark.parametrize(
    ("sidecar", "words"),
    [
        ({"density": "E"}, "density 'E' in a.json is not one of A, B, C, D"),
        ({"colour": 1}, "condition 'colour' in a.json"),
        ({"pixel_spacing_mm": 0}, "pixel_spacing_mm in a.json '0' is not a number from 0.01 to 5"),
        ({"lesion_mask": "missing.png"}, "mask missing.png: the file could not be read: No such file"),
        ([1], "a.json is not one JSON object"),
    ],
)
def test_a_bad_sidecar_fails_its_picture_with_a_sentence(tmp_path, picture, sidecar, words):
    Image.fromarray(np.round(picture.pixels * 255).astype(np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.json").write_text(json.dumps(sidecar))
    result = read_any(tmp_path / "a.png")
    assert type(result) is Failed and words in result.detail


def test_a_sidecar_states_the_side_of_a_pixel(tmp_path, picture):
    Image.fromarray(np.round(picture.pixels * 255).astype(np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.json").write_text(json.dumps({"pixel_spacing_mm": 0.14}))
    spacing = read_any(tmp_path / "a.png").spacing
    assert (spacing.row_mm, spacing.column_mm, spacing.source) == (0.14, 0.14, "imager")


def test_a_mask_of_another_size_fails_its_picture(tmp_path, save_picture, picture):
    save_picture(picture, tmp_path / "a.png")
    Image.new("1", (20, 20)).save(tmp_path / "a.mask.png")
    assert "do not fit" in read_any(tmp_path / "a.png").detail


def test_palettes_and_alpha_are_grey_if_their_colours_are(tmp_path):
    grey = draw_mammogram(Conditions(kind="digital"), seed=1, shape=(64, 48)).pixels
    image = Image.fromarray(np.round(grey * 255).astype(np.uint8))
    for name, mode in (("p.png", "P"), ("la.png", "LA"), ("rgba.png", "RGBA")):
        image.convert(mode).save(tmp_path / name)
        assert np.abs(read_any(tmp_path / name).pixels - grey).max() < 0.01
