"""Any data set to a prepared folder, with a report on each file."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.prepare.array import CHAIN_VERSION, prepare_mammogram
from monai_mammo.prepare.datalist import FORMAT_VERSION, SPLIT_KEYS, PreparedFolder
from monai_mammo.prepare.datasets import DATASETS, dataset_entries
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.reading import read_any
from monai_mammo.prepare.splits import split_of
from monai_mammo.study import Mammogram
from monai_mammo.terms import Split

__all__ = ["DATASETS", "FileOutcome", "PrepareReport", "prepare"]

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What became of one file.

    Parameters
    ----------
    name : str
        File, relative to the data set.
    status : str
        ``read``, ``skipped`` or ``failed``.
    reason : str
        Code of `SkipReason`, empty for a file that was read.
    detail : str
        One sentence on the reason.
    image_id : str
        Name in the prepared folder, empty for a file that was not read.
    split : Split or None
    is_kept : bool
        Whether it was there already, made from the same bytes, labels and chain.
    record : dict
        ``item`` of the datalist and what was noticed.
    """

    name: str
    status: str
    reason: str = ""
    detail: str = ""
    image_id: str = ""
    split: Split | None = None
    is_kept: bool = False
    record: dict[str, Any] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Line of ``report.json``; the same for a file that was kept and one that was made anew."""
        if self.status != "read":
            return {"file": self.name, "status": self.status, "reason": self.reason, "detail": self.detail}
        out = {"file": self.name, "status": "read", "image_id": self.image_id, "split": str(self.split)}
        return {**out, "notes": self.record["notes"]} if self.record["notes"] else out


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrepareReport:
    """What `prepare` did, a line a file.

    Parameters
    ----------
    out : Path
        The prepared folder.
    shape : tuple of int
        Rows and columns of the prepared grid.
    seed : int
        Seed of the splits.
    files : tuple of FileOutcome
        Each file of the data set once, in its order.
    """

    out: Path
    shape: tuple[int, int]
    seed: int
    files: tuple[FileOutcome, ...]

    def count(self, status: str) -> int:
        """Number of files that were ``read``, ``skipped`` or ``failed``."""
        return sum(file.status == status for file in self.files)

    @property
    def n_kept(self) -> int:
        """Number of images that were there already."""
        return sum(file.is_kept for file in self.files)

    @property
    def reasons(self) -> dict[str, int]:
        """Number of files by the code of what kept them from being read."""
        return dict(sorted(Counter(file.reason for file in self.files if file.reason).items()))

    @property
    def splits(self) -> dict[str, dict[str, int]]:
        """Images and persons of each split."""
        out = {}
        for split, key in SPLIT_KEYS.items():
            persons = [file.record["item"]["person_id"] for file in self.files if file.split is split]
            out[key] = {"images": len(persons), "persons": len(set(persons))}
        return out

    @property
    def chest_wall(self) -> dict[str, int]:
        """Images whose chest wall, by the pixels, contradicts the laterality or the table, or can not be told."""
        records = [file.record for file in self.files if file.status == "read"]
        by_pixels = [record["chest_wall_by_pixels"] for record in records]
        pairs = list(zip(by_pixels, [record["chest_wall_by_table"] for record in records], strict=True))
        return {
            "contradicts_laterality": sum(record["item"]["is_mirrored"] for record in records),
            "contradicts_table": sum(None not in pair and pair[0] != pair[1] for pair in pairs),
            "not_told_by_pixels": by_pixels.count(None),
        }

    def to_dict(self) -> dict[str, Any]:
        """Content of ``report.json``: nothing of the time or of what was kept, so a second run writes the same."""
        read = [file.record["item"] for file in self.files if file.status == "read"]
        return {
            "version": FORMAT_VERSION,
            "chain": CHAIN_VERSION,
            "shape": list(self.shape),
            "seed": self.seed,
            "counts": {status: self.count(status) for status in ("read", "skipped", "failed")},
            "reasons": self.reasons,
            "splits": self.splits,
            "mask_kinds": dict(sorted(Counter(item["mask_kind"] for item in read).items())),
            "chest_wall": self.chest_wall,
            "files": [file.to_dict() for file in self.files],
        }


def prepare(
    source: str | Path | Iterable[Mammogram],
    *,
    out: str | Path,
    dataset: str | None = None,
    shape: tuple[int, int] = (256, 192),
    seed: int = 0,
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> PrepareReport:
    """Mammograms of a data set on one grid, with masks, ``datalist.json`` and ``report.json``.

    Every file ends as read, skipped or failed, and stands in the report once: a bad file costs only itself. What is
    in the folder already and made from the same bytes, labels and chain is kept, so an interrupted call is completed
    by the same call. The result does not depend on the number of workers.

    Parameters
    ----------
    source : path or iterable of Mammogram
        Folder with DICOM files and pictures, ``metadata.csv`` of a table, or mammograms in memory.
    out : path
        Folder to write; a new one, or one that was prepared on the same grid.
    dataset : str, optional
        ``folder`` or ``table``; by default a file is a table.
    shape : tuple of int
        Rows and columns of the prepared grid, each 16 or more.
    seed : int
        Seed of the splits, where the data set has none of its own.
    workers : int
        Processes; 1 works in this one.
    on_progress : callable, optional
        Called with the number of files done and the number of all.

    Returns
    -------
    PrepareReport

    Raises
    ------
    RequestError
        Source, folder, data set or shape can not be used; nothing was written.
    MammoError
        The disk is full or not writable; the call can be repeated.
    """
    shape = (int(shape[0]), int(shape[1]))
    if min(shape) < 16:
        raise RequestError(f"shape {shape[0]} x {shape[1]} of prepared images is below 16 x 16")
    out = Path(out)
    entries = _entries(source, dataset, out)
    folder = PreparedFolder(out, shape)
    folder.open()
    files = []
    for n_done, outcome in enumerate(_outcomes(entries, folder, seed, workers), start=1):
        files.append(outcome)
        if on_progress is not None:
            on_progress(n_done, len(entries))
    report = PrepareReport(out=out, shape=shape, seed=seed, files=tuple(files))
    folder.write_datalist([(file.split, file.record["item"]) for file in files if file.split is not None])
    folder.write_report(report.to_dict())
    return report


def _entries(
    source: str | Path | Iterable[Mammogram], dataset: str | None, out: Path
) -> Sequence[Entry | Skipped | Failed]:
    if dataset is not None and dataset not in DATASETS:
        raise RequestError(f"dataset {dataset!r} is not one of {', '.join(DATASETS)}")
    if not isinstance(source, (str, Path)):
        return _memory_entries(source)
    path = Path(source)
    if not path.exists():
        raise RequestError(f"source {path} is not there")
    name = dataset or ("table" if path.is_file() else "folder")
    return dataset_entries(name, path, leave_out=out)


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


def _outcomes(
    entries: Sequence[Entry | Skipped | Failed], folder: PreparedFolder, seed: int, workers: int
) -> Iterator[FileOutcome]:
    if workers <= 1 or len(entries) < 2 * workers:
        for entry in entries:
            yield _outcome(entry, folder, seed)
        return
    done = 0
    while done < len(entries):
        try:
            with _pool(workers) as pool:
                tasks = [pool.submit(_outcome, entry, folder, seed) for entry in entries[done:]]
                try:
                    for task in tasks:
                        yield task.result()
                        done += 1
                except BaseException:
                    for task in tasks:
                        task.cancel()
                    raise
        except BrokenProcessPool:  # a decoder took its process down: the next file in order alone, then on
            yield _outcome_alone(entries[done], folder, seed)
            done += 1


def _outcome_alone(entry: Entry | Skipped | Failed, folder: PreparedFolder, seed: int) -> FileOutcome:
    try:
        with _pool(1) as pool:
            return pool.submit(_outcome, entry, folder, seed).result()
    except BrokenProcessPool:
        failed = Failed(entry.path, SkipReason.DAMAGED, "decoding the file ended its process")
        return _not_read(failed, entry.name if isinstance(entry, Entry) else entry.path.name)


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _outcome(entry: Entry | Skipped | Failed, folder: PreparedFolder, seed: int) -> FileOutcome:
    """Read, prepare and write one mammogram, or say why not."""
    if not isinstance(entry, Entry):
        return _not_read(entry, entry.path.name)
    try:
        fingerprint = _fingerprint(entry)
    except OSError as error:
        unreadable = f"the file or its mask could not be read: {error.strerror or 'unknown'}"
        return _not_read(Failed(entry.path, SkipReason.UNREADABLE, unreadable), entry.name)
    kept = folder.kept(entry.image_id, fingerprint)
    if kept is not None:
        return _read(entry, kept, seed, is_kept=True)
    mammogram = entry.mammogram or read_any(entry.path)
    if not isinstance(mammogram, Mammogram):
        return _not_read(mammogram, entry.name)
    try:
        entry = entry.with_masks(mammogram.shape)
        labelled = entry.labelled(mammogram)
        prepared = prepare_mammogram(
            _noting_another_hash(labelled, entry), shape=folder.shape, chest_wall=entry.chest_wall
        )
    except MammoError as error:
        return _not_read(Failed(entry.path, SkipReason.UNREADABLE, str(error)), entry.name)
    record = folder.write(prepared, entry, mask_kind=entry.mask_kind(labelled), fingerprint=fingerprint)
    return _read(entry, record, seed, is_kept=False)


def _fingerprint(entry: Entry) -> str:
    """Hash of picture, sidecar and labels."""
    if entry.mammogram is not None:
        return entry.fingerprint() + hashlib.sha256(entry.mammogram.pixels.tobytes()).hexdigest()
    parts = [entry.fingerprint(), hashlib.sha256(entry.path.read_bytes()).hexdigest()]
    beside = entry.path.with_suffix(".json")
    if beside.is_file():
        parts.append(hashlib.sha256(beside.read_bytes()).hexdigest())
    return "/".join(parts)


def _noting_another_hash(mammogram: Mammogram, entry: Entry) -> Mammogram:
    if not entry.sha256 or entry.sha256 == mammogram.source_sha256:
        return mammogram
    return mammogram.replace(notes=(*mammogram.notes, "the file is not the one whose sha256 the table names"))


def _read(entry: Entry, record: dict[str, Any], seed: int, *, is_kept: bool) -> FileOutcome:
    split = entry.split or split_of(record["item"]["person_id"], seed=seed)
    return FileOutcome(
        name=entry.name, status="read", image_id=entry.image_id, split=split, is_kept=is_kept, record=record
    )


def _not_read(result: Skipped | Failed, name: str) -> FileOutcome:
    _LOG.info("%s: %s [%s]", name, result.detail, result.reason.value)
    status = "skipped" if isinstance(result, Skipped) else "failed"
    return FileOutcome(name=name, status=status, reason=result.reason.value, detail=result.detail)
