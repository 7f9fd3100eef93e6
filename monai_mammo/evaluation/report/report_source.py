"""The images that a report is of, from a run, a prepared folder or a folder of pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.found_breast import breast_in_pixels
from monai_mammo.evaluation.realism.compared_images import acquired_items, synthetic_items
from monai_mammo.evaluation.report.image_sorts import sort_of_images
from monai_mammo.evaluation.report.measured_side import are_readable, loaded_items
from monai_mammo.evaluation.run_items import load_run
from monai_mammo.generation.runs.augmented_set import runs_of_set
from monai_mammo.generation.runs.edited_form import is_edited_run
from monai_mammo.generation.runs.manifest import Manifest
from monai_mammo.prepare.datalist_items import stated_origin

__all__ = ["ReportSource"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportSource:
    """Folder of images that are examined, and what it states of them.

    Parameters
    ----------
    folder : Path
    form : str
        What sort of folder it is, in words.
    items : list of dict
        With their pixels.
    constant : list of str
        Names of images that were left out because every pixel has one value.
    manifest : Manifest or None
        Of a run.
    parts : tuple of Manifest
        Of the runs that a set of `augment` comes from.
    beside : list of dict
        Acquired images that the folder lists beside those that are examined, and which are not.
    """

    folder: Path
    form: str
    items: list[dict[str, Any]]
    constant: list[str]
    manifest: Manifest | None
    parts: tuple[Manifest, ...] = ()
    beside: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @classmethod
    def of(
        cls,
        folder: Path,
        *,
        kind: str | None,
        split: str,
        shape: tuple[int, int] | None = None,
        breast_of: Callable[[np.ndarray], np.ndarray] = breast_in_pixels,
    ) -> Self:
        """Images of a run, of a prepared folder, or of a folder of pictures.

        Parameters
        ----------
        folder : Path
        kind : str or None
            Acquisition kind of images that state none.
        split : str
            Of a prepared folder.
        shape : tuple of int, optional
            Rows and columns of the reference, to which DICOM files and edited ones are brought.
        breast_of : callable
            Where the breast is in pixels, perhaps kept from before.

        Returns
        -------
        ReportSource

        Raises
        ------
        RequestError
            There is no image in it that shows anything.
        MammoError
            A file cannot be read.
        """
        items, constant = loaded_items(
            synthetic_items(folder, kind=kind, split=split, shape=shape, breast_of=breast_of)
        )
        if not items:
            raise RequestError(
                f"{folder} holds no image that shows anything: split {split!r} lists none, or all are flat"
            )
        is_run, is_prepared = ((folder / name).is_file() for name in ("manifest.json", "datalist.json"))
        manifest = load_run(folder) if is_run else None
        parts = () if is_run else runs_of_set(folder)
        sort = "set of augment" if parts else "prepared folder"
        form = f"{sort}, {split} split" if is_prepared else f"folder of {_sort(items)}"
        if manifest is not None:
            form = f"run of {manifest.head['command']}" if is_edited_run(manifest.head) else "run"
        return cls(
            folder=folder,
            form=form,
            items=items,
            constant=constant,
            manifest=manifest,
            parts=parts,
            beside=[item for item in acquired_items(folder, split=split) if stated_origin(item) == "acquired"]
            if is_prepared and not is_run
            else [],
        )

    @property
    def runs(self) -> tuple[Manifest, ...]:
        """Manifests of the runs that the images come from; none where nothing states them."""
        return self.parts if self.manifest is None else (self.manifest,)

    @property
    def n_stated(self) -> int:
        """Images whose generator, weights and request are stated."""
        if self.manifest is not None:
            return len(self.items)
        return sum(stated_origin(item) == "edited" for item in self.items) if self.parts else 0

    @property
    def is_edited(self) -> bool:
        """Whether it is a run that changed acquired mammograms."""
        return self.manifest is not None and is_edited_run(self.manifest.head)

    @property
    def is_read(self) -> bool:
        """Whether lesion network and judge have something to read for."""
        return are_readable(self.items)

    def about(self) -> dict[str, Any]:
        """What the report states of it.

        Returns
        -------
        dict
        """
        about: dict[str, Any] = {"name": self.folder.name, "form": self.form, "n_images": len(self.items)}
        about["images"] = str(sort_of_images(self.items))
        if self.manifest is not None:
            head = self.manifest.head
            about |= {"run_sha256": self.manifest.run_sha256, "weights": head["weights"], "guidance": head["guidance"]}
            about |= {"seed": head["request"].get("seed"), "n_requested": self.manifest.count}
        elif self.parts:
            about |= {"weights": _together(one.head["weights"] for one in self.parts)}
            about |= {"guidance": self.parts[0].head["guidance"]}  # one call of `augment` made all
            about |= {"n_requested": sum(one.count for one in self.parts)}
        return about


def _together(lists: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Weights of several runs, each file once."""
    return list({one["sha256"]: one for some in lists for one in some}.values())


def _sort(items: list[dict[str, Any]]) -> str:
    return "DICOM files" if items[0]["source"] == "files" else "pictures"
