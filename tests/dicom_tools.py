"""Other people's DICOM programs as judges of our files: Debian's dicom3tools and dcmtk.

A test is skipped where a program is not installed; CI installs both packages.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import uid

# Synthetic Data (0008,001C) is newer than Debian's dicom3tools
KNOWN_ERROR = ("(0008,001c)", "not a recognized standard attribute")

NATIVE_BY_DCMTK = {
    uid.ImplicitVRLittleEndian: ("dcmconv", "+te"),
    uid.ExplicitVRLittleEndian: ("dcmconv", "+te"),
    uid.ExplicitVRBigEndian: ("dcmconv", "+te"),
    uid.DeflatedExplicitVRLittleEndian: ("dcmconv", "+te"),
    uid.RLELossless: ("dcmdrle", "+te"),
    uid.JPEGLossless: ("dcmdjpeg", "+te"),
    uid.JPEGLosslessSV1: ("dcmdjpeg", "+te"),
    uid.JPEGLSLossless: ("dcmdjpls", "+te"),
}
"""Program of dcmtk, with its option, that makes a file explicit little endian; Debian's has no JPEG 2000."""

UNKNOWN_TO_DCIODVFY = (uid.DeflatedExplicitVRLittleEndian, uid.HTJ2KLossless)


def needs(program):
    """Skip the test where a program is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def lines_of(command):
    """What a program says, on either channel."""
    needs(command[0])
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", check=False)
    return (done.stdout + done.stderr).splitlines()


def errors_of(path, *, kind):
    """Error lines of dciodvfy, the known one left out; `kind` is the name it must recognise the object by."""
    lines = lines_of(["dciodvfy", "-new", path])
    assert any(kind in line for line in lines), f"dciodvfy did not recognise the object: {lines[:3]}"
    errors = [line for line in lines if line.startswith("Error")]
    known = [line for line in errors if all(part in line for part in KNOWN_ERROR)]
    assert len(known) == 1  # the object says that it is synthetic
    return [line for line in errors if line not in known]


def errors_between(*paths):
    """Error lines of dcentvfy over the files of one study."""
    return [line for line in lines_of(["dcentvfy", *paths]) if line.startswith("Error")]


def native_copy(path):
    """Explicit little endian copy beside a file, by pydicom, for programs that do not know its transfer syntax."""
    dataset = pydicom.dcmread(path)
    if dataset.file_meta.TransferSyntaxUID.is_compressed and "PixelData" in dataset:
        dataset.decompress(generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    copy = path.with_suffix(".native.dcm")
    dataset.save_as(copy, implicit_vr=False, little_endian=True)
    return copy


def cells_by_dcmtk(path):
    """Stored values as dcmtk decodes them; `None` where Debian's dcmtk has no decoder."""
    syntax = pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
    if syntax not in NATIVE_BY_DCMTK:
        return None
    out = Path(f"{path}.dcmtk")
    said = lines_of([*NATIVE_BY_DCMTK[syntax], path, out])
    assert out.exists(), said
    dataset = pydicom.dcmread(out)
    assert dataset.file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian
    kind = "u1" if dataset.BitsAllocated == 8 else "<u2"
    count = dataset.Rows * dataset.Columns
    return np.frombuffer(dataset.PixelData, kind, count=count).reshape(dataset.Rows, dataset.Columns)
