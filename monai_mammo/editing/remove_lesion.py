"""Lesions taken out of acquired mammograms: the region is filled with healthy tissue, at the files' own resolution."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_mammo.bundle import DEFAULT_BUNDLES, find
from monai_mammo.conditions import Box
from monai_mammo.editing.edit_request import EditRequest
from monai_mammo.editing.edit_run import Aim, carry_out_edits
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.found_region import FoundRegion
from monai_mammo.editing.named_region import named_region
from monai_mammo.errors import RequestError
from monai_mammo.generation.runs.run import Run
from monai_mammo.lesions.painter_crops import DEFAULT_RIM_SHARE
from monai_mammo.painting.filling import filling_of
from monai_mammo.painting.local_edit import fits_window, region_in_picture
from monai_mammo.progress import ProgressCallback
from monai_mammo.terms import Finding

__all__ = ["remove"]


def remove(
    images: str | Path | Sequence[str | Path],
    *,
    out: str | Path,
    box: Box | Sequence[float] | str | None = None,
    mask: str | Path | None = None,
    segment: bool = False,
    kind: str | None = None,
    view: str | None = None,
    laterality: str | None = None,
    density: str | None = None,
    count: int = 1,
    seed: int = 0,
    method: str = "painter",
    strength: float | None = None,
    max_tries: int | None = None,
    steps: int = 16,
    guidance: float = 1.5,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> Run:
    """A region of acquired mammograms filled with healthy tissue; every pixel away from it stays as the file stores it.

    Where no region is named, the lesion that the file or the JSON file beside it tells of is taken. The same call in
    the same folder completes what is missing and changes nothing else; the same seed gives the same bytes.

    Parameters
    ----------
    images, out
        As for `insert`.
    box : Box, sequence of float, str or None
        ``x0, y0, x1, y1`` in fractions of the file's picture.
    mask : str, Path or None
        Picture of the file's size whose white pixels are the region.
    segment : bool
        Whether the lesion network finds the region.
    kind, view, laterality, density, count, seed, method, strength
        As for `insert`.
    max_tries : int or None
        Ways to fill the region that are tried at most, 1 to 16, with a narrow and a wide rim, and with all or less of
        the drawn texture, each from noise of its own: the one is kept at whose place the lesion network sees least, and
        none is drawn after one at which it sees nothing. `None` is 8 for the painter and 1 for the other methods. Where
        a part of a breast is shown, which no network reads, it is one.
    steps, guidance, bundle, autoencoder, lesion_network, device, progress
        As for `insert`.

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        A file cannot be edited, no region is named or found, or the folder belongs to another run.
    MammoError
        Weights are missing or damaged, or a file could not be written. What is finished stays.

    Examples
    --------
    >>> run = remove("lesion.dcm", out="run", box="0.3,0.4,0.42,0.5", seed=7)  # doctest: +SKIP
    """
    request = EditRequest.of_words(
        "remove",
        images,
        n_variants=count,
        seed=seed,
        shown={"kind": kind, "view": view, "laterality": laterality, "density": density},
        lesion={"finding": Finding.NONE},
        box=box,
        mask=mask,
        segment=segment,
        method=method,
        strength=strength,
        max_tries=max_tries,
        steps=steps,
        guidance=guidance,
        bundle=bundle,
        autoencoder=autoencoder,
        lesion_network=lesion_network,
    )
    finder = FoundRegion(find(request.lesion_network), device=device) if request.segment else None

    def aim(request: EditRequest, source: EditSource, index: int) -> Aim:
        return _aim(request, source, finder)._replace(noise=request.image_of(index)[1])

    return carry_out_edits(request, aim, out=out, device=device, progress=progress)


def _aim(request: EditRequest, source: EditSource, finder: FoundRegion | None) -> Aim:
    if finder is not None:
        requested, where = finder.region(source), "found by the lesion network"
    else:
        requested, where = named_region(request, source)
        if request.box is None and not requested.any():
            raise RequestError(
                f"{source.path} tells of no lesion: name the region by box or mask, or let the lesion network find it"
            )
    source.refuse_outside(requested, most=0.1)
    source.refuse_text(requested)
    shown, nothing = requested & source.breast, np.zeros_like(requested)

    def attempt(number: int) -> Aim | None:
        if number >= (request.max_tries or 1):
            return None
        filling = filling_of(number, kind=source.conditions.kind)
        region = region_in_picture(requested, rim_share=filling.rim_share) & source.breast
        if number and not fits_window(region):
            filling = dataclasses.replace(filling, rim_share=DEFAULT_RIM_SHARE)
            region = region_in_picture(requested) & source.breast
        return Aim(region=region, outline=nothing, requested=shown, where=where, instead=attempt, filling=filling)

    first = attempt(0)
    assert first is not None
    return first
