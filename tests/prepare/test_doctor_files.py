"""What the DICOM reader notes of a file is a finding of `doctor`: contradictions as faults, surplus as good to know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from dicom_encoders import encode, frame, header, with_frame
from pydicom import uid

from monai_mammo.prepare.inspection import IssueKind, doctor

SHAPE = (96, 72)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]] / np.array(SHAPE).reshape(2, 1, 1)
LEFT = np.rint(2908 * np.clip(1 - (X / 0.7) ** 2 - ((Y - 0.5) / 0.4) ** 2, 0, 1)).astype(np.int64)
SIDE = {"ImageLaterality": "L", "ViewPosition": "CC", "WindowCenter": 2048, "WindowWidth": 4096}


def test_contradictions_and_surplus_are_findings(tmp_path: Path) -> None:
    stream = frame(LEFT, syntax=uid.JPEGLSLossless)
    files = {
        "plain.dcm": encode(LEFT, **SIDE),
        "bits.dcm": encode(LEFT + 1, **SIDE, BitsStored=10, HighBit=9),
        "side.dcm": encode(LEFT + 2, **SIDE, Laterality="B"),
        "behind.dcm": with_frame(header(SHAPE, **SIDE), stream + b"behind", syntax=uid.JPEGLSLossless),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    report = doctor(tmp_path, dataset="folder")
    found = {(issue.kind, name) for issue in report.issues for name in issue.images}
    contradicting = {Path(name).name for kind, name in found if kind is IssueKind.HEADER_CONTRADICTION}
    surplus = {Path(name).name for kind, name in found if kind is IssueKind.SURPLUS_BYTES}
    assert contradicting == {"bits.dcm", "side.dcm"} and surplus == {"behind.dcm"}
    words = [issue.sentence for issue in report.issues if issue.kind is IssueKind.HEADER_CONTRADICTION]
    assert any("BitsStored says 10" in sentence for sentence in words)
