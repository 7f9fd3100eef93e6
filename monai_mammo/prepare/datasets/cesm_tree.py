"""Files of CDD-CESM on disk, and the rows that speak of each image."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.cesm_tables import ImageName, ImageRow
from monai_mammo.prepare.datasets.published_files import files_under
from monai_mammo.prepare.datasets.rows import TableRow

__all__ = ["CesmTree", "ParsedRow", "images_of", "rows_by_image", "wrong_row"]

_WORKBOOK = "Radiology-manual-annotations.xlsx"
_REGIONS = "Radiology_hand_drawn_segmentations_v2.csv"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CesmTree:
    """Files of the data set, and which image each name stands for.

    Parameters
    ----------
    source : Path
    workbook : Path
    regions : Path or None
        Table of regions.
    pictures : dict of ImageName to Path
        File of each image.
    others : tuple of Path
        Pictures whose name is none, or is there already.
    """

    source: Path
    workbook: Path
    regions: Path | None
    pictures: dict[ImageName, Path]
    others: tuple[Path, ...]

    @classmethod
    def of(cls, source: Path, leave_out: Path | None) -> CesmTree:
        """Tree of a folder.

        Parameters
        ----------
        source : Path
            Folder of the data set, as it is published.
        leave_out : Path or None
            Subfolder that is not searched.

        Returns
        -------
        CesmTree

        Raises
        ------
        RequestError
            Folder or workbook is not there.
        """
        if not source.is_dir():
            raise RequestError(f"folder {source} is not there")
        files = [path for path in files_under(source, "", leave_out=leave_out) if not path.name.startswith("~$")]
        workbook = next((path for path in files if _plain(path.name) == _plain(_WORKBOOK)), None)
        if workbook is None:
            raise RequestError(f"workbook {_WORKBOOK} is not in {source} or its subfolders")
        regions = next((path for path in files if _plain(path.name) == _plain(_REGIONS)), None)
        pictures: dict[ImageName, Path] = {}
        others = []
        for path in (path for path in files if path.suffix.lower() in (".jpg", ".jpeg")):
            name = ImageName.parse(path.stem)
            if name is None or name in pictures:
                others.append(path)
            else:
                pictures[name] = path
        return cls(source=source, workbook=workbook, regions=regions, pictures=pictures, others=tuple(others))

    def regions_table(self) -> Path:
        """Table of regions.

        Returns
        -------
        Path

        Raises
        ------
        RequestError
            It is not there.
        """
        if self.regions is None:
            raise RequestError(f"table {_REGIONS} is not in {self.source} or its subfolders")
        return self.regions

    def key(self, name: ImageName) -> ImageName:
        """Image that a name stands for: a second one only where it has a file of its own.

        Parameters
        ----------
        name : ImageName
            As a table or a file has it.

        Returns
        -------
        ImageName
        """
        return name if not name.repeat or name in self.pictures else name.first

    def left_over(self, named: set[ImageName]) -> list[Skipped]:
        """Pictures that belong to no entry.

        Parameters
        ----------
        named : set of ImageName
            Images of the entries.

        Returns
        -------
        list of Skipped
        """
        detail = f"{self.workbook.name} does not name the picture"
        left = [Skipped(p, SkipReason.NOT_IN_TABLE, detail) for name, p in self.pictures.items() if name not in named]
        for path in self.others:
            is_double = ImageName.parse(path.stem) in named
            reason = SkipReason.DUPLICATE if is_double else SkipReason.NOT_IN_TABLE
            left.append(Skipped(path, reason, "another file has this name but for blanks" if is_double else detail))
        return left


ParsedRow = tuple[TableRow, ImageRow | RequestError]
"""A row, and what it says or why it cannot be used."""


def images_of(rows: list[TableRow], tree: CesmTree) -> tuple[dict[ImageName, list[ParsedRow]], list[Failed]]:
    """Rows of the sheet ``all`` by image, and a failure for each row without a name.

    Parameters
    ----------
    rows : list of TableRow
        Of the sheet ``all``.
    tree : CesmTree
        Files of the data set.

    Returns
    -------
    dict of ImageName to list of tuple
        Each row with what it says, or with why it says nothing.
    list of Failed
    """
    images: dict[ImageName, list[ParsedRow]] = {}
    nameless: list[Failed] = []
    for row in rows:
        name = ImageName.parse(row["Image_name"])
        if name is None:
            detail = f"Image_name in {row.where} is not P<number>_<L|R>_<DM|CM>_<CC|MLO>"
            nameless.append(wrong_row(tree.workbook, detail))
            continue
        parsed: ImageRow | RequestError
        try:
            parsed = ImageRow.parse(row, name)
        except RequestError as error:
            parsed = error
        images.setdefault(tree.key(name), []).append((row, parsed))
    return images, nameless


def rows_by_image(
    rows: list[TableRow], column: str, images: dict[ImageName, list[ParsedRow]], tree: CesmTree
) -> tuple[dict[ImageName, list[TableRow]], list[Failed]]:
    """Rows of another table by image, and a failure for each name that the sheet ``all`` does not have.

    Parameters
    ----------
    rows : list of TableRow
        Of the other table.
    column : str
        In which the image is named.
    images : dict of ImageName to list of tuple
        As `images_of` gives them.
    tree : CesmTree
        Files of the data set.

    Returns
    -------
    dict of ImageName to list of TableRow
    list of Failed
    """
    found: dict[ImageName, list[TableRow]] = {}
    unknown: dict[str, Failed] = {}
    for row in rows:
        name = ImageName.parse(row[column].removesuffix(".jpg"))
        key = None if name is None else tree.key(name)
        if key is not None and key in images:
            found.setdefault(key, []).append(row)
        else:
            path = tree.regions if row.table == (tree.regions and tree.regions.name) else tree.workbook
            detail = f"{column} in {row.where} does not name an image of the sheet all"
            unknown.setdefault(row[column], wrong_row(path or tree.workbook, detail))
    return found, list(unknown.values())


def wrong_row(path: Path, detail: str) -> Failed:
    """Failure of a picture, or of a table, by what stands in a row.

    Parameters
    ----------
    path : Path
        Of the picture or the table.
    detail : str
        Sentence that says what is wrong, and where.

    Returns
    -------
    Failed
    """
    return Failed(path, SkipReason.WRONG_ROW, detail)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "-", name.casefold())
