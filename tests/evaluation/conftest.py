"""A tiny prepared folder, a tiny run and tiny bundles, a judge among them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_bundles import write_tiny_bundles

from monai_mammo.bundle import seal
from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import Provenance, WeightsReference
from monai_mammo.generation.request import Request
from monai_mammo.generation.runs.manifest import Manifest
from monai_mammo.generation.runs.output_format import OutputFormat
from monai_mammo.generation.runs.sample_files import FinishedSample, place_sample
from monai_mammo.networks import PyramidJudge
from monai_mammo.study import Mammogram, Spacing
from monai_mammo.terms import ChestWall

SHAPE = (64, 48)
_WEIGHTS = WeightsReference("tiny", "0", "0" * 64)


def breast_image(seed: int = 0) -> np.ndarray:
    """Half an ellipse at the left edge with texture of 0.3 to 0.7, air 0."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    breast = ((y - 31.5) / 26) ** 2 + (x / 36) ** 2 <= 1
    noise = np.random.default_rng(seed).random(SHAPE)
    return np.where(breast, 0.3 + 0.4 * noise, 0).astype(np.float32)


def lesion_mask(row: int = 28, column: int = 10, size: int = 10) -> np.ndarray:
    """A square lesion."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[row : row + size, column : column + size] = True
    return mask


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Folder with the three tiny bundles; the lesion network's holds a judge."""
    folder = tmp_path_factory.mktemp("bundles")
    root = write_tiny_bundles(folder)["mammo_lesion_segmentation"]
    arguments = {"pyramid_channels": 8}
    path = root / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["judge_def"] = {"_target_": "monai_mammo.networks.PyramidJudge", **arguments}
    path.write_text(json.dumps(config))
    torch.manual_seed(1)
    torch.save(PyramidJudge(**arguments).half().state_dict(), root / "models" / "judge.pt")
    seal(root)
    return folder


@pytest.fixture(autouse=True)
def _use_tiny_bundles(bundles, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(bundles))


@pytest.fixture(scope="session")
def drawn():
    """Function that draws an image without, and the mask of, a lesion."""
    return lambda seed: (breast_image(seed), lesion_mask())


@pytest.fixture(scope="session")
def datalist(tmp_path_factory):
    """Prepared folder with six images: two of each kind, outlined, boxed and without a lesion."""
    folder = tmp_path_factory.mktemp("prepared")
    items = []
    for index in range(6):
        kind = ("digital", "contrast", "film")[index % 3]
        image, lesion = breast_image(index), lesion_mask()
        image[lesion] = 0.95
        np.save(folder / f"{index}.npy", np.rint(image * 65535).astype(np.uint16))
        Image.fromarray(((image > 0) * 255).astype(np.uint8)).save(folder / f"{index}_breast.png")
        Image.fromarray((lesion * 255).astype(np.uint8)).save(folder / f"{index}_lesion.png")
        shown = {"kind": kind, "view": "CC" if index < 3 else "MLO", "laterality": "R", "density": "C"}
        item = {"image": f"{index}.npy", "breast": f"{index}_breast.png", "image_id": f"image_{index}"}
        item |= {"person_id": f"person_{index // 2}", "source": "drawn", "boxes": []}
        box = [10 / 48, 28 / 64, 20 / 48, 38 / 64]
        if index == 3:
            shown |= {"finding": "none"}
            item |= {"mask_kind": "none"}
        elif kind == "film":
            shown |= {"finding": "mass", "birads": 4, "box": box}
            item |= {"mask_kind": "box", "boxes": [box]}
        else:
            shown |= {"finding": "mass", "birads": 5, "box": box}
            item |= {"mask_kind": "contour", "boxes": [box], "label": f"{index}_lesion.png"}
        items.append({**item, "conditions": shown})
    path = folder / "datalist.json"
    splits = {"training": [], "validation": items, "test": [], "external": items[2:3]}
    path.write_text(json.dumps({"version": 1, "shape": list(SHAPE), **splits}))
    return path


@pytest.fixture(scope="session")
def make_run(tmp_path_factory):
    """Function that writes a run of samples ``(laterality, image with the chest wall left, lesion)``."""

    def write(samples, *, output_format=OutputFormat.DICOM, mirrored=(), dice_of_tries=(0.25,), weights=()):
        folder = tmp_path_factory.mktemp("run")
        request = Request(count=len(samples), seed=3)
        manifest = Manifest.new(
            folder,
            run_sha256="ab" * 32,
            request_sha256=request.request_sha256,
            request=request.to_dict(),
            identity=request.identity(),
            guidance=2.0,
            device="cpu",
            shape=list(SHAPE),
            spacing_mm=3.5,
            spacing_source="nominal",
            weights=[{"name": "tiny", "version": "0", "sha256": one} for one in weights],
            versions={},
            warnings=[],
            times={"started": "2026-01-01T00:00:00+00:00", "finished": None},
        )
        for index, (laterality, image, lesion) in enumerate(samples):
            turned = (laterality == "R") != (index in mirrored)
            pixels, mask = (a[:, ::-1].copy() if turned else a for a in (image, lesion))
            shown = {"kind": "digital", "view": "CC", "laterality": laterality, "density": "C"}
            if lesion.any():
                box = [10 / 48, 28 / 64, 20 / 48, 38 / 64]
                shown |= {"finding": "mass", "box": [1 - box[2], box[1], 1 - box[0], box[3]] if turned else box}
            else:
                shown |= {"finding": "none"}
            conditions = Conditions.from_dict(shown)
            mammogram = Mammogram(
                pixels=pixels,
                conditions=conditions,
                spacing=Spacing(3.5, 3.5, "nominal"),
                chest_wall=ChestWall.LEFT if laterality == "L" else ChestWall.RIGHT,
                lesion_mask=mask,
            )
            finished = FinishedSample(
                index=index,
                mammogram=mammogram,
                found_mask=mask,
                run_sha256=manifest.run_sha256,
                run_seed=3,
                provenance=Provenance(weights=(_WEIGHTS,)),
                found_by=_WEIGHTS,
            )
            files = place_sample(finished, folder, format=output_format, keep={})
            dice_of = [dice if lesion.any() else None for dice in dice_of_tries]
            tries = [{"dice": dice, "outside_share": 0.0, "defect": ""} for dice in dice_of]
            manifest.samples[index] = {
                "index": index,
                "id": f"sample_{index:04d}",
                "conditions": conditions.to_dict(),
                "tries": tries,
                "kept_try": 0,
                "outcome": "passed",
                "is_failure": False,
                "found": {"dice": tries[0]["dice"], "box": None},
                "warnings": [],
                "files": dict(files),
            }
        manifest.save()
        return folder

    return write
