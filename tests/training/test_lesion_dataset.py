"""Targets of masks, and labels of images of which a band is shown."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_mammo.prepare.datalist_items import lesion_free_repeated
from monai_mammo.terms import Finding
from monai_mammo.training.lesion_dataset import BOX_CERTAINTY, LesionDataset

SHAPE = (80, 60)
BOX = [0.2, 0.25, 0.5, 0.5]  # columns 12 to 30, rows 20 to 40
HEADS = ("finding", "birads", "density", "view", "pathology")


def item(kind: str, *, view: str = "MLO", label: np.ndarray | None = None, **more) -> dict:
    rows = np.arange(SHAPE[0], dtype=np.float32)[:, None] / SHAPE[0]
    image = np.rint((0.3 + 0.4 * rows + np.zeros(SHAPE)) * 65535).astype(np.uint16)
    finding = "none" if kind == "none" else "mass"
    shown = {"kind": "film", "view": view, "density": "C", "birads": 4, "finding": finding, "pathology": "malignant"}
    out = {"image": image, "image_id": "i", "person_id": "p", "mask_kind": kind, "conditions": shown, **more}
    return out if label is None else {**out, "label": label}


def first(*items: dict, **more) -> dict:
    return LesionDataset(items, is_augmented=False, **more)[0]


def test_a_box_is_an_ellipse_whose_rim_is_left_open():
    target = first(item("box", boxes=[BOX]))
    lesion, weight = target["lesion"][0].numpy(), target["weight"][0].numpy()
    assert lesion.sum() == pytest.approx(np.pi / 4 * 18 * 20 * 0.92**2, rel=0.03)
    assert lesion[30, 21] == weight[30, 21] == 1, "the middle"
    assert (lesion[30, 13], weight[30, 13]) == (1, 0), "inside, on the rim"
    assert (lesion[30, 11], weight[30, 11]) == (0, 0), "outside, on the rim"
    assert (lesion[20, 12], weight[20, 12]) == (0, 1), "a corner of the box is not lesion"
    assert target["certainty"] == BOX_CERTAINTY


def test_an_outline_goes_before_its_box_and_a_box_without_one_is_an_ellipse():
    label = np.zeros(SHAPE, dtype=bool)
    label[22:38, 14:28] = True
    other = [0.7, 0.7, 0.9, 0.9]
    target = first(item("contour", label=label, boxes=[BOX, other]))
    lesion = target["lesion"][0].numpy()
    assert np.array_equal(lesion[:45, :35] > 0, label[:45, :35])
    assert lesion[64, 48] == 1 and target["certainty"] == 1


def test_diffuse_change_says_nothing_and_all_around_it_is_background():
    target = first(item("unknown", diffuse_boxes=[BOX]))
    weight = target["weight"][0]
    assert not weight[22:38, 14:28].any() and weight[:18].all() and weight[44:].all()
    assert not target["lesion"].any() and target["certainty"] > 0
    assert first(item("unknown"))["certainty"] == 0 and not first(item("unknown"))["weight"].any()


def test_the_rim_that_does_not_count_goes_where_its_lesion_goes():
    """In views from above and below alike; bands, which cut a lesion, apart."""
    dataset, rows, halves = LesionDataset([item("box", view="CC", boxes=[BOX])]), np.arange(SHAPE[0]) + 0.5, set()
    for epoch in range(40):
        dataset.set_epoch(epoch)
        target = dataset[0]
        if target["classes"][HEADS.index("view")] < 0:
            continue
        lesion, rim = target["lesion"][0].numpy(), target["weight"][0].numpy() == 0
        middles = [(rows * plane.sum(axis=1)).sum() / plane.sum() for plane in (lesion, rim)]
        assert middles[1] == pytest.approx(middles[0], abs=0.5)
        halves.add(middles[0] > SHAPE[0] / 2)
    assert halves == {False, True}


def test_known_labels_and_presence():
    named = first(item("box", boxes=[BOX]))
    assert dict(zip(HEADS, named["classes"].tolist(), strict=True)) == {
        "finding": 0,
        "birads": 4,
        "density": 2,
        "view": 1,
        "pathology": 2,
    }
    assert named["presence"] == 1 and first(item("none"))["presence"] == 0
    unnamed = item("unknown")
    del unnamed["conditions"]["finding"]
    assert first(unnamed)["presence"] == -1


def is_band(view: dict) -> bool:
    """A shrunk image has empty rows too, but an eighth of them at most."""
    return bool(view["image"][0].any(dim=1).float().mean() < 0.75)


def shown_bands(one: dict, n: int = 300) -> list[dict]:
    """Augmented views of one item of which only a band is shown."""
    dataset, out = LesionDataset([one], seed=5), []
    for epoch in range(n):
        dataset.set_epoch(epoch)
        view = dataset[0]
        if is_band(view):
            out.append(view)
    return out


def test_a_band_is_labelled_by_what_it_shows():
    bands = shown_bands(item("box", boxes=[BOX]))
    assert 60 < len(bands) < 150, "about a third"
    kinds = {-1: 0, 0: 0, 1: 0}
    for view in bands:
        presence, classes = int(view["presence"]), dict(zip(HEADS, view["classes"].tolist(), strict=True))
        kinds[presence] += 1
        assert classes["view"] == -1 and classes["density"] == 2
        if presence == 0:
            assert view["lesion"].sum() < 20
            assert (classes["finding"], classes["birads"], classes["pathology"]) == (11, -1, -1)
            assert tuple(Finding)[11] is Finding.NONE
        if presence == 1:
            assert view["lesion"].sum() > 150 and classes["finding"] == 0 and classes["pathology"] == 2
        shown = view["image"][0].any(dim=1)
        assert not view["lesion"][0][~shown].any()
    assert min(kinds.values()) > 5


def test_a_band_of_an_image_whose_lesion_has_no_known_place_claims_nothing():
    for view in shown_bands(item("unknown", diffuse_boxes=[BOX]), 60):
        assert view["presence"] == -1
        assert view["classes"].tolist() == [-1, -1, 2, -1, -1]


def test_a_band_of_an_image_without_a_lesion_shows_none():
    assert {int(view["presence"]) for view in shown_bands(item("none"), 60)} == {0}


def test_only_cc_views_are_turned_and_their_mask_with_them():
    def is_turned(one: dict) -> set[bool]:
        dataset, found = LesionDataset([one], seed=2), set()
        for epoch in range(30):
            dataset.set_epoch(epoch)
            view = dataset[0]
            rows = view["image"][0].mean(dim=1)
            if not is_band(view):
                turned = bool(rows[12] > rows[-12])
                weight = torch.arange(SHAPE[0])[:, None]
                middle = float((view["lesion"][0] * weight).sum() / view["lesion"].sum())
                assert (middle > SHAPE[0] / 2) == turned, "the lesion lies in the upper half"
                found.add(turned)
        return found

    label = np.zeros(SHAPE, dtype=bool)
    label[22:38, 14:28] = True
    assert is_turned(item("contour", label=label, boxes=[BOX], view="CC")) == {True, False}
    assert is_turned(item("contour", label=label, boxes=[BOX], view="MLO")) == {False}


def test_images_and_masks_are_brought_to_the_working_shape_together():
    label = np.zeros(SHAPE, dtype=bool)
    label[20:40, 12:30] = True
    small = first(item("contour", label=label, boxes=[BOX]), shape=(40, 30))
    assert small["image"].shape == small["lesion"].shape == (1, 40, 30)
    assert small["lesion"].sum() == pytest.approx(label.sum() / 4)
    assert small["image"].mean() == pytest.approx(float(first(item("none"))["image"].mean()), abs=1e-3)


def test_lesion_free_images_are_repeated_and_no_other():
    items = [item("none"), item("box", boxes=[BOX]), item("unknown")]
    assert [i["mask_kind"] for i in lesion_free_repeated(items, 3)] == ["none"] * 3 + ["box", "unknown"]
