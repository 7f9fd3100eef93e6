"""The box of a probability map and the overlap of boxes, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from monai.data.box_utils import box_pair_giou

from monai_mammo.training.soft_box import generalized_iou, soft_box

ROWS, COLUMNS = 96, 72


def _filled(x, y, half_width, half_height, *, is_ellipse):
    v = ((torch.arange(ROWS) + 0.5) / ROWS - y)[:, None] / half_height
    u = ((torch.arange(COLUMNS) + 0.5) / COLUMNS - x)[None] / half_width
    inside = u * u + v * v <= 1 if is_ellipse else torch.maximum(u.abs().expand(ROWS, -1), v.abs()) <= 1
    return inside.float()[None, None]


def test_a_filled_ellipse_has_its_own_box_however_faint():
    ellipse = _filled(0.4, 0.7, 0.2, 0.1, is_ellipse=True)
    box = torch.tensor([0.2, 0.6, 0.6, 0.8])
    for peak in (1.0, 0.1):
        assert torch.allclose(soft_box(peak * ellipse)[0], box, atol=0.5 / COLUMNS)  # half a pixel


def test_a_filled_rectangle_has_a_box_that_is_larger_by_a_known_factor():
    rectangle = torch.zeros(1, 1, ROWS, COLUMNS)
    rectangle[..., 20:44, 6:24] = 1  # 24 rows from 20, 18 columns from 6
    factor = 2 / math.sqrt(3)
    half_width, half_height = 9 / COLUMNS * factor, 12 / ROWS * factor
    expected = torch.tensor([15 / 72 - half_width, 32 / 96 - half_height, 15 / 72 + half_width, 32 / 96 + half_height])
    assert torch.allclose(soft_box(rectangle)[0], expected, atol=1e-5)


def test_what_stays_below_half_of_the_peak_does_not_count():
    ellipse = _filled(0.4, 0.7, 0.2, 0.1, is_ellipse=True)
    far = ellipse.clone()
    far[..., 5:9, 60:70] = 0.49
    assert torch.allclose(soft_box(far), soft_box(ellipse), atol=1e-6)
    far[..., 5:9, 60:70] = 1.0
    assert soft_box(far)[0, 1] < 0.5


def test_following_the_gradient_brings_a_blob_into_its_box():
    rows, columns = (torch.arange(ROWS)[:, None] + 0.5) / ROWS, (torch.arange(COLUMNS) + 0.5) / COLUMNS
    place = torch.tensor([0.6, 0.3, 0.08], requires_grad=True)  # x, y, radius
    aim = torch.tensor([[0.3, 0.4, 0.5, 0.6]])
    optimizer = torch.optim.Adam([place], 0.01)
    for _ in range(200):
        optimizer.zero_grad()
        x, y, radius = place
        box = soft_box(torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / radius**2)[None, None])
        ((box - aim).abs().mean() + 1 - generalized_iou(box, aim).mean()).backward()
        optimizer.step()
    assert (box - aim).abs().max().item() < 0.02  # two steps of the optimiser


@pytest.mark.parametrize(
    ("b", "expected"),
    [
        ([0.0, 0.0, 1.0, 1.0], 1.0),
        ([0.0, 0.0, 0.5, 1.0], 0.5),  # nested: the box round both is the larger
        ([2.0, 0.0, 3.0, 1.0], -1 / 3),  # apart by their own width
        ([0.5, 0.5, 1.5, 1.5], 0.25 / 1.75 - (2.25 - 1.75) / 2.25),
    ],
)
def test_generalized_iou_of_known_boxes(b, expected):
    unit = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    assert generalized_iou(unit, torch.tensor([b])).item() == pytest.approx(expected, abs=1e-6)
    assert generalized_iou(torch.tensor([b]), unit).item() == pytest.approx(expected, abs=1e-6)


def test_generalized_iou_is_monais():
    torch.manual_seed(0)
    low = torch.rand(2, 50, 2)
    a, b = torch.cat([low, low + 0.05 + torch.rand(2, 50, 2)], dim=2)
    assert torch.allclose(generalized_iou(a, b), box_pair_giou(a, b), atol=1e-5)
