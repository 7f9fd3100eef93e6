"""A request of any kind carried out in a folder: resumable, the same bytes every time."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_mammo import __version__
from monai_mammo.dicom.identity import Provenance, WeightsReference
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.digest import bytes_sha256, file_sha256
from monai_mammo.files.folder_lock import folder_lock
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.runs.contact_sheet import CONTACT_SHEET, contact_sheet
from monai_mammo.generation.runs.manifest import NOT_MADE, PASSED, Manifest, refuse_other_run, sample_name
from monai_mammo.generation.runs.run import Run
from monai_mammo.generation.runs.run_datalist import DATALIST, PASSED_DATALIST, datalist_bytes
from monai_mammo.generation.runs.run_form import NotMade, NumberedSample, RunForm
from monai_mammo.generation.runs.run_spec import MadeSample, RunSpec
from monai_mammo.generation.runs.sample_files import FinishedSample, place_sample, refuse_links, remove_partial, writing
from monai_mammo.generation.runs.signature import SIGNATURE, is_signed, sign_manifest
from monai_mammo.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["GENERATED", "carry_out"]

Maker = Callable[[Sequence[int], Callable[[float], None]], Iterator[NumberedSample | NotMade]]
"""``make(indices, on_share)`` gives the samples of these numbers one by one, in their order, or why one is not made; it
may call ``on_share`` with the share of all their work that is done."""


def carry_out(
    spec: RunSpec,
    folder: Path,
    make: Maker,
    *,
    form: RunForm | None = None,
    sign: Ed25519PrivateKey | None = None,
    progress: ProgressCallback | None = None,
) -> Run:
    """A request carried out in a folder: what is missing is made and written, all else is left as it is.

    Parameters
    ----------
    spec : RunSpec
    folder : Path
        New, empty, or of this very request.
    make : callable
        A `Maker`; called only where a sample is missing.
    form : RunForm or None
        How samples are written; `None` stands for `GENERATED`.
    sign : Ed25519PrivateKey or None
        Key whose signature the folder is to hold.
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        The folder belongs to another run, or is signed and the key that signed it is not given.
    MammoError
        A file is not the one that the manifest states, or could not be written. What is finished stays.
    """
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder} is a file: name a folder for the run")
    form = form or GENERATED
    manifest, n_made = _manifest_of(folder, spec), 0
    is_done = manifest is not None and _is_done(manifest, spec)
    if manifest is None or not is_done or sign is not None:
        with folder_lock(folder):
            if manifest is None or not is_done:
                _take_signature(folder, sign)
                manifest, n_made = _completed(folder, spec, make, form, progress)
            if sign is not None:
                sign_manifest(folder, sign)
    entries = tuple(manifest.samples[index] for index in sorted(manifest.samples))
    return Run(folder=folder, request=spec.request, manifest=manifest.head, samples=entries, n_made=n_made)


def _manifest_of(folder: Path, spec: RunSpec) -> Manifest | None:
    """Manifest of the folder, `None` where there is none yet.

    Raises
    ------
    RequestError
        The folder belongs to another run, or a file of it lies elsewhere.
    MammoError
        The manifest is damaged, or was changed.
    """
    manifest = Manifest.load(folder, is_strict=True)
    refuse_other_run(manifest, folder, run_sha256=spec.sha256, count=spec.count)
    refuse_links(folder)
    if manifest is not None and manifest.changes:
        raise MammoError(f"{folder}: {manifest.changes[0]}; name another folder")
    return manifest


def _is_done(manifest: Manifest, spec: RunSpec) -> bool:
    if not manifest.is_complete or manifest.count < spec.count or _lists_others(manifest, spec):
        return False
    is_whole = all(_is_there(manifest, index) for index in range(spec.count))
    return is_whole and all((manifest.folder / name).is_file() for name in manifest.head["files"])


def _take_signature(folder: Path, sign: Ed25519PrivateKey | None) -> None:
    """Remove the signature of what is there, which its owner writes anew when the run is complete.

    Raises
    ------
    RequestError
        Its owner's key is not given.
    """
    if not is_signed(folder):
        return
    if sign is None:
        raise RequestError(f"{folder} is signed: name the key that signed it to complete it, or another folder")
    sign_manifest(folder, sign)  # refuses the key of somebody else
    with writing(folder):
        (folder / SIGNATURE).unlink()


def _completed(
    folder: Path, spec: RunSpec, make: Maker, form: RunForm, progress: ProgressCallback | None
) -> tuple[Manifest, int]:
    """Manifest of the finished run, and how many samples were made; no other process writes to the folder."""
    manifest = _manifest_of(folder, spec)
    if manifest is None or manifest.count < spec.count or _lists_others(manifest, spec):
        manifest = _opened(manifest, folder, spec, form)
    missing = [index for index in range(spec.count) if not _is_there(manifest, index)]
    manifest.head.pop(NOT_MADE, None)
    if missing:
        _make_missing(manifest, spec, missing, make, form, progress)
    _close(manifest, spec, form)
    return manifest, len(missing)


def _lists_others(manifest: Manifest, spec: RunSpec) -> bool:
    """Whether the datalist is to list other samples than it does: all of them, or those that passed."""
    key = "only_passed"
    return bool(manifest.head["request"].get(key)) != bool(spec.request.to_dict().get(key))


def _make_missing(
    manifest: Manifest,
    spec: RunSpec,
    missing: Sequence[int],
    make: Maker,
    form: RunForm,
    progress: ProgressCallback | None,
) -> None:
    n_made, most = 0, 0.0

    def on_share(share: float) -> None:
        nonlocal most
        most = max(most, share)
        if progress is not None:
            progress(Progress(spec.count - len(missing) + n_made, spec.count, most))

    on_share(0.0)
    try:
        for sample in make(missing, on_share):
            if isinstance(sample, NotMade):
                _say_not_made(manifest, sample)
            else:
                _finish(manifest, spec, sample, form)
            n_made += 1
            on_share(n_made / len(missing))
    except MammoError as error:
        index = missing[min(n_made, len(missing) - 1)]
        if index not in manifest.samples:  # one that was made before and cannot be completed is stated already
            _say_not_made(manifest, NotMade(index, str(error)))
        raise


def _say_not_made(manifest: Manifest, not_made: NotMade) -> None:
    """Have the manifest say why a sample is missing, where it can be written."""
    manifest.head.setdefault(NOT_MADE, {})[sample_name(not_made.index)] = not_made.why
    with contextlib.suppress(MammoError):
        manifest.save()


def _finish(manifest: Manifest, spec: RunSpec, sample: NumberedSample, form: RunForm) -> None:
    """Write a sample and then its entry in the manifest."""
    known = manifest.samples.get(sample.index, {})
    files = form.place(sample, manifest, spec, known.get("files", {}))
    if not known:
        about = form.entry(sample)
        seconds = about.pop("seconds", None)
        manifest.samples[sample.index] = {
            "index": sample.index,
            "id": sample_name(sample.index),
            **about,
            "files": dict(files),
            "seconds": seconds,
        }
        manifest.save()


def _place_generated(sample: MadeSample, manifest: Manifest, spec: RunSpec, keep: Mapping[str, str]) -> dict[str, str]:
    finished = FinishedSample(
        index=sample.index,
        mammogram=sample.mammogram,
        found_mask=sample.found_mask,
        run_sha256=manifest.run_sha256,
        run_seed=spec.request.seed,
        provenance=Provenance(weights=spec.weights, notes=(*(f"{w}." for w in sample.warnings), _outcome(sample))),
        found_by=spec.weights[-1],
        outcome=_outcome(sample),
        person_id=sample.person_id,
    )
    return place_sample(finished, manifest.folder, format=spec.request.format, keep=keep)


def _generated_entry(sample: MadeSample) -> dict[str, Any]:
    about = dict(sample.about)
    seconds = about.pop("seconds", None)
    conditions = sample.mammogram.conditions.to_dict()
    return {"conditions": conditions, **about, "warnings": list(sample.warnings), "seconds": seconds}


def _generated_head(spec: RunSpec) -> dict[str, Any]:
    return {
        "shape": list(spec.shape),
        "spacing_mm": spec.spacing_mm,
        "spacing_source": "nominal: the training images have no known spacing",
        **({"criteria": dict(spec.criteria)} if spec.criteria else {}),
        **({"source": dict(spec.source)} if spec.source else {}),
    }


def _generated_summaries(manifest: Manifest, spec: RunSpec) -> dict[str, bytes]:
    only_passed = bool(manifest.head["request"].get("only_passed"))
    return {
        DATALIST: datalist_bytes(manifest, spec.spacing_mm, only_passed=only_passed),
        PASSED_DATALIST: datalist_bytes(manifest, spec.spacing_mm, only_passed=True),
        CONTACT_SHEET: contact_sheet(manifest),
    }


GENERATED = RunForm(
    place=_place_generated, entry=_generated_entry, head=_generated_head, summaries=_generated_summaries
)
"""Form of a run of images that were generated."""


def _outcome(sample: MadeSample) -> str:
    """Whether a sample passed or which criterion it failed, as its files say it."""
    outcome = str(sample.about["outcome"])
    return "Passed all criteria." if outcome == PASSED else f"Not passed: {outcome}."


def _opened(manifest: Manifest | None, folder: Path, spec: RunSpec, form: RunForm) -> Manifest:
    """Manifest that claims the folder for this run, or the one that is there with its count raised."""
    if manifest is None:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        manifest = Manifest.new(
            folder,
            run_sha256=spec.sha256,
            request_sha256=spec.request.request_sha256,
            request=spec.request.to_dict(),
            identity=spec.request.identity(),
            guidance=spec.guidance,
            device=spec.device,
            weights=[_stated(reference) for reference in spec.weights],
            versions=_versions(),
            **form.head(spec),
            warnings=[],
            times={"started": _now(), "finished": None},
        )
    manifest.head["request"] = spec.request.to_dict()
    manifest.head["is_complete"] = False
    manifest.save()
    return manifest


def _stated(reference: WeightsReference) -> dict[str, Any]:
    """Weights as the manifest states them; ``trained_with`` is left out where it is not known."""
    stated = dataclasses.asdict(reference)
    if reference.trained_with is None:
        del stated["trained_with"]
    return stated


def _is_there(manifest: Manifest, index: int) -> bool:
    """Whether a sample is stated and all its files are there.

    Raises
    ------
    MammoError
        A file is not the one that the manifest states.
    """
    if index not in manifest.samples:
        return False
    is_whole = True
    for name, sha256 in manifest.samples[index]["files"].items():
        path = manifest.folder / sample_name(index) / name
        if not path.is_file():
            is_whole = False
        elif file_sha256(path) != sha256:
            raise MammoError(f"{path} is not what the run wrote: remove it to have it made anew")
    return is_whole


def _close(manifest: Manifest, spec: RunSpec, form: RunForm) -> None:
    """Write datalist, contact sheet and the like, and say in the manifest that the run is complete."""
    remove_partial(manifest.folder)
    made = form.summaries(manifest, spec)
    for name, data in made.items():
        path = manifest.folder / name
        if not (path.is_file() and path.read_bytes() == data):
            save_bytes(data, path)
    files = {name: bytes_sha256(data) for name, data in made.items()}
    if manifest.head.get(NOT_MADE):
        manifest.head["files"] = files
        manifest.save()
        return
    if manifest.is_complete and manifest.head["files"] == files:
        return
    manifest.head["files"] = files
    manifest.head["is_complete"] = True
    manifest.head["times"]["finished"] = _now()
    manifest.save()


def _versions() -> dict[str, str]:
    names = ("torch", "numpy", "pydicom", "highdicom")
    return {"monai_mammo": __version__, "python": platform.python_version(), **{n: metadata.version(n) for n in names}}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
