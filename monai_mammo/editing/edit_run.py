"""Edits of acquired mammograms carried out in a folder: what the commands share."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from monai_mammo.bundle import find
from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import WeightsReference
from monai_mammo.editing.edit_method import Changer, EditedPlace, changer_of, weights_of
from monai_mammo.editing.edit_request import EditRequest
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.edited_sample import EDIT_FORM, EditedSample
from monai_mammo.editing.found_region import FoundRegion
from monai_mammo.editing.side_by_side import SharedSources, side_by_side
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation.runs.carrying_out import carry_out
from monai_mammo.generation.runs.checked_weights import MODEL, checked_weights
from monai_mammo.generation.runs.run import Run
from monai_mammo.generation.runs.run_form import NotMade, RunForm
from monai_mammo.generation.runs.run_spec import RunSpec
from monai_mammo.lesions.contrast_ranges import ContrastRange, ring_round, visibility
from monai_mammo.lesions.painter_crops import CROP_PX
from monai_mammo.networks.probable_regions import MIN_SCORE
from monai_mammo.painting.drawn_spicules import with_drawn_spicules
from monai_mammo.painting.filling import Filling
from monai_mammo.painting.held_contrast import held_contrast
from monai_mammo.painting.lesion_texture import held_lesion_texture
from monai_mammo.painting.local_edit import Change, joined
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.progress import ProgressCallback

__all__ = ["Aim", "NotEdited", "carry_out_edits", "refuse_unedited", "samples_of"]

_NOT_HELD = "a lesion cannot be brought to the contrast that is asked of it at its place"
_DRAWN_AS_LINES = "spicules are drawn as lines, since they are thinner than the pixels of the painter"


class NotEdited(MammoError):
    """Some images of a run could not be edited; the others are finished.

    Parameters
    ----------
    reasons : mapping of int to str
        By number of the image in the request.
    n_images : int
        All of the request.
    """

    def __init__(self, reasons: Mapping[int, str], n_images: int) -> None:
        super().__init__(f"{len(reasons)} of {n_images} images were not edited, the first: {reasons[min(reasons)]}")
        self.reasons = dict(reasons)


class Aim(NamedTuple):
    """Where and what one edit is to paint.

    Attributes
    ----------
    region : ndarray, shape (rows, columns), bool
        What is painted, on the grid of the file.
    outline : ndarray, shape (rows, columns), bool
        The lesion that is to be seen in it; empty for none.
    requested : ndarray, shape (rows, columns), bool
        What was asked for: the outline of the lesion that comes, or of what goes.
    where : str
        Where it comes from, for the manifest.
    noise : int
        Number of the noise that is drawn from: edits of one file with the same number draw from the same.
    again : callable or None
        ``again(change)`` gives what is to be painted in its place, `None` where the change is well.
    instead : callable or None
        ``instead(attempt)`` gives what may be painted in its place, for attempts 1, 2 and so on, `None` after the last:
        the one is kept at whose place the lesion network sees least.
    filling : Filling
        How a region is filled, where it is.
    after : callable or None
        ``after(sample)`` gives the sample that is written in its place.
    beside : tuple of Aim
        What else is painted into the same picture afterwards, apart from this region.
    contrast : ContrastRange or None
        Contrast to the surround that the lesion is held to; `None` leaves it as the painter drew it.
    has_spicules : bool
        Whether spicules are drawn in the pixels of the file where they are thinner than the painter's.
    warnings : tuple of str
        What else is to be known of it, a sentence each.
    n_places : int
        Places that were drawn for it, the last of which is taken.
    """

    region: np.ndarray
    outline: np.ndarray
    requested: np.ndarray
    where: str
    noise: int = 0
    again: Callable[[Change], Aim | None] | None = None
    instead: Callable[[int], Aim | None] | None = None
    filling: Filling = Filling()
    after: Callable[[EditedSample], EditedSample] | None = None
    beside: tuple[Aim, ...] = ()
    contrast: ContrastRange | None = None
    has_spicules: bool = False
    warnings: tuple[str, ...] = ()
    n_places: int = 1


def carry_out_edits(
    request: EditRequest,
    aim: Callable[[EditRequest, EditSource, int], Aim],
    *,
    out: str | Path,
    device: str = "auto",
    more_weights: Sequence[WeightsReference] = (),
    form: RunForm = EDIT_FORM,
    progress: ProgressCallback | None = None,
) -> Run:
    """Edits in a folder: what is missing is made and written, all else is left as it is.

    Parameters
    ----------
    request : EditRequest
    aim : callable
        ``aim(request, source, variant)``.
    out : str or Path
        Folder of the run: new, empty, or of this very request.
    device : {"auto", "cpu", "cuda"}
    more_weights : sequence of WeightsReference
        That decide a pixel beside those of painter, autoencoder and lesion network.
    form : RunForm
        What the run writes.
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        A file cannot be edited as requested, or the folder belongs to another run.
    MammoError
        Weights are missing or damaged, or a file could not be written. What is finished stays.
    """
    lesion = find(request.lesion_network)
    spec = RunSpec(
        request=request,
        weights=(*weights_of(request), *more_weights, *checked_weights([(lesion, MODEL, lesion.name)])),
        guidance=request.guidance,
        device=device,
        shape=(CROP_PX, CROP_PX),
        spacing_mm=0.0,
    )

    not_edited: dict[int, str] = {}

    def make(indices: Sequence[int], on_share: Callable[[float], None]) -> Iterator[EditedSample | NotMade]:
        from monai_mammo.generation.engine.device import pick_device

        place = pick_device(device)
        changer, finder = changer_of(request, device=place), FoundRegion(lesion, device=device)

        def edit(source: EditSource, index: int) -> EditedSample:
            return finder.after(_edited(request, source, aim(request, source, index), index, changer, finder))

        yield from samples_of(request, indices, edit, not_edited, is_alone=place != "cpu")

    run = carry_out(spec, Path(out), make, form=form, progress=progress)
    refuse_unedited(request, not_edited)
    return run


def samples_of(
    request: EditRequest,
    indices: Sequence[int],
    edit: Callable[[EditSource, int], EditedSample],
    not_edited: dict[int, str],
    *,
    is_alone: bool,
) -> Iterator[EditedSample | NotMade]:
    """Samples of these numbers; a bad file among several costs itself alone.

    Parameters
    ----------
    request : EditRequest
    indices : sequence of int
        Numbers of samples.
    edit : callable
        ``edit(source, index)``.
    not_edited : dict of int to str
        Takes up why a file, by its number, was not edited.
    is_alone : bool
        Whether one is made after the other, as on a GPU.

    Yields
    ------
    EditedSample or NotMade

    Raises
    ------
    RequestError
        The only file cannot be edited.
    """
    sources = SharedSources(shown=request.shown)

    def sample(index: int) -> EditedSample | NotMade:
        path = request.images[request.image_of(index)[0]]
        try:
            return edit(sources.of(path), index)
        except RequestError as error:
            if len(request.images) == 1:
                raise
            return NotMade(index, str(error))

    in_order = sorted(indices, key=lambda one: (request.image_of(one)[0], one))
    for made in side_by_side(sample, in_order, is_alone=is_alone):
        if isinstance(made, NotMade):
            not_edited[request.image_of(made.index)[0]] = made.why
        yield made


def refuse_unedited(request: EditRequest, not_edited: Mapping[int, str]) -> None:
    """Raise where files of a finished run were not edited.

    Parameters
    ----------
    request : EditRequest
    not_edited : mapping of int to str
        Why, by the file's number.

    Raises
    ------
    MammoError
        The first of them, and how many there are.
    """
    if not_edited:
        raise NotEdited(not_edited, len(request.images))


def _edited(
    request: EditRequest, source: EditSource, aim: Aim, index: int, changer: Changer, finder: FoundRegion
) -> EditedSample:
    started = time.monotonic()
    conditions = Conditions.from_dict({**source.conditions.to_dict(), **request.lesion.to_dict()})
    picture, bright = source.mammogram.pixels, float(np.percentile(source.mammogram.pixels[source.breast], 99))
    aims, changes, said = [], [], []
    kept: dict[str, Any] = {}
    for number, one in enumerate((aim, *aim.beside)):
        change = _change(request, source, picture, one, conditions, changer, number)
        while one.again is not None and (other := one.again(change)) is not None:
            one, change = other, _change(request, source, picture, other, conditions, changer, number)
        if one.instead is not None and source.located.is_whole:
            one, change, kept = _quietest(request, source, one, change, conditions, changer, finder)
        if one.contrast is not None:
            change, is_held = held_contrast(
                change,
                picture,
                one.outline,
                source.breast,
                one.contrast,
                bright=bright,
                conspicuity=request.conspicuity,
            )
            said += [] if is_held else [_NOT_HELD]
            change = held_lesion_texture(change, picture, one.outline, source.breast)
        if one.has_spicules:
            painted, change = (
                change,
                with_drawn_spicules(
                    change,
                    picture,
                    region=one.region,
                    outline=one.outline,
                    tissue=source.breast,
                    noise_of=_noise_of(request, source, one, number),
                ),
            )
            said += [] if change is painted else [_DRAWN_AS_LINES]
        aims.append(one)
        changes.append(change)
        if aim.beside:
            picture = change.laid_over(picture)
    change = joined(changes)
    requested = np.logical_or.reduce([one.requested for one in aims])
    pixels = source.stored.copy()
    window = change.window
    pixels[window] = source.scale.changed(source.stored[window], source.mammogram.pixels[window], change.added)
    reach = np.zeros(pixels.shape, dtype=bool)
    reach[window] = change.reach
    seconds = round(time.monotonic() - started, 2)
    spacing = source.spacing_mm
    about = {
        "where": "; ".join(one.where for one in aims),
        "window": [window[0].start, window[1].start, window[0].stop, window[1].stop],
        "pixel_mm": None if spacing is None else round(spacing, 5),
        "working_pixel_mm": None if spacing is None else round(spacing * change.working_pixels, 4),
        "contrast": _contrast(source, pixels, aims[0].requested, changes[0].window),
        "outcome": "passed",
        "is_failure": False,
        "seconds": seconds,
        **kept,
    }
    if aims[0].contrast is not None:
        about["lesions"] = [_lesion(source, pixels, *one) for one in zip(aims, changes, strict=True)]
    sample = EditedSample(
        index=index,
        command=request.command,
        source=source,
        pixels=pixels,
        requested=requested,
        reach=reach,
        window=window,
        shown=conditions,
        warnings=(*_warnings(request, source), *dict.fromkeys(said), *(w for one in aims for w in one.warnings)),
        about=about,
        edits=("lesion_removed",) if request.command == "remove" else ("lesion_inserted",),
    )
    return sample if aim.after is None else aim.after(sample)


def _quietest(
    request: EditRequest,
    source: EditSource,
    first: Aim,
    change: Change,
    conditions: Conditions,
    changer: Changer,
    finder: FoundRegion,
) -> tuple[Aim, Change, dict[str, Any]]:
    """Of several ways to fill a region the one at whose place the lesion network sees least, and what is stated of it.

    No more are drawn once it sees nothing there that it would name, and no more than was there before.
    """
    assert first.instead is not None
    picture = source.mammogram.pixels

    def score_of(drawn: Change) -> float:
        return finder.score(source, drawn.laid_over(picture), first.requested)

    best, least, kept, attempts = (first, change), score_of(change), 0, 1
    before = finder.score(source, picture, first.requested)
    while least > min(before, MIN_SCORE) and (other := first.instead(attempts)) is not None:
        drawn = _change(request, source, picture, other, conditions, changer, attempts)
        if (score := score_of(drawn)) < least:
            best, least, kept = (other, drawn), score, attempts
        attempts += 1
    seen = {"attempts": attempts, "kept": kept, "score_before": round(before, 4), "score": round(least, 4)}
    return *best, {"filling": {**seen, **dataclasses.asdict(best[0].filling)}}


def _change(
    request: EditRequest,
    source: EditSource,
    picture: np.ndarray,
    aim: Aim,
    conditions: Conditions,
    changer: Changer,
    number: int,
) -> Change:
    place = EditedPlace(
        source=source,
        picture=picture,
        region=aim.region,
        outline=aim.outline,
        conditions=conditions,
        noise_of=_noise_of(request, source, aim, number),
        texture=aim.filling.texture,
    )
    return changer.change(place)


def _noise_of(request: EditRequest, source: EditSource, aim: Aim, number: int) -> tuple[int, str, int]:
    return request.seed, f"{source.mammogram.source_sha256[:16]}/{aim.noise}", number


def _lesion(source: EditSource, pixels: np.ndarray, aim: Aim, change: Change) -> dict[str, Any]:
    """What the manifest states of one of the lesions of a picture."""
    box, held = box_of_mask(aim.requested), aim.contrast
    assert box is not None and held is not None
    return {
        "where": aim.where,
        "n_places": aim.n_places,
        "box": [round(v, 5) for v in box],
        "contrast": _contrast(source, pixels, aim.requested, change.window),
        "real_contrast": {"of": dict(held.of), "low": held.contrast[0], "high": held.contrast[-1]},
    }


def _contrast(
    source: EditSource, pixels: np.ndarray, outline: np.ndarray, window: tuple[slice, slice]
) -> dict[str, float]:
    """Mean brightness of the outline less that of the ring round it, before and after."""
    before = source.mammogram.pixels[window]
    after = source.scale.shown(pixels[window], source.stored[window], before)
    ring = ring_round(outline[window], source.breast[window])
    out = {}
    for name, picture in (("before", before), ("after", after)):
        found = visibility(picture, outline[window], ring, bright=1.0)
        out[name] = 0.0 if found is None else round(found.contrast, 4)
    return out


def _warnings(request: EditRequest, source: EditSource) -> tuple[str, ...]:
    done = "a region was filled with healthy tissue" if request.command == "remove" else "a lesion was inserted"
    out = [f"{done} by a computer, the rest is {source.origin} mammogram {source.mammogram.source_sha256[:12]}"]
    if source.spacing_mm is None:
        out.append("the file states no spacing, so sizes are in pixels and the painter was not told the pixel size")
    return (*out, *source.doubts)
