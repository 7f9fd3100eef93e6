"""Whole drawn mammograms and studies."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any, NamedTuple, TypeVar

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.phantom.film_background import add_film_background, add_film_labels
from monai_mammo.phantom.lesions import MassShape, Place, draw_lesion, lesion_radius, mass_shape_of
from monai_mammo.phantom.outline import Outline, draw_outline
from monai_mammo.phantom.stream import stream
from monai_mammo.phantom.tissue import draw_glands, draw_tissue
from monai_mammo.study import Mammogram, Spacing, Study, chest_wall_of
from monai_mammo.terms import AcquisitionKind, Density, Finding, Laterality, Pathology, View

_T = TypeVar("_T")

__all__ = ["Layers", "draw_layers", "draw_mammogram", "draw_study"]

_DETECTOR_HEIGHT_MM = 240.0
_OPEN = Conditions()


class _Case(NamedTuple):
    """What is to be drawn, with nothing left open but the place."""

    conditions: Conditions
    kind: AcquisitionKind
    view: View
    side: Laterality
    density: Density
    finding: Finding


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """A drawn mammogram with all that it was drawn from, as it hangs.

    Parameters
    ----------
    mammogram : Mammogram
    breast : ndarray, shape (rows, columns), bool
        Breast with nipple and muscle.
    pectoral : ndarray, shape (rows, columns), bool
    glands : ndarray, shape (rows, columns), bool
    """

    mammogram: Mammogram
    breast: np.ndarray
    pectoral: np.ndarray
    glands: np.ndarray


def draw_mammogram(
    conditions: Conditions = _OPEN,
    *,
    seed: int,
    shape: tuple[int, int] = (512, 384),
    mass_shape: MassShape | None = None,
    film_labels: bool = True,
) -> Mammogram:
    """Drawn mammogram that shows the conditions, as readers hang it.

    Parameters
    ----------
    conditions : Conditions
        Attributes that are `None` are drawn from the seed. A box asks for the lesion's place in the picture as
        it hangs; the box of the result is that of the mask.
    seed : int
        0 or more. The same seed gives the same picture; with another finding, the same breast.
    shape : tuple of int
        Rows and columns.
    mass_shape : MassShape, optional
        Shape of a mass; by default it follows the BI-RADS category.
    film_labels : bool
        Whether a film gets white edges and burnt-in letters.

    Returns
    -------
    Mammogram
        Digital and contrast pictures have air of exactly 0; films have a dim, noisy background. The lesion mask
        (`None` for finding ``none``) is exact: brightness was added there and nowhere else.

    Raises
    ------
    RequestError
        The box lies off the drawn breast, or seed or shape are not usable.
    """
    return draw_layers(conditions, seed=seed, shape=shape, mass_shape=mass_shape, film_labels=film_labels).mammogram


def draw_layers(
    conditions: Conditions = _OPEN,
    *,
    seed: int,
    shape: tuple[int, int] = (512, 384),
    mass_shape: MassShape | None = None,
    film_labels: bool = True,
) -> Layers:
    """Drawn mammogram together with its exact breast, muscle and glands; arguments of `draw_mammogram`.

    Parameters
    ----------
    conditions : Conditions
        What is shown; what is open is drawn from the seed.
    seed : int
        0 or more.
    shape : tuple of int
        Rows and columns.
    mass_shape : MassShape or None
        Shape of a mass; `None` follows the BI-RADS category.
    film_labels : bool
        Whether a film gets white edges and burnt-in letters.

    Returns
    -------
    Layers
    """
    if len(shape) != 2 or min(shape) < 32:
        raise RequestError(f"shape {tuple(shape)} of a phantom is not two numbers of 32 or more")
    case = _complete(conditions, seed)
    shown, view, side, kind = case.conditions, case.view, case.side, case.kind
    outline = draw_outline(view, stream(seed, "outline", view), shape=shape)
    glands = draw_glands(outline, case.density, stream(seed, "glands", view, side))
    pixels = draw_tissue(outline, glands, kind, stream(seed, "texture", view, side))
    mask = None
    if case.finding is not Finding.NONE:
        added = _lesion(case, outline, seed, mass_shape)
        pixels, mask = pixels + added, added > 0
        shown = shown.replace(box=_hanging(_box_of(mask), side))
    pixels = _acquire(pixels, outline.breast, kind, stream(seed, "acquisition", view, side))
    pixels, breast, pectoral, gland_mask = (
        _hanging(layer, side) for layer in (pixels, outline.breast, outline.pectoral > 0.5, glands > 0.5)
    )
    chest_wall = chest_wall_of(side)
    if kind is AcquisitionKind.FILM and film_labels:
        rng = stream(seed, "marks", view, side)
        pixels = add_film_labels(pixels, breast, rng, text=f"{side}{view}", chest_wall=chest_wall)
    mammogram = Mammogram(
        pixels=pixels,
        conditions=shown,
        spacing=Spacing(_DETECTOR_HEIGHT_MM / shape[0], _DETECTOR_HEIGHT_MM / shape[0], "nominal"),
        chest_wall=chest_wall,
        lesion_mask=None if mask is None else _hanging(mask, side),
        person_id=f"PHANTOM_{seed:05d}",
        source=f"phantom_{seed:05d}_{side}_{view}",
        source_sha256=hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest(),
    )
    return Layers(mammogram, breast, pectoral, gland_mask)


def draw_study(
    seed: int,
    *,
    shape: tuple[int, int] = (512, 384),
    kind: AcquisitionKind | None = None,
    density: Density | None = None,
    finding: Finding | None = None,
    laterality: Laterality | None = None,
    mass_shape: MassShape | None = None,
    film_labels: bool = True,
) -> Study:
    """Four standard views of one drawn person, with one lesion that both views of one side show.

    In both views the lesion keeps its shape, size and share of the nipple's distance from the chest wall.

    Parameters
    ----------
    seed : int
        0 or more.
    shape : tuple of int
        Rows and columns of each view.
    kind, density, finding : optional
        As in `Conditions`; drawn from the seed where `None`. Finding ``none`` leaves all views free of lesions.
    laterality : Laterality, optional
        Side of the lesion.
    mass_shape, film_labels
        As in `draw_mammogram`.

    Returns
    -------
    Study
        R CC, L CC, R MLO, L MLO.
    """
    rng = stream(seed, "study")
    drawn_side, drawn_finding = rng.choice(["L", "R"]), rng.choice(["mass", "mass", "mass", "calcification"])
    side = laterality or Laterality(drawn_side)
    shown = _complete(
        Conditions(kind=kind, density=density, finding=finding or Finding(drawn_finding)), seed
    ).conditions
    clear = shown.replace(finding=Finding.NONE, birads=1, pathology=Pathology.NORMAL)
    views = []
    for view in View:
        for breast in (Laterality.R, Laterality.L):
            base = shown if breast is side else clear
            conditions = base.replace(view=view, laterality=breast)
            views.append(
                draw_mammogram(conditions, seed=seed, shape=shape, mass_shape=mass_shape, film_labels=film_labels)
            )
    return Study(person_id=f"PHANTOM_{seed:05d}", mammograms=tuple(views))


def _complete(conditions: Conditions, seed: int) -> _Case:
    """Conditions with all attributes but box and text drawn, each from its own stream."""
    findings = [Finding.MASS, Finding.MASS, Finding.CALCIFICATION, Finding.NONE]
    finding = conditions.finding or _pick(findings[: 3 if conditions.box else 4], seed, "finding")
    grades = {True: [1, 2], False: [2, 3, 4, 5]}[finding is Finding.NONE]
    birads = _pick(grades, seed, "birads") if conditions.birads is None else conditions.birads
    natures = [Pathology.MALIGNANT] if birads >= 5 else [Pathology.BENIGN, Pathology.MALIGNANT]
    nature = Pathology.NORMAL if finding is Finding.NONE else _pick(natures, seed, "pathology")
    age = int(stream(seed, "age").integers(40, 80)) if conditions.age_years is None else conditions.age_years
    case = _Case(
        conditions,
        conditions.kind or _pick(list(AcquisitionKind), seed, "kind"),
        conditions.view or _pick(list(View), seed, "view"),
        conditions.laterality or _pick(list(Laterality), seed, "laterality"),
        conditions.density or _pick(list(Density), seed, "density"),
        finding,
    )
    complete = conditions.replace(
        kind=case.kind,
        view=case.view,
        laterality=case.side,
        density=case.density,
        finding=finding,
        birads=birads,
        pathology=conditions.pathology or nature,
        age_years=age,
    )
    return case._replace(conditions=complete)


def _pick(values: list[_T], seed: int, purpose: str) -> _T:
    return values[int(stream(seed, purpose).integers(len(values)))]


def _lesion(case: _Case, outline: Outline, seed: int, mass_shape: MassShape | None) -> np.ndarray:
    """Brightness that the lesion adds, in the frame with the chest wall left; 0 off the breast."""
    rng = stream(seed, "lesion")  # not by view: both views show the same lesion
    radius = lesion_radius(case.finding, rng)
    form = mass_shape_of(case.conditions.birads, rng)
    share, offset = rng.uniform(0.4, 0.7), stream(seed, "height", case.view).uniform(-0.12, 0.12)
    shape = outline.breast.shape
    box = case.conditions.box
    if box is None:
        place = _free_place(outline, radius, share, offset)
    else:
        x0, y0, x1, y1 = _hanging(box, case.side)
        rows, columns = shape
        # first to last pixel whose middle lies in the box
        top, bottom = np.ceil(y0 * rows - 0.5), np.ceil(y1 * rows - 0.5) - 1
        left, right = np.ceil(x0 * columns - 0.5), np.ceil(x1 * columns - 0.5) - 1
        halves = max((bottom - top) / 2, 0.5), max((right - left) / 2, 0.5)
        place = Place((top + bottom) / 2, (left + right) / 2, *halves)
    added = draw_lesion(case.finding, place, rng, shape=shape, mass_shape=mass_shape or form) * outline.breast
    if not added.any():
        raise RequestError(f"box {tuple(box or ())} lies off the drawn breast of seed {seed}")
    return added


def _free_place(outline: Outline, radius: float, share: float, offset: float) -> Place:
    """Place inside the skin, at a share of the nipple's distance from the chest wall."""
    rows, columns = outline.breast.shape
    column = share * outline.nipple[1]
    row = outline.nipple[0] + offset * rows
    for _ in range(12):  # towards the nipple's height until the lesion fits
        if outline.skin_distance[int(row), int(column)] > 1.25 * radius:
            break
        row += 0.25 * (outline.nipple[0] - row)
    half = max(1.0, min(radius * rows, column - 1, columns - 2 - column))
    return Place(row, column, half, half)


def _box_of(mask: np.ndarray) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return Box(columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)


def _hanging(drawn: Any, side: Laterality) -> Any:
    """Array or box as it hangs: mirrored for a right breast. Mirroring twice changes nothing."""
    if side is Laterality.L:
        return drawn
    if isinstance(drawn, Box):
        return Box(1 - drawn.x1, drawn.y0, 1 - drawn.x0, drawn.y1)
    return np.ascontiguousarray(drawn[:, ::-1])


def _acquire(pixels: np.ndarray, breast: np.ndarray, kind: AcquisitionKind, rng: np.random.Generator) -> np.ndarray:
    if kind is AcquisitionKind.FILM:
        return add_film_background(pixels, breast, rng)
    noise = rng.normal(0, 0.002, pixels.shape)
    return np.where(breast, np.clip(pixels + noise, 0.02, 1), 0).astype(np.float32)
