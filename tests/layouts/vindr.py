"""VinDr-Mammo: four studies of four views; all ids, boxes and labels are invented.

Study 1 has a box across each of the left and the right edge, a MONOCHROME1 file and one with two windows; study 2
has two L CC and no L MLO, and boxes across the upper and the lower edge; study 3 has breasts of different density, a
change of the skin without a rating, and two boxes in one view; study 4 is clear but for one rated breast, and
its R CC has the released size.
"""

from __future__ import annotations

import csv
from pathlib import Path

from dicom_encoders import encode
from layouts.pictures import SMALL, Picture, breast, stored
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation as MAMMOGRAPHY

COLUMNS = (
    "study_id series_id image_id laterality view_position height width breast_birads breast_density "
    "finding_categories finding_birads xmin ymin xmax ymax split"
).split()
BREAST_COLUMNS = [*COLUMNS[:9], "split"]
METADATA_COLUMNS = [
    *("SOP Instance UID", "Series Instance UID", "SOP Instance UID", "Patient's Age", "View Position"),
    *("Image Laterality", "Photometric Interpretation", "Rows", "Columns", "Imager Pixel Spacing", "Pixel Spacing"),
    *("Pixel Padding Value", "Pixel Padding Range Limit", "Window Center", "Window Width", "Rescale Intercept"),
    *("Rescale Slope", "Rescale Type", "Window Center & Width Explanation", "Manufacturer"),
    "Manufacturer's Model Name",
]
RELEASED = (3518, 2800)
CLEAR = ("['No Finding']", "", None)
DISC = "around the disc"

# study, side, view, BI-RADS, density, findings (categories, BI-RADS, box), file
VIEWS = (
    (1, "L", "CC", 4, "B", [("['Mass']", "BI-RADS 4", DISC)], {}),
    (1, "L", "MLO", 4, "B", [("['Suspicious Calcification', 'Mass']", "BI-RADS 4", (-6.5, 60, 30, 90.25))], {}),
    (1, "R", "CC", 2, "B", [CLEAR], {"inverse": True}),
    (1, "R", "MLO", 4, "B", [("['Focal Asymmetry']", "BI-RADS 4", DISC)], {"windows": True}),
    (2, "L", "CC", 1, "D", [CLEAR], {}),
    (2, "L", "CC", 1, "D", [CLEAR], {}),
    (2, "R", "CC", 5, "D", [("['Mass']", "BI-RADS 5", (40, 150, 90, 190.5))], {}),
    (2, "R", "MLO", 3, "D", [("['Suspicious Lymph Node']", "", (60, -5.25, 110, 40))], {}),
    (3, "L", "CC", 3, "B", [("['Architectural Distortion']", "BI-RADS 3", DISC)], {"inverse": True}),
    (3, "L", "MLO", 3, "B", [CLEAR], {}),
    (3, "R", "CC", 2, "C", [("['Skin Thickening']", "", (110.5, 50, 152.75, 120))], {}),
    (3, "R", "MLO", 5, "C", [("['Mass']", "BI-RADS 5", DISC), ("['Skin Retraction']", "", (5, 5, 20, 20))], {}),
    (4, "L", "CC", 1, "A", [CLEAR], {}),
    (4, "L", "MLO", 1, "A", [CLEAR], {}),
    (4, "R", "CC", 4, "A", [("['Asymmetry']", "BI-RADS 4", DISC)], {"shape": RELEASED}),
    (4, "R", "MLO", 4, "A", [CLEAR], {}),
)
DISCS = {f"{i:032x}" for i, view in enumerate(VIEWS, start=0xC01) if view[5][0][2] == DISC}
"""Images that show a disc in their first box."""


def write(folder: Path) -> Path:
    """Write the tree below a folder."""
    top = folder / "vindr-mammo" / "1.0.0"
    rows, headers = [], []
    for i, (study, side, view, birads, density, findings, how) in enumerate(VIEWS, start=0xC01):
        shape = how.get("shape", SMALL)
        picture = breast(i, side=side, view=view, shape=shape, has_disc=findings[0][2] == DISC)
        row = dict.fromkeys(COLUMNS, "") | {
            "study_id": f"{0xA00 + study:032x}",
            "series_id": f"{0xB00 + study:032x}",
            "image_id": f"{i:032x}",
            "laterality": side,
            "view_position": view,
            "height": str(shape[0]),
            "width": str(shape[1]),
            "breast_birads": f"BI-RADS {birads}",
            "breast_density": f"DENSITY {density}",
            "split": "training" if study in (1, 3) else "test",
        }
        rows += [row | _finding(finding, picture) for finding in findings]
        headers.append(_header(row, how))
        path = top / "images" / row["study_id"] / f"{row['image_id']}.dicom"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_file(picture, side, view, number=i, how=how))
    _write(top / "finding_annotations.csv", COLUMNS, [[row[column] for column in COLUMNS] for row in rows])
    images = {row["image_id"]: [row[column] for column in BREAST_COLUMNS] for row in rows}
    _write(top / "breast-level_annotations.csv", BREAST_COLUMNS, images.values())
    _write(top / "metadata.csv", METADATA_COLUMNS, headers)
    (top / "LICENSE.txt").write_text("Invented rows and drawn pictures.\n")
    (top / "SHA256SUMS.txt").write_text("")
    return top


def _finding(finding, picture: Picture) -> dict[str, str]:
    categories, birads, box = finding
    cells = {"finding_categories": categories, "finding_birads": birads}
    if box == DISC:
        x, y, radius = picture.x, picture.y, picture.radius
        box = (x - radius, y - radius, x + radius, y + radius)
    return cells if box is None else cells | dict(zip(("xmin", "ymin", "xmax", "ymax"), map(str, box), strict=True))


def _file(picture: Picture, side: str, view: str, *, number: int, how) -> bytes:
    values = stored(picture.pixels)
    # the second window of two would show hardly anything
    windows = {"WindowCenter": [2048, 4000], "WindowWidth": [4096, 50]} if how.get("windows") else {}
    inverse = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    return encode(
        4095 - values if how.get("inverse") else values,
        SOPClassUID=MAMMOGRAPHY,
        SOPInstanceUID=f"2.25.{number}",
        PatientID="hidden",
        ImageLaterality=side,
        ViewPosition=view,
        ImagerPixelSpacing=[0.085, 0.085],
        **(inverse if how.get("inverse") else {}),
        **windows,
    )


def _header(row: dict[str, str], how) -> list[str]:
    first = {
        "SOP Instance UID": row["image_id"],
        "Series Instance UID": row["series_id"],
        "Patient's Age": {"L": "057Y", "R": ""}[row["laterality"]],
        "View Position": row["view_position"],
        "Image Laterality": row["laterality"],
        "Photometric Interpretation": "MONOCHROME1" if how.get("inverse") else "MONOCHROME2",
        "Rows": row["height"],
        "Columns": row["width"],
        "Window Center": "[2048, 4000]" if how.get("windows") else "",
        "Window Width": "[4096, 50]" if how.get("windows") else "",
        "Manufacturer": "Maker",
        "Manufacturer's Model Name": "Model 1",
    }
    return [first.get(column, "") for column in METADATA_COLUMNS]


def _write(path: Path, header, rows) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
