"""Complementary modalities: another acquisition of the breast that a file shows, drawn from that file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from monai_mammo import bundle as bundles
from monai_mammo.bundle import DEFAULT_BUNDLES, VIEW_TRANSLATOR
from monai_mammo.conditions import Box
from monai_mammo.editing.edit_request import EditRequest
from monai_mammo.editing.edit_run import refuse_unedited, samples_of
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.edited_sample import EDIT_FORM, EditedSample
from monai_mammo.editing.found_region import FoundRegion
from monai_mammo.editing.named_region import named_region
from monai_mammo.errors import RequestError
from monai_mammo.generation.runs.carrying_out import carry_out
from monai_mammo.generation.runs.checked_weights import MODEL, checked_weights
from monai_mammo.generation.runs.run import Run
from monai_mammo.generation.runs.run_form import NotMade
from monai_mammo.generation.runs.run_spec import RunSpec
from monai_mammo.generation.second_view import NOT_MEASURED, notes_of_translator, refuse_untranslated
from monai_mammo.progress import ProgressCallback
from monai_mammo.terms import Modality

if TYPE_CHECKING:
    from monai_mammo.generation.engine.translator import Translator

__all__ = ["translate"]


def translate(
    images: str | Path | Sequence[str | Path],
    *,
    to: str,
    out: str | Path,
    box: Box | Sequence[float] | str | None = None,
    mask: str | Path | None = None,
    kind: str | None = None,
    view: str | None = None,
    laterality: str | None = None,
    density: str | None = None,
    count: int = 1,
    seed: int = 0,
    steps: int = 20,
    guidance: float = 1.0,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> Run:
    """Another acquisition of the same breast, drawn by paired diffusion translation, at the file's own size.

    The breast is drawn anew, what lies outside it stays as the file stores it. A lesion keeps its place and outline:
    that of mask or box, else the one that the file or the JSON file beside it tells of. Nothing finer than a pixel of
    the generator's grid is drawn. The picture shows what such views of such breasts look like, not what an acquisition
    would have measured, and every file says so.

    Parameters
    ----------
    images
        As for `insert`.
    to : str
        What is to be drawn, one of `monai_mammo.terms.Modality` that the bundle's translator was trained with:
        ``contrast`` or ``digital`` of the bundle that comes with the package. Ultrasound and biopsy have no open paired
        data: a translator that was trained with own pairs writes them as pictures, as they are no mammograms.
    out
        As for `insert`.
    box : Box, sequence of float, str or None
        Lesion: ``x0, y0, x1, y1`` in fractions of the file's picture.
    mask : str, Path or None
        Picture of the file's size whose white pixels are the lesion.
    kind, view, laterality, density, count, seed, steps, guidance, bundle, autoencoder, lesion_network, device, progress
        As for `insert`; the lesion network looks at what came out.

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        A file cannot be translated as requested, or the folder belongs to another run.
    MammoError
        Weights are missing or damaged, or a file could not be written. What is finished stays.

    Examples
    --------
    >>> run = translate("low_energy.dcm", to="contrast", out="run", seed=7)  # doctest: +SKIP
    """
    request = EditRequest.of_words(
        "translate",
        images,
        n_variants=count,
        seed=seed,
        shown={"kind": kind, "view": view, "laterality": laterality, "density": density},
        box=box,
        mask=mask,
        to=Modality.parse(to),
        steps=steps,
        guidance=guidance,
        bundle=bundle,
        autoencoder=autoencoder,
        lesion_network=lesion_network,
    )
    folders = bundles.find(request.bundle), bundles.find(request.autoencoder)
    lesion = bundles.find(request.lesion_network)
    assert request.to is not None
    refuse_untranslated(folders[0], str(request.to))
    spec = RunSpec(
        request=request,
        weights=checked_weights(
            [(folders[0], VIEW_TRANSLATOR[0], f"{folders[0].name} translator")]
            + [(folder, MODEL, folder.name) for folder in (folders[1], lesion)]
        ),
        guidance=request.guidance,
        device=device,
        shape=folders[0].prepared_shape,
        spacing_mm=folders[0].nominal_spacing_mm,
    )
    not_edited: dict[int, str] = {}

    def make(indices: Sequence[int], on_share: Callable[[float], None]) -> Iterator[EditedSample | NotMade]:
        from monai_mammo.generation.engine.device import pick_device
        from monai_mammo.generation.engine.translator import Translator

        place = pick_device(device)
        translator, finder = Translator.load(*folders, device=place), FoundRegion(lesion, device=device)

        def edit(source: EditSource, index: int) -> EditedSample:
            sample = _translated(request, source, index, translator)
            return finder.after(sample) if sample.is_mammogram else sample

        yield from samples_of(request, indices, edit, not_edited, is_alone=place != "cpu")

    run = carry_out(spec, Path(out), make, form=EDIT_FORM, progress=progress)
    refuse_unedited(request, not_edited)
    return run


def _translated(request: EditRequest, source: EditSource, index: int, translator: Translator) -> EditedSample:
    started, to = time.monotonic(), request.to
    assert to is not None
    of = source.conditions.kind
    if of is None:
        raise RequestError(f"{source.path} does not state its kind, which translate needs: name it with kind")
    if str(of) == str(to):
        raise RequestError(f"{source.path} is a {to} view as it is: ask for another modality")
    refuse_untranslated(bundles.find(request.bundle), str(of))
    region, where = named_region(request, source)
    if region.any():
        source.refuse_outside(region, most=0.1)
    region &= source.breast
    prepared = source.located.on_grid(translator.shape)
    drawn = translator.translated(
        prepared.image,
        of=str(of),
        onto=str(to),
        conditions=source.conditions,
        mask=prepared.trace.forward(region) if region.any() else None,
        noise_of=(request.seed, f"{source.mammogram.source_sha256[:16]}/{request.image_of(index)[1]}", 0),
        steps=request.steps,
        guidance=request.guidance,
    )
    notes = notes_of_translator(bundles.find(request.bundle))
    new = np.clip(prepared.trace.inverse(drawn, order=3), 0, 1)
    before = source.mammogram.pixels
    may_change = ndimage.binary_erosion(source.breast, iterations=2, border_value=1)
    added = np.where(may_change, new - before, 0)
    pixels = source.scale.changed(source.stored, before, added)
    rows, columns = source.stored.shape
    scale = prepared.trace.padded_shape[0] / translator.shape[0]
    is_mammogram = to.kind is not None
    return EditedSample(
        index=index,
        command=request.command,
        source=source,
        pixels=pixels,
        requested=region,
        reach=source.breast,
        window=(slice(0, rows), slice(0, columns)),
        shown=source.conditions.replace(kind=to.kind),
        warnings=(*_warnings(source, str(of), to, scale), *notes, *source.doubts),
        about={
            "where": where if region.any() else "the whole breast",
            "translated": {"from": str(of), "to": str(to), "file_pixels_per_drawn_pixel": round(scale, 2)},
            "outcome": "passed",
            "is_failure": False,
            "seconds": round(time.monotonic() - started, 2),
        },
        edits=("translated",),
        is_mammogram=is_mammogram,
    )


def _warnings(source: EditSource, of: str, to: Modality, scale: float) -> tuple[str, ...]:
    who = source.mammogram.source_sha256[:12]
    out = [f"a {to} view of the breast was drawn by a computer from its {of} view {who}", NOT_MEASURED[to]]
    if scale > 1.2:
        out.append(f"nothing finer than {scale:.1f} pixels of the file was drawn")
    return tuple(out)
