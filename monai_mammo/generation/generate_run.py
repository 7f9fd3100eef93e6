"""Synthetic mammograms of requested conditions, as a run in a folder."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_mammo import bundle
from monai_mammo.bundle import BundleFolder
from monai_mammo.bundle.fingerprint import fingerprint_of
from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.conditions_file import condition_rows
from monai_mammo.generation.engine.plan import PlannedSample, plan_sample
from monai_mammo.generation.engine.settings import DrawSettings
from monai_mammo.generation.engine.source import Keep, Source
from monai_mammo.generation.like import (
    conditions_of_image,
    outline_of_source,
    refuse_lesion_outside,
    refuse_unlike_image,
    source_of_image,
)
from monai_mammo.generation.made_sample import made_sample
from monai_mammo.generation.mask_file import read_mask
from monai_mammo.generation.merged_conditions import merged_conditions
from monai_mammo.generation.request import MAX_COUNT, Request, UnsupportedPolicy
from monai_mammo.generation.run_bundles import RunBundles
from monai_mammo.generation.runs.carrying_out import carry_out
from monai_mammo.generation.runs.run import Run
from monai_mammo.generation.runs.run_spec import MadeSample, RunSpec
from monai_mammo.generation.runs.signature import private_key
from monai_mammo.generation.second_view import kinds_of, refuse_untranslated, second_view
from monai_mammo.generation.taken_attributes import (
    keep_taken,
    stated_as_drawn,
    taken_attributes,
    unanswered_notes,
)
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.progress import ProgressCallback
from monai_mammo.terms import Finding
from monai_mammo.text import filled_from_text

if TYPE_CHECKING:
    import numpy as np

    from monai_mammo.generation.engine.generator import Generator

__all__ = ["generate", "run_request"]


def generate(
    request: Request | None = None,
    *,
    out: str | Path,
    count: int | None = None,
    kind: str | None = None,
    density: str | None = None,
    view: str | None = None,
    laterality: str | None = None,
    finding: str | None = None,
    birads: int | None = None,
    pathology: str | None = None,
    age_years: int | None = None,
    lesion_shape: str | None = None,
    lesion_margin: str | None = None,
    calc_type: str | None = None,
    calc_distribution: str | None = None,
    subtlety: int | None = None,
    n_findings: int | None = None,
    box: Box | Sequence[float] | str | None = None,
    mask: str | Path | None = None,
    text: str | None = None,
    like: str | Path | None = None,
    conditions: Conditions | Mapping[str, Any] | Sequence[Conditions | Mapping[str, Any]] | str | Path | None = None,
    device: str = "auto",
    sign: str | Path | None = None,
    progress: ProgressCallback | None = None,
    **settings: Any,
) -> Run:
    """Synthetic mammograms of the requested conditions, written to a folder.

    The same call in the same folder completes what is missing and changes nothing else. Sample k is
    the same, byte for byte, whatever the count and the folder, on the same machine.

    Parameters
    ----------
    request : Request or None
        All of the below up to `conditions`, and `settings`, in one; give one or the other.
    out : str or Path
        Folder of the run: new, empty, or of this very request.
    count : int or None
        Number of samples; 1 by default, or one for each row of a conditions file.
    kind, density, view, laterality, finding, birads, pathology, age_years, box
    lesion_shape, lesion_margin, calc_type, calc_distribution, subtlety, n_findings
        What is to be seen, as in `Conditions`; what is left out stays open. Two kinds, such as ``digital+contrast``,
        make two samples of each breast, the second translated from the first; `count` then counts breasts. The box is
        ``(x0, y0, x1, y1)`` in fractions of the picture as it hangs.
    mask : str or Path or None
        Picture whose white pixels are the lesion, as the mammogram hangs.
    text : str or None
        Words of a report, as `monai_mammo.text.conditions_of_text` reads them, for what is left open.
    like : str or Path or None
        A real mammogram (DICOM, or a picture) whose conditions are taken where none are given; with ``keep`` or
        ``strength`` more of it is.
    conditions : Conditions, mapping, sequence of these, str, Path or None
        Conditions in one piece, a list with one of them for each sample, or a ``.json`` or ``.csv`` file with one row
        for each. They must not contradict what is given by name.
    device : {"auto", "cpu", "cuda"}
    sign : str or Path or None
        PEM file of an Ed25519 private key, by which ``manifest.json.sig`` says who made the run; see `verify`.
    progress : callable or None
        Called with a `Progress` now and then.
    **settings
        ``keep``, ``strength``, ``seed``, ``steps``, ``guidance``, ``format``, ``unsupported``, ``dice_threshold``,
        ``max_tries``, ``mend``, ``only_passed``, ``bundle``, ``autoencoder``, ``lesion_network``: as in `Request`.

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        Something that is requested is not allowed, not supported by training images, or the folder
        belongs to another run.
    MammoError
        Weights are missing or damaged, or a file could not be written. What is finished stays.

    Examples
    --------
    >>> run = generate(density="C", view="MLO", laterality="L", finding="mass", seed=7, out="run")  # doctest: +SKIP
    """
    kind, also = kinds_of(kind)
    words: dict[str, Any] = {"kind": kind, "density": density, "view": view, "laterality": laterality}
    words |= {"finding": finding, "birads": birads, "pathology": pathology, "age_years": age_years, "box": box}
    words |= {"lesion_shape": lesion_shape, "lesion_margin": lesion_margin, "subtlety": subtlety}
    words |= {"calc_type": calc_type, "calc_distribution": calc_distribution, "n_findings": n_findings}
    given = {name: value for name, value in words.items() if value is not None}
    if text is not None:
        given = filled_from_text(Conditions.from_dict({**given, "text": str(text)})).to_dict()
    if request is None:
        settings = {name: value for name, value in settings.items() if value is not None}
        if also is not None:
            settings["also"] = also
            count = None if count is None else 2 * parse_whole(count, name="count", low=1, high=MAX_COUNT // 2)
        unknown = set(settings) - {field.name for field in dataclasses.fields(Request)}
        if unknown:
            raise RequestError(f"setting {sorted(unknown)[0]!r} is not one of {', '.join(_setting_names())}")
        rows = _conditions(given, conditions=conditions, like=like, settings=settings)
        files: dict[str, Any] = {"mask": None if mask is None else str(mask)}
        if like is None or {"keep", "strength"} & set(settings):
            files["like"] = None if like is None else str(like)
        request = Request(conditions=rows, count=count, **files, **settings)
    elif given or settings or count is not None or mask is not None or like is not None or conditions is not None:
        raise RequestError("a Request is complete: give no conditions or settings beside it")
    return run_request(request, out=out, device=device, sign=sign, progress=progress)


def run_request(
    request: Request,
    *,
    out: str | Path,
    device: str = "auto",
    sign: str | Path | None = None,
    progress: ProgressCallback | None = None,
) -> Run:
    """A request carried out in a folder; see `generate`.

    Parameters
    ----------
    request : Request
    out : str or Path
    device : {"auto", "cpu", "cuda"}
    sign : str or Path or None
        PEM file of an Ed25519 private key.
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    Run

    Raises
    ------
    RequestError, MammoError
        As `generate` raises them.
    """
    if Path(out).exists() and not Path(out).is_dir():
        raise RequestError(f"{out} is a file: name a folder for the run")
    key = None if sign is None else private_key(sign)
    bundles = RunBundles.find(request.bundle, request.autoencoder, request.lesion_network)
    if request.also is not None:
        assert isinstance(request.conditions, tuple)
        refuse_untranslated(bundles.diffusion, str(request.also), *(str(row.kind) for row in request.conditions))
    weights = bundles.weights(mend=request.mend, translates=request.also is not None)
    guidance = bundles.guidance(request.guidance, request.guidance_interval)
    source = _source(request, bundles.diffusion)
    planned = _plan(request, bundles.diffusion, source)
    from monai_mammo.generation.engine.device import pick_device  # torch, after all that is refused without it

    spec = RunSpec(
        request=request,
        weights=weights,
        guidance=guidance,
        device=pick_device(device),
        shape=bundles.diffusion.prepared_shape,
        spacing_mm=bundles.diffusion.nominal_spacing_mm,
        criteria={**bundles.lesion.region_scores, **_copy_criterion(bundles.diffusion, source)},
        source=request.source(),
    )

    def make(indices: Sequence[int], on_share: Callable[[float], None]) -> Iterator[MadeSample]:
        from monai_mammo.generation.engine.generator import Generator
        from monai_mammo.generation.engine.mending import MENDED_TURNS
        from monai_mammo.generation.engine.parallel import draw_all

        generator = Generator.load(bundles.diffusion, bundles.autoencoder, bundles.lesion, device=spec.device)
        settings = DrawSettings(
            seed=request.seed,
            steps=request.steps,
            guidance=guidance,
            dice_threshold=request.dice_threshold,
            max_tries=request.max_tries,
            source=source,
            mends=MENDED_TURNS if request.mend else 0,
        )
        if request.also is not None:
            yield from _both_views(request, bundles, generator, planned, settings, indices, on_share)
            return
        for drawn in draw_all(generator, [planned[index] for index in indices], settings, on_share=on_share):
            yield made_sample(drawn.sample, drawn.results, spacing_mm=spec.spacing_mm, seconds=drawn.seconds)

    return carry_out(spec, Path(out), make, sign=key, progress=progress)


def _both_views(
    request: Request,
    bundles: RunBundles,
    generator: Generator,
    planned: Sequence[PlannedSample],
    settings: DrawSettings,
    indices: Sequence[int],
    on_share: Callable[[float], None],
) -> Iterator[MadeSample]:
    """Samples two by two: a breast as it is drawn, and its second view as it is translated."""
    from monai_mammo.generation.engine.check import best_of
    from monai_mammo.generation.engine.parallel import draw_all
    from monai_mammo.generation.engine.translator import Translator

    translator = Translator.load(
        bundles.diffusion, bundles.autoencoder, sampler=generator.sampler, device=generator.device.type
    )
    spacing_mm = bundles.diffusion.nominal_spacing_mm
    firsts = [planned[index] for index in sorted({index - index % 2 for index in indices})]
    for drawn in draw_all(generator, firsts, settings, on_share=on_share):
        first, second = drawn.sample, planned[drawn.sample.index + 1]
        breast = first.index // 2
        if first.index in indices:
            yield made_sample(first, drawn.results, spacing_mm=spacing_mm, seconds=drawn.seconds, breast=breast)
        if second.index in indices:
            started = time.monotonic()
            best, checked = best_of(drawn.results), []
            for attempt in range(settings.max_tries):
                image = translator.translated(
                    best.image,
                    of=str(first.conditions.kind),
                    onto=str(second.conditions.kind),
                    conditions=second.conditions,
                    mask=best.requested if best.requested.any() else None,
                    noise_of=(request.seed, str(second.index), attempt),
                    steps=request.steps,
                )
                checked.append(generator.checked(image, second, settings))
                if not checked[-1].defect:
                    break
            seconds = time.monotonic() - started
            yield made_sample(second, checked, spacing_mm=spacing_mm, seconds=seconds, breast=breast)


def _is_place_open(conditions: Conditions, mask: np.ndarray | None) -> bool:
    """Whether nothing in the request says where the lesion lies."""
    return mask is None and conditions.box is None and conditions.text is None


def _copy_criterion(folder: BundleFolder, source: Source | None) -> dict[str, float]:
    """Limit of closeness to a training image, where a drawn image is compared with these."""
    prints = fingerprint_of(folder) if source is None or not source.is_used else None
    return {} if prints is None else {"copy_ratio": prints.copy_ratio}


def _conditions(
    given: Mapping[str, Any],
    *,
    conditions: Conditions | Mapping[str, Any] | Sequence[Conditions | Mapping[str, Any]] | str | Path | None,
    like: str | Path | None,
    settings: Mapping[str, Any],
) -> tuple[Conditions, ...]:
    """Conditions of each row: what is given by name and in the row must agree, a picture fills what both leave open."""
    named = Conditions.from_dict(given)
    rows = [merged_conditions(named, row, where=where) for where, row in _rows(conditions)]
    if like is None:
        return tuple(rows)
    shown = conditions_of_image(like, shape=bundle.find(settings.get("bundle", Request().bundle)).prepared_shape)
    if shown == Conditions() and not {"keep", "strength"} & set(settings):
        raise RequestError(
            f"{like} does not say what it shows, neither in itself nor in a JSON file beside it: "
            "leave it out and name the conditions"
        )
    return tuple(_filled(row, shown) for row in rows)


def _filled(row: Conditions, shown: Conditions) -> Conditions:
    if row.finding is Finding.NONE:
        shown = shown.replace(box=None, birads=None)  # they are those of its lesion
    return Conditions.from_dict({**shown.to_dict(), **row.to_dict()})


def _rows(
    conditions: Conditions | Mapping[str, Any] | Sequence[Conditions | Mapping[str, Any]] | str | Path | None,
) -> list[tuple[str, Mapping[str, Any]]]:
    if conditions is None:
        return [("", {})]
    if isinstance(conditions, (str, Path)):
        return condition_rows(conditions)
    if isinstance(conditions, (Conditions, Mapping)):
        return [("conditions", _mapping(conditions, "conditions"))]
    try:
        listed = list(conditions)
    except TypeError:
        raise RequestError("conditions are neither a file, a dictionary nor a list of dictionaries") from None
    if not listed:
        raise RequestError("conditions list no sample")
    places = [f"row {i} of conditions" for i in range(1, len(listed) + 1)]
    return [(where, _mapping(row, where)) for where, row in zip(places, listed, strict=True)]


def _mapping(row: Any, where: str) -> Mapping[str, Any]:
    if isinstance(row, Conditions):
        return row.to_dict()
    if not isinstance(row, Mapping):
        raise RequestError(f"{where} is not a dictionary: {str(row)[:80]!r}")
    return row


def _source(request: Request, folder: BundleFolder) -> Source | None:
    """The real mammogram of which something is kept, `None` where there is none."""
    if request.like is None:
        return None
    assert request.keep is not None and request.strength is not None
    source = source_of_image(request.like, shape=folder.prepared_shape, keep=request.keep, strength=request.strength)
    if source.is_used and not folder.defines(bundle.DETAIL):
        raise RequestError(
            f"bundle {folder.name} draws in one stage and keeps nothing of a mammogram: "
            "allowed with like are keep nothing and strength 1"
        )
    return source


def _plan(request: Request, folder: BundleFolder, source: Source | None = None) -> list[PlannedSample]:
    shape = folder.prepared_shape
    mask = None if request.mask is None else read_mask(request.mask, shape)
    table = folder.support
    assert request.count is not None and isinstance(request.conditions, tuple)
    taken = taken_attributes(folder)
    planned: list[PlannedSample] = []
    without = _settings_without_effect(request, folder)
    refuse_unsupported = request.unsupported is UnsupportedPolicy.REFUSE
    for index in range(request.count):
        if request.also is not None and index % 2:
            planned.append(second_view(planned[-1], request.also, folder))
            continue
        try:
            kept, ignored = keep_taken(
                filled_from_text(request.conditions_of(index)), taken, bundle=folder.name, refuse=refuse_unsupported
            )
            if source is not None:
                refuse_unlike_image(kept, source, path=str(request.like))
            if mask is not None and "finding" not in taken:
                raise RequestError(f"bundle {folder.name} draws no lesion that is requested: leave out the mask")
            kept, as_drawn = stated_as_drawn(
                kept, taken, table=table, bundle=folder.name, seed=request.seed, index=index
            )
            plan = functools.partial(
                plan_sample,
                kept,
                index=index,
                seed=request.seed,
                table=table,
                shape=shape,
                spacing_mm=folder.nominal_spacing_mm,
                smallest_px=folder.number("smallest_feature_px", 0),
                mask=mask if mask is not None or source is None else outline_of_source(kept, source),
                within=None if source is None or source.keep is Keep.NOTHING else source.breast,
                refuse_unsupported=refuse_unsupported,
                encodes_text="text_encoder" in folder.config("inference"),
            )
            sample = plan()
            if source is not None:
                refuse_lesion_outside(sample.lesion, source, path=str(request.like))
        except RequestError as error:
            where = f" (row {index + 1} of {len(request.conditions)})" if len(request.conditions) > 1 else ""
            raise RequestError(f"{error}{where}") from None
        unanswered = unanswered_notes(kept, folder)
        of_source = (source.note,) if source is not None and source.note else ()
        notes = (*ignored, *unanswered, *as_drawn, *of_source, *without)
        sample = dataclasses.replace(sample, warnings=(*sample.warnings, *notes))
        if source is None and request.also is None and _is_place_open(kept, mask) and sample.lesion.mask.any():
            other = plan(choice=1)
            other = dataclasses.replace(other, warnings=(*other.warnings, *notes))
            sample = dataclasses.replace(sample, elsewhere=other)
        planned.append(sample)
    return planned


def _settings_without_effect(request: Request, folder: BundleFolder) -> tuple[str, ...]:
    """What a request sets and the bundle's generator has no use for, as a warning."""
    if not folder.draws_at_once or (request.guidance is None and request.guidance_interval is None):
        return ()
    return (f"bundle {folder.name} draws in one network evaluation: guidance has no effect",)


def _setting_names() -> list[str]:
    fields = [field.name for field in dataclasses.fields(Request)]
    return [name for name in fields if name not in ("conditions", "count", "mask", "like")]
