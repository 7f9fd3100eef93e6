"""MONAI's transforms over the array functions, and the way back to the file's own grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.transforms import Compose

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import MammoError
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare.breast import breast_mask
from monai_mammo.prepare.dictionary import LoadMammogramd, PrepareMammogramd, RestoreMammogramd, trace_of
from monai_mammo.study import Spacing


@pytest.fixture(params=["png", "dcm"])
def path(request, tmp_path, picture, save_picture, save_dicom):
    """Right MLO view as a file of each format."""
    path = tmp_path / f"a.{request.param}"
    save_picture(picture, path, bits=16) if request.param == "png" else save_dicom(picture, path)
    return path


def test_a_file_becomes_a_meta_tensor_with_rows_first(path, picture):
    data = LoadMammogramd("image")({"image": str(path)})
    image = data["image"]
    assert isinstance(image, MetaTensor) and image.shape == (1, *picture.shape) and image.dtype == torch.float32
    assert np.abs(image[0].numpy() - picture.pixels).max() < 1 / 4095
    assert data["conditions"].laterality == "R"
    if path.suffix == ".dcm":
        assert np.allclose(np.diag(image.affine)[:2], 1.5) and image.meta["spacing_source"] != "unknown"
    else:
        assert np.array_equal(image.affine, np.eye(4)) and image.meta["spacing_source"] == "unknown"
        assert np.array_equal(data["label"][0] > 0.5, picture.lesion_mask)


def test_the_spacing_of_pixels_that_are_not_square_stands_by_rows_then_columns(tmp_path, picture, save_dicom):
    save_dicom(picture.replace(spacing=Spacing(1.5, 0.75, "nominal")), tmp_path / "a.dcm")
    affine = LoadMammogramd("image")({"image": tmp_path / "a.dcm"})["image"].affine
    assert np.diag(affine)[:2].tolist() == [1.5, 0.75]


def test_a_file_that_is_no_mammogram_is_one_sentence(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(MammoError, match="a.png: the picture is damaged"):
        LoadMammogramd("image")({"image": tmp_path / "a.png"})


def test_inverse_after_the_chain_is_the_identity_in_the_breast(picture):
    # a grid as large as the crop: no pixel is averaged, so values must come back exactly
    crop = PrepareMammogramd("image")(_plain(picture))["image"].applied_operations[0]["extra_info"]["trace"]
    top, bottom, left, right = crop["padding"]
    row0, row1, column0, column1 = crop["crop"]
    shape = (row1 - row0 + top + bottom, column1 - column0 + left + right)
    transform = PrepareMammogramd("image", shape=shape)
    prepared = transform(_plain(picture))
    back = transform.inverse(prepared)
    breast = breast_mask(picture.pixels, kind=picture.conditions.kind)
    assert np.array_equal(back["image"][0].numpy()[breast], picture.pixels[breast])
    assert not back["image"][0].numpy()[~breast].any()
    assert np.array_equal(back["label"][0] > 0.5, picture.lesion_mask)
    assert np.abs(np.subtract(tuple(back["conditions"].box), tuple(picture.conditions.box))).max() < 1e-6
    assert not back["image"].applied_operations


def test_inverse_of_a_smaller_grid_is_the_blurred_picture(path, picture):
    transform = PrepareMammogramd("image", shape=(128, 96))
    data = LoadMammogramd("image")({"image": path})
    back = transform.inverse(transform(data))["image"][0].numpy()
    inside = np.zeros(picture.shape, bool)
    inside[20:-20, 60:-4] = breast_mask(picture.pixels)[20:-20, 60:-4]
    assert back.shape == picture.shape
    assert np.abs(back - picture.pixels)[inside].mean() < 0.01


def test_a_prediction_goes_back_to_the_files_own_grid(path, picture):
    data = LoadMammogramd("image")({"image": path})
    data["label"] = MetaTensor(torch.from_numpy(picture.lesion_mask.astype(np.float32))[None])
    prepared = PrepareMammogramd("image", shape=(160, 120))(data)
    prepared["pred"] = torch.cat([prepared["label"].as_tensor(), 1 - prepared["label"].as_tensor()])
    restored = RestoreMammogramd("pred", source_key="image", threshold=0.5)(prepared)["pred"]
    assert restored.shape == (2, *picture.shape)
    found = restored[0].numpy() > 0
    assert (found & picture.lesion_mask).sum() / (found | picture.lesion_mask).sum() > 0.8
    assert not (restored[1].numpy() > 0)[~breast_mask(picture.pixels)].all()


def test_the_trace_survives_a_batch(picture):
    transform = Compose([PrepareMammogramd("image", shape=(64, 48))])
    images = []
    for seed in (1, 2):
        drawn = draw_mammogram(Conditions(laterality="LR"[seed - 1], kind="digital"), seed=seed, shape=(160, 120))
        images.append({"image": transform(_plain(drawn))["image"]})
    parts = decollate_batch(list_data_collate(images))
    for part, single in zip(parts, images, strict=True):
        assert trace_of(part["image"]) == trace_of(single["image"])
    assert trace_of(images[0]["image"]).is_mirrored != trace_of(images[1]["image"]).is_mirrored


def test_conditions_may_be_json_values_and_the_box_moves(picture):
    data = {**_plain(picture), "conditions": {**picture.conditions.to_dict(), "box": [0.6, 0.5, 0.7, 0.6]}}
    prepared = PrepareMammogramd("image", shape=(64, 48))(data)
    trace = trace_of(prepared["image"])
    assert prepared["conditions"].box == trace.forward_box(Box(0.6, 0.5, 0.7, 0.6))
    with pytest.raises(MammoError, match="no trace"):
        trace_of(MetaTensor(torch.zeros(1, 8, 8)))


def _plain(mammogram):
    label = (
        torch.from_numpy(mammogram.lesion_mask.astype(np.float32))[None] if mammogram.lesion_mask is not None else None
    )
    data = {
        "image": MetaTensor(torch.from_numpy(mammogram.pixels.copy())[None]),
        "conditions": mammogram.conditions,
    }
    return data if label is None else {**data, "label": MetaTensor(label)}
