"""Readings of a network whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_mammo import bundle
from monai_mammo.attributes import HEADS
from monai_mammo.conditions import Box
from monai_mammo.errors import MammoError
from monai_mammo.evaluation.examiners import load_judge
from monai_mammo.evaluation.lesion_readings import lesion_figures, measured, read_items, summarised
from monai_mammo.measures.overlap import box_iou, box_of_largest
from monai_mammo.prepare.datalist_items import load_items


class BrightIsLesion(torch.nn.Module):
    """Outlines what is brighter than 0.9, moved down by some rows; always names the same classes."""

    def __init__(self, shift: int = 0) -> None:
        super().__init__()
        self.shift = shift
        self.anchor = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image):
        mask = 100 * (torch.roll(image, self.shift, 2) - 0.9)
        classes = {name: torch.eye(len(head.values))[[0] * len(image)] for name, head in HEADS.items()}
        return {"mask": mask, **classes}


def values_of(network, items):
    found = measured(read_items(network, items))
    return {key: [v for _, v in values] for key, values in found.items()}


def test_a_perfect_outline_has_dice_and_iou_1(datalist):
    found = values_of(BrightIsLesion(), load_items(datalist))
    assert found["all", "Dice"] == [1, 1, 1], "of three outlined lesions"
    assert found["all", "box IoU"] == pytest.approx([1] * 5)
    assert found["film", "box IoU, no outline known"] == pytest.approx([1, 1])
    assert ("digital", "box IoU, no outline known") not in found
    assert found["all", "nothing found, no lesion there"] == [0], "the bright square is there all the same"


def test_an_outline_3_of_10_rows_off(datalist):
    """Dice 7 / 10; box IoU 7 / 13."""
    found = values_of(BrightIsLesion(shift=3), load_items(datalist))
    assert found["contrast", "Dice"] == pytest.approx([0.7, 0.7])
    assert found["all", "box IoU"] == pytest.approx([7 / 13] * 5)


def test_what_is_found_outside_the_breast_does_not_count(datalist):
    items = [{**item, "breast": np.zeros((64, 48), dtype=bool)} for item in load_items(datalist)]
    found = values_of(BrightIsLesion(), items)
    assert found["all", "Dice"] == [0, 0, 0]
    assert found["all", "nothing found, no lesion there"] == [1]


def test_heads_count_where_their_label_is_known(datalist):
    """Class 0 is view CC, finding mass, density A: right for three of six, five of six and none."""
    readings = read_items(BrightIsLesion(), load_items(datalist))
    found = measured(readings)
    view = summarised(found["all", "view"], "view")
    assert (view["mean"], view["n"], view["n_persons"], view["most_frequent"]) == (0.5, 6, 3, 0.5)
    finding = summarised(found["all", "finding"], "finding")
    assert (finding["mean"], finding["most_frequent"]) == (0.8333, 0.8333)
    assert summarised(found["all", "density"], "density")["mean"] == 0
    assert len(found["all", "birads"]) == 5, "the image without lesion states none"
    assert ("all", "pathology") not in found


def test_the_largest_component_gives_the_box():
    mask = np.zeros((10, 20), dtype=bool)
    mask[0:2, 0:2] = mask[4:8, 10:14] = mask[8, 14] = True
    assert tuple(box_of_largest(mask)) == pytest.approx((10 / 20, 4 / 10, 15 / 20, 9 / 10)), "corners touch"
    assert box_of_largest(np.zeros((4, 4), dtype=bool)) is None


@pytest.mark.parametrize(
    ("other", "iou"),
    [
        (Box(0, 0, 0.5, 0.5), 1),
        (Box(0.25, 0, 0.75, 0.5), 1 / 3),
        (Box(0.5, 0, 1, 0.5), 0),
        (None, 0),
        (Box(0, 0, 1, 1), 0.25),
    ],
)
def test_iou(other, iou):
    assert box_iou(Box(0, 0, 0.5, 0.5), other) == pytest.approx(iou)
    assert box_iou(other, Box(0, 0, 0.5, 0.5)) == pytest.approx(iou)


def test_figures_of_both_networks(datalist):
    found = lesion_figures(datalist, device="cpu")
    assert {row["network"] for row in found["rows"]} == {"lesion network", "judge"}
    assert [b["weights"] for b in found["bundles"]] == ["models/model.pt", "models/judge.pt"]
    assert found["bundles"][0]["sha256"] != found["bundles"][1]["sha256"]


def test_a_bundle_without_judge_says_so():
    with pytest.raises(MammoError, match="judge.pt is missing"):
        load_judge(bundle.find("mammo_autoencoder"), device=torch.device("cpu"))
