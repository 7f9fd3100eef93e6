"""CDD-CESM (TCIA, doi 10.7937/29kw-ae92): low-energy and subtracted views of contrast-enhanced mammography.

Low-energy views are not full-field digital mammograms: ``labels["acquisition"]`` tells them apart. The pictures are
JPEG files without spacing. A region has no label of its own; it carries the categories of its image.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile
from monai_mammo.files.picture import picture_shape
from monai_mammo.prepare.datasets.cesm_regions import COLUMNS, Region, regions_of
from monai_mammo.prepare.datasets.cesm_tables import (
    SHEETS,
    ImageName,
    ImageRow,
    categories_of,
    descriptors_of,
    read_sheets,
    sheet_counts,
)
from monai_mammo.prepare.datasets.cesm_tree import CesmTree, ParsedRow, images_of, rows_by_image, wrong_row
from monai_mammo.prepare.datasets.descriptors import described_report, n_findings_of
from monai_mammo.prepare.datasets.rows import TableRow, read_rows
from monai_mammo.prepare.entry import Entry
from monai_mammo.study import Annotation
from monai_mammo.terms import Density, Finding, FindingCategory, Laterality, Pathology

__all__ = ["PUBLISHED_COUNTS", "entries", "label_counts"]

PUBLISHED_COUNTS: dict[str, Any] = {
    **{"rows": 2006, "persons": 326},
    "type": {"DM": 1003, "CESM": 1003},
    "pathology": {"Normal": 757, "Malignant": 662, "Benign": 587},
    "density_dm": {"C": 515, "B": 329, "_": 81, "D": 70, "A": 8},
    "birads": {
        **{"1": 801, "2": 325, "2$2": 2, "2$3": 2, "2$4": 2, "3": 156, "3$2": 31, "3$2$2": 2},
        **{"4": 295, "4$2": 21, "4$3": 3, "5": 340, "5$2": 18, "6": 8},
    },
    "regions": 2971,
    "images_with_regions": 1233,
    "shapes": {"polygon": 2028, "ellipse": 598, "circle": 331, "point": 4, "polyline": 10},
    "sheets": {
        **{"all": 2006, "mass_description": 310, "distortion": 50, "postoperative": 159, "asymmetry": 231},
        **{"postneoajuvant chemotherapy": 8, "calcifications": 240, "mass enhancement_description": 334},
        **{"nonmass enhancement_description": 184},
    },
}
"""What `label_counts` gives for the whole workbook and table of regions."""

_ORIGIN = "CDD-CESM"
_ACQUISITIONS = {"DM": "low_energy", "CM": "subtracted"}


def entries(source: Path, *, leave_out: Path | None = None) -> list[Entry | Skipped | Failed]:
    """One entry an image of the sheet ``all``, in its order; rows with the same name are one image.

    Parameters
    ----------
    source : Path
        Folder with the workbook, the table of regions and the JPEG files, each somewhere below.
    leave_out : Path, optional
        Subfolder that is not looked into.

    Returns
    -------
    list of Entry, Skipped or Failed
        `Failed` for an image without file, or with a row or a region that cannot be used; `Skipped` for a picture
        that the workbook does not name.

    Raises
    ------
    RequestError
        Folder, workbook or table is not there, or lacks a sheet or column.
    """
    tree = CesmTree.of(source, leave_out)
    sheets = read_sheets(tree.workbook)
    images, nameless = images_of(sheets["all"], tree)
    drawn, without_image = rows_by_image(read_rows(tree.regions_table(), COLUMNS), "#filename", images, tree)
    on_sheets, without_row = rows_by_image([r for name in SHEETS for r in sheets[name]], "Image_name", images, tree)
    densities = _densities(images)
    listed: list[Entry | Skipped | Failed] = [*nameless]
    for name, rows in images.items():
        listed.append(_Image(name, rows, drawn.get(name, []), on_sheets.get(name, [])).listed(tree, densities))
    return [*listed, *without_image, *without_row, *tree.left_over(set(images))]


def label_counts(source: Path) -> dict[str, Any]:
    """Counts of the workbook and, where it is there, of the table of regions.

    Parameters
    ----------
    source : Path
        Folder of the data set, as it is published.

    Returns
    -------
    dict

    Raises
    ------
    RequestError
        Folder or workbook is not there, or a sheet or column is missing.
    """
    tree = CesmTree.of(source, None)
    counts = sheet_counts(read_sheets(tree.workbook))
    if tree.regions is None:
        return counts
    rows = read_rows(tree.regions, COLUMNS)
    shapes = Counter(_shape_name(row) for row in rows)
    names = {row["#filename"] for row in rows}
    return {**counts, "regions": len(rows), "images_with_regions": len(names), "shapes": dict(sorted(shapes.items()))}


def _words(row: TableRow) -> str:
    """Findings and tags of an image, as one report."""
    return ". ".join(words for words in (row["Findings"], row["Tags"]) if words.strip(" _"))


def _densities(images: dict[ImageName, list[ParsedRow]]) -> dict[tuple[int, Laterality], set[Density]]:
    """Densities that the low-energy rows of a breast state; subtracted ones state none."""
    found: dict[tuple[int, Laterality], set[Density]] = {}
    for name, rows in images.items():
        stated = {row.density for _, row in rows if isinstance(row, ImageRow) and row.density and name.kind == "DM"}
        found.setdefault((name.person, name.side), set()).update(density for density in stated if density)
    return found


@dataclasses.dataclass(frozen=True)
class _Image:
    """An image, and all rows of all tables that speak of it."""

    name: ImageName
    rows: list[ParsedRow]
    drawn: list[TableRow]
    on_sheets: list[TableRow]

    def listed(self, tree: CesmTree, densities: dict[tuple[int, Laterality], set[Density]]) -> Entry | Failed:
        """The entry of the image, or why there is none."""
        path = tree.pictures.get(self.name)
        error = next((parsed for _, parsed in self.rows if isinstance(parsed, RequestError)), None)
        if error is not None:
            return wrong_row(path or tree.source / f"{self.name}.jpg", str(error))
        if path is None:
            detail = f"the picture that {self.rows[0][0].where} names is not there"
            return Failed(tree.source / f"{self.name}.jpg", SkipReason.UNREADABLE, detail)
        shape = _shape_of(path)
        if shape is None:
            return Failed(path, SkipReason.DAMAGED, "the picture is damaged or no JPEG")
        try:
            regions, notes = regions_of(self.drawn, shape)
        except RequestError as region_error:
            return wrong_row(path, str(region_error))
        if any(row["file_size"] not in ("", str(path.stat().st_size)) for row in self.drawn[:1]):
            notes.append("file_size: the table of regions was made for a file of another length")
        return self._entry(path, tree, regions, notes, densities[self.name.person, self.name.side])

    def _entry(
        self, path: Path, tree: CesmTree, regions: list[Region], notes: list[str], of_breast: set[Density]
    ) -> Entry:
        first = next(parsed for _, parsed in self.rows if isinstance(parsed, ImageRow))
        categories = categories_of(first.row, self.on_sheets)
        finding = _finding(first, categories, regions)
        if len(self.rows) > 1:
            notes.append("name_repeated: the workbook has the image more than once, its first row counts")
        if first.pathology is Pathology.NORMAL and not categories and regions:
            notes.append("normal_with_region: a region is drawn on an image that is called normal, the finding is open")
        if len(categories) > 1 and regions:
            notes.append("region_category: the image has several findings, its regions do not say which is which")
        density, source = _density(first, of_breast)
        unnamed = regions if not categories else []  # drawn by a radiologist, whatever it is
        return Entry(
            path=path,
            image_id=str(self.name),
            name=path.relative_to(tree.source).as_posix(),
            origin=_ORIGIN,
            person_id=f"P{self.name.person}",
            conditions=Conditions(
                kind=first.kind,
                view=self.name.view,
                laterality=self.name.side,
                density=density,
                finding=finding,
                birads=max(first.birads),
                pathology=first.pathology,
                age_years=first.age_years,
                n_findings=None if finding is Finding.NONE else n_findings_of(len(regions)),
                **({} if finding is Finding.NONE else described_report(_words(first.row))),
            ),
            lesions=tuple(region.box for region in unnamed if region.box is not None),
            outlines=tuple(region.outline for region in unnamed),
            annotations=self._annotations(first, categories, regions),
            labels=_labels(first, source),
            record={"rows": [row.to_dict() for row in (*(r for r, _ in self.rows), *self.on_sheets, *self.drawn)]},
            notes=tuple(notes),
        )

    def _annotations(
        self, first: ImageRow, categories: tuple[FindingCategory, ...], regions: list[Region]
    ) -> tuple[Annotation, ...]:
        """One finding a region; one without a place where the image has categories and no region."""
        known: dict[str, Any] = {
            "categories": categories,
            "birads": first.birads[0] if len(first.birads) == 1 else None,
            "pathology": first.pathology,
            "descriptors": descriptors_of(self.on_sheets),
        }
        if not regions:
            return (Annotation(**known),) if categories else ()
        return tuple(
            Annotation(
                **known,
                box=region.box,
                outlines=(region.outline,),
                mask_kind=region.mask_kind,
                notes=region.notes,
            )
            for region in regions
        )


def _finding(first: ImageRow, categories: tuple[FindingCategory, ...], regions: list[Region]) -> Finding | None:
    """Main finding; none only where the image is normal, on no sheet of findings and without a region."""
    findings = {category.finding for category in categories}
    if not categories and not regions and first.pathology is Pathology.NORMAL:
        return Finding.NONE
    return next((finding for finding in Finding if finding in findings), None)


def _density(first: ImageRow, of_breast: set[Density]) -> tuple[Density | None, str]:
    """Density of the row, else of the same breast's low-energy rows, and which of the two."""
    if first.density is not None:
        return first.density, ""
    if first.name.kind == "CM" and len(of_breast) == 1:
        return next(iter(of_breast)), "low-energy view of the same breast"
    return None, ""


def _labels(first: ImageRow, density_source: str) -> dict[str, str]:
    labels = {"acquisition": _ACQUISITIONS[first.name.kind], "machine": first.row["Machine"]}
    if len(first.birads) > 1:
        labels["birads_lesions"] = "$".join(map(str, first.birads))
    if density_source:
        labels["density_source"] = density_source
    return {name: value for name, value in labels.items() if value}


def _shape_of(path: Path) -> tuple[int, int] | None:
    """Rows and columns by the picture's header; `None` for a damaged one."""
    try:
        return picture_shape(path)
    except UnreadableFile:
        return None


def _shape_name(row: TableRow) -> str:
    try:
        return str(json.loads(row["region_shape_attributes"])["name"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
