"""Foreign arrays are read with bounds, and refused in one sentence."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from monai_mammo.files.bounded import UnreadableFile
from monai_mammo.files.stored_array import read_array, read_arrays


def npy(values: np.ndarray, **words) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, **words)
    return buffer.getvalue()


def header(text: str) -> bytes:
    data = text.encode().ljust(118 - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(data)) + data


@pytest.mark.parametrize("kind", ["uint8", "<u2", ">u2", "bool", "int16"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_numpy_wrote_comes_back(tmp_path, kind, order):
    values = np.asarray(np.arange(12).reshape(3, 4) % 2, dtype=kind, order=order)
    (tmp_path / "a.npy").write_bytes(npy(values))
    found = read_array(tmp_path / "a.npy")
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


def archive() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.ones((2, 2)))
    return buffer.getvalue()


class Runs:
    def __reduce__(self):
        return os.mkdir, ("/tmp/this_must_not_be_made",)


BAD = {
    "an archive": (archive(), "is not an array in NumPy's format"),
    "a pickle": (pickle.dumps(Runs()), "is not an array in NumPy's format"),
    "Python objects": (npy(np.array([[Runs()]], dtype=object), allow_pickle=True), "is not an array of whole numbers"),
    "one axis": (npy(np.ones(4, np.uint8)), "is not an array of whole numbers with rows and columns"),
    "three axes": (npy(np.ones((2, 2, 2), np.uint8)), "is not an array of whole numbers with rows and columns"),
    "fractions": (npy(np.ones((2, 2))), "is not an array of whole numbers with rows and columns"),
    "texts": (npy(np.array([["a"]])), "is not an array of whole numbers with rows and columns"),
    "an empty side": (npy(np.ones((0, 4), np.uint8)), "is not an array of whole numbers with rows and columns"),
    "a side below 0": (header("{'descr': '|u1', 'fortran_order': False, 'shape': (-4, -4), }"), "is not an array"),
    "a promise": (header("{'descr': '|u1', 'fortran_order': False, 'shape': (8000, 7999), }"), "is cut off"),
    "more than allowed": (
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (10**9, 10**9), }".replace("10**9", "1" + "0" * 9)),
        "has more than 64000000 values",
    ),
    "nested": (header("{'descr': " + "(" * 50 + ")" * 50 + "}"), "is not an array in NumPy's format"),
    "cut off": (npy(np.ones((9, 9), np.uint8))[:-1], "is cut off"),
    "a header cut off": (npy(np.ones((9, 9), np.uint8))[:40], "is not an array in NumPy's format"),
    "empty": (b"", "is not an array in NumPy's format"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_array_is_one_sentence_and_costs_no_memory(tmp_path, case):
    data, sentence = BAD[case]
    (tmp_path / "a.npy").write_bytes(data)
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match=sentence) as caught:
        read_array(tmp_path / "a.npy")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert not os.path.exists("/tmp/this_must_not_be_made")


def test_a_pipe_and_a_device_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    for path in (tmp_path / "pipe.npy", "/dev/zero", tmp_path, tmp_path / "nowhere.npy"):
        with pytest.raises(UnreadableFile, match="could not be read"):
            read_array(path)
        with pytest.raises(UnreadableFile, match="could not be read"):
            read_arrays(path)


def test_an_archive_that_unpacks_to_more_than_allowed_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("a.npy", npy(np.zeros((4096, 4096), np.uint8)))
    with pytest.raises(UnreadableFile, match="holds more than 1048576 bytes"):
        read_arrays(tmp_path / "bomb.npz", max_bytes=2**20)
    assert read_arrays(tmp_path / "bomb.npz")["a"].shape == (4096, 4096)


@pytest.mark.parametrize("data", [b"", b"PK", archive()[:-30], archive().replace(b"NUMPY", b"MUMPY")])
def test_a_damaged_archive_is_one_sentence(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(UnreadableFile, match="is damaged"):
        read_arrays(tmp_path / "a.npz")
