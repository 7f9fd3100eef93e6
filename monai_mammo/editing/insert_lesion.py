"""Lesions drawn into acquired mammograms, at the files' own resolution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.conditions import Box
from monai_mammo.editing.edit_request import EditRequest
from monai_mammo.editing.edit_run import Aim, carry_out_edits
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.lesion_place import placed_lesion
from monai_mammo.errors import RequestError
from monai_mammo.generation.runs.run import Run
from monai_mammo.lesions.contrast_ranges import ContrastRange, longer_side, shipped_contrast_ranges
from monai_mammo.painting.local_edit import region_in_picture, window_round
from monai_mammo.progress import ProgressCallback
from monai_mammo.terms import Margin

__all__ = ["MOST_PLACES", "insert"]

MOST_PLACES = 5
"""Places that are drawn for a lesion, at most, where those before are refused."""

_APART = 10_000_019  # numbers of samples lie below


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
    n_lesions: int = 1,
    conspicuity: float | None = None,
    kind: str | None = None,
    view: str | None = None,
    laterality: str | None = None,
    density: str | None = None,
    count: int = 1,
    seed: int = 0,
    method: str = "painter",
    strength: float | None = None,
    steps: int = 16,
    guidance: float = 1.5,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    lesion_network: str = DEFAULT_BUNDLES[2],
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
    n_lesions : int
        Lesions in each picture, 1 to 8, none over another.
    conspicuity : float or None
        Contrast to the surround within the range of real lesions of that kind, finding, size and density: 0 for the
        faintest, 0.5 for their median, 1 for the most conspicuous; `None` takes what the painter draws, held within it.
    kind, view, laterality, density
        Of the files, where they do not state it.
    count : int
        Versions of each file.
    seed : int
        Decides all that is drawn by chance.
    method : {"painter", "sdedit", "inversion", "gan"}
        The lesion painter; to compare it with, the generator of whole mammograms from the noised original (SDEdit) or
        from the noise of the original (DDIM inversion), or a CycleGAN, which takes no steps and draws no noise.
    strength : float or None
        How far ``sdedit`` and ``inversion`` go from the original, 0.05 to 1; `None` is 0.8.
    steps : int
        Network evaluations, 1 to 64.
    guidance : float
        Weight of classifier-free guidance, 0 to 20; 1 is none.
    bundle, autoencoder, lesion_network : str
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
    request = EditRequest.of_words(
        "insert",
        images,
        n_variants=count,
        seed=seed,
        shown={"kind": kind, "view": view, "laterality": laterality, "density": density},
        lesion={**lesion, "pathology": pathology},
        box=box,
        mask=mask,
        at=at,
        size_mm=size_mm,
        size_px=size_px,
        in_muscle=in_muscle,
        n_lesions=n_lesions,
        conspicuity=conspicuity,
        method=method,
        strength=strength,
        steps=steps,
        guidance=guidance,
        bundle=bundle,
        autoencoder=autoencoder,
        lesion_network=lesion_network,
    )
    return carry_out_edits(request, _aim, out=out, device=device, progress=progress)


def _aim(request: EditRequest, source: EditSource, index: int) -> Aim:
    taken = source.known_lesions()
    aims: list[Aim] = []
    for number in range(request.n_lesions):
        outline, where, n_places = _allowed_place(request, source, index + number * request.count, taken)
        region = region_in_picture(outline)
        taken = taken | region
        aims.append(
            Aim(
                region=region,
                outline=outline,
                requested=outline,
                where=where,
                noise=request.image_of(index)[1],
                contrast=_real_contrast(request, source, outline),
                has_spicules=request.lesion.lesion_margin is Margin.SPICULATED,
                warnings=source.over_known(outline),
                n_places=n_places,
            )
        )
    return aims[0]._replace(beside=tuple(aims[1:]))


def _allowed_place(
    request: EditRequest, source: EditSource, sample_id: int, taken: np.ndarray
) -> tuple[np.ndarray, str, int]:
    """Outline of a lesion where one may be painted, where it comes from, and how many places were drawn for it.

    A place that box or mask names is the only one; of a drawn one, which is drawn on a coarser grid than the file's,
    another is drawn where it is refused.
    """
    most = 1 if request.box is not None or request.mask is not None else MOST_PLACES
    for attempt in range(most):
        outline, where = placed_lesion(request, source, sample_id + attempt * _APART, taken=taken)
        try:
            _refuse_place(source, outline)
        except RequestError as error:
            if attempt + 1 < most:
                continue
            if most == 1:
                raise
            raise RequestError(f"{error} (the last of {most} places that were drawn)") from None
        break
    return outline, where, attempt + 1


def _refuse_place(source: EditSource, outline: np.ndarray) -> None:
    """Raise where a lesion may not be painted: outside the breast, over text, or larger than the painter's crop."""
    region = region_in_picture(outline)
    source.refuse_outside(outline)
    source.refuse_outside(region, most=0.1)
    source.refuse_text(region)
    window_round(region)


def _real_contrast(request: EditRequest, source: EditSource, outline: np.ndarray) -> ContrastRange:
    """Contrast of real lesions of the same kind, finding, size and density."""
    shown = source.conditions.replace(finding=request.lesion.finding)
    return shipped_contrast_ranges().of(shown, size_share=longer_side(outline) / source.prepared.trace.padded_shape[0])
