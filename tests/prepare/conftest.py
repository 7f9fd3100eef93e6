"""Small data sets of phantoms, as files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Identity, Provenance, WeightsReference, write_mammogram
from monai_mammo.phantom import draw_mammogram
from monai_mammo.study import Mammogram

SHAPE = (160, 120)


def save_picture(mammogram: Mammogram, path: Path, *, bits: int = 8) -> None:
    """Write a mammogram as a picture of 8 or 16 bit, its conditions and mask beside it."""
    if bits == 16:
        Image.fromarray(np.round(mammogram.pixels * 65535).astype(np.uint16)).save(path)
    else:
        grey = Image.fromarray(np.round(mammogram.pixels * 255).astype(np.uint8))
        grey.convert("RGB").save(path, lossless=True) if path.suffix == ".webp" else grey.save(path)
    sidecar = {**mammogram.conditions.to_dict(), "person_id": mammogram.person_id}
    if mammogram.lesion_mask is not None:
        mask_name = f"{path.stem}.mask.png"
        Image.fromarray(mammogram.lesion_mask).save(path.with_name(mask_name))
        sidecar["lesion_mask"] = mask_name
    path.with_suffix(".json").write_text(json.dumps(sidecar))


def save_dicom(mammogram: Mammogram, path: Path) -> None:
    """Write a mammogram as a DICOM file."""
    provenance = Provenance(weights=(WeightsReference("phantom", "1"),))
    write_mammogram(mammogram, path, identity=Identity("run", 1, path.stem), provenance=provenance)


@pytest.fixture
def picture() -> Mammogram:
    """Right MLO view with a mass."""
    asked = Conditions(view="MLO", laterality="R", kind="digital", finding="mass", birads=3, density="B")
    return draw_mammogram(asked, seed=3, shape=SHAPE)


@pytest.fixture
def folder(tmp_path: Path, picture: Mammogram) -> Path:
    """Folder with one file of each sort, sound, left out and broken."""
    top = tmp_path / "data"
    (top / "deep" / "er").mkdir(parents=True)
    save_picture(picture, top / "right.png", bits=16)
    save_picture(draw_mammogram(Conditions(kind="film", finding="none"), seed=4, shape=SHAPE), top / "film.webp")
    save_dicom(draw_mammogram(Conditions(kind="digital"), seed=5, shape=SHAPE), top / "deep" / "er" / "one.dcm")
    plain = draw_mammogram(Conditions(kind="digital"), seed=6, shape=SHAPE)
    Image.fromarray(np.round(plain.pixels * 255).astype(np.uint8)).save(top / "deep" / "plain.png")
    (top / "torn.png").write_bytes((top / "right.png").read_bytes()[:900])
    (top / "notes.txt").write_text("no picture")
    Image.fromarray(np.zeros((160, 120), np.uint8)).save(top / "black.png")
    colour = np.random.default_rng(0).integers(0, 255, (64, 48, 3), dtype=np.uint8)
    Image.fromarray(colour).save(top / "colour.png")
    return top


TABLE_COLUMNS = (
    "image_id file source person_id kind laterality view chest_wall density birads finding pathology age boxes mask "
    "split sha256"
).split()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Table of four phantoms: two lesions outlined, a box, no lesion, and a line with a bad density."""
    top = tmp_path / "table"
    (top / "images").mkdir(parents=True)
    (top / "masks").mkdir()
    rows, outlines = [], []
    for i, finding in enumerate(["mass", "mass", "none", "mass"]):
        asked = Conditions(kind="digital", laterality="LR"[i % 2], view="CC", finding=finding, density="B", birads=2)
        drawn = draw_mammogram(asked, seed=20 + i, shape=SHAPE)
        name = f"case_{i}"
        Image.fromarray(np.round(drawn.pixels * 255).astype(np.uint8)).save(top / "images" / f"{name}.png")
        row = dict.fromkeys(TABLE_COLUMNS, "")
        row |= {k: str(v) for k, v in drawn.conditions.to_dict().items() if k in TABLE_COLUMNS}
        row |= {"image_id": name, "file": f"images/{name}.png", "source": "Drawn", "person_id": f"P{i}"}
        row |= {"split": ("train", "val", "external", "train")[i], "age": "50", "chest_wall": str(drawn.chest_wall)}
        if drawn.conditions.box is not None:
            box = drawn.conditions.box
            lesion = {"x": box.x0, "y": box.y0, "w": box.width_fraction, "h": box.height_fraction, "type": "lesion"}
            small = {"x": 0.45, "y": 0.5, "w": 0.02, "h": 0.02, "type": "lesion"}
            skin = {"x": 0.1, "y": 0.1, "w": 0.8, "h": 0.8, "type": "skin_or_diffuse"}
            row["boxes"] = json.dumps([skin, small, lesion])
        rows.append(row)
    rows[0]["finding"] = "calcification|mass"
    rows[3]["density"] = "E"
    outlined = draw_mammogram(
        Conditions(kind="digital", laterality="L", view="CC", finding="mass", density="B", birads=2),
        seed=20,
        shape=SHAPE,
    )
    mask = outlined.lesion_mask.copy()
    mask[70:80, 2:9] = True  # diffuse change in the breast, in the mask but not of type lesion
    Image.fromarray(mask).save(top / "masks" / "case_0.png")
    rows[0]["mask"] = "masks/case_0.png"
    inside = np.argwhere(outlined.lesion_mask)
    corners = [inside[inside[:, k].argsort()[end]] for k in (0, 1) for end in (0, -1)]
    ordered = [corners[0], corners[3], corners[1], corners[2]]
    points = [[(column + 0.5) / SHAPE[1], (row + 0.5) / SHAPE[0]] for row, column in ordered]
    outlines.append({"image_id": "case_0", "type": "lesion", "polygon": json.dumps(np.array(points).tolist())})
    square = [[2.5 / 120, 70.5 / 160], [8.5 / 120, 70.5 / 160], [8.5 / 120, 79.5 / 160], [2.5 / 120, 79.5 / 160]]
    outlines.append({"image_id": "case_0", "type": "skin_or_diffuse", "polygon": json.dumps(square)})
    _write_csv(top / "metadata.csv", TABLE_COLUMNS, rows)
    _write_csv(top / "contours.csv", ["image_id", "type", "polygon"], outlines)
    return top / "metadata.csv"


def _write_csv(path: Path, columns, rows) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(name="save_picture")
def _save_picture():
    return save_picture


@pytest.fixture(name="save_dicom")
def _save_dicom():
    return save_dicom
