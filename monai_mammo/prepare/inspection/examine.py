"""`doctor`: what a data set hides."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.files.folder_lock import folder_lock
from monai_mammo.files.names import printable
from monai_mammo.files.output_folder import contents
from monai_mammo.files.whole import save_bytes
from monai_mammo.prepare.datasets import DATASETS, dataset_entries
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.inspection.checks import CHECKS, ordered
from monai_mammo.prepare.inspection.counts import LabelCount, check_counts, label_counts
from monai_mammo.prepare.inspection.doctor_report import DoctorReport
from monai_mammo.prepare.inspection.image_inspection import inspect_image, not_read
from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.page import report_page
from monai_mammo.prepare.inspection.prepared import is_prepared_folder, prepared_entries
from monai_mammo.prepare.inspection.private import check_private_tables
from monai_mammo.prepare.workers import spread
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["doctor"]

_PREPARED = "prepared"
_FILES = ("doctor.json", "doctor.html")


def doctor(
    source: str | Path,
    *,
    out: str | Path | None = None,
    dataset: str | None = None,
    workers: int = 1,
    allow_outside: bool = False,
    progress: ProgressCallback | None = None,
) -> DoctorReport:
    """What a data set hides, with ``doctor.json`` and ``doctor.html``.

    Every picture is read once and inspected: can it be read, is its background dark, is the chest wall where its side
    lets expect it, do mask and boxes fit. Then the pictures are compared: views, copies, persons over splits, labels,
    and label counts beside the published ones. Nothing in the source is changed, and a bad file costs only itself.

    Parameters
    ----------
    source : path
        As for `monai_mammo.prepare.prepare`, or a folder that it prepared.
    out : path, optional
        Folder for the two files, made where it is not there; `None` writes nothing.
    dataset : str, optional
        One of `monai_mammo.prepare.DATASETS`; by default a file is a ``table``, a folder with ``datalist.json`` is a
        prepared one, and any other a ``folder``.
    workers : int
        Processes; 1 works in this one.
    allow_outside : bool
        Whether tables and sidecars may name files outside their folder.
    progress : callable, optional
        Called with a `Progress` now and then.

    Returns
    -------
    DoctorReport
        Its `has_leakage` is what the command's exit code 1 says.

    Raises
    ------
    RequestError
        Source, data set or folder cannot be used.
    MammoError
        The disk is full or not writable, or another process writes to the folder.
    """
    path = Path(source)
    if not path.exists():
        raise RequestError(f"source {path} is not there")
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        raise RequestError(f"{out} is a file: name a folder to write to")
    name = _sort(path, dataset)
    if out is not None:
        _check_folder(Path(out), path, is_prepared=name == _PREPARED)
    with contextlib.nullcontext() if out is None else folder_lock(Path(out)):
        return _report(path, name, _folder(out), workers, allow_outside=allow_outside, progress=progress)


def _report(
    path: Path, name: str, out: Path | None, workers: int, *, allow_outside: bool, progress: ProgressCallback | None
) -> DoctorReport:
    if name == _PREPARED:
        listed = prepared_entries(path)
    else:
        listed = dataset_entries(name, path, leave_out=out, allow_outside=allow_outside)
    pictures = tuple(_inspected(_named_once(listed, path), workers, progress))
    counts: tuple[LabelCount, ...] = () if name == _PREPARED else label_counts(name, path)
    issues = [issue for check in CHECKS for issue in check(pictures)]
    issues += [*check_counts(counts), *(check_private_tables(path) if name != _PREPARED else ())]
    report = DoctorReport(
        name=path.resolve().name,
        dataset=name,
        pictures=pictures,
        issues=ordered(issues),
        label_counts=counts,
        out=out,
    )
    if report.out is not None:
        _write(report, report.out)
    return report


def _check_folder(out: Path, source: Path, *, is_prepared: bool) -> None:
    """Refuse a folder that holds anything but an earlier report; a prepared folder may hold the report on itself."""
    if out.resolve() == source.resolve():
        if not is_prepared:
            raise RequestError(f"{out} is the data set itself: name a folder of its own to write to")
        return
    if out.is_dir() and any(path.name not in _FILES for path in contents(out)):
        raise RequestError(f"{out} holds other files: name a new folder, or one with nothing but doctor's report")


def _sort(path: Path, dataset: str | None) -> str:
    if dataset is None:
        return "table" if path.is_file() else _PREPARED if is_prepared_folder(path) else "folder"
    if dataset not in DATASETS:
        raise RequestError(f"dataset {dataset!r} is not one of {', '.join(DATASETS)}")
    return dataset


def _folder(out: str | Path | None) -> Path | None:
    return None if out is None else Path(out)


def _named_once(listed: Sequence[Entry | Skipped | Failed], source: Path) -> list[Entry | InspectedImage]:
    """Entries, and what is not to be read as seen; of two with one name, both stay, told apart by a number."""
    top = source if source.is_dir() else source.parent
    taken: dict[str, int] = {}
    named: list[Entry | InspectedImage] = []
    for item in listed:
        if isinstance(item, Entry):
            named.append(dataclasses.replace(item, name=_unique(item.name, taken)))
        else:
            path = item.path
            relative = path.relative_to(top).as_posix() if path.is_relative_to(top) else path.name
            named.append(not_read(item, _unique(printable(relative), taken)))
    return named


def _unique(name: str, taken: dict[str, int]) -> str:
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name} ({taken[name]})"


def _inspected(
    named: list[Entry | InspectedImage], workers: int, progress: ProgressCallback | None
) -> Iterable[InspectedImage]:
    """What is seen of each, in the order given."""
    places = [place for place, item in enumerate(named) if isinstance(item, Entry)]
    entries = [item for item in named if isinstance(item, Entry)]
    seen = {place: item for place, item in enumerate(named) if isinstance(item, InspectedImage)}
    with contextlib.closing(_inspections(entries, workers)) as inspections:
        for i, result in inspections:
            seen[places[i]] = result or _crashed(entries[i])
            if progress is not None:
                progress(Progress(len(seen), len(named)))
    return [seen[place] for place in range(len(named))]


def _inspections(entries: list[Entry], workers: int) -> Generator[tuple[int, InspectedImage | None], None, None]:
    if workers <= 1 or len(entries) < 2 * workers:
        yield from ((i, inspect_image(entry)) for i, entry in enumerate(entries))
        return
    yield from spread(inspect_image, entries, workers=workers)  # closed along with this generator


def _crashed(entry: Entry) -> InspectedImage:
    return not_read(Failed(entry.path, SkipReason.DECODER_CRASHED, "reading the file ended its process"), entry.name)


def _write(report: DoctorReport, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, text in zip(_FILES, (json.dumps(report.to_dict(), indent=1), report_page(report)), strict=True):
        save_bytes(text.encode(), out / name)
