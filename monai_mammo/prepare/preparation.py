"""Any data set to a prepared folder, with a report on each file."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import logging
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.digest import file_sha256
from monai_mammo.files.folder_lock import folder_lock
from monai_mammo.files.names import printable
from monai_mammo.prepare.array import CHAIN_VERSION, locate_breast
from monai_mammo.prepare.datalist import FORMAT_VERSION, PreparedFolder
from monai_mammo.prepare.datasets import DATASETS, dataset_entries
from monai_mammo.prepare.datasets.generated_run import is_run
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.grid import DEFAULT_SHAPE
from monai_mammo.prepare.prepare_report import FileOutcome, PrepareReport
from monai_mammo.prepare.reading import read_any
from monai_mammo.prepare.sidecar import files_beside
from monai_mammo.prepare.splits import persons_of_studies, splits_of_persons
from monai_mammo.prepare.workers import spread
from monai_mammo.progress import Progress, ProgressCallback
from monai_mammo.study import Mammogram

__all__ = ["DATASETS", "FileOutcome", "PrepareReport", "prepare"]

_LOG = logging.getLogger(__name__)


def prepare(
    source: str | Path | Iterable[Mammogram],
    *,
    out: str | Path,
    dataset: str | None = None,
    shape: tuple[int, int] = DEFAULT_SHAPE,
    full_size: bool = False,
    seed: int = 0,
    workers: int = 1,
    allow_outside: bool = False,
    progress: ProgressCallback | None = None,
) -> PrepareReport:
    """Mammograms of a data set on one grid, with masks, ``datalist.json`` and ``report.json``.

    Every file ends as read, skipped or failed, and stands in the report once: a bad file costs only itself. What is
    in the folder already and made from the same bytes, labels and chain is kept, so an interrupted call is completed
    by the same call. The result does not depend on the number of workers.

    Parameters
    ----------
    source : path or iterable of Mammogram
        Folder with DICOM files and pictures, ``metadata.csv`` of a table, the top folder of a public data set, or
        mammograms in memory.
    out : path
        Folder to write; a new one, or one that was prepared on the same grid.
    dataset : str, optional
        One of `DATASETS`; by default a file is a ``table``, and anything else a ``folder``.
    shape : tuple of int
        Rows and columns of the prepared grid, each 16 or more.
    full_size : bool
        Whether to keep each image with the pixels of its file too, memory-mapped (`monai_mammo.prepare.open_cached`).
    seed : int
        Seed of the splits, where the data set has none of its own.
    workers : int
        Processes; 1 works in this one.
    allow_outside : bool
        Whether tables and sidecars may name files outside their folder; else such a file is not read.
    progress : callable, optional
        Called with a `Progress` now and then.

    Returns
    -------
    PrepareReport

    Raises
    ------
    RequestError
        Source, folder, data set or shape cannot be used; nothing was written.
    MammoError
        The disk is full or not writable, or another process writes to the folder; the call can be repeated.
    """
    shape = (int(shape[0]), int(shape[1]))
    if min(shape) < 16:
        raise RequestError(f"shape {shape[0]} x {shape[1]} of prepared images is below 16 x 16")
    out = Path(out)
    entries = _entries(source, dataset, out, allow_outside=allow_outside)
    folder = PreparedFolder(out, shape, full_size)
    folder.check()
    with folder_lock(out):
        return _prepared(entries, folder, workers=workers, seed=seed, progress=progress)


def _prepared(
    entries: Sequence[Entry | FileOutcome],
    folder: PreparedFolder,
    *,
    workers: int,
    seed: int,
    progress: ProgressCallback | None,
) -> PrepareReport:
    folder.open()
    files: dict[int, FileOutcome] = {}
    if progress is not None:
        progress(Progress(0, len(entries)))
    with contextlib.closing(_outcomes(entries, _Work(folder), workers)) as outcomes:
        for place, outcome in outcomes:
            files[place] = outcome
            if progress is not None:
                progress(Progress(len(files), len(entries)))
    report = _report([files[place] for place in sorted(files)], entries, folder, seed)
    folder.write_datalist([(file.split, file.record["item"]) for file in report.files if file.split is not None])
    folder.write_report(report.to_dict())
    folder.sweep([file.record["item"] for file in report.files if file.split is not None])
    return report


def _entries(
    source: str | Path | Iterable[Mammogram], dataset: str | None, out: Path, *, allow_outside: bool
) -> Sequence[Entry | FileOutcome]:
    if dataset is not None and dataset not in DATASETS:
        raise RequestError(f"dataset {dataset!r} is not one of {', '.join(DATASETS)}")
    if not isinstance(source, (str, Path)):
        return _memory_entries(source)
    path = Path(source)
    if not path.exists():
        raise RequestError(f"source {path} is not there")
    name = dataset or ("table" if path.is_file() else "run" if is_run(path) else "folder")
    return _named_once(dataset_entries(name, path, leave_out=out, allow_outside=allow_outside), path)


def _memory_entries(mammograms: Iterable[Mammogram]) -> list[Entry]:
    entries: list[Entry] = []
    for i, mammogram in enumerate(mammograms):
        name = f"{i:05d}_{Path(mammogram.source).stem}" if mammogram.source else f"{i:05d}"
        entries.append(
            Entry(
                path=Path(name),
                image_id=name,
                name=name,
                fallback_person=name,
                sha256=mammogram.source_sha256,
                mammogram=mammogram,
            )
        )
    return entries


def _named_once(listed: Iterable[Entry | Skipped | Failed], source: Path) -> list[Entry | FileOutcome]:
    """What a data set lists: two that would write the same files are one and a failure, each refusal is there once."""
    top = source if source.is_dir() else source.parent
    named: dict[Any, Entry | FileOutcome] = {}
    for entry in listed:
        if isinstance(entry, Entry) and entry.image_id.lower() not in named:
            named[entry.image_id.lower()] = entry
            continue
        if isinstance(entry, Entry):
            entry = Failed(entry.path, SkipReason.UNREADABLE, f"the name {entry.image_id} is taken by another picture")
        path = entry.path
        name = path.relative_to(top).as_posix() if path.is_relative_to(top) else path.name
        outcome = _not_read(entry, printable(name))
        named.setdefault((outcome.name, outcome.reason, outcome.detail), outcome)
    return list(named.values())


def _outcomes(
    entries: Sequence[Entry | FileOutcome], work: _Work, workers: int
) -> Generator[tuple[int, FileOutcome], None, None]:
    """Place and outcome of each entry, in the order in which they are ready."""
    places = [place for place, entry in enumerate(entries) if isinstance(entry, Entry)]
    to_do = [entry for entry in entries if isinstance(entry, Entry)]
    yield from ((place, entry) for place, entry in enumerate(entries) if isinstance(entry, FileOutcome))
    if workers <= 1 or len(to_do) < 2 * workers:
        for place, entry in zip(places, to_do, strict=True):
            yield place, work(entry)
        return
    with contextlib.closing(spread(work, to_do, workers=workers)) as results:
        for i, outcome in results:
            yield places[i], outcome or _crashed(to_do[i])


def _crashed(entry: Entry) -> FileOutcome:
    crashed = Failed(entry.path, SkipReason.DECODER_CRASHED, "reading the file ended its process")
    return _not_read(crashed, entry.name)


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """Reads, prepares and writes one mammogram, or says why not."""

    folder: PreparedFolder

    def __call__(self, entry: Entry) -> FileOutcome:
        try:
            kept = self._kept(entry)
            if kept is not None:
                return FileOutcome(name=entry.name, status="read", image_id=entry.image_id, is_kept=True, record=kept)
            mammogram = entry.mammogram or read_any(entry.path, allow_outside=entry.allow_outside)
            if not isinstance(mammogram, Mammogram):
                return _not_read(mammogram, entry.name)
            record = self._written(entry, mammogram)
        except OSError as error:
            detail = f"the file or what belongs to it could not be read: {error.strerror or 'unknown'}"
            return _not_read(Failed(entry.path, SkipReason.UNREADABLE, detail), entry.name)
        except _NotPrepared as error:
            return _not_read(Failed(entry.path, SkipReason.UNREADABLE, str(error)), entry.name)
        return FileOutcome(name=entry.name, status="read", image_id=entry.image_id, record=record)

    def _kept(self, entry: Entry) -> dict[str, Any] | None:
        """Record of an image that is there, whole and made from the same; else `None`."""
        known = self.folder.record(entry.image_id)
        if known is None:
            return None
        return known if known["fingerprint"] == _fingerprint(entry, _source_sha256(entry)) else None

    def _written(self, entry: Entry, mammogram: Mammogram) -> dict[str, Any]:
        try:
            found = entry.with_masks(mammogram.shape)  # the hash is of what the data set says, not of what masks show
            labelled = found.labelled(mammogram)
            located = locate_breast(
                _noting_another_hash(labelled, entry), chest_wall=entry.chest_wall, pixel_aspect=entry.pixel_aspect
            )
            prepared = located.on_grid(self.folder.shape)
        except MammoError as error:
            raise _NotPrepared(str(error)) from None
        source_sha256 = mammogram.source_sha256 if entry.mammogram is None else _source_sha256(entry)
        return self.folder.write(
            prepared,
            found,
            mask_kind=found.mask_kind(labelled),
            fingerprint=_fingerprint(entry, source_sha256),
            full=located.on_grid(None) if self.folder.full_size else None,
        )


class _NotPrepared(MammoError):
    """Labels, mask or pixels of one mammogram cannot be used; a full disk is another matter."""


def _fingerprint(entry: Entry, source_sha256: str) -> str:
    """Hash of picture, what lies beside it, labels and chain."""
    paths = () if entry.mammogram is not None else files_beside(entry.path, allow_outside=entry.allow_outside)
    beside = [file_sha256(path) for path in paths]
    return "/".join([str(FORMAT_VERSION), CHAIN_VERSION, entry.fingerprint(), source_sha256, *beside])


def _source_sha256(entry: Entry) -> str:
    if entry.mammogram is None:
        return file_sha256(entry.path)
    digest = hashlib.sha256(entry.mammogram.pixels.tobytes())
    if entry.mammogram.lesion_mask is not None:
        digest.update(entry.mammogram.lesion_mask.tobytes())
    return digest.hexdigest()


def _noting_another_hash(mammogram: Mammogram, entry: Entry) -> Mammogram:
    if not entry.sha256 or entry.sha256 == mammogram.source_sha256:
        return mammogram
    return mammogram.replace(notes=(*mammogram.notes, "the file is not the one whose sha256 the table names"))


def _not_read(result: Skipped | Failed, name: str) -> FileOutcome:
    _LOG.info("%s: %s [%s]", Path(name).name, result.detail, result.reason.value)
    status = "skipped" if isinstance(result, Skipped) else "failed"
    return FileOutcome(name=name, status=status, reason=result.reason.value, detail=result.detail)


def _report(
    files: list[FileOutcome], entries: Sequence[Entry | FileOutcome], folder: PreparedFolder, seed: int
) -> PrepareReport:
    """Report, each person in one split."""
    files = _with_named_persons(files)
    published = [
        (file.person_id, entry.split if isinstance(entry, Entry) else None)
        for file, entry in zip(files, entries, strict=True)
        if file.status == "read"
    ]
    splits, n_redivided = splits_of_persons(published, seed=seed)
    divided = [
        dataclasses.replace(file, split=splits[file.person_id]) if file.status == "read" else file for file in files
    ]
    return PrepareReport(
        out=folder.path, shape=folder.shape, seed=seed, files=tuple(divided), n_persons_redivided=n_redivided
    )


def _with_named_persons(files: list[FileOutcome]) -> list[FileOutcome]:
    """Files of which those that only their study stands for get the person whom another file of the study names."""
    items = [file.record["item"] for file in files if file.status == "read"]
    named = persons_of_studies((item["person_id"], item.get("study_id", "")) for item in items)
    return [
        dataclasses.replace(
            file,
            record={**file.record, "item": {**file.record["item"], "person_id": named[file.person_id]}},
        )
        if file.person_id in named
        else file
        for file in files
    ]
