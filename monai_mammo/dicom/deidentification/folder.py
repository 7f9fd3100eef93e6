"""De-identification of all files of a folder: a bad file costs only itself."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monai_mammo.dicom.deidentification.dataset import DeidentificationPolicy, Deidentified, deidentified_bytes
from monai_mammo.dicom.deidentification.kept import LIST_NAME
from monai_mammo.dicom.deidentification.pseudonyms import Pseudonyms
from monai_mammo.dicom.reading.guards import Limits, file_bytes
from monai_mammo.dicom.reasons import Failed, Refusal, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.files.whole import save_bytes

__all__ = ["DeidentificationReport", "FileRecord", "deidentify_folder"]

_REPORT = "report.json"
_NOBODY = "person-not-named"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """What became of one file of the folder.

    Parameters
    ----------
    source : Path
        The file; it stands in the key file alone, since names of files and folders are often those of persons.
    number : int
        Its place among all files in the order of their names, from 1.
    sha256 : str
        Hash of its bytes, by which the hospital finds it again; empty where it could not be read.
    outcome : Deidentified, Skipped or Failed
        The new file, or the reason why there is none.
    """

    source: Path
    number: int
    sha256: str
    outcome: Deidentified | Skipped | Failed

    @property
    def status(self) -> str:
        """``deidentified``, ``skipped`` or ``failed``."""
        return type(self.outcome).__name__.lower()

    def to_dict(self, out: Path) -> dict[str, Any]:
        """Line of ``report.json``, without the name of the source."""
        line: dict[str, Any] = {"number": self.number, "source_sha256": self.sha256, "status": self.status}
        if isinstance(self.outcome, Deidentified):
            name = self.outcome.path.relative_to(out).as_posix()
            return {**line, "file": name, "removed": self.outcome.removed, "notes": list(self.outcome.notes)}
        return {**line, "reason": self.outcome.reason.value, "detail": self.outcome.detail}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeidentificationReport:
    """What became of all files of a folder.

    Parameters
    ----------
    out : Path
        Folder of the new files.
    policy : DeidentificationPolicy
    files : tuple of FileRecord
        Each file once, in the order of their names.
    """

    out: Path
    policy: DeidentificationPolicy
    files: tuple[FileRecord, ...]

    def count(self, status: str) -> int:
        """Number of files that were ``deidentified``, ``skipped`` or ``failed``."""
        return sum(file.status == status for file in self.files)

    @property
    def reasons(self) -> dict[str, int]:
        """Number of files by the code of what kept them from being de-identified."""
        refused = [file.outcome for file in self.files if not isinstance(file.outcome, Deidentified)]
        return dict(sorted(Counter(outcome.reason.value for outcome in refused).items()))

    def to_dict(self) -> dict[str, Any]:
        """Content of ``report.json``: names of new files, counts and codes, nothing of what was removed."""
        return {
            "list": LIST_NAME,
            "policy": dataclasses.asdict(self.policy),
            "counts": {status: self.count(status) for status in ("deidentified", "skipped", "failed")},
            "reasons": self.reasons,
            "files": [file.to_dict(self.out) for file in self.files],
        }


def deidentify_folder(
    source: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str],
    secret: bytes | None = None,
    policy: DeidentificationPolicy | None = None,
    limits: Limits | None = None,
    key_file: str | os.PathLike[str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> DeidentificationReport:
    """De-identified copies of all mammograms of a folder, a folder a person, with ``report.json``.

    New files are named by their pseudonyms, since old names are often those of persons. Under the same secret the same
    call writes the same bytes, and later deliveries fit to earlier ones.

    Parameters
    ----------
    source : path
        Folder, with any folders inside; it is not changed.
    out : path
        Folder of the new files, neither inside `source` nor around it.
    secret, policy, limits
        As for `deidentify`; without a secret one is drawn for this call, so that persons and studies stay together in
        it and nothing can be linked later.
    key_file : path, optional
        CSV of each source and its new file, outside of `out`: it undoes the de-identification and stays in the house.
    on_progress : callable, optional
        Called with the number of files done and the number of all.

    Returns
    -------
    DeidentificationReport

    Raises
    ------
    RequestError
        A folder can not be used, or the secret is too short; nothing was written.
    MammoError
        The disk is full or not writable.
    """
    source, out = Path(source), Path(out)
    policy, limits, pseudonyms = policy or DeidentificationPolicy(), limits or Limits(), Pseudonyms(secret)
    _check_places(source, out, key_file)
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    if not paths:
        raise RequestError(f"folder {source} holds no files")
    out.mkdir(parents=True, exist_ok=True)
    files: list[FileRecord] = []
    written: dict[Path, str] = {}
    for number, path in enumerate(paths, start=1):
        files.append(_record(path, number, out, written, pseudonyms, policy, limits))
        if on_progress is not None:
            on_progress(number, len(paths))
    report = DeidentificationReport(out=out, policy=policy, files=tuple(files))
    save_bytes((json.dumps(report.to_dict(), indent=2) + "\n").encode(), out / _REPORT)
    if key_file is not None:
        save_bytes(_key(report, source), key_file)
    return report


def _check_places(source: Path, out: Path, key_file: str | os.PathLike[str] | None) -> None:
    if not source.is_dir():
        raise RequestError(f"source {source} is no folder")
    inner, outer = source.resolve(), out.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise RequestError(f"folder {out} must be neither inside {source} nor around it")
    if key_file is not None and Path(key_file).resolve().is_relative_to(outer):
        raise RequestError(f"key file {key_file} must not be inside {out}: it undoes the de-identification")
    if out.exists() and not out.is_dir():
        raise RequestError(f"{out} is no folder")


def _record(
    path: Path,
    number: int,
    out: Path,
    written: dict[Path, str],
    pseudonyms: Pseudonyms,
    policy: DeidentificationPolicy,
    limits: Limits,
) -> FileRecord:
    sha256 = ""
    try:
        data = file_bytes(path, limits)
        sha256 = hashlib.sha256(data).hexdigest()
        new, made = deidentified_bytes(data, pseudonyms, policy, limits)
        target = out / (made.person_id or _NOBODY) / f"{made.sop_instance_uid}.dcm"
        _write_once(new, target, written)
        outcome: Deidentified | Skipped | Failed = dataclasses.replace(made, path=target)
    except Refusal as refusal:
        outcome = refusal.outcome(path)
    return FileRecord(source=path, number=number, sha256=sha256, outcome=outcome)


def _write_once(data: bytes, target: Path, written: dict[Path, str]) -> None:
    """Write a file that none of this call stands for; two files of one name must not replace each other in silence."""
    sha256 = hashlib.sha256(data).hexdigest()
    if target in written:
        same = "the same" if written[target] == sha256 else "other"
        raise Refusal(SkipReason.DUPLICATE, f"a file before it has its SOPInstanceUID and {same} content")
    target.parent.mkdir(exist_ok=True)
    save_bytes(data, target)
    written[target] = sha256


def _key(report: DeidentificationReport, source: Path) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["number", "source", "status", "file"])
    for file in report.files:
        is_new = isinstance(file.outcome, Deidentified)
        name = file.outcome.path.relative_to(report.out).as_posix() if is_new else ""
        table.writerow([file.number, file.source.relative_to(source).as_posix(), file.status, name])
    return text.getvalue().encode("utf-8", "surrogateescape")
