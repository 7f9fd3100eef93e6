"""Files written whole, their hash, and arrays as PNG."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from monai_mammo.errors import MammoError
from monai_mammo.files.digest import bytes_sha256, file_sha256
from monai_mammo.files.png import png_bytes, save_png
from monai_mammo.files.whole import is_partial, open_whole, save_bytes, save_text


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), open_whole(target) as stream:
        stream.write(b"half")
        assert [is_partial(path) for path in sorted(tmp_path.iterdir())] == [True, False]
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"] and target.read_bytes() == b"old"


def test_the_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    seen: list[tuple[str, int]] = []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append(("fsync", os.fstat(number).st_size)))
    rename = os.replace
    monkeypatch.setattr(os, "replace", lambda *names: (seen.append(("rename", 0)), rename(*names)))
    save_text("äh", tmp_path / "a.txt")
    assert seen == [("fsync", 3), ("rename", 0)]
    assert (tmp_path / "a.txt").read_bytes() == "äh".encode()


@pytest.mark.parametrize(
    ("name", "is_leaving"),
    [(".a.png.12.part", True), (".sample_0001.part", True), (".hidden", False), ("a.part", False), ("a.png", False)],
)
def test_what_a_killed_process_left_is_told_from_files_of_the_user(tmp_path, name, is_leaving):
    assert is_partial(tmp_path / name) is is_leaving


def test_a_missing_folder_is_made_where_that_is_asked_for(tmp_path):
    with pytest.raises(MammoError, match=r"a\.txt could not be written: No such file"):
        save_bytes(b"x", tmp_path / "deep" / "a.txt")
    save_bytes(b"x", tmp_path / "deep" / "a.txt", make_folder=True)
    with pytest.raises(MammoError, match="could not be written: Not a directory"):
        save_bytes(b"x", tmp_path / "deep" / "a.txt" / "b.txt", make_folder=False)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    """A limit on the size of files stops a write half-way, as a full disk does."""
    target = tmp_path / "a.dcm"
    target.write_bytes(b"old")
    code = (
        "import resource, sys\n"
        "from monai_mammo.files.whole import save_bytes\n"
        "from monai_mammo.errors import MammoError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "try:\n    save_bytes(b'x' * 5000, sys.argv[1])\n"
        "except MammoError as error:\n    sys.exit(3 if 'could not be written' in str(error) else 4)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)  # there is such a limit here
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code, str(target)], env=environment, check=False)
    assert done.returncode == 3
    assert [p.name for p in tmp_path.iterdir()] == ["a.dcm"] and target.read_bytes() == b"old"


def test_hashes_are_those_of_the_bytes(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(data)
    assert file_sha256(tmp_path / "a") == bytes_sha256(data) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.array([[-1.0, 0.25], [0.5, 2.0]], np.float32), [[0, 64], [128, 255]]),
        (np.array([[True, False]]), [[255, 0]]),
        (np.array([[7, 255]], np.uint8), [[7, 255]]),
        (np.array([[7, 65535]], np.uint16), [[7, 65535]]),
        (np.full((1, 2, 3), 9, np.uint8), [[[9, 9, 9], [9, 9, 9]]]),
    ],
)
def test_png_keeps_what_it_is_given(tmp_path, pixels, expected):
    save_png(pixels, tmp_path / "a.png", description="drawn")
    with Image.open(tmp_path / "a.png") as image:
        assert np.asarray(image).tolist() == expected
        assert image.text == {"Description": "drawn"}
    assert png_bytes(pixels) == png_bytes(pixels.copy())
    assert "Description" not in Image.open(BytesIO(png_bytes(pixels))).info


def test_an_array_that_no_png_holds_is_one_sentence():
    with pytest.raises(MammoError, match=r"\(2, 2\) of int64 cannot be written as PNG"):
        png_bytes(np.zeros((2, 2), np.int64))
