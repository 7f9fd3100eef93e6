"""Lesions drawn into acquired mammograms, at the files' own resolution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.conditions import Box, Conditions
from monai_mammo.editing.edit_request import EditRequest, listed_images
from monai_mammo.editing.edit_run import Aim, carry_out_edits, region_in_picture
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.region_file import region_of_file
from monai_mammo.errors import RequestError
from monai_mammo.generation.runs.run import Run
from monai_mammo.lesions.placing import draw_outline
from monai_mammo.lesions.placing_in_breast import PlacedOutline, allowed_places, place_in_breast
from monai_mammo.prepare.geometry import mirror_box
from monai_mammo.progress import ProgressCallback
from monai_mammo.terms import Depth, Laterality, Quadrant, View
from monai_mammo.text.place import box_of_place

__all__ = ["insert"]


def insert(
    images: str | Path | Sequence[str | Path],
    *,
    out: str | Path,
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
    count: int = 1,
    seed: int = 0,
    steps: int = 16,
    guidance: float = 1.5,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> Run:
    """A lesion drawn into acquired mammograms; every pixel away from it stays as the file stores it.

    The same call in the same folder completes what is missing and changes nothing else; the same seed gives the same
    bytes. A DICOM file gives a derived DICOM object with a segmentation, a picture gives a PNG.

    Parameters
    ----------
    images : path or sequence of paths
        DICOM files, pictures, and folders of them.
    out : str or Path
        Folder of the run: new, empty, or of this very request.
    finding, shape, margin, birads, pathology
        What is to be seen, in the words of BI-RADS.
    size_mm, size_px : float or None
        Longer side of the lesion at the detector, in mm where the file states its spacing, or in pixels of the file;
        that of a real lesion of the same view where neither is given.
    at : str or None
        Part of the breast such as ``upper_outer``, or ``anterior``, ``middle``, ``posterior``.
    box : Box, sequence of float, str or None
        ``x0, y0, x1, y1`` in fractions of the file's picture.
    mask : str, Path or None
        Picture of the file's size whose white pixels are the lesion.
    in_muscle : bool
        Whether a drawn place may lie over the pectoral muscle.
    kind, view, laterality, density
        Of the files, where they do not state it.
    count : int
        Versions of each file.
    seed : int
        Decides all that is drawn by chance.
    steps : int
        Network evaluations, 1 to 64.
    guidance : float
        Weight of classifier-free guidance, 0 to 20; 1 is none.
    bundle, autoencoder : str
        Names or paths of the bundles.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        A file cannot be edited, no place fits, or the folder belongs to another run.
    MammoError
        Weights are missing or damaged, or a file could not be written. What is finished stays.

    Examples
    --------
    >>> run = insert("normal.dcm", out="run", margin="spiculated", size_mm=12, seed=7)  # doctest: +SKIP
    """
    lesion = {"finding": finding, "lesion_shape": shape, "lesion_margin": margin, "birads": birads}
    shown = {"kind": kind, "view": view, "laterality": laterality, "density": density}
    request = EditRequest(
        command="insert",
        images=listed_images(images),
        n_variants=count,
        seed=seed,
        shown=Conditions.from_dict(shown),
        lesion=Conditions.from_dict({**lesion, "pathology": pathology}),
        box=None if box is None else Box.parse(box if isinstance(box, str) else list(box)),
        mask=None if mask is None else str(mask),
        at=at,
        size_mm=size_mm,
        size_px=size_px,
        in_muscle=in_muscle,
        steps=steps,
        guidance=guidance,
        bundle=bundle,
        autoencoder=autoencoder,
    )
    return carry_out_edits(request, _aim, out=out, device=device, progress=progress)


def _aim(request: EditRequest, source: EditSource, index: int) -> Aim:
    shape = source.stored.shape
    if request.mask is not None:
        outline, where = region_of_file(request.mask, source), "the requested mask"
    else:
        placed = _placed(request, source, index)
        trace = source.prepared.trace
        if request.box is not None:
            box, points = request.box, placed.points
        else:
            found = trace.inverse_box(placed.box)
            assert found is not None
            box, points = found, placed.points
        if trace.is_mirrored:
            points = points * (-1, 1) + (1, 0)
        outline, where = draw_outline(points, box, (shape[0], shape[1])), placed.source
    region = region_in_picture(outline)
    source.refuse_outside(outline)
    source.refuse_outside(region, most=0.1)
    return Aim(region=region, outline=outline, requested=outline, where=where)


def _placed(request: EditRequest, source: EditSource, index: int) -> PlacedOutline:
    view = source.conditions.view
    prepared = source.prepared
    trace = prepared.trace
    lesions = source.known_lesions()
    allowed = allowed_places(
        prepared.breast,
        view=view,
        lesions=trace.forward(lesions.astype(np.float32)) > 0.1 if lesions.any() else None,
        in_muscle=request.in_muscle,
    )
    lesion = request.lesion.replace(view=view)
    if request.box is not None:
        lesion = lesion.replace(box=source.box_in_frame(request.box))
        allowed = prepared.breast
    return place_in_breast(
        lesion,
        prepared.image,
        allowed,
        seed=request.seed,
        sample_id=index,
        region=_part(request.at, source),
        size_fraction=_size_fraction(request, source),
    )


def _part(at: str | None, source: EditSource) -> Box | None:
    """Region of the prepared frame, chest wall left, that a word names."""
    if at is None:
        return None
    view, side = source.conditions.view, source.conditions.laterality
    if view is None or side is None:
        raise RequestError(f"{source.path} does not state view and side, which a place needs: name view and laterality")
    is_depth = at in tuple(str(member.value) for member in Depth)
    box = box_of_place(
        None if is_depth else Quadrant(at), view=View(view), laterality=side, depth=Depth(at) if is_depth else None
    )
    if box is None:
        raise RequestError(f"place {at!r} is not told apart in a {view} view")
    return mirror_box(box) if side is Laterality.R else box


def _size_fraction(request: EditRequest, source: EditSource) -> tuple[float, float] | None:
    size_px = request.size_px
    if request.size_mm is not None:
        if source.spacing_mm is None:
            raise RequestError(f"{source.path} states no spacing, so that no size in mm is known: give size_px")
        size_px = request.size_mm / source.spacing_mm
    if size_px is None:
        return None
    rows, columns = source.prepared.trace.padded_shape
    if size_px > min(rows, columns):
        raise RequestError(
            f"a lesion of {size_px:.0f} pixels is larger than the breast of {source.path}, {rows} x {columns} pixels"
        )
    return size_px / columns, size_px / rows
