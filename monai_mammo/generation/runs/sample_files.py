"""Files of a sample in a run's folder, each whole under its name or not there at all."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monai_mammo.dicom.identity import Identity, Provenance, WeightsReference
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.digest import file_sha256
from monai_mammo.files.png import png_bytes
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.runs.manifest import SYNTHETIC, sample_name
from monai_mammo.generation.runs.output_format import (
    PREPARED_BREAST,
    PREPARED_IMAGE,
    PREPARED_LESION,
    SAMPLE_FILES,
    OutputFormat,
)
from monai_mammo.prepare.cache import npy_bytes, stored
from monai_mammo.prepare.geometry import as_displayed
from monai_mammo.study import Annotation, Mammogram
from monai_mammo.terms import Finding, FindingCategory

if TYPE_CHECKING:
    from monai_mammo.dicom import ReportedFinding

__all__ = [
    "FinishedSample",
    "place_files",
    "place_sample",
    "refuse_links",
    "remove_partial",
    "writing",
]

_SUMMARY = r"(manifest|datalist|datalist_passed)\.json|manifest\.json\.sig|contact_sheet\.png|evolution\.(json|csv|png)"
_OWN_NAME = re.compile(rf"\.?sample_\d{{4,}}(\.part)?|{_SUMMARY}")
_OWN_PARTIAL = re.compile(rf"\.(sample_\d{{4,}}|({_SUMMARY})\.\d+)\.part")
_OUTLINES = WeightsReference("real lesion outlines", "1")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedSample:
    """A sample as it is to be written, hanging as readers expect.

    Parameters
    ----------
    index : int
        Number of the sample in its run, from 0.
    mammogram : Mammogram
        With resolved conditions, and the requested lesion as its mask.
    found_mask : ndarray, shape (rows, columns), bool
        What the lesion network found.
    run_sha256 : str
        Hash of all that decides the bytes of the run.
    run_seed : int
        Seed of the run.
    provenance : Provenance
    found_by : WeightsReference
        Weights of the lesion network.
    outcome : str
        Sentence that says whether the sample passed, or which criterion it failed.
    person_id : str
        Invented person whom several samples of the run show; empty: one person a sample.
    """

    index: int
    mammogram: Mammogram
    found_mask: np.ndarray
    run_sha256: str
    run_seed: int
    provenance: Provenance
    found_by: WeightsReference
    outcome: str = ""
    person_id: str = ""


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a failure of the file system into one sentence.

    Parameters
    ----------
    folder : Path

    Yields
    ------
    None

    Raises
    ------
    MammoError
        The disk is full, or the folder is not there or not writable.
    """
    try:
        yield
    except OSError as error:
        raise MammoError(f"{folder} could not be written: {error.strerror or error}") from None


def place_sample(
    sample: FinishedSample, folder: Path, *, format: OutputFormat, keep: Mapping[str, str]
) -> dict[str, str]:
    """Write what a sample's folder lacks, and say the hash of each of its files.

    All files are made in a hidden folder first. A new sample then appears in one rename; in a
    folder that is there already, only missing files are added.

    Parameters
    ----------
    sample : FinishedSample
    folder : Path
        Folder of the run.
    format : OutputFormat
    keep : mapping of str to str
        Hashes of the sample's files as the manifest states them; empty for one it does not know.

    Returns
    -------
    dict of str to str
        SHA-256 of each file.

    Raises
    ------
    MammoError
        The disk is full, or a missing file does not come out as the manifest states it.
    """
    return place_files(
        sample.index,
        folder,
        lambda part: _write_files(sample, part, format=format),
        names=SAMPLE_FILES[format],
        keep=keep,
    )


def place_files(
    index: int, folder: Path, write: Callable[[Path], None], *, names: Sequence[str], keep: Mapping[str, str]
) -> dict[str, str]:
    """Write what a sample's folder lacks, whatever its files are, as `place_sample` does.

    Parameters
    ----------
    index : int
        Number of the sample in its run, from 0.
    folder : Path
        Folder of the run.
    write : callable
        ``write(part)`` makes all files in a folder.
    names : sequence of str
        Of these files.
    keep : mapping of str to str
        Hashes of the sample's files as the manifest states them; empty for one it does not know.

    Returns
    -------
    dict of str to str
        SHA-256 of each file.

    Raises
    ------
    MammoError
        The disk is full, or a missing file does not come out as the manifest states it.
    """
    name = sample_name(index)
    target, temporary = folder / name, folder / f".{name}.part"
    with writing(target):
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            write(temporary)
            hashes = {file: file_sha256(temporary / file) for file in names}
            if keep and hashes != dict(keep):
                raise MammoError(
                    f"{target} cannot be completed: this machine makes other bytes than its manifest states; "
                    "name another folder"
                )
            if target.exists():
                for file in hashes:
                    if not keep or not (target / file).exists():
                        os.replace(temporary / file, target / file)
            else:
                os.replace(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return hashes


def refuse_links(folder: Path) -> None:
    """Raise where a name of the run's files is a symbolic link, through which a file elsewhere would be written.

    Parameters
    ----------
    folder : Path
        It may itself be reached by a link, and need not be there.

    Raises
    ------
    RequestError
    """
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not _OWN_NAME.fullmatch(path.name):
            continue
        parts = [path, *(sorted(path.iterdir()) if path.is_dir() and not path.is_symlink() else [])]
        for part in parts:
            if part.is_symlink():
                raise RequestError(f"{part} is a symbolic link: a run's files lie in its folder, remove the link")


def remove_partial(folder: Path) -> None:
    """Remove what an interrupted run left under the temporary names of its own files; nothing else.

    Parameters
    ----------
    folder : Path
    """
    for path in folder.glob(".*.part"):
        if not _OWN_PARTIAL.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def _write_files(sample: FinishedSample, folder: Path, *, format: OutputFormat) -> None:
    mammogram = sample.mammogram
    requested = mammogram.lesion_mask
    assert requested is not None
    if format is OutputFormat.DICOM:
        _write_dicom(sample, folder, requested)
    if format is OutputFormat.NIFTI:
        _write_nifti(sample, folder)
    said = " ".join([SYNTHETIC, *sample.provenance.notes])
    save_bytes(png_bytes(mammogram.pixels, description=said), folder / "mammogram.png")
    save_bytes(png_bytes(requested, description=said), folder / "lesion.png")
    save_bytes((mammogram.conditions.to_json() + "\n").encode(), folder / "conditions.json")
    _write_prepared(mammogram, requested, folder, description=said)


def _write_prepared(mammogram: Mammogram, requested: np.ndarray, folder: Path, *, description: str) -> None:
    """Write what a training reads: the prepared grid's 16 bits, chest wall left, not what a screen shows."""
    from monai_mammo.generation.engine.check import seen_breast

    side = mammogram.conditions.laterality
    assert side is not None
    image, lesion = as_displayed(mammogram.pixels, side), as_displayed(requested, side)  # its own inverse
    breast = seen_breast(image)
    save_bytes(npy_bytes(stored(image)), folder / PREPARED_IMAGE)
    save_bytes(npy_bytes(lesion.astype(np.uint8)), folder / PREPARED_LESION)
    shown = image > 0 if breast is None else breast
    save_bytes(png_bytes(shown, description=description), folder / PREPARED_BREAST)


def _write_nifti(sample: FinishedSample, folder: Path) -> None:
    from monai_mammo.dicom import write_nifti

    write_nifti(
        sample.mammogram,
        folder / "mammogram.nii.gz",
        mask_path=folder / "lesion.nii.gz",
        provenance=sample.provenance,
    )


def _write_dicom(sample: FinishedSample, folder: Path, requested: np.ndarray) -> None:
    from monai_mammo.dicom import write_mammogram, write_report, write_segmentation

    identity = Identity(sample.run_sha256, sample.run_seed, f"{sample.index:04d}", sample.person_id)
    dataset = write_mammogram(
        sample.mammogram, folder / "mammogram.dcm", identity=identity, provenance=sample.provenance
    )
    segmentation = write_segmentation(
        dataset,
        {"requested": requested, "found": sample.found_mask},
        folder / "lesion.seg.dcm",
        finding=sample.mammogram.conditions.finding or Finding.NONE,
        provenance=sample.provenance,
        algorithms={"requested": _OUTLINES, "found": sample.found_by},
    )
    write_report(
        dataset,
        segmentation,
        _reported(sample),
        folder / "report.dcm",
        provenance=sample.provenance,
        density=sample.mammogram.conditions.density,
        birads=sample.mammogram.conditions.birads,
        outcome=sample.outcome,
    )


def _reported(sample: FinishedSample) -> list[ReportedFinding]:
    """What was requested, with its category and assessment, and what was found, of which only the place is stated."""
    from monai_mammo.dicom import ReportedFinding

    conditions, findings = sample.mammogram.conditions, []
    mask = sample.mammogram.lesion_mask
    is_shown = mask is not None and bool(mask.any())  # what the breast has no place for is not stated as a finding
    if conditions.finding is Finding.NONE or (conditions.finding is not None and is_shown):
        categories = (FindingCategory(conditions.finding.value),)
        requested = Annotation(categories=categories, box=conditions.box, birads=conditions.birads)
        findings.append(
            ReportedFinding(name="requested", annotation=requested, made_by=_OUTLINES, conditions=conditions)
        )
    if sample.found_mask.any():
        findings.append(ReportedFinding(name="found", annotation=Annotation(), made_by=sample.found_by))
    return findings
