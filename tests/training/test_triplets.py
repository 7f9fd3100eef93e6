"""What counts as read, and how far a reading is from what was told."""

from __future__ import annotations

import pytest
import torch

from monai_mammo.attributes import HEADS
from monai_mammo.conditions import Box, Conditions
from monai_mammo.networks.class_heads import PRESENCE
from monai_mammo.networks.context import encode_conditions
from monai_mammo.training.triplets import (
    ATTRIBUTES,
    Survival,
    TripletTarget,
    disagreement,
    is_read,
    ranked_probability_score,
    read_triplets,
)

FREE = Conditions(finding="none", density="A")
MASS = Conditions(finding="mass", density="C", birads=5, pathology="malignant", box=Box(0.25, 0.25, 0.75, 0.5))
NOTHING = Conditions()


def _target():
    """Three items: a mass, no lesion, nothing told."""
    spatial = torch.zeros(3, 2, 16, 12)
    spatial[0, :, 4:8, 3:9] = 1
    return TripletTarget.of_conditions(encode_conditions([MASS, FREE, NOTHING]), spatial)


def _outputs(target, *, sure=8.0):
    """Outputs that say what is told."""
    mask = (2 * target.mask - 1) * sure
    out = {"mask": mask.repeat_interleave(4, 2).repeat_interleave(4, 3)}
    for name, label in target.labels.items():
        n = 2 if name == PRESENCE else len(HEADS[name].values)
        out[name] = sure * torch.nn.functional.one_hot(label.clamp_min(0), n).float()
    return out


def test_what_is_dropped_or_open_is_not_told():
    told = {name: values.tolist() for name, values in _target().told.items()}
    assert tuple(told) == ATTRIBUTES
    assert told["mask"] == told[PRESENCE] == told["finding"] == told["density"] == [True, True, False]
    assert told["box"] == told["birads"] == told["pathology"] == [True, False, False]
    assert _target().labels[PRESENCE].tolist() == [1, 0, -1]
    assert [values.tolist() for values in _target()[torch.tensor([1, 0])].told.values()][1] == [False, True]


def test_birads_0_has_no_place_between_the_others():
    conditions = [Conditions(birads=0), Conditions(birads=1)]
    target = TripletTarget.of_conditions(encode_conditions(conditions), torch.zeros(2, 2, 16, 12))
    assert target.told["birads"].tolist() == [False, True]


def test_what_is_told_is_read_from_outputs_that_say_it_and_no_longer_where_one_is_changed():
    target = _target()
    read = is_read(_outputs(target), target)
    assert all(torch.equal(read[name], target.told[name]) for name in ATTRIBUTES)
    for name in ("finding", "density", "birads", "pathology", PRESENCE):
        outputs = _outputs(target)
        outputs[name] = outputs[name].roll(1, dims=1)
        changed = is_read(outputs, target)
        assert {n for n in ATTRIBUTES if not torch.equal(changed[n], read[n])} == {name}
    outputs = _outputs(target)
    outputs["mask"] = outputs["mask"].roll(32, dims=2)  # a lesion elsewhere
    outputs["mask"][1, :, 8:24, 8:24] = 4.0  # and one where none is
    changed = is_read(outputs, target)
    assert not changed["mask"].any() and not changed["box"].any()


def test_a_smaller_error_is_a_smaller_disagreement_attribute_by_attribute():
    target = _target()
    right, half_sure = disagreement(_outputs(target), target), disagreement(_outputs(target, sure=0.5), target)
    outputs = _outputs(target)
    wrong = disagreement({name: -values for name, values in outputs.items()}, target)
    for name in ATTRIBUTES:
        told = target.told[name]
        assert (right[name][told] < (0.3 if name == "box" else 0.02)).all(), name  # a rectangle's box is too large
        assert (right[name][told] < wrong[name][told]).all(), name
        if name != "box":
            assert (right[name][told] < half_sure[name][told]).all(), name


def test_the_ranked_probability_score_knows_how_far_off_a_class_is():
    sure = 40 * torch.eye(4)
    label = torch.zeros(4, dtype=torch.int64)
    assert ranked_probability_score(sure, label).tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-6)
    even = ranked_probability_score(torch.zeros(1, 4), label[:1]).item()
    assert even == pytest.approx((0.75**2 + 0.5**2 + 0.25**2) / 3)


def test_a_triplet_says_where_an_attribute_is_lost():
    target = _target()

    class Reader(torch.nn.Module):
        """Says what is told of bright images, of dark ones the opposite."""

        def forward(self, image):
            sign = (image.mean(dim=(1, 2, 3)) > 0.5).float() * 2 - 1
            return {
                name: values * sign.reshape(-1, *[1] * (values.ndim - 1)) for name, values in _outputs(target).items()
            }

    bright, dark = torch.ones(3, 1, 64, 48), torch.zeros(3, 1, 64, 48)
    found = read_triplets(Reader(), bright, bright, dark, target)
    assert set(found[0]) == set(ATTRIBUTES) and set(found[1]) == {"mask", PRESENCE, "finding", "density"}
    assert found[0]["density"] == Survival(acquired=True, reconstructed=True, synthetic=False)
    assert found[2] == {}
