"""Figures of an examiner whose answers are known, and its calibration."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from monai_mammo import bundle, networks
from monai_mammo.attributes import HEADS
from monai_mammo.cli.main import main
from monai_mammo.conditions import Box
from monai_mammo.evaluation.answers import Answer, answers_of, scored_detections
from monai_mammo.evaluation.calibration import best_mask_shift, fitted_temperature
from monai_mammo.evaluation.examination import measures_of, unread_heads
from monai_mammo.evaluation.reliability import reliability
from monai_mammo.networks.probable_regions import Region
from monai_mammo.prepare.datalist_items import load_items


class BrightIsLesion(torch.nn.Module):
    """Outlines what is brighter than 0.9; sure of a lesion where there is such; always names the first classes."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image):
        mask = 100 * (image - 0.9)
        classes = {head: 5 * torch.eye(len(a.values))[[0] * len(image)] for head, a in HEADS.items()}
        peak = mask.amax(dim=(1, 2, 3))
        return {"mask": mask, "presence": torch.stack([-peak, peak], dim=1), **classes}


def answer(
    index: int, *, label: int = 0, named: int = 0, detections=(), boxes=(), mask_kind="box", presence=None, **more
):
    probabilities = {"density": np.eye(4)[named] * 0.9 + 0.025}
    labels = {"density": label}
    if presence is not None:
        labels["presence"], score = presence
        probabilities["presence"] = np.array([1 - score, score])
    return Answer(
        kind="digital",
        person_id=f"p{index}",
        mask_kind=mask_kind,
        boxes=tuple(boxes),
        labels=labels,
        probabilities=probabilities,
        detections=tuple(detections),
        dice=None,
        **more,
    )


def detection(x: float, y: float, score: float) -> Region:
    box = Box(x - 0.05, y - 0.05, x + 0.05, y + 0.05)
    return Region(box=box, score=score, mask=np.zeros((2, 2), dtype=bool), center=(x, y))


def test_known_squares_are_marked_with_nothing_beside_them(datalist):
    answers = answers_of(BrightIsLesion(), load_items(datalist))
    found = [scored_detections(a) for a in answers]
    assert [m.n_lesions for m in found] == [1, 1, 1, 0, 1, 1]
    assert [m.hits[0] for m in found] == [0, 0, 0, -1, 0, 0], "the fourth image is said to show none, but does"
    assert [a.dice for a in answers if a.mask_kind == "contour"] == pytest.approx([1, 1, 1], abs=0.02)
    rows = {(row["kind"], row["measure"]): row for row in measures_of(answers)}
    assert rows["all", "sensitivity at 1 false positive an image"]["mean"] == 1
    assert rows["all", "view: accuracy"]["mean"] == rows["all", "view: accuracy"]["most_frequent"] == 0.5
    assert rows["film", "density: accuracy"]["mean"] == 0, "class A is named, C is known"


def test_a_mark_meets_the_lesion_it_overlaps_most_by_its_centre_or_its_box():
    boxes = (Box(0.1, 0.1, 0.4, 0.4), Box(0.35, 0.1, 0.6, 0.4))
    inside, both, away = detection(0.2, 0.2, 0.9), detection(0.39, 0.2, 0.5), detection(0.8, 0.8, 0.3)
    assert scored_detections(answer(0, boxes=boxes, detections=(inside, both, away))).hits == (0, 1, -1)
    around = Region(box=Box(0.05, 0.05, 0.5, 0.5), score=0.4, mask=np.zeros((2, 2), dtype=bool), center=(0.45, 0.45))
    assert scored_detections(answer(0, boxes=boxes[:1], detections=(around,))).hits == (0,), "its box overlaps by 0.44"
    assert scored_detections(answer(0, mask_kind="unknown")) is None


def test_no_lesion_is_judged_at_the_threshold_that_names_four_in_five():
    scores = [(1, s) for s in (0.9, 0.8, 0.7, 0.6, 0.1)] + [(0, s) for s in (0.65, 0.5, 0.2, 0.05)]
    answers = [answer(i, presence=pair) for i, pair in enumerate(scores)]
    rows = {row["measure"]: row for row in measures_of(answers) if row["kind"] == "digital"}
    assert rows["no lesion: specificity at 80% sensitivity"]["mean"] == 0.75
    assert rows["lesion or none: AUC"]["mean"] == 0.8


def test_a_head_that_names_one_class_is_not_read_and_one_that_is_right_is():
    one_class = [answer(i, label=i % 2, named=0) for i in range(40)]
    right = [answer(i, label=i % 2, named=i % 2) for i in range(40)]
    assert "density" in unread_heads(one_class)
    assert "density" not in unread_heads(right)
    assert "view" in unread_heads(right), "nothing is known of it"


def test_birads_4_counts_as_suspicious_and_3_does_not():
    def judged(index: int, label: int, named: int) -> Answer:
        known = answer(index)
        known.labels["birads"], known.probabilities["birads"] = label, np.eye(7)[named]
        return known

    answers = [judged(i, 4, 4) for i in range(6)] + [judged(6 + i, 3, 3) for i in range(6)]
    rows = {row["measure"]: row for row in measures_of(answers)}
    assert rows["birads 4 and more: AUC"]["mean"] == 1
    wrong = [judged(i, 4, 3) for i in range(6)] + [judged(6 + i, 3, 5) for i in range(6)]
    assert {row["measure"]: row for row in measures_of(wrong)}["birads 4 and more: AUC"]["mean"] == 0


def test_the_temperature_of_logits_drawn_at_temperature_3_is_3():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 4))
    noisy = logits + rng.gumbel(size=logits.shape)
    assert fitted_temperature(3 * logits, noisy.argmax(axis=1)) == pytest.approx(3, rel=0.06)


def test_the_mask_is_shifted_to_where_the_overlap_is_largest():
    rng = np.random.default_rng(1)
    masks = [rng.random((20, 20)) < 0.2 for _ in range(3)]
    logits = [np.where(mask, -1.6, -2.6) for mask in masks]
    assert 1.6 < best_mask_shift(logits, masks) <= 2.6


def test_reliability_of_answers_that_are_sure_and_half_right():
    logits, labels = np.tile([9.0, 0.0], (60, 1)), np.arange(60) % 2
    curve = reliability(logits, labels)
    assert curve.error == pytest.approx(0.5, abs=1e-3)
    assert curve.accuracy == pytest.approx([0.5] * 6) and curve.confidence == pytest.approx([1] * 6, abs=1e-3)


def test_the_commands_write_figures_weights_and_a_picture(bundles, datalist, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "bundles"
    shutil.copytree(bundles, folder)
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(folder))
    out = tmp_path / "examiners.json"
    given = ["--datalist", str(datalist), "--device", "cpu"]
    assert main(["evaluate", "calibrate", *given, "--out", str(tmp_path / "reliability.png")]) == 0
    home = bundle.find("mammo_lesion_segmentation")
    network = networks.load_network(home)  # so the hash fits
    assert not torch.equal(network.calibration.temperature, torch.ones(6))
    assert set(home.metadata["unread_heads"]) == {"lesion network", "judge"}
    assert Image.open(tmp_path / "reliability.png").width > 1000
    assert main(["evaluate", "examiners", *given, "--out", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert {row["network"] for row in figures["rows"]} == {"lesion network", "judge"}
    assert figures["unread"] == home.metadata["unread_heads"]
    assert "| Dice of outlined lesions | digital |" in capsys.readouterr().out


def test_calibration_does_not_change_what_is_named_and_can_be_repeated(bundles, datalist, tmp_path, monkeypatch):
    folder = tmp_path / "bundles"
    shutil.copytree(bundles, folder)
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(folder))
    before = answers_of(networks.load_network(bundle.find("mammo_lesion_segmentation")), load_items(datalist))
    states = []
    for _ in range(2):
        main(
            ["evaluate", "calibrate", "--datalist", str(datalist), "--device", "cpu", "--out", str(tmp_path / "r.png")]
        )
        states.append(networks.load_network(bundle.find("mammo_lesion_segmentation")))
    after = answers_of(states[1], load_items(datalist))
    for head in HEADS:
        assert [a.probabilities[head].argmax() for a in before] == [a.probabilities[head].argmax() for a in after]
    for one, other in zip(states[0].buffers(), states[1].buffers(), strict=True):
        torch.testing.assert_close(one, other, rtol=2e-3, atol=0)
