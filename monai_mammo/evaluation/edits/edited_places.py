"""Places of a run of edits, before and after."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom.writing.store import read_dataset
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation.edits.measured_place import Place, measured_place
from monai_mammo.evaluation.edits.seen_picture import SeenPicture
from monai_mammo.evaluation.run_items import load_run
from monai_mammo.files.picture import read_brightness
from monai_mammo.generation.runs.edited_form import is_edited_run
from monai_mammo.generation.runs.manifest import Manifest, sample_name
from monai_mammo.lesions.painter_crops import DEFAULT_RIM_SHARE
from monai_mammo.painting.local_edit import region_in_picture
from monai_mammo.prepare.array import locate_breast
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.prepare.reading import read_any
from monai_mammo.study import Mammogram, Spacing

__all__ = ["COMMANDS", "EditedPlace", "edited_places", "load_edited_run"]

COMMANDS = ("insert", "remove")
"""Commands whose runs are judged."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditedPlace:
    """One lesion that was inserted, or one region that was filled.

    Parameters
    ----------
    run : str
        Name of the run's column.
    command : str
        One of `COMMANDS`.
    is_found : bool
        Whether the lesion network found the region that was filled.
    source : str
        Name of the source file, without its ending.
    before, after : Place
        The same place of the source and of the edited picture.
    outline : ndarray, shape (rows, columns), bool
        The mask, cut to its box.
    """

    run: str
    command: str
    is_found: bool
    source: str
    before: Place
    after: Place
    outline: np.ndarray


def load_edited_run(folder: str | Path) -> Manifest:
    """Manifest of a run of `COMMANDS`.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Manifest

    Raises
    ------
    RequestError
        There is no such run, or it is one of another command.
    MammoError
        Its manifest cannot be read, or was changed.
    """
    manifest = load_run(folder)
    command = manifest.head.get("command", "generate") if is_edited_run(manifest.head) else "generate"
    if command not in COMMANDS:
        raise RequestError(f"{folder} is a run of {command!r}, and edits are judged of {' and '.join(COMMANDS)}")
    return manifest


def edited_places(
    name: str, manifest: Manifest, *, persons: Mapping[str, str], shape: tuple[int, int], on_grid: bool
) -> Iterator[EditedPlace]:
    """Places of all samples of a run, in their order.

    Parameters
    ----------
    name : str
        Of the run's column.
    manifest : Manifest
        Of `load_edited_run`.
    persons : mapping of str to str
        Whose the source files are, by their names without ending, where that is known.
    shape : tuple of int
        Rows and columns of the prepared grid.
    on_grid : bool
        Whether places are measured on the prepared grid, and not at the files' own pixels.

    Yields
    ------
    EditedPlace

    Raises
    ------
    MammoError
        A file cannot be read.
    """
    for index in sorted(manifest.samples):
        yield from _of_sample(name, manifest, index, persons, shape, on_grid)


def _of_sample(
    name: str, manifest: Manifest, index: int, persons: Mapping[str, str], shape: tuple[int, int], on_grid: bool
) -> Iterator[EditedPlace]:
    folder, entry = manifest.folder / sample_name(index), manifest.samples[index]
    path = next((p for p in (folder / "edited.dcm", folder / "edited.png") if p.is_file()), folder / "edited.dcm")
    read = read_any(path)
    if not isinstance(read, Mammogram):
        raise MammoError(f"{path} cannot be read: {read.detail}")
    conditions = Conditions.from_dict(entry["conditions"])
    stem = Path(entry["source"]["name"]).stem
    of = {
        "name": f"{name}/{entry['id']}",
        "person": persons.get(stem) or _person(path, entry),
        "kind": None if conditions.kind is None else str(conditions.kind),
        "density": None if conditions.density is None else str(conditions.density),
    }
    pixel_mm = entry.get("pixel_mm")
    spacing = read.spacing or (None if pixel_mm is None else Spacing(pixel_mm, pixel_mm, "source"))
    located = locate_breast(read.replace(conditions=read.conditions.replace(kind=conditions.kind), spacing=spacing))
    source = read.pixels.copy()
    row0, column0, row1, column1 = entry["window"]
    source[row0:row1, column0:column1] = read_brightness(folder / "before.png")
    before = SeenPicture.of_located(
        dataclasses.replace(located, mammogram=located.mammogram.replace(pixels=source)), shape, on_grid=on_grid
    )
    after = SeenPicture.of_located(located, shape, on_grid=on_grid)
    changed = after.of_file(read_brightness(folder / "changed.png") > 0.5)
    requested = read_brightness(folder / "requested.png") > 0.5
    rim_share = entry.get("filling", {}).get("rim_share", DEFAULT_RIM_SHARE)
    for outline in _outlines(requested, entry):
        mask = after.of_file(outline)
        if not mask.any():
            continue
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        region = region_in_picture(mask, rim_share=rim_share)
        how = {"of": of, "beside": changed & ~region, "rim_share": rim_share}
        yield EditedPlace(
            run=name,
            command=manifest.head["command"],
            is_found=bool(manifest.head["request"].get("segment")),
            source=stem,
            before=measured_place(before, mask, **how),
            after=measured_place(after, mask, **how),
            outline=mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1],
        )


def _outlines(requested: np.ndarray, entry: Mapping[str, Any]) -> list[np.ndarray]:
    """Outline of each lesion of a picture."""
    boxes = [Box.parse(lesion["box"]) for lesion in entry.get("lesions", ())]
    if len(boxes) < 2:
        return [requested]
    return [requested & (mask_of_box(box, requested.shape) > 0) for box in boxes]


def _person(path: Path, entry: Mapping[str, Any]) -> str:
    """Person that a DICOM file names, else a person of the source's own."""
    if path.suffix == ".dcm":
        named = str(read_dataset(path).get("PatientID", ""))
        if named:
            return f"patient-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
    return f"source-{entry['source']['sha256'][:16]}"
