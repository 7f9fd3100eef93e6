"""INbreast: eleven images of two persons; all numbers, hashes, labels and outlines are invented.

The workbook is a bare BIFF8 stream with a second sheet that must not be read; the CSV holds the same rows.
"""

from __future__ import annotations

import dataclasses
import plistlib
import struct
from pathlib import Path

import numpy as np
from dicom_encoders import encode
from layouts.pictures import SMALL, Picture, breast, stored
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation as MAMMOGRAPHY

COLUMNS = ["Patient ID", "Patient age", "Laterality", "View", "Acquisition date", "File Name", "ACR", "Bi-Rads"]
SHEET_COLUMNS = [
    *COLUMNS,
    *("Mass ", "Micros", "Distortion", "Asymmetry", "Findings Notes (in Portuguese)", "Other Notes"),
    *("Lesion Annotation Status", "Pectoral Muscle Annotation", "Other Annotations"),
]
RELEASED = (3328, 2560)
SECRET = "SECRET-OF-SHEET-2"
ANA, EVA = "00000000000000a1", "00000000000000e5"


@dataclasses.dataclass(frozen=True)
class Image:
    """A row, the view in the file's name, and the names of the regions in its property list, if it has one."""

    number: int
    person: str
    side: str
    view: str
    acr: str
    birads: str
    regions: tuple[str, ...] | None = None
    date: str = "200801"
    shape: tuple[int, int] = SMALL
    has_disc: bool = True

    @property
    def file_view(self) -> str:
        return {"MLO": "ML"}.get(self.view, self.view)

    @property
    def picture(self) -> Picture:
        view = "CC" if self.view == "CC" else "MLO"
        return breast(self.number % 1000, side=self.side, view=view, shape=self.shape, has_disc=self.has_disc)


IMAGES = (
    Image(90000001, ANA, "R", "CC", "2", "4a", ("Mass",)),
    Image(90000002, ANA, "L", "CC", " " * 193, "1", has_disc=False),
    Image(90000003, ANA, "R", "MLO", "2", "4b", ("Calcification", "two dots", "Cluster", "dot in cluster")),
    Image(90000004, ANA, "L", "MLO", "2", "2", has_disc=False),
    Image(90000005, ANA, "L", "CC", "3", "4c", ("Espiculated Region",), date="200902", shape=RELEASED),
    Image(90000006, ANA, "L", "MLO", "3", "3", ("Assymetry", "Unnamed", ""), date="200902"),
    Image(90000007, ANA, "R", "FB", "3", "2", date="200902", has_disc=False),
    Image(90000008, EVA, "R", "CC", "4", "6", ("one pixel outside", "outside", "exchanged")),
    Image(90000009, EVA, "L", "CC", "4", "5", ("Mass", "Distortion")),
    Image(90000010, EVA, "R", "MLO", "1", "1", has_disc=False),
    Image(90000011, EVA, "L", "MLO", "1", "2", ("Point 1", "no such name"), has_disc=False),
)
DISCS = {"90000001", "90000005", "90000006", "90000009"}
"""Images that show a disc in their first region."""


def write(folder: Path) -> Path:
    """Write the tree below a folder."""
    top = folder / "INbreast Release 1.0"
    for name in ("AllDICOMs", "AllXML", "AllROI", "PectoralMuscle", "MedicalReports"):
        (top / name).mkdir(parents=True)
    for image in IMAGES:
        name = f"{image.number}_{image.person}_MG_{image.side}_{image.file_view}_ANON.dcm"
        (top / "AllDICOMs" / name).write_bytes(_file(image))
        if image.regions is not None:
            regions = [region for named in image.regions for region in _regions(named, image)]
            (top / "AllXML" / f"{image.number}.xml").write_bytes(property_list(regions))
            (top / "AllROI" / f"{image.number}.roi").write_bytes(b"binary")
    muscle = property_list([region("Pectoral Muscle", [(1, 1), (9, 1), (1, 9)])])
    (top / "PectoralMuscle" / "90000004.xml").write_bytes(muscle)  # the image has no other property list
    (top / "MedicalReports" / f"{ANA}_2009_02.txt").write_text("Relatório", encoding="latin-1")
    (top / "README").write_text("Drawn pictures.\n")
    lines = [";".join(COLUMNS), *(";".join(_cells(image)) for image in IMAGES)]
    (top / "INbreast.csv").write_bytes("".join(f"{line}\r\n" for line in lines).encode("ascii"))
    (top / "INbreast.xls").write_bytes(workbook())
    return top


def property_list(regions) -> bytes:
    """OsiriX property list with one image."""
    image = {"ImageIndex": 0, "NumberOfROIs": len(regions), "ROIs": list(regions)}
    return plistlib.dumps({"Images": [image]})


def region(name: str, points) -> dict:
    """Region of a property list; points are x and y in pixels."""
    return {
        "Area": 0.1,
        "Center": "(0.000000, 0.000000, 0.000000)",
        "IndexInImage": 0,
        "Name": name,
        "NumberOfPoints": len(points),
        "Point_mm": [f"({x * 0.07:.6f}, {y * 0.07:.6f}, 0.000000)" for x, y in points],
        "Point_px": [f"({x:.6f}, {y:.6f})" for x, y in points],
        "Type": 11,
    }


def workbook() -> bytes:
    """BIFF8 stream of two sheets: the table with its totals, and one that names persons."""
    flags = {"Mass": 8, "Espiculated Region": 8, "Calcification": 9, "Distortion": 10, "Assymetry": 11}
    cells: list[list[object]] = [list(SHEET_COLUMNS)]
    for image in IMAGES:
        line = ["removed", "removed", image.side, image.view, image.date, float(image.number), image.acr, image.birads]
        line += [""] * (len(SHEET_COLUMNS) - len(line))
        for name in image.regions or ():
            if name in flags:
                line[flags[name]] = "X"
        line[14] = "No annotation (Normal)" if image.birads == "1" else ""
        line[6] = float(image.acr) if image.acr.strip() else image.acr
        cells.append(line)
    totals = ["", "", "", "", "", "", 28.0, 49.0, 108.0, 308.0, 3.0, 14.0]
    hidden = [["Patient ID", "Patient age", "Acquisition date", "Bi-Rads", "DG"], [SECRET, 1.0, SECRET, "6", SECRET]]
    return _biff({"Sheet1": [*cells, [], totals], "Sheet2": hidden})


def _cells(image: Image) -> list[str]:
    known = ["removed", "removed", image.side, image.view, image.date, str(image.number), image.acr, image.birads]
    return known


def _regions(named: str, image: Image) -> list[dict]:
    """Regions of the property list, the first of them round the disc where there is one."""
    picture = image.picture
    x, y, radius = picture.x, picture.y, picture.radius
    rows, columns = image.shape
    if named in ("Mass", "Espiculated Region", "Assymetry"):
        return [region(named, _ring(x, y, radius))]
    if named == "Distortion":
        return [region(named, [(x, y), (x + radius / 2, y), (x, y + radius / 2)])]
    if named == "one pixel outside":
        return [region("Mass", [(columns - 30, 80), (columns + 1, 80), (columns - 10, 110)])]
    if named == "outside":
        return [region("Mass", [(columns - 30, rows - 20), (columns + 2.5, rows - 20), (columns - 10, rows - 9)])]
    if named == "exchanged":  # y before x: too far down for the picture one way only
        return [region("Mass", [(rows - 8, 40), (rows - 8, 60), (rows - 20, 50)])]
    if named == "two dots":
        return [region("Calcification", [(x - 15, y), (x + 15, y)])]
    if named == "Cluster":
        return [region("Cluster", _ring(x, y + 20, 8))]
    if named == "dot in cluster":
        return [region("Calcification", [(x, y + 20)])]
    return [region(named, [(x, y - 20)])]


def _ring(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return [(float(x + radius * np.cos(a)), float(y + radius * np.sin(a))) for a in angles]


def _file(image: Image) -> bytes:
    return encode(
        stored(image.picture.pixels, bits=14),
        bits=14,
        SOPClassUID=MAMMOGRAPHY,
        SOPInstanceUID=f"2.25.{image.number}",
        PatientID="removed",
        ImageLaterality=image.side,
        ViewPosition=image.view if image.view != "FB" else None,
    )


def _biff(sheets: dict[str, list[list[object]]]) -> bytes:
    """Workbook stream as MS-XLS has it, without the compound file around it."""
    ends = _record(0x0A)
    bodies = [_record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0xDBB, 0x7CC, 0, 6)) for _ in sheets]
    bodies = [body + _sheet(lines) + ends for body, lines in zip(bodies, sheets.values(), strict=True)]
    start = _record(0x809, struct.pack("<HHHHII", 0x600, 0x05, 0xDBB, 0x7CC, 0, 6)) + _record(0x42, b"\xb0\x04")
    length = len(start) + sum(4 + 8 + len(name) for name in sheets) + len(ends)
    listed = b""
    for name, body in zip(sheets, bodies, strict=True):
        listed += _record(0x85, struct.pack("<IBBBB", length, 0, 0, len(name), 0) + name.encode("ascii"))
        length += len(body)
    return start + listed + ends + b"".join(bodies)


def _sheet(lines: list[list[object]]) -> bytes:
    out = b""
    for i, line in enumerate(lines):
        for j, value in enumerate(line):
            place = struct.pack("<HHH", i, j, 0)
            if isinstance(value, float):
                out += _record(0x203, place + struct.pack("<d", value))
            elif value:
                text = str(value).encode("ascii")
                out += _record(0x204, place + struct.pack("<HB", len(text), 0) + text)
    return out


def _record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body
