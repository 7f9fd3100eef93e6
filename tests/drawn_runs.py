"""Runs whose mammograms are drawn, with the defects that a test asks for. Needs no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.bundle import SupportTable
from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import WeightsReference
from monai_mammo.generation.engine.check import NOTHING_LEFT, check_image
from monai_mammo.generation.engine.plan import plan_sample
from monai_mammo.generation.made_sample import made_sample
from monai_mammo.generation.request import Request
from monai_mammo.generation.runs.carrying_out import carry_out
from monai_mammo.generation.runs.run import Run
from monai_mammo.generation.runs.run_spec import RunSpec
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare.array import prepare_mammogram

SHAPE = (64, 48)
MASS = {"density": "C", "view": "MLO", "laterality": "R", "finding": "mass", "kind": "digital", "birads": 5}
_COLUMNS = ["kind", "density", "view", "finding", "birads", "images", "persons"]
_SUPPORT = SupportTable.from_dict({"columns": _COLUMNS, "rows": [["digital", "C", "MLO", "mass", 5, 40, 25]]})


def draw_run(folder: Path, *, defects: Mapping[int, str] | None = None, sign: Any = None, **settings: Any) -> Run:
    """A request for drawn masses of a right breast, carried out in a folder."""
    request = Request(**{"conditions": Conditions(**MASS), "seed": 3, "format": "png", "count": 2, **settings})
    spec = RunSpec(
        request=request,
        weights=(WeightsReference("drawn", "1", "a" * 64),),
        guidance=1.5,
        device="cpu",
        shape=SHAPE,
        spacing_mm=3.5,
    )

    def make(indices, on_share):
        for index in indices:
            sample = plan_sample(
                request.conditions_of(index),
                index=index,
                seed=request.seed,
                table=_SUPPORT,
                shape=SHAPE,
                spacing_mm=3.5,
            )
            result = _drawn(sample, request.seed)
            defect = (defects or {}).get(index, "")
            if defect:
                nothing = {"requested": np.zeros_like(result.requested)} if defect == NOTHING_LEFT else {}
                result = dataclasses.replace(result, defect=defect, **nothing)
            yield made_sample(sample, [result], spacing_mm=3.5, seconds=0.1)

    return carry_out(spec, folder, make, sign=sign)


def _drawn(sample, seed):
    shown = sample.conditions.replace(laterality="L", box=None)
    prepared = prepare_mammogram(draw_mammogram(shown, seed=seed + sample.index, shape=(192, 144)), shape=SHAPE)
    result = check_image(
        prepared.image,
        prepared.lesion_mask,
        {},
        requested=sample.lesion.mask & prepared.breast,
        breast=prepared.breast,
        dice_threshold=0,
    )
    return dataclasses.replace(result, defect="")
