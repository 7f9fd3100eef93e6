"""CDD-CESM as TCIA publishes it: a workbook, a table of regions, JPEG files and reports.

Rows of the workbook are untouched ones (`tests/fixtures/cdd-cesm`, CC BY 4.0); pictures are phantoms with one bright
disc. The table of regions is drawn for them, in the published form: a polygon, an ellipse, a circle, a point and an
open line round the disc, a polygon that reaches outside, a shape that is there twice, a region on a normal image.
Planted besides: a blank before ``.jpg``, a file that is there twice but for a blank, a missing picture, one that no row
names, lock files of an office program.
"""

from __future__ import annotations

import csv
import json
import zipfile
import zlib
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from layouts.pictures import SMALL, Picture, breast, with_disc
from PIL import Image

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cdd-cesm"
RELEASED = {"P2_R_DM_CC": (2355, 1315)}
"""Mean size of the release."""
MISSING = "P138_R_CM_CC"
UNLISTED = "P400_L_DM_CC"
REGIONS = {
    "P1_L_DM_MLO": ("polygon", "polygon"),
    "P2_R_DM_CC": ("polygon",),
    "P2_R_DM_MLO": ("ellipse",),
    "P2_R_CM_CC": ("circle",),
    "P6_R_DM_CC": ("point",),
    "P30_R_DM_MLO": ("polyline",),
    "P45_L_DM_MLO": ("polygon", "outside"),
    "P106_L_DM_MLO": ("ellipse",),
    "P121_L_DM_CC": ("circle",),
    "P138_L_DM_CC": ("polygon",),
}
"""Shapes by image; those of P45_L_DM_MLO are round the disc and at the picture's left edge."""

POINT_PICTURE = (528, 420)
"""Size at which the disc of 25 pixels that stands for a point covers the disc of the picture."""
_SHEETS = {
    "all": "all",
    "mass_description": "mass_description",
    "distortion": "distortion",
    "postoperative": "postoperative",
    "postneoajuvant chemotherapy": "postneoajuvant_chemotherapy",
    "asymmetry": "asymmetry",
    "calcifications": "calcifications",
    "mass enhancement_description": "mass_enhancement_description",
    "nonmass enhancement_description": "nonmass_enhancement_description",
}
_SUFFIXES = {"P99": "_2", "P281": "2"}
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def write(folder: Path, *, suffixed: bool = False) -> Path:
    """The tree; ``suffixed`` names the second rows of P99 and P281 as the other copy of the workbook does."""
    pictures = folder / "PKG - CDD-CESM" / "CDD-CESM"
    low, subtracted = (pictures / f"{word} images of CDD-CESM" for word in ("Low energy", "Subtracted"))
    low.mkdir(parents=True)
    subtracted.mkdir()
    sheets = {sheet: _rows(FIXTURES / f"Radiology-manual-annotations_{name}.csv") for sheet, name in _SHEETS.items()}
    if suffixed:
        _suffix_repeats(sheets["all"])
    write_workbook(folder / "Radiology-manual-annotations.xlsx", sheets)
    names = dict.fromkeys(row[0] for row in sheets["all"][1:])
    regions: list[dict[str, str]] = []
    for name in [*names, UNLISTED]:
        if name.strip() in (MISSING,) or name.strip()[-1] == "2":
            continue
        path = (low if "_DM_" in name else subtracted) / f"{name}.jpg"
        picture = picture_of(name.strip())
        Image.fromarray(np.round(picture.pixels * 255).astype(np.uint8)).save(path, quality=95)
        regions += _regions(name.strip(), picture, path.stat().st_size)
    (low / "P1_L_DM_MLO .jpg").write_bytes((low / "P1_L_DM_MLO.jpg").read_bytes())
    _write_regions(folder / "Radiology_hand_drawn_segmentations_v2.csv", regions)
    reports = folder / "Medical reports for cases"
    reports.mkdir()
    for name in ("P1.docx", "~$P54.docx"):
        (reports / name).write_bytes(b"PK\x03\x04")
    (folder / "~$Radiology-manual-annotations.xlsx").write_bytes(b"\x05user")
    return folder


def picture_of(name: str) -> Picture:
    """Picture of an image, the same for each call."""
    _, side, _, view, *_ = name.split("_")
    shape = POINT_PICTURE if REGIONS.get(name) == ("point",) else RELEASED.get(name, SMALL)
    drawn = breast(zlib.crc32(name.encode()), side=side, view=view, shape=shape, has_disc=False)
    radius = 23.0 if shape == POINT_PICTURE else drawn.radius
    return Picture(with_disc(drawn.pixels, drawn.x, drawn.y, radius), drawn.x, drawn.y, radius)


def write_workbook(path: Path, sheets: dict[str, list[list[str]]]) -> None:
    """Workbook of some sheets, texts shared and numbers plain, as Excel stores them."""
    texts: dict[str, int] = {}
    listed = list(enumerate(sheets, start=1))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in listed:
            archive.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(sheets[name], texts))
        tags = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"/>' for i, name in listed)
        workbook = f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{tags}</sheets></workbook>'
        archive.writestr("xl/workbook.xml", workbook)
        places = [(f"rId{i}", f"worksheets/sheet{i}.xml") for i, _ in listed]
        kind = f"{_OFFICE}/worksheet"
        targets = "".join(f'<Relationship Id="{i}" Type="{kind}" Target="{place}"/>' for i, place in places)
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{targets}</Relationships>')
        strings = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{_MAIN}">{strings}</sst>')
        kinds = {"workbook": "sheet.main", "sharedStrings": "sharedStrings"}
        kinds |= {f"worksheets/sheet{i}": "worksheet" for i, _ in listed}
        overrides = "".join(
            f'<Override PartName="/xl/{part}.xml" ContentType="{_SHEET_TYPE}.{kind}+xml"/>'
            for part, kind in kinds.items()
        )
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{_TYPES}">{overrides}</Types>')


def _sheet(rows: list[list[str]], texts: dict[str, int]) -> str:
    lines = []
    for i, row in enumerate(rows, start=1):
        cells = []
        for column, text in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", row, strict=False):
            if text.isdecimal():
                cells.append(f'<c r="{column}{i}"><v>{text}</v></c>')
            elif text:
                index = texts.setdefault(text, len(texts))
                cells.append(f'<c r="{column}{i}" t="s"><v>{index}</v></c>')
        lines.append(f'<row r="{i}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _rows(path: Path) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def _suffix_repeats(rows: list[list[str]]) -> None:
    seen = set()
    for row in rows:
        if row[0] in seen:
            row[0] += _SUFFIXES[row[0].split("_")[0]]
        seen.add(row[0])


def _regions(name: str, picture: Picture, file_size: int) -> list[dict[str, str]]:
    shapes = [_shape(word, picture) for word in REGIONS.get(name, ())]
    return [
        {
            "#filename": f"{name}.jpg",
            "file_size": str(file_size),
            "file_attributes": "{}",
            "region_count": str(len(shapes)),
            "region_id": str(i),
            "region_shape_attributes": json.dumps(shape, separators=(",", ":")),
            "region_attributes": "{}",
        }
        for i, shape in enumerate(shapes)
    ]


def _shape(word: str, picture: Picture) -> dict:
    """Shape round the disc, in whole pixels."""
    x, y, radius = int(picture.x), int(picture.y), int(np.ceil(picture.radius))
    if word == "circle":
        return {"name": "circle", "cx": x, "cy": y, "r": radius}
    if word == "ellipse":
        return {"name": "ellipse", "cx": x, "cy": y, "rx": radius, "ry": int(1.4 * radius)}
    if word == "point":
        return {"name": "point", "cx": x, "cy": y}
    if word == "outside":
        points = [(-6, y), (9, y), (9, y + 9), (-6, y + 9), (-6, y)]
    else:
        angles = np.arange(16) * (np.pi / 8)
        points = [(round(x + 1.1 * radius * np.cos(a)), round(y + 1.1 * radius * np.sin(a))) for a in angles]
        points += points[:1] if word == "polygon" else []
    word = "polygon" if word == "outside" else word
    xs, ys = ([int(value) for value in values] for values in zip(*points, strict=True))
    return {"name": word, "all_points_x": xs, "all_points_y": ys}


def _write_regions(path: Path, rows: list[dict[str, str]]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
