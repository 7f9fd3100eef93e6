"""The workbook of CDD-CESM: one row an image in the sheet ``all``, and eight sheets of findings."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.published_words import word_in
from monai_mammo.prepare.datasets.rows import TableRow, require_columns
from monai_mammo.prepare.datasets.workbook import read_workbook
from monai_mammo.terms import (
    AcquisitionKind,
    Density,
    FindingCategory,
    Laterality,
    Pathology,
    View,
    parse_birads,
)

__all__ = ["SHEETS", "ImageName", "ImageRow", "categories_of", "descriptors_of", "read_sheets", "sheet_counts"]

SHEETS = {
    "mass_description": FindingCategory.MASS,
    "distortion": FindingCategory.ARCHITECTURAL_DISTORTION,
    "postoperative": FindingCategory.POSTOPERATIVE,
    "postneoajuvant chemotherapy": None,
    "asymmetry": FindingCategory.ASYMMETRY,
    "calcifications": FindingCategory.CALCIFICATION,
    "mass enhancement_description": FindingCategory.MASS,
    "nonmass enhancement_description": FindingCategory.NONMASS_ENHANCEMENT,
}
"""Sheets of findings, and the category that an image on one has."""

_ALL = "all"
_DENSITY, _BIRADS, _PATHOLOGY = "Breast density (ACR)", "BIRADS", "Pathology Classification/ Follow up"
_COLUMNS = (
    *("Image_name", "Patient_ID", "Side", "Type", "Age", _DENSITY, _BIRADS),
    *("Findings", "View", "Tags", "Machine", _PATHOLOGY),
)
_NAME = re.compile(r"P(\d{1,4})_([LR])_(DM|CM)_(CC|MLO)(?:_?([2-9]))?", re.IGNORECASE)
_TYPES = {"DM": "DM", "CESM": "CM"}
_DENSITIES = {**{density.value: density for density in Density}, "_": None, "": None}
_PATHOLOGIES = {"Normal": Pathology.NORMAL, "Benign": Pathology.BENIGN, "Malignant": Pathology.MALIGNANT}
_ASYMMETRY = re.compile(r"ass?ymm?et")  # "asymmetrial", "asymmetrcial" and "assymetrical" stand there too
_WORDS = {
    FindingCategory.SKIN_THICKENING: re.compile(r"skin thickening"),
    FindingCategory.SKIN_RETRACTION: re.compile(r"skin (and nipple )?retraction"),
    FindingCategory.NIPPLE_RETRACTION: re.compile(r"nipple retraction"),
}
_DESCRIPTORS = {
    "Single/Multiple": "number",
    "Mass density/enhancement pattern": "pattern",
    "Mass shape": "shape",
    "Mass margin": "margin",
}
_SPELLINGS = {"speculated": "spiculated", "heterogenous": "heterogeneous", "homogenous": "homogeneous"}


@dataclasses.dataclass(frozen=True, slots=True)
class ImageName:
    """Name of an image: ``P<n>_<L|R>_<DM|CM>_<CC|MLO>``, in some copies with ``_2`` or ``2`` for a second row.

    Parameters
    ----------
    person : int
        Number of the person in the name.
    side : Laterality
    kind : str
        ``DM`` or ``CM``.
    view : View
    repeat : str
        ``2`` for a second one, else empty.
    """

    person: int
    side: Laterality
    kind: str
    view: View
    repeat: str = ""

    @classmethod
    def parse(cls, text: str) -> ImageName | None:
        """Name in a text, blanks round it left out; `None` where it is none.

        Parameters
        ----------
        text : str
            Such as ``P1_L_DM_MLO``.

        Returns
        -------
        ImageName or None
        """
        match = _NAME.fullmatch(text.strip())
        if match is None:
            return None
        person, side, kind, view, repeat = match.groups()
        return cls(int(person), Laterality(side.upper()), kind.upper(), View(view.upper()), repeat or "")

    @property
    def first(self) -> ImageName:
        """The name without its suffix."""
        return dataclasses.replace(self, repeat="")

    def __str__(self) -> str:
        ending = f"_{self.repeat}" if self.repeat else ""
        return f"P{self.person}_{self.side}_{self.kind}_{self.view}{ending}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageRow:
    """A row of the sheet ``all``, with typed values.

    Parameters
    ----------
    row : TableRow
    name : ImageName
    age_years : int or None
        Age of the person at the examination.
    density : Density or None
    birads : tuple of int
        One a lesion.
    pathology : Pathology
    """

    row: TableRow
    name: ImageName
    age_years: int | None
    density: Density | None
    birads: tuple[int, ...]
    pathology: Pathology

    @classmethod
    def parse(cls, row: TableRow, name: ImageName) -> ImageRow:
        """Row of a name, which its side, type, view and number have to bear out.

        Parameters
        ----------
        row : TableRow
            Of the sheet ``all``.
        name : ImageName
            Of the image, as the row has it.

        Returns
        -------
        ImageRow

        Raises
        ------
        RequestError
            A cell is not of its vocabulary, or says another thing than the name.
        """
        said = (row["Patient_ID"], row["Side"], word_in(row, "Type", _TYPES), row["View"])
        if said != (str(name.person), str(name.side), name.kind, str(name.view)):
            raise RequestError(f"Patient_ID, Side, Type or View in {row.where} says another thing than Image_name")
        age = row["Age"]
        if age not in ("", "_") and not (age.isdecimal() and int(age) <= 120):
            raise RequestError(f"Age {age!r} in {row.where} is not a whole number from 0 to 120")
        return cls(
            row=row,
            name=name,
            age_years=int(age) if age.isdecimal() else None,
            density=word_in(row, _DENSITY, _DENSITIES),
            birads=tuple(parse_birads(part, where=row.where) for part in row[_BIRADS].split("$")),
            pathology=word_in(row, _PATHOLOGY, _PATHOLOGIES),
        )

    @property
    def kind(self) -> AcquisitionKind:
        """Low-energy views count as digital, subtracted ones as contrast."""
        return AcquisitionKind.DIGITAL if self.name.kind == "DM" else AcquisitionKind.CONTRAST


def read_sheets(path: Path) -> dict[str, list[TableRow]]:
    """Sheets of the workbook by name.

    Parameters
    ----------
    path : Path
        Of the workbook.

    Returns
    -------
    dict of str to list of TableRow

    Raises
    ------
    RequestError
        The file is not a workbook, or a sheet or column is missing.
    """
    sheets = {name.strip(): rows for name, rows in read_workbook(path).items()}
    missing = next((name for name in (_ALL, *SHEETS) if name not in sheets), None)
    if missing is not None:
        raise RequestError(f"{path.name} has no sheet {missing!r}; needed are {', '.join((_ALL, *SHEETS))}")
    for name in (_ALL, *SHEETS):
        header = list(sheets[name][0].values) if sheets[name] else ["Image_name"]
        require_columns(header, _COLUMNS if name == _ALL else ("Image_name",), where=f"sheet {name}")
    if not sheets[_ALL]:
        raise RequestError(f"sheet {_ALL} of {path.name} has no rows")
    return sheets


def categories_of(row: TableRow, on_sheets: list[TableRow]) -> tuple[FindingCategory, ...]:
    """Categories of an image: those of its sheets, and skin and nipple by the words of findings and tags.

    The sheet of asymmetries holds ducts, edema and skin as well: it counts where the findings speak of an asymmetry.

    Parameters
    ----------
    row : TableRow
        Of the sheet ``all``.
    on_sheets : list of TableRow
        Rows of the image on the sheets of findings.

    Returns
    -------
    tuple of FindingCategory
    """
    findings = row["Findings"].casefold()
    found = [SHEETS[sheet] for sheet in SHEETS if any(other.table == f"sheet {sheet}" for other in on_sheets)]
    if FindingCategory.ASYMMETRY in found:
        found[found.index(FindingCategory.ASYMMETRY)] = _asymmetry(findings)
    words = f"{findings} {row['Tags'].casefold()}"
    found += [category for category, pattern in _WORDS.items() if pattern.search(words)]
    return tuple(dict.fromkeys(category for category in found if category is not None))


def descriptors_of(on_sheets: list[TableRow]) -> dict[str, tuple[str, ...]]:
    """Words of the sheets of masses, in lower case, split at hyphens, each once and in the usual spelling.

    Parameters
    ----------
    on_sheets : list of TableRow
        Rows of one image.

    Returns
    -------
    dict of str to tuple of str
    """
    words: dict[str, dict[str, None]] = {}
    for row in on_sheets:
        for column, name in _DESCRIPTORS.items():
            parts = (part.casefold() for part in re.split(r"\s*-\s*", row[column]))
            plain = (" ".join(_SPELLINGS.get(word, word) for word in part.split()) for part in parts)
            words.setdefault(name, {}).update((part, None) for part in plain if part not in ("", "_"))
    return {name: tuple(parts) for name, parts in words.items() if parts}


def sheet_counts(sheets: dict[str, list[TableRow]]) -> dict[str, Any]:
    """Counts of rows, persons and words of the sheet ``all``, and of rows of all sheets.

    Parameters
    ----------
    sheets : dict of str to list of TableRow
        As `read_sheets` gives them.

    Returns
    -------
    dict
    """
    rows = sheets[_ALL]
    return {
        "rows": len(rows),
        "persons": len({row["Patient_ID"] for row in rows}),
        "type": _counted(row["Type"] for row in rows),
        "pathology": _counted(row[_PATHOLOGY] for row in rows),
        "density_dm": _counted(row[_DENSITY] for row in rows if row["Type"] == "DM"),
        "birads": _counted(row[_BIRADS] for row in rows),
        "sheets": {name: len(sheets[name]) for name in (_ALL, *SHEETS)},
    }


def _asymmetry(findings: str) -> FindingCategory | None:
    if not _ASYMMETRY.search(findings):
        return None
    if re.search(r"focal ass?ym", findings):
        return FindingCategory.FOCAL_ASYMMETRY
    is_global = re.search(r"global ass?ym", findings)
    return FindingCategory.GLOBAL_ASYMMETRY if is_global else FindingCategory.ASYMMETRY


def _counted(words: Any) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))
