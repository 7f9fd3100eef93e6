"""A lesion over several visits: painted into one mammogram at the sizes that a law gives, a study a visit."""

from __future__ import annotations

import dataclasses
import datetime
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.conditions import Box
from monai_mammo.dicom.writing.store import read_dataset
from monai_mammo.editing.edit_request import EditRequest
from monai_mammo.editing.edit_run import Aim, carry_out_edits
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.edited_sample import EDIT_FORM, EditedSample
from monai_mammo.editing.evolution import Evolution
from monai_mammo.editing.evolution_table import evolution_files
from monai_mammo.editing.growth_law import Growth
from monai_mammo.editing.lesion_place import placed_lesion
from monai_mammo.editing.lesion_size import measured_scale
from monai_mammo.editing.visit_variation import VisitVariation
from monai_mammo.errors import RequestError
from monai_mammo.generation.runs.run import Run
from monai_mammo.lesions.growing_outline import GrowingOutline
from monai_mammo.painting.local_edit import Change, region_in_picture, window_round
from monai_mammo.progress import ProgressCallback

__all__ = ["MOST_DEVIATION", "evolve"]

MOST_DEVIATION = 0.1
"""Share of its lawful diameter by which a lesion's measured one may differ."""

_LEAST_PX = 6.0
_CORRECTED_FROM = 0.05
_MOST_CORRECTIONS = 2
_NO_DATE = datetime.date(2000, 1, 1)


def evolve(
    image: str | Path,
    *,
    out: str | Path,
    visits: int = 5,
    months: float = 12,
    growth: str = "exponential",
    doubling_days: float = 180,
    plateau: float = 20,
    response: int | None = None,
    halving_days: float = 90,
    first_date: str | None = None,
    compression: bool = True,
    exposure: bool = True,
    finding: str = "mass",
    shape: str | None = None,
    margin: str | None = None,
    birads: int | None = None,
    pathology: str | None = None,
    size_mm: float | None = None,
    size_px: float | None = None,
    at: str | None = None,
    box: Box | Sequence[float] | str | None = None,
    mask: str | Path | None = None,
    in_muscle: bool = False,
    kind: str | None = None,
    view: str | None = None,
    laterality: str | None = None,
    density: str | None = None,
    seed: int = 0,
    steps: int = 16,
    guidance: float = 1.5,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> Run:
    """One breast at several visits, with a lesion whose volume follows a law; a study and an edited image each.

    The lesion is painted from the same noise at each visit, in one outline that grows about its middle as its margin
    does, and painted again with its outline corrected where what is measured differs from the law by more than 5 %.
    Files and resume are those of `insert`; ``evolution.json`` and ``evolution.csv`` hold measured beside lawful sizes.

    Parameters
    ----------
    image : path
        A DICOM file or a picture, acquired or generated.
    out
        As for `insert`.
    visits : int
        2 to 50, at even distances.
    months : float
        From the first visit to the last, 0.5 to 600.
    growth : {"exponential", "gompertz", "none"}
        Course of the untreated lesion.
    doubling_days : float
        In which its volume doubles at the first visit, 5 to 5000.
    plateau : float
        Multiple of its first volume that a lesion of Gompertz growth comes to.
    response : int or None
        Visit at which a treatment begins under which the lesion shrinks; `None` for no treatment.
    halving_days : float
        In which its volume halves under treatment, 5 to 5000.
    first_date : str or None
        Date of the first visit, ``YYYY-MM-DD``; `None` takes that of the file, 2000-01-01 where it has none.
    compression, exposure : bool
        Whether the breast is compressed, or exposed, a little otherwise at each visit after the first. Where neither
        is, every pixel away from the lesion stays as the file stores it.
    finding, shape, margin, birads, pathology
        What is to be seen, in the words of BI-RADS; the margin also decides how the outline grows.
    size_mm, size_px : float or None
        Longer side of the lesion at the first visit; where neither is given, it has the size of a real one when it is
        largest.
    at, box, mask, in_muscle
        Where it lies, as for `insert`; box and mask show it at the first visit.
    kind, view, laterality, density, seed, steps, guidance, bundle, autoencoder, lesion_network, device, progress
        As for `insert`.

    Returns
    -------
    Run
        A sample a visit.

    Raises
    ------
    RequestError
        The file cannot be edited, no place fits the lesion at all its sizes, or the folder belongs to another run.
    MammoError
        Weights are missing or damaged, or a file could not be written. What is finished stays.

    Examples
    --------
    >>> run = evolve("normal.dcm", out="course", visits=5, months=24, doubling_days=180)  # doctest: +SKIP
    """
    lesion = {"finding": finding, "lesion_shape": shape, "lesion_margin": margin, "birads": birads}
    evolution = Evolution(
        visits=visits,
        months=months,
        growth=Growth.parse(growth),
        doubling_days=doubling_days,
        plateau=plateau,
        response=response,
        halving_days=halving_days,
        first_date=first_date,
        compression=compression,
        exposure=exposure,
    )
    request = EditRequest.of_words(
        "evolve",
        image,
        takes_one=True,
        n_variants=evolution.visits,
        seed=seed,
        shown={"kind": kind, "view": view, "laterality": laterality, "density": density},
        lesion={**lesion, "pathology": pathology},
        box=box,
        mask=mask,
        at=at,
        size_mm=size_mm,
        size_px=size_px,
        in_muscle=in_muscle,
        evolution=evolution,
        steps=steps,
        guidance=guidance,
        bundle=bundle,
        autoencoder=autoencoder,
        lesion_network=lesion_network,
    )
    courses: dict[Path, _Course] = {}
    lock = threading.Lock()

    def aim(request: EditRequest, source: EditSource, index: int) -> Aim:
        with lock:
            if source.path not in courses:
                courses[source.path] = _Course.planned(request, source)
        return courses[source.path].aim(index + 1)

    form = dataclasses.replace(EDIT_FORM, summaries=evolution_files)
    return carry_out_edits(request, aim, out=out, device=device, form=form, progress=progress)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Course:
    """Outline of a lesion at the first visit, where it comes from, and what every picture of the course shows."""

    request: EditRequest
    evolution: Evolution
    source: EditSource
    outline: GrowingOutline
    where: str
    window: tuple[slice, slice]
    first: datetime.date

    @classmethod
    def planned(cls, request: EditRequest, source: EditSource) -> _Course:
        evolution = request.evolution
        assert evolution is not None
        ratios = evolution.diameter_ratios
        is_drawn = request.box is None and request.mask is None
        shown, where = placed_lesion(request, source, 0, enlarged=max(ratios) if is_drawn else 1.0)
        outline = GrowingOutline.of_mask(shown, margin=request.lesion.lesion_margin)
        first = outline.of_diameter(outline.diameter / max(ratios)) if is_drawn else outline
        smallest = min(ratios) * first.diameter
        if smallest < _LEAST_PX:
            visit = ratios.index(min(ratios)) + 1
            raise RequestError(
                f"the lesion would be {smallest:.1f} pixels across at visit {visit}, and {_LEAST_PX:.0f} are least: "
                "name a larger size or a slower course"
            )
        rows, columns = source.stored.shape
        largest = first.of_diameter(max(ratios) * first.diameter).mask((rows, columns))
        region = region_in_picture(largest)
        source.refuse_outside(largest)
        source.refuse_outside(region, most=0.1)
        source.refuse_text(region)
        first_date = _first_date(evolution, source)
        evolution.visit(evolution.visits, first=first_date, run=request.request_sha256)  # refused before any is written
        return cls(
            request=request,
            evolution=evolution,
            source=source,
            outline=first,
            where=where,
            window=window_round(region),
            first=first_date,
        )

    def aim(self, number: int) -> Aim:
        """Aim of a visit, numbered from 1."""
        rows, columns = self.source.stored.shape
        diameter = self.outline.diameter * self.evolution.diameter_ratios[number - 1]
        lawful = self.outline.of_diameter(diameter)
        level = lawful.level((rows, columns))
        requested = level <= 1

        def aim(painted: GrowingOutline, n_corrections: int) -> Aim:
            outline = painted.mask((rows, columns))

            def again(change: Change) -> Aim | None:
                scale = measured_scale(change.added, level[change.window])
                if scale is None or n_corrections == _MOST_CORRECTIONS or abs(scale - 1) <= _CORRECTED_FROM:
                    return None
                share = float(np.clip(1 / scale, 0.8, 1.25))
                return aim(painted.of_diameter(painted.diameter * share), n_corrections + 1)

            return Aim(
                region=region_in_picture(outline) & self.source.breast,
                outline=outline,
                requested=requested,
                where=self.where,
                again=again,
                after=lambda sample: self._visited(sample, number, lawful, level),
                warnings=self.source.over_known(requested),
            )

        return aim(lawful, 0)

    def _visited(self, sample: EditedSample, number: int, lawful: GrowingOutline, level: np.ndarray) -> EditedSample:
        """Sample as it is at its visit: measured, then compressed and exposed as the visit asks."""
        request, evolution, source = self.request, self.evolution, self.source
        visit = evolution.visit(number, first=self.first, run=request.request_sha256)
        variation = VisitVariation.drawn(
            request.seed, number, compression=evolution.compression, exposure=evolution.exposure
        )
        before = source.mammogram.pixels[self.window]
        after = source.scale.shown(sample.pixels[self.window], source.stored[self.window], before)
        scale = measured_scale(after - before, level[self.window])
        about: dict[str, Any] = {
            "visit": visit.number,
            "date": visit.date.isoformat(),
            "days": visit.days,
            "study_uid": visit.study_uid,
            "volume_ratio": round(evolution.law.volume_ratio(visit.days), 5),
            **_sizes(lawful.diameter, scale, source.spacing_mm),
            "variation": variation.to_dict(),
        }
        lost = () if scale is not None else ("the lesion is too faint for its size to be measured",)
        place = [self.window[0].start, self.window[1].start, self.window[0].stop, self.window[1].stop]
        return dataclasses.replace(
            sample,
            pixels=variation.pixels(sample.pixels, source),
            requested=variation.mask(sample.requested, source),
            reach=sample.reach if variation.is_none else np.ones_like(sample.reach),
            window=self.window,
            visit=visit,
            edits=("lesion_inserted",) if variation.is_none else ("lesion_inserted", "acquisition_varied"),
            is_moved=variation.is_moved,
            warnings=(*sample.warnings, *_warnings(evolution, variation), *lost),
            about={**sample.about, "window": place, "visit": about},
        )


def _sizes(lawful_px: float, scale: float | None, spacing_mm: float | None) -> dict[str, Any]:
    measured_px = None if scale is None else scale * lawful_px
    in_mm = {
        name: None if value is None or spacing_mm is None else round(value * spacing_mm, 3)
        for name, value in (("lawful_mm", lawful_px), ("measured_mm", measured_px))
    }
    return {
        "lawful_px": round(lawful_px, 2),
        "measured_px": None if measured_px is None else round(measured_px, 2),
        **in_mm,
        "deviation": None if scale is None else round(scale - 1, 4),
        "is_lawful": scale is not None and abs(scale - 1) <= MOST_DEVIATION,
    }


def _warnings(evolution: Evolution, variation: VisitVariation) -> tuple[str, ...]:
    course = "does not grow" if evolution.growth is Growth.NONE else f"grows by a law ({evolution.growth})"
    treated = "" if evolution.response is None else f", and shrinks from visit {evolution.response} on"
    out = [f"the course over {evolution.visits} visits is made up: the lesion {course}{treated}"]
    if not variation.is_none:
        out.append("compression or exposure of the whole picture was varied by a computer")
    return tuple(out)


def _first_date(evolution: Evolution, source: EditSource) -> datetime.date:
    if evolution.first_date is not None:
        return datetime.date.fromisoformat(evolution.first_date)
    stated = str(read_dataset(source.path).get("StudyDate", "")) if source.is_dicom else ""
    try:
        return datetime.datetime.strptime(stated, "%Y%m%d").date()
    except ValueError:
        return _NO_DATE
