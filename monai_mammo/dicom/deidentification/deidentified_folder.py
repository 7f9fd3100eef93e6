"""De-identification of all files of a folder: a bad file costs only itself.

Files are read in a process of their own. What the folder of the new files holds is what the source holds: a new file
whose source is gone goes as well.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monai_mammo.dicom.deidentification.dataset import DeidentificationPolicy, Deidentified
from monai_mammo.dicom.deidentification.guarded import TIMEOUT_S, GuardedDeidentifier
from monai_mammo.dicom.deidentification.kept import LIST_NAME
from monai_mammo.dicom.deidentification.pseudonyms import Pseudonyms
from monai_mammo.dicom.reading.guards import Limits
from monai_mammo.dicom.reasons import Failed, Skipped, SkipReason
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files import check_output_folder, file_sha256, folder_lock, is_partial, save_bytes
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["DeidentificationReport", "FileRecord", "deidentify_folder"]

_REPORT = "report.json"
_MOST_REPORT_BYTES = 2**28
_NOBODY = "person-not-named"
_PERSON_FOLDER = re.compile(rf"person-[0-9a-f]{{32}}|{_NOBODY}")
_NEW_FILE = re.compile(r"2\.25\.[0-9]{1,39}\.dcm")


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
        """Line of ``report.json``, without the name of the source.

        Parameters
        ----------
        out : Path
            Folder of the new files, which names are relative to.

        Returns
        -------
        dict
        """
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
    n_removed : int
        New files of earlier calls that were taken away, since no source stands behind them any more.
    """

    out: Path
    policy: DeidentificationPolicy
    files: tuple[FileRecord, ...]
    n_removed: int = 0

    def count(self, status: str) -> int:
        """Number of files that were ``deidentified``, ``skipped`` or ``failed``.

        Parameters
        ----------
        status : str
            One of these words.

        Returns
        -------
        int
        """
        return sum(file.status == status for file in self.files)

    @property
    def reasons(self) -> dict[str, int]:
        """Number of files by the code of what kept them from being de-identified."""
        refused = [file.outcome for file in self.files if not isinstance(file.outcome, Deidentified)]
        return dict(sorted(Counter(outcome.reason.value for outcome in refused).items()))

    def to_dict(self) -> dict[str, Any]:
        """Content of ``report.json``: names of new files, counts and codes, nothing of what was removed.

        Returns
        -------
        dict
        """
        return {
            "list": LIST_NAME,
            "is_complete": True,
            "policy": dataclasses.asdict(self.policy),
            "counts": {status: self.count(status) for status in ("deidentified", "skipped", "failed")},
            "reasons": self.reasons,
            "n_removed": self.n_removed,
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
    progress: ProgressCallback | None = None,
) -> DeidentificationReport:
    """De-identified copies of all mammograms of a folder, a folder a person, with ``report.json``.

    New files are named by their pseudonyms, since old names are often those of persons. Under the same secret the same
    call writes the same bytes, and later deliveries fit to earlier ones. Files are read in a process of their own, with
    bounded memory and time (`GuardedDeidentifier`). A call into the folder of an earlier one brings it up to date: what
    has no source any more is taken away.

    Parameters
    ----------
    source : path
        Folder, with any folders inside; it is not changed. Folders behind symbolic links are not followed.
    out : path
        Folder of the new files, neither inside `source` nor around it: a new or an empty one, or that of an earlier
        call for the same source.
    secret, policy, limits
        As for `deidentify`; without a secret one is drawn for this call, so that persons and studies stay together in
        it and nothing can be linked later.
    key_file : path, optional
        CSV of each source and its new file, outside of `out`: it undoes the de-identification and must not leave.
    progress : callable, optional
        Called with a `Progress` now and then.

    Returns
    -------
    DeidentificationReport

    Raises
    ------
    RequestError
        A folder cannot be used, or the secret is too short; nothing was written.
    MammoError
        The disk is full or not writable, or another process writes to `out`.
    """
    source, out = Path(source), Path(out)
    policy, limits = policy or DeidentificationPolicy(), limits or Limits()
    Pseudonyms(secret)  # refuses a short one
    secret = secrets.token_bytes(32) if secret is None else secret
    _check_places(source, out, key_file)
    paths = sorted(_listed(source))
    if not paths:
        raise RequestError(f"folder {source} holds no files")
    with folder_lock(out):
        _check_same_source(out, paths, limits)
        report = _deidentified(paths, out, secret=secret, policy=policy, limits=limits, progress=progress)
        if key_file is not None:
            save_bytes(_key(report, source), key_file)
    return report


def _deidentified(
    paths: list[Path],
    out: Path,
    *,
    secret: bytes,
    policy: DeidentificationPolicy,
    limits: Limits,
    progress: ProgressCallback | None,
) -> DeidentificationReport:
    _open(out)
    files: list[FileRecord] = []
    written: dict[Path, str] = {}
    with GuardedDeidentifier(limits=limits, timeout_s=TIMEOUT_S) as deidentifier:
        for number, path in enumerate(paths, start=1):
            files.append(_record(path, number, out, written, deidentifier, secret=secret, policy=policy))
            if progress is not None:
                progress(Progress(number, len(paths)))
    n_removed = _sweep(out, written)
    report = DeidentificationReport(out=out, policy=policy, files=tuple(files), n_removed=n_removed)
    save_bytes((json.dumps(report.to_dict(), indent=2) + "\n").encode(), out / _REPORT)
    return report


def _listed(source: Path) -> Iterator[Path]:
    """All that is in a folder but folders that can be listed: files of any sort, links, and folders that cannot."""
    unlisted: list[Path] = []

    def note(error: OSError) -> None:
        unlisted.append(Path(os.fsdecode(error.filename or source)))

    for folder, folders, names in os.walk(source, onerror=note):
        yield from (Path(folder, name) for name in names)
        yield from (link for link in (Path(folder, name) for name in folders) if link.is_symlink())
    yield from unlisted


def _check_places(source: Path, out: Path, key_file: str | os.PathLike[str] | None) -> None:
    if not source.is_dir():
        raise RequestError(f"source {source} is not a folder")
    inner, outer = source.resolve(), out.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise RequestError(f"folder {out} must be neither inside {source} nor around it")
    if key_file is not None and Path(key_file).resolve().is_relative_to(outer):
        raise RequestError(f"key file {key_file} must not be inside {out}: it undoes the de-identification")
    check_output_folder(out, command="deidentify", is_ours=lambda folder: _former_report(folder) is not None)


def _former_report(out: Path) -> dict[str, Any] | None:
    """Report of an earlier call, complete or not; `None` where there is none of ours."""
    path = out / _REPORT
    try:
        report = read_json(path, max_bytes=_MOST_REPORT_BYTES)
    except UnreadableFile:
        return None
    is_ours = isinstance(report, dict) and report.get("list") == LIST_NAME and isinstance(report.get("files"), list)
    return report if is_ours else None


def _former_hashes(out: Path) -> set[str]:
    """Hashes of the sources of an earlier call."""
    lines = (_former_report(out) or {"files": []})["files"]
    hashes = (line.get("source_sha256") for line in lines if isinstance(line, dict))
    return {sha256 for sha256 in hashes if isinstance(sha256, str) and sha256}


def _check_same_source(out: Path, paths: list[Path], limits: Limits) -> None:
    """The files of another source must not be taken for files whose sources are gone."""
    former = _former_hashes(out)
    if former and not any(_sha256(path, limits) in former for path in paths):
        raise RequestError(f"folder {out} holds the de-identified files of another source: name a new or empty folder")


def _sha256(path: Path, limits: Limits) -> str:
    """Hash of a file that may be read, else empty."""
    try:
        is_read = path.is_file() and path.stat().st_size <= limits.file_bytes
        return file_sha256(path) if is_read else ""
    except (OSError, ValueError):
        return ""


def _open(out: Path) -> None:
    """Mark a folder as ours before anything is in it, so that the same call completes what was interrupted."""
    former = _former_report(out)
    out.mkdir(parents=True, exist_ok=True)
    begun = {"list": LIST_NAME, "is_complete": False, "files": former["files"] if former else []}
    save_bytes((json.dumps(begun, indent=2) + "\n").encode(), out / _REPORT)


def _record(
    path: Path,
    number: int,
    out: Path,
    written: dict[Path, str],
    deidentifier: GuardedDeidentifier,
    *,
    secret: bytes,
    policy: DeidentificationPolicy,
) -> FileRecord:
    part = out / f".deidentified.{os.getpid()}.part"
    outcome = deidentifier.deidentify(path, part, secret=secret, policy=policy)
    result = outcome.result
    if isinstance(result, Deidentified):
        target = out / (result.person_id or _NOBODY) / f"{result.sop_instance_uid}.dcm"
        result = _named(part, target, written, outcome.sha256, path) or dataclasses.replace(result, path=target)
    part.unlink(missing_ok=True)
    sha256 = outcome.source_sha256 or _sha256(path, deidentifier.limits)
    return FileRecord(source=path, number=number, sha256=sha256, outcome=result)


def _named(part: Path, target: Path, written: dict[Path, str], sha256: str, source: Path) -> Skipped | None:
    """Give a new file its name; two files of one name must not replace each other in silence."""
    if target in written:
        same = "the same" if written[target] == sha256 else "other"
        detail = f"a file before it has its SOPInstanceUID and {same} content"
        return Skipped(source, SkipReason.DUPLICATE, detail)
    try:
        if target.parent.is_symlink():
            raise MammoError(f"{target.parent} is a symbolic link, which leads out of the folder: remove it")
        target.parent.mkdir(exist_ok=True)
        os.replace(part, target)
    except OSError as error:
        raise MammoError(f"{target} could not be written: {error.strerror or 'unknown'}") from None
    written[target] = sha256
    return None


def _sweep(out: Path, written: dict[Path, str]) -> int:
    """Take away new files whose source is gone, and what killed calls left half-written; the number of the former."""
    n_removed = 0
    for folder in out.iterdir():
        if is_partial(folder) and folder.is_file():
            folder.unlink(missing_ok=True)
        if not _PERSON_FOLDER.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
            continue
        for path in folder.iterdir():
            if _NEW_FILE.fullmatch(path.name) and path not in written:
                path.unlink(missing_ok=True)
                n_removed += 1
        if not any(folder.iterdir()):
            folder.rmdir()
    return n_removed


def _key(report: DeidentificationReport, source: Path) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["number", "source", "status", "file"])
    for file in report.files:
        is_new = isinstance(file.outcome, Deidentified)
        name = file.outcome.path.relative_to(report.out).as_posix() if is_new else ""
        table.writerow([file.number, file.source.relative_to(source).as_posix(), file.status, name])
    return text.getvalue().encode("utf-8", "surrogateescape")
