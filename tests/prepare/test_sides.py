"""The chest wall by the pixels is held against the laterality and against what the header states."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_encoders import encode

from monai_mammo.dicom import read_mammogram
from monai_mammo.prepare import prepare_mammogram

ORIENTATIONS = {"left": ["A", "R"], "right": ["P", "R"], None: ["H", "R"]}


def breast(wall):
    """Half an ellipse at one edge of the picture, air beside it."""
    y, x = np.mgrid[:96, :64] / np.array([96, 64]).reshape(2, 1, 1)
    pixels = np.rint(4000 * np.clip(1 - (x / 0.7) ** 2 - ((y - 0.5) / 0.45) ** 2, 0, 1)).astype(np.int64)
    return pixels if wall == "left" else pixels[:, ::-1]


@pytest.mark.parametrize("stated", ["left", "right", None])
@pytest.mark.parametrize("laterality", ["L", "R", ""])
@pytest.mark.parametrize("wall", ["left", "right"])
def test_each_contradiction_is_noted_and_no_other(tmp_path, wall, laterality, stated):
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(breast(wall), ImageLaterality=laterality, PatientOrientation=ORIENTATIONS[stated]))
    found = read_mammogram(path)
    assert found.stated_chest_wall == stated
    prepared = prepare_mammogram(found, shape=(64, 48))
    assert prepared.chest_wall == wall
    expected = {"L": "left", "R": "right", "": "left"}[laterality]  # without a label, the R of the column is one
    assert prepared.contradicts_label == (wall != expected)
    notes = [note for note in prepared.notes if note.startswith("chest wall")]
    by_label = [f"chest wall lies {wall} by the pixels, {expected} by the laterality"] * (wall != expected)
    by_header = [f"chest wall lies {wall} by the pixels, {stated} by PatientOrientation"] * (stated not in (wall, None))
    assert notes == by_label + by_header
