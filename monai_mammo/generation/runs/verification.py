"""A run's folder against its manifest, its DICOM files against themselves. Needs no torch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import read_nifti, read_segmentation
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.writing.store import read_dataset
from monai_mammo.dicom.writing.validate import complete
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.digest import bytes_sha256, file_sha256
from monai_mammo.files.picture import read_brightness
from monai_mammo.files.stored_array import read_array
from monai_mammo.generation.engine.check import MAX_OUTSIDE, seen_breast
from monai_mammo.generation.engine.source import source_note
from monai_mammo.generation.runs.edited_form import EDITED, is_edited_run
from monai_mammo.generation.runs.edited_runs import edit_problems
from monai_mammo.generation.runs.manifest import (
    MANIFEST,
    NOT_MADE,
    SYNTHETIC,
    Manifest,
    is_passed,
    run_sha256,
    sample_name,
)
from monai_mammo.generation.runs.manifest_seal import canonical_json
from monai_mammo.generation.runs.output_format import PREPARED_IMAGE, PREPARED_LESION
from monai_mammo.generation.runs.run_datalist import DATALIST, PASSED_DATALIST, datalist_bytes
from monai_mammo.generation.runs.run_sources import SourceFiles
from monai_mammo.generation.runs.signature import SIGNATURE, is_signed, public_key, signature_problem
from monai_mammo.generation.runs.written_dicom import written_dicom
from monai_mammo.measures.overlap import dice
from monai_mammo.prepare.breast import chest_wall_side
from monai_mammo.prepare.datalist import SPLIT_KEYS
from monai_mammo.prepare.geometry import as_displayed
from monai_mammo.progress import Progress, ProgressCallback
from monai_mammo.study import chest_wall_of

__all__ = ["VerifyReport", "verify"]

_EDGE_SHARE = 0.02  # rounding to 12 bit may move the outline of the breast by a pixel


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What `verify` saw.

    Parameters
    ----------
    folder : Path
    n_samples, n_files : int
        Samples and files that were looked at.
    n_sides_read : int
        Mammograms whose chest wall side could be read from the pixels.
    problems : tuple of str
        One sentence each; empty for a run in order.
    notes : tuple of str
        What is worth knowing and no fault.
    is_signed : bool or None
        Whether the run is signed by the key that was named; `None` where none was.
    n_sources_proved : int or None
        Samples whose source is among the files that were named; `None` where none were.
    """

    folder: Path
    n_samples: int
    n_files: int
    n_sides_read: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    is_signed: bool | None = None
    n_sources_proved: int | None = None

    @property
    def is_in_order(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        return {**dataclasses.asdict(self), "folder": str(self.folder), "is_in_order": self.is_in_order}


def verify(
    folder: str | Path,
    *,
    key: str | Path | None = None,
    source: str | Path | None = None,
    progress: ProgressCallback | None = None,
) -> VerifyReport:
    """Every file of a run looked at: against the manifest, and DICOM against itself.

    Checked are the hash of each file; that DICOM is readable, complete and marked as synthetic; side
    (read from the pixels), view and conditions against the attributes; that the masks lie in the
    breast and give the stated Dice; that previews, datalist and conditions say the same.

    Parameters
    ----------
    folder : str or Path
    key : str or Path or None
        PEM file of an Ed25519 public key. The run must then be signed by its owner, and hold nothing that the
        signature does not cover.
    source : str or Path or None
        The acquired mammogram that a run is said to be made from, or a folder that holds it. Its sha256 must be the one
        that the run states, and an edited image must have its pixels wherever ``changed.png`` marks no change.
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    VerifyReport

    Raises
    ------
    RequestError
        There is no run in the folder, no such key in the file, or no source where one is named.
    MammoError
        Its manifest cannot be read.
    """
    folder = Path(folder)
    owner = None if key is None else public_key(key)
    manifest = Manifest.load(folder, is_strict=True)
    if manifest is None:
        raise RequestError(f"{folder} holds no run: there is no {MANIFEST} in it")
    changed = dict(_changed_files(manifest))
    problems = [*manifest.changes, *_hashes(manifest), *_source(manifest), *changed.values()]
    problems += [*_incomplete(manifest), *_datalist(manifest)]
    n_sources_proved = None
    if source is not None:
        differing, n_sources_proved = SourceFiles(source).problems(manifest)
        problems += differing
    notes, n_sides_read = _unstated_files(manifest), 0
    unsigned = None if owner is None else signature_problem(folder, owner)
    if owner is not None:
        problems, notes = [*([] if unsigned is None else [unsigned]), *problems, *notes], []
    elif is_signed(folder):
        notes.append("the run is signed: the public key of who signed it tells whether it is as they left it")
    for done, index in enumerate(sorted(manifest.samples), start=1):
        entry = manifest.samples[index]
        paths = {name: folder / sample_name(index) / name for name in entry["files"]}
        if not any(f"{sample_name(index)}/{name}" in changed for name in paths):
            is_edit = is_edited_run(manifest.head)
            found, is_side_read = (_edit(entry, paths), True) if is_edit else _sample(entry, paths)
            problems += [f"{sample_name(index)}: {sentence}" for sentence in found]
            n_sides_read += is_side_read and not is_edit
            notes += [] if is_side_read else [f"{sample_name(index)}: the pixels do not tell the chest wall's side"]
        if progress is not None:
            progress(Progress(done, len(manifest.samples)))
    return VerifyReport(
        folder=folder,
        n_samples=len(manifest.samples),
        n_files=sum(1 for _ in manifest.stated_files()),
        n_sides_read=n_sides_read,
        problems=tuple(problems),
        notes=tuple(notes),
        is_signed=None if owner is None else unsigned is None,
        n_sources_proved=n_sources_proved,
    )


def _hashes(manifest: Manifest) -> Iterator[str]:
    """What the manifest states as hashes against the parts that they are made of."""
    head, request = manifest.head, manifest.head["request"]
    identity = head.get("identity")
    if not isinstance(identity, dict):
        yield "the manifest does not state the identity of its request"
        return
    if head["synthetic"] != (EDITED if is_edited_run(head) else SYNTHETIC):
        yield "the manifest does not say in the words of this program that the images are synthetic"
    if head.get("request_sha256") != bytes_sha256(canonical_json(identity).encode()):
        yield "request_sha256 of the manifest is not the hash of its identity"
    parts = {"guidance": head["guidance"], "weights": [one["sha256"] for one in head["weights"]]}
    parts["criteria"] = head.get("criteria")
    if head["run_sha256"] != run_sha256(identity, **parts, device=head["device"]):
        yield "run_sha256 of the manifest is not the hash of its identity, guidance, weights, criteria and device"
    differing = [name for name in request if name in identity and request[name] != identity[name]]
    if differing:
        yield f"request and identity of the manifest differ in {', '.join(differing)}"


def _source(manifest: Manifest) -> Iterator[str]:
    """What the manifest states of a real mammogram that took part, against its identity and the samples."""
    source, identity = manifest.head.get("source", {}), manifest.head.get("identity")
    identity = identity if isinstance(identity, dict) else {}
    stated = {name: identity[name] for name in ("like_sha256", "beside_sha256", "keep", "strength") if name in identity}
    if source != stated:
        yield "the manifest's source is not the real mammogram of its identity"
    elif source and (note := source_note(source["keep"], source["strength"], source["like_sha256"])):
        for index, entry in sorted(manifest.samples.items()):
            if note not in entry["warnings"]:
                yield f"{sample_name(index)} does not say what of a real mammogram it shows"


def _changed_files(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for name, sha256 in manifest.stated_files():
        path = manifest.folder / name
        if path.is_symlink() or (path.parent != manifest.folder and path.parent.is_symlink()):
            yield name, f"{name} lies elsewhere: it is reached by a symbolic link"
            continue
        if not path.is_file():
            yield name, f"{name} is missing"
            continue
        try:
            is_changed = file_sha256(path) != sha256
        except OSError as error:
            yield name, f"{name} cannot be read: {error.strerror or 'unknown'}"
            continue
        if is_changed:
            yield name, f"{name} is not what the run wrote: its sha256 differs from the manifest's"


def _incomplete(manifest: Manifest) -> Iterator[str]:
    lacking = [index for index in range(manifest.count) if index not in manifest.samples]
    reasons = {index: manifest.head.get(NOT_MADE, {}).get(sample_name(index)) for index in lacking}
    yield from (f"{sample_name(index)} was not made: {why}" for index, why in reasons.items() if why)
    lacking = [index for index, why in reasons.items() if not why]
    if lacking:
        are = "is" if len(lacking) == 1 else "are"
        yield f"{len(lacking)} of {manifest.count} samples {are} not made yet: repeat the same command"
    elif not manifest.is_complete and not reasons:
        yield "the run was not brought to its end: repeat the same command"
    for index, entry in sorted(manifest.samples.items()):
        if entry.get("is_failure"):
            yield f"{sample_name(index)} failed: {entry.get('outcome')}"


def _unstated_files(manifest: Manifest) -> list[str]:
    """Files that the manifest does not state; hidden ones are left alone."""
    stated = {name for name, _ in manifest.stated_files()} | {MANIFEST, SIGNATURE}
    present = (p.relative_to(manifest.folder) for p in sorted(manifest.folder.rglob("*")) if p.is_file())
    names = [p.as_posix() for p in present if not any(part.startswith(".") for part in p.parts)]
    return [f"{name} does not belong to the run" for name in names if name not in stated]


def _datalist(manifest: Manifest) -> Iterator[str]:
    path = manifest.folder / "datalist.json"
    if not manifest.is_complete or not path.is_file() or path.is_symlink():
        return
    is_partly = bool(manifest.head["request"].get("only_passed"))
    try:
        content = read_json(path)
        images = sorted(item["image"] for split in SPLIT_KEYS.values() for item in content.get(split, []))
    except (UnreadableFile, KeyError, TypeError, AttributeError):
        yield "datalist.json cannot be read as a datalist"
        return
    listed = [entry for _, entry in sorted(manifest.samples.items()) if is_passed(entry) or not is_partly]
    if images != sorted(f"{sample_name(entry['index'])}/{_trained_on(entry)}" for entry in listed):
        yield "datalist.json does not list the samples of the manifest"
        return
    spacing_mm = float(manifest.head["spacing_mm"])
    for name, only_passed in ((DATALIST, is_partly), (PASSED_DATALIST, True)):
        path = manifest.folder / name
        if name in manifest.head["files"] and path.is_file() and not path.is_symlink():
            expected = json.loads(datalist_bytes(manifest, spacing_mm, only_passed=only_passed))
            if read_json(path) != expected:
                yield f"{name} states something else than the manifest"


def _trained_on(entry: Mapping[str, Any]) -> str:
    """File of a sample that the datalist names; runs before the prepared image was written have the preview."""
    return PREPARED_IMAGE if PREPARED_IMAGE in entry["files"] else "mammogram.png"


def _sample(entry: Mapping[str, Any], paths: Mapping[str, Path]) -> tuple[list[str], bool]:
    """Sentences for what is wrong with a sample, and whether its side could be read."""
    try:
        conditions = Conditions.from_dict(entry["conditions"])
        preview, requested = read_brightness(paths["mammogram.png"]), read_brightness(paths["lesion.png"]) > 0.5
        stated = Conditions.from_dict(read_json(paths["conditions.json"]))
    except (MammoError, TypeError, KeyError) as error:
        return [f"cannot be read: {error}"], False
    problems = [] if stated == conditions else ["conditions.json and the manifest differ"]
    if requested.shape != preview.shape:
        return [*problems, "lesion.png and mammogram.png differ in size"], False
    problems += _prepared(paths, preview, requested, conditions) if PREPARED_IMAGE in paths else []
    if "mammogram.dcm" in paths:
        found, pixels = _mammogram(paths["mammogram.dcm"], conditions, preview, entry)
        problems += found
        problems += _segmentation(paths, requested, entry)
        problems += _report(paths) if "report.dcm" in paths else []  # runs before it was written have none
    elif "mammogram.nii.gz" in paths:
        found, pixels = _nifti(paths, conditions, preview, requested, entry)
        problems += found
    else:
        pixels = preview
    if pixels is None or pixels.shape != preview.shape:
        return problems, False
    breast = seen_breast(pixels)
    if breast is None:
        return [*problems, "the pixels show no breast"], False
    outside = float((requested & ~breast).sum() / max(1, requested.sum()))
    if outside > _EDGE_SHARE:
        problems.append(f"{outside:.0%} of the lesion mask lies outside the breast")
    if float(entry["tries"][entry["kept_try"]]["outside_share"]) > MAX_OUTSIDE and is_passed(entry):
        problems.append("the requested lesion was cut by the outline of the breast, and is said to have passed")
    side = chest_wall_side(breast)
    expected = None if conditions.laterality is None else chest_wall_of(conditions.laterality)
    if side is not None and side is not expected:
        problems.append(f"the pixels show the chest wall {side}, a {conditions.laterality} breast has it {expected}")
    return problems, side is not None


def _prepared(
    paths: Mapping[str, Path], preview: np.ndarray, requested: np.ndarray, conditions: Conditions
) -> list[str]:
    try:
        image = read_array(paths[PREPARED_IMAGE]).astype(np.float32) / 65535
        lesion = read_array(paths[PREPARED_LESION]) > 0
    except UnreadableFile as error:
        return [error.detail]
    except KeyError:
        return [f"there is {PREPARED_IMAGE}, and no {PREPARED_LESION}"]
    assert conditions.laterality is not None
    preview, requested = as_displayed(preview, conditions.laterality), as_displayed(requested, conditions.laterality)
    problems = []
    if image.shape != preview.shape or np.abs(image - preview).max() > 1.5 / 255:
        problems.append(f"{PREPARED_IMAGE} shows another picture than mammogram.png")
    if lesion.shape != requested.shape or (lesion != requested).any():
        problems.append(f"{PREPARED_LESION} and lesion.png show different lesions")
    return problems


@suppress_pydicom_messages()
def _mammogram(
    path: Path, conditions: Conditions, preview: np.ndarray, entry: Mapping[str, Any]
) -> tuple[list[str], np.ndarray | None]:
    """Sentences for a mammogram's DICOM file, and its pixels in [0, 1]."""
    try:
        dataset, pixels = written_dicom(path)
    except MammoError as error:
        return [str(error)], None
    breast = seen_breast(pixels)
    problems = complete(dataset, chest_wall=None if breast is None else chest_wall_side(breast))
    if dataset.get("ImageLaterality") != conditions.laterality or dataset.get("ViewPosition") != conditions.view:
        problems.append("Side or view are not those of the manifest.")
    if pixels.shape != preview.shape or np.abs(pixels - preview).max() > 1.5 / 255:
        problems.append("The picture is another one than mammogram.png.")
    comments = str(dataset.get("ImageComments", ""))
    problems += [f"ImageComments do not say: {w}" for w in entry["warnings"] if w not in comments]
    return [f"mammogram.dcm: {sentence}" for sentence in problems], pixels


def _nifti(
    paths: Mapping[str, Path],
    conditions: Conditions,
    preview: np.ndarray,
    requested: np.ndarray,
    entry: Mapping[str, Any],
) -> tuple[list[str], np.ndarray | None]:
    """Sentences for a mammogram and its mask as NIfTI, and the mammogram's pixels in [0, 1]."""
    try:
        mammogram, mask = (read_nifti(paths[name]) for name in ("mammogram.nii.gz", "lesion.nii.gz"))
        said = {**mammogram.about["conditions"], "text": None}
        is_of_manifest = Conditions.from_dict(said) == conditions.replace(text=None)
        notes = [str(note) for note in mammogram.about["synthetic"]["notes"]]
    except (MammoError, KeyError, TypeError) as error:
        return [f"the NIfTI files cannot be read: {error}"], None
    problems = []
    if not is_of_manifest:
        problems.append("mammogram.nii.gz: its conditions are not those of the manifest")
    if mammogram.spacing is None or mammogram.spacing.source != "nominal" or mask.spacing != mammogram.spacing:
        problems.append("mammogram.nii.gz and lesion.nii.gz do not state the same nominal spacing")
    if mask.pixels.shape != requested.shape or not np.array_equal(mask.pixels > 0, requested):
        problems.append("lesion.nii.gz and lesion.png show different lesions")
    if mammogram.pixels.shape != preview.shape or np.abs(mammogram.pixels - preview).max() > 1.5 / 255:
        problems.append("mammogram.nii.gz: the picture is another one than mammogram.png")
    problems += [f"mammogram.nii.gz: its notes do not say: {w}" for w in entry["warnings"] if f"{w}." not in notes]
    return problems, mammogram.pixels


@suppress_pydicom_messages()
def _segmentation(paths: Mapping[str, Path], requested: np.ndarray, entry: Mapping[str, Any]) -> list[str]:
    try:
        dataset = read_dataset(paths["lesion.seg.dcm"])
        if dataset.file_meta.TransferSyntaxUID.is_compressed:
            return ["lesion.seg.dcm is compressed, as no run writes it"]
        masks = read_segmentation(paths["lesion.seg.dcm"])
        source = read_dataset(paths["mammogram.dcm"]).SOPInstanceUID
    except Exception as error:
        return [f"lesion.seg.dcm cannot be read: {type(error).__name__}"]
    problems = [f"lesion.seg.dcm: {sentence}" for sentence in complete(dataset)]
    if {"requested", "found"} - set(masks):
        return [*problems, "lesion.seg.dcm does not hold the requested and the found lesion"]
    referenced = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
    if referenced != source:
        problems.append("lesion.seg.dcm refers to another mammogram")
    if masks["requested"].shape != requested.shape or not (masks["requested"] == requested).all():
        problems.append("lesion.seg.dcm and lesion.png show different lesions")
    stated = entry["found"]["dice"]
    if stated is not None and abs(dice(masks["requested"], masks["found"]) - stated) > 1e-3:
        problems.append("the masks do not give the Dice of the manifest")
    return problems


def _edit(entry: Mapping[str, Any], paths: Mapping[str, Path]) -> list[str]:
    """Sentences for what is wrong with an edited image; runs before edits had a report have none."""
    problems = edit_problems(entry, paths)
    return problems + (_report(paths, "edited.dcm") if "report.dcm" in paths else [])


@suppress_pydicom_messages()
def _report(paths: Mapping[str, Path], image: str = "mammogram.dcm") -> list[str]:
    try:
        dataset = read_dataset(paths["report.dcm"])
        source = read_dataset(paths[image])
        evidence = dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
        referenced = {item.ReferencedSOPInstanceUID for series in evidence for item in series.ReferencedSOPSequence}
    except Exception as error:
        return [f"report.dcm cannot be read: {type(error).__name__}"]
    problems = [f"report.dcm: {sentence}" for sentence in complete(dataset)]
    if source.SOPInstanceUID not in referenced:
        problems.append("report.dcm refers to another mammogram")
    return problems
