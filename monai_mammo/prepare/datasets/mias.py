"""mini-MIAS (Suckling et al. 1994; README of 19 January 1995) in its published layout.

Films 2k - 1 and 2k are the right and the left breast of one person, all MLO, and hang as readers expect. Circles count
y from the bottom. The
background letters F, G, D are no BI-RADS density: they stay a label, and the density is missing. Research use only,
by the licence that travels with the files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, open_regular, read_text
from monai_mammo.prepare.datasets.outlines import box_round, circle
from monai_mammo.prepare.datasets.published_files import files_under, find_table, not_in_table
from monai_mammo.prepare.datasets.rows import TableRow
from monai_mammo.prepare.entry import Entry
from monai_mammo.study import Annotation, Spacing, chest_wall_of
from monai_mammo.terms import AcquisitionKind, Finding, FindingCategory, Laterality, Pathology, View

__all__ = ["PUBLISHED_COUNTS", "entries", "label_counts"]

_MAX_BYTES = 16 * 2**20

PUBLISHED_COUNTS: dict[str, Any] = {
    "films": 322,
    "persons": 161,
    "lines": 330,
    "classes": {"CIRC": 25, "NORM": 207, "MISC": 15, "ASYM": 15, "ARCH": 19, "SPIC": 19, "CALC": 30},
    "severity": {"B": 69, "M": 54},
    "circles": 119,
    "background_films": {"F": 106, "G": 104, "D": 112},
}
"""What `label_counts` gives for the whole table, as published."""

TABLES = ("Info.txt", "README", "README.txt")

_SIDE = 1024
_SPACING = Spacing(0.2, 0.2, "nominal:mini-mias")
_NORMAL = "NORM"
_CLASSES = {
    "NORM": (FindingCategory.NONE, ""),
    "CALC": (FindingCategory.CALCIFICATION, ""),
    "CIRC": (FindingCategory.MASS, "circumscribed"),
    "SPIC": (FindingCategory.MASS, "spiculated"),
    "MISC": (FindingCategory.MASS, "ill_defined"),
    "ARCH": (FindingCategory.ARCHITECTURAL_DISTORTION, ""),
    "ASYM": (FindingCategory.ASYMMETRY, ""),
}
_SEVERITIES = {"B": Pathology.BENIGN, "M": Pathology.MALIGNANT}
_BACKGROUNDS = ("F", "G", "D")
_NOTE_3 = ["*NOTE", "3*"]
_SIZE = re.compile(rb"P5\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s")


def entries(source: Path, *, leave_out: Path | None = None) -> list[Entry | Skipped | Failed]:
    """Entries of all films, in the order of ``Info.txt``.

    Parameters
    ----------
    source : Path
        Folder with ``Info.txt`` or ``README``, and the PGM files in it or in its subfolders.
    leave_out : Path, optional
        Subfolder that is not looked into.

    Returns
    -------
    list of Entry, Skipped and Failed

    Raises
    ------
    RequestError
        The table is not there, or has no line of a film.
    """
    table = _table(source)
    films: dict[str, list[TableRow]] = {}
    for line in _lines(table):
        films.setdefault(_film(line), []).append(line)
    pictures = list(files_under(table.parent, ".pgm", leave_out=leave_out))
    by_film = {path.stem: path for path in reversed(pictures)}
    listed = [_listed(lines, by_film.get(film), table.parent) for film, lines in films.items()]
    return [*listed, *not_in_table(pictures, [entry.path for entry in listed], table=table.name)]


def label_counts(source: Path) -> dict[str, Any]:
    """Counts over the whole table, to be compared with `PUBLISHED_COUNTS`; words that are not there count too.

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
        The table is not there, or has no line of a film.
    """
    lines = _lines(_table(source))
    films = {_film(line): line for line in lines}
    return {
        "films": len(films),
        "persons": len({_person(film) for film in films}),
        "lines": len(lines),
        "classes": _counted(_fields(line)[2] for line in lines if len(_fields(line)) > 2),
        "severity": _counted(_fields(line)[3] for line in lines if len(_fields(line)) > 3),
        "circles": sum(len(_fields(line)) == 7 for line in lines),
        "background_films": _counted(_fields(line)[1] for line in films.values() if len(_fields(line)) > 1),
    }


def _table(source: Path) -> Path:
    for name in TABLES:
        try:
            found = find_table(source, name)
        except RequestError:
            continue
        if _lines(found):
            return found
    raise RequestError(f"no {' or '.join(TABLES)} with lines such as 'mdb001 G CIRC B 535 425 197' is in {source}")


def _lines(table: Path) -> list[TableRow]:
    """Lines of films; prose and the heading that some copies carry are left out."""
    try:
        text = read_text(table, max_bytes=_MAX_BYTES, errors="replace")
    except UnreadableFile as error:
        raise RequestError(f"table {error.detail}") from None
    numbered = [(i, line) for i, line in enumerate(text.split("\n"), start=1) if re.match(r"mdb\d{3}\s", line)]
    return [
        TableRow(table=table.name, number=number, line=i, values={"line": line})
        for number, (i, line) in enumerate(numbered, start=1)
    ]


def _fields(row: TableRow) -> list[str]:
    """Film, background, class, severity, and x, y, radius where they are given."""
    return row["line"].split()


def _film(row: TableRow) -> str:
    return _fields(row)[0]


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words))


def _person(film: str) -> str:
    return f"mias_{(int(film[3:]) + 1) // 2:03d}"


def _listed(lines: Sequence[TableRow], path: Path | None, folder: Path) -> Entry | Failed:
    film = _film(lines[0])
    if path is None:
        missing = f"the picture that {lines[0].where} names is not there"
        return Failed(folder / f"{film}.pgm", SkipReason.UNREADABLE, missing)
    if not _is_square(path):
        told = f"the picture is not square, as published ({_SIDE} x {_SIDE}): circles do not fit it"
        return Failed(path, SkipReason.UNREADABLE, told)
    try:
        return _entry(lines, path, folder)
    except RequestError as error:
        return Failed(path, SkipReason.WRONG_ROW, str(error))


def _is_square(path: Path) -> bool:
    """Whether rows and columns are as many, by the header; true where the file has none that can be read."""
    try:
        with open_regular(path) as file:
            size = _SIZE.match(file.read(512))
    except OSError:
        return True  # told when the picture is read
    return size is None or int(size[1]) == int(size[2])


def _entry(lines: Sequence[TableRow], path: Path, folder: Path) -> Entry:
    film, background = _film(lines[0]), _background(lines)
    annotations = tuple(_annotation(line) for line in lines)
    found = {category.finding for annotation in annotations for category in annotation.categories}
    natures = {annotation.pathology for annotation in annotations}
    worst = (Pathology.MALIGNANT, Pathology.BENIGN, Pathology.NORMAL)
    side = Laterality.R if int(film[3:]) % 2 else Laterality.L
    return Entry(
        path=path,
        image_id=film,
        name=path.relative_to(folder).as_posix(),
        origin="mini-MIAS",
        person_id=_person(film),
        conditions=Conditions(
            kind=AcquisitionKind.FILM,
            view=View.MLO,
            laterality=side,
            finding=next(finding for finding in Finding if finding in found),
            pathology=next(nature for nature in worst if nature in natures),
        ),
        # in mdb152 the breast fills the film, and the pixels tell the wrong side
        chest_wall=chest_wall_of(side),
        annotations=annotations,
        spacing=_SPACING,
        labels={"density_source": background},
        record={"rows": [line.to_dict() for line in lines]},
    )


def _background(lines: Sequence[TableRow]) -> str:
    letters = {_fields(line)[1] for line in lines if len(_fields(line)) > 1}
    if len(letters) != 1 or not letters <= set(_BACKGROUNDS):
        told = "|".join(sorted(letters))
        raise RequestError(f"background {told!r} of {lines[0].where} is not one of {', '.join(_BACKGROUNDS)}")
    return letters.pop()


def _annotation(line: TableRow) -> Annotation:
    word, rest = (_fields(line)[2], _fields(line)[3:]) if len(_fields(line)) > 2 else ("", [])
    if word not in _CLASSES:
        raise RequestError(f"class {word!r} in {line.where} is not one of {', '.join(_CLASSES)}")
    category, margin = _CLASSES[word]
    if word == _NORMAL:
        if rest:
            raise RequestError(f"{line.where} goes on after {_NORMAL}")
        return Annotation(categories=(category,), pathology=Pathology.NORMAL)
    if not rest or rest[0] not in _SEVERITIES:
        told = rest[0] if rest else ""
        raise RequestError(f"severity {told!r} in {line.where} is not one of {', '.join(_SEVERITIES)}")
    outline = _circle(rest[1:], line)
    return Annotation(
        categories=(category,),
        box=None if outline is None else box_round(outline),
        outlines=() if outline is None else (outline,),
        mask_kind="none" if outline is None else "circle",
        pathology=_SEVERITIES[rest[0]],
        notes=(f"margin {margin}",) if margin else (),
    )


def _circle(fields: list[str], line: TableRow) -> np.ndarray | None:
    """Outline of the circle; `None` where the table gives none."""
    if not fields or fields == _NOTE_3:
        return None
    if len(fields) != 3 or not all(field.isdecimal() for field in fields):
        raise RequestError(f"{line.where} does not end in x, y and radius, three whole numbers, or {' '.join(_NOTE_3)}")
    x, y, radius = map(int, fields)
    if not (x < _SIDE and y < _SIDE and 0 < radius < _SIDE):
        raise RequestError(f"x, y and radius in {line.where} do not name a circle in {_SIDE} x {_SIDE} pixels")
    row = _SIDE - 1 - y  # y counts from the bottom
    return circle(x + 0.5, row + 0.5, radius, shape=(_SIDE, _SIDE))
