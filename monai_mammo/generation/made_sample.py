"""From the tries of a sample to what is written of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_mammo.generation.engine.plan import PlannedSample
from monai_mammo.generation.runs.manifest import PASSED
from monai_mammo.generation.runs.run_spec import MadeSample
from monai_mammo.prepare.geometry import as_displayed, mirror_box
from monai_mammo.study import Mammogram, Spacing, chest_wall_of
from monai_mammo.terms import Laterality

if TYPE_CHECKING:
    from monai_mammo.generation.engine.check import CheckResult

__all__ = ["made_sample"]

_NAMED = 5
"""Regions that a manifest lists of a sample."""


def made_sample(
    sample: PlannedSample,
    results: Sequence[CheckResult],
    *,
    spacing_mm: float,
    seconds: float,
    breast: int | None = None,
) -> MadeSample:
    """The best try of a sample as it is written: a right breast with the chest wall at the right edge.

    Parameters
    ----------
    sample : PlannedSample
    results : sequence of CheckResult
        Of all tries, the first first.
    spacing_mm : float
        Nominal.
    seconds : float
        That the sample took.
    breast : int or None
        Number of the breast of which the run has several samples; `None` where each has its own.

    Returns
    -------
    MadeSample
    """
    from monai_mammo.generation.engine.check import best_of

    best = best_of(results)
    if best.is_elsewhere and sample.elsewhere is not None:
        sample = sample.elsewhere
    side = sample.conditions.laterality
    assert side is not None
    n_drawn = sum(not result.mended for result in results)
    warnings = [
        *sample.warnings,
        *([f"{best.defect} after {n_drawn} {'try' if n_drawn == 1 else 'tries'}"] if best.defect else []),
        *([f"the lesion painter {' and '.join(best.mended)}"] if best.mended else []),
    ]
    mammogram = Mammogram(
        pixels=np.ascontiguousarray(as_displayed(best.image, side)),
        conditions=sample.conditions,
        spacing=Spacing(spacing_mm, spacing_mm, "nominal"),
        chest_wall=chest_wall_of(side),
        lesion_mask=np.ascontiguousarray(as_displayed(best.requested, side)),
        source="monai_mammo",
    )
    return MadeSample(
        index=sample.index,
        mammogram=mammogram,
        found_mask=np.ascontiguousarray(as_displayed(best.found, side)),
        warnings=tuple(warnings),
        about={
            **({} if breast is None else {"breast": breast}),
            **_about(sample, results, best),
            "seconds": round(seconds, 2),
        },
        person_id="" if breast is None else f"breast {breast:04d}",
    )


def _regions(sample: PlannedSample, best: CheckResult) -> dict[str, Any]:
    """Best places that may be lesions, as the picture hangs; nothing where none were looked for."""
    if not best.regions and best.score is None:
        return {}
    is_right = sample.conditions.laterality is Laterality.R
    boxes = [mirror_box(region.box) if is_right else region.box for region in best.regions[:_NAMED]]
    scores = [round(region.score, 4) for region in best.regions[:_NAMED]]
    listed = [{"box": [round(v, 4) for v in box], "score": score} for box, score in zip(boxes, scores, strict=True)]
    return {"score": None if best.score is None else round(best.score, 4), "regions": listed}


def _about(sample: PlannedSample, results: Sequence[CheckResult], best: CheckResult) -> dict[str, Any]:
    box = best.found_box
    if box is not None and sample.conditions.laterality is Laterality.R:
        box = mirror_box(box)
    return {
        "lesion": sample.lesion.source,
        "support": {"images": sample.support.images, "persons": sample.support.persons},
        "tries": [result.to_dict() for result in results],
        "kept_try": list(results).index(best),
        "outcome": best.defect or PASSED,
        "is_failure": best.is_failure,
        "found": {
            "dice": best.to_dict()["dice"],
            **_regions(sample, best),
            "box": None if box is None else [round(v, 4) for v in box],
            "area_share": round(float(best.found.mean()), 6),
            **best.probabilities,
        },
    }
