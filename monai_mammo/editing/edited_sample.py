"""An edited mammogram as it is written: image, masks, pictures of the place, and what the manifest states."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from scipy import ndimage

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom import Identity, Provenance, ReportedFinding, write_edited, write_report, write_segmentation
from monai_mammo.dicom.identity import WeightsReference
from monai_mammo.dicom.writing.visit import Visit
from monai_mammo.editing.edit_request import EditMethod, EditRequest
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.files.png import png_bytes
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.runs.edited_form import EDITED
from monai_mammo.generation.runs.edited_runs import pixels_sha256
from monai_mammo.generation.runs.manifest import Manifest
from monai_mammo.generation.runs.run_form import RunForm
from monai_mammo.generation.runs.run_spec import RunRequest, RunSpec
from monai_mammo.generation.runs.sample_files import place_files
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.study import Annotation
from monai_mammo.terms import Finding, FindingCategory

__all__ = ["EDIT_FORM", "EditedSample"]

_INSERTED = "a lesion drawn over a region by latent diffusion from its surroundings"
_BY_METHOD = {
    EditMethod.SDEDIT: "drawn anew by latent diffusion from its noised original (SDEdit)",
    EditMethod.INVERSION: "drawn anew by latent diffusion from the noise of its original (DDIM inversion)",
    EditMethod.GAN: "translated by an unpaired generative adversarial network (CycleGAN)",
}
_METHODS = {
    "insert": _INSERTED,
    "evolve": _INSERTED,
    "remove": "a region filled by latent diffusion from its surroundings",
    "translate": "another acquisition of the breast drawn by paired latent diffusion from this one",
    "counterfactual": "a mammogram, or a region of it, drawn anew by latent diffusion from its noised original",
}
_OUTLINES = WeightsReference("lesion outlines", "1")
_DIFFERENCE_GAIN = 2.0
_SIDECAR, _KNOWN_LESIONS = "edited.json", "lesions.png"
_PICTURES = ("before.png", "after.png", "difference.png")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditedSample:
    """An edited version of a file.

    Parameters
    ----------
    index : int
        Number of the sample in its run, from 0.
    command : str
        ``insert``, ``remove``, ``evolve``, ``counterfactual`` or ``translate``.
    source : EditSource
    pixels : ndarray, shape (rows, columns), unsigned
        Stored values after the edit.
    requested : ndarray, shape (rows, columns), bool
        Outline of what was asked for.
    reach : ndarray, shape (rows, columns), bool
        Where pixels might change: region and band.
    window : tuple of slice
        What the pictures show.
    shown : Conditions
        What the picture shows at the place.
    warnings : tuple of str
    about : mapping
        What else the manifest states: plain JSON values.
    edits : tuple of str
        What was done, names of `monai_mammo.dicom.writing.edited.EDITS`.
    visit : Visit or None
        When the picture is said to be taken; as its source, where none is given.
    is_moved : bool
        Whether what the pixels show lies elsewhere than in the source.
    found : ndarray, shape (rows, columns), bool, or None
        What the lesion network finds afterwards; `None` where it was not asked.
    is_mammogram : bool
        Whether the picture is one; what is none is written as a picture, whatever its source is.
    """

    index: int
    command: str
    source: EditSource
    pixels: np.ndarray
    requested: np.ndarray
    reach: np.ndarray
    window: tuple[slice, slice]
    shown: Conditions
    warnings: tuple[str, ...]
    about: Mapping[str, Any]
    edits: tuple[str, ...]
    visit: Visit | None = None
    is_moved: bool = False
    found: np.ndarray | None = None
    is_mammogram: bool = True

    @property
    def is_dicom(self) -> bool:
        """Whether the picture is written as DICOM."""
        return self.source.is_dicom and self.is_mammogram

    @property
    def changed(self) -> np.ndarray:
        """Pixels that changed, shape (rows, columns), bool."""
        return self.pixels != self.source.stored

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the sample's files."""
        image = ("edited.dcm", "lesion.seg.dcm", "report.dcm") if self.is_dicom else ("edited.png", _SIDECAR)
        known = (_KNOWN_LESIONS,) if not self.is_dicom and self.lesions.any() else ()
        found = () if self.found is None else ("found.png",)
        return (*image, *known, "requested.png", "changed.png", *found, *_PICTURES, "conditions.json")

    @property
    def lesions(self) -> np.ndarray:
        """Lesions that are known after the edit, shape (rows, columns), bool: those of the file, and what was done."""
        known = self.source.known_lesions()
        if self.shown.finding is not Finding.NONE:
            is_drawn = self.shown.finding is not None and bool(self.requested.any())
            return known | self.requested if is_drawn else known
        pieces, n_pieces = ndimage.label(known)
        sizes = np.bincount(pieces.ravel(), minlength=n_pieces + 1)
        gone = np.bincount(pieces[self.requested | self.changed], minlength=n_pieces + 1)
        stays = 2 * gone < sizes
        stays[0] = False
        return stays[pieces]

    def write(
        self, folder: Path, *, identity: Identity, provenance: Provenance, found_by: WeightsReference | None = None
    ) -> None:
        """Write all files into a folder.

        Parameters
        ----------
        folder : Path
        identity : Identity
        provenance : Provenance
        found_by : WeightsReference or None
            Network that found `found`.

        Raises
        ------
        MammoError
            A file could not be written, or the source has changed.
        """
        said = " ".join([EDITED, *provenance.notes])
        changed = self.changed
        if self.is_dicom:
            dataset = write_edited(
                self.pixels,
                self.source.path,
                folder / "edited.dcm",
                edits=self.edits,
                identity=identity,
                provenance=provenance,
                conditions=self.shown.replace(laterality=None, view=None, box=None),
                visit=self.visit,
                is_moved=self.is_moved,
                lesions=_boxes(self.lesions),
            )
            self._write_findings(dataset, changed, folder, provenance, found_by or provenance.weights[-1])
        else:
            save_bytes(png_bytes(self.pixels, description=said), folder / "edited.png")
            self._write_sidecar(folder, said)
        if self.found is not None:
            save_bytes(png_bytes(self.found, description=said), folder / "found.png")
        save_bytes(png_bytes(self.requested, description=said), folder / "requested.png")
        save_bytes(png_bytes(changed, description=said), folder / "changed.png")
        for name, picture in zip(_PICTURES, self._pictures(), strict=True):
            save_bytes(png_bytes(picture, description=said), folder / name)
        save_bytes((self.shown.to_json() + "\n").encode(), folder / "conditions.json")

    def _write_findings(
        self, dataset: Dataset, changed: np.ndarray, folder: Path, provenance: Provenance, found_by: WeightsReference
    ) -> None:
        """Masks and report of an edited DICOM image."""
        masks = {"requested": self.requested, "Changed pixels": changed}
        masks |= {} if self.found is None else {"found": self.found}
        segmentation = write_segmentation(
            dataset,
            masks,
            folder / "lesion.seg.dcm",
            finding=self.shown.finding or Finding.NONE,
            provenance=provenance,
            algorithms={"requested": _OUTLINES, "found": found_by},
        )
        findings = []
        if self.shown.finding is not None and self.requested.any():
            categories = (FindingCategory(self.shown.finding.value),)
            annotation = Annotation(categories=categories, box=box_of_mask(self.requested), birads=self.shown.birads)
            findings.append(
                ReportedFinding(name="requested", annotation=annotation, made_by=_OUTLINES, conditions=self.shown)
            )
        if self.found is not None and self.found.any():
            findings.append(ReportedFinding(name="found", annotation=Annotation(), made_by=found_by))
        write_report(
            dataset,
            segmentation,
            findings,
            folder / "report.dcm",
            provenance=provenance,
            density=self.shown.density,
            birads=self.shown.birads,
            outcome=str(self.about.get("outcome", "")),
        )

    def _write_sidecar(self, folder: Path, said: str) -> None:
        """What a picture cannot say of itself, as `monai_mammo.prepare` reads it: so it can be edited again."""
        lesions, finding = self.lesions, self.shown.finding
        shown = self.shown.replace(box=None, finding=None if finding is Finding.NONE and lesions.any() else finding)
        values = shown.to_dict()
        if self.source.mammogram.person_id:
            values["person_id"] = self.source.mammogram.person_id
        if self.source.spacing_mm is not None:
            values["pixel_spacing_mm"] = round(self.source.spacing_mm, 6)
        if lesions.any():
            values["lesion_mask"] = _KNOWN_LESIONS
            save_bytes(png_bytes(lesions, description=said), folder / _KNOWN_LESIONS)
        save_bytes((json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode(), folder / _SIDECAR)

    def _pictures(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The place before and after, and the difference about mid grey, as readers see it, pixel by pixel."""
        before = self.source.mammogram.pixels[self.window]
        after = self.source.scale.shown(self.pixels[self.window], self.source.stored[self.window], before)
        return before, after, 0.5 + _DIFFERENCE_GAIN * (after - before)

    def entry(self) -> dict[str, Any]:
        """What the manifest states of the sample.

        Returns
        -------
        dict
        """
        changed, box = self.changed, box_of_mask(self.requested)
        about = dict(self.about)
        seconds = about.pop("seconds", None)
        return {
            "source": {
                "name": self.source.path.name,
                "sha256": self.source.mammogram.source_sha256,
                "pixels_sha256": pixels_sha256(self.source.stored),
                "unchanged_sha256": pixels_sha256(np.where(changed, 0, self.source.stored)),
            },
            "conditions": self.shown.to_dict(),
            "shape": list(self.source.stored.shape),
            "box": _rounded(box),
            "n_changed": int(changed.sum()),
            "n_reach": int(self.reach.sum()),
            **({} if self.found is None else {"found": {"box": _rounded(box_of_mask(self.found))}}),
            **about,
            "warnings": list(self.warnings),
            "seconds": seconds,
        }


def _rounded(box: Box | None) -> list[float] | None:
    return None if box is None else [round(v, 5) for v in box]


def _boxes(mask: np.ndarray) -> tuple[Box, ...]:
    """Box of each piece of a mask, the largest first."""
    pieces, _ = ndimage.label(mask, np.ones((3, 3)))
    rows, columns = mask.shape
    found = sorted(ndimage.find_objects(pieces), key=lambda one: -_area(one))
    return tuple(Box(c.start / columns, r.start / rows, c.stop / columns, r.stop / rows) for r, c in found)


def _area(place: tuple[slice, slice]) -> int:
    return (place[0].stop - place[0].start) * (place[1].stop - place[1].start)


def _place(sample: EditedSample, manifest: Manifest, spec: RunSpec, keep: Mapping[str, str]) -> dict[str, str]:
    identity = Identity(manifest.run_sha256, spec.request.seed, f"{sample.index:04d}")
    notes = tuple(f"{warning}." for warning in sample.warnings)
    provenance = Provenance(weights=spec.weights, method=_method(spec.request), notes=notes)
    return place_files(
        sample.index,
        manifest.folder,
        lambda part: sample.write(part, identity=identity, provenance=provenance, found_by=spec.weights[-1]),
        names=sample.files,
        keep=keep,
    )


def _method(request: RunRequest) -> str:
    """What was done, in words for the header."""
    assert isinstance(request, EditRequest)
    if request.method is EditMethod.PAINTER:
        return _METHODS[request.command]
    what = "a lesion put into a region" if request.command == "insert" else "a lesion taken out of a region"
    return f"{what}, which was {_BY_METHOD[request.method]}"


EDIT_FORM = RunForm(
    place=_place,
    entry=EditedSample.entry,
    head=lambda spec: {"synthetic": EDITED, "command": spec.request.to_dict()["command"]},
    summaries=lambda manifest, spec: {},
)
"""Form of a run of acquired images that were edited."""
