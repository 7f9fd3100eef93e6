"""Foreign pictures: a closed list of formats, bounds, and nothing that is started."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.files.bounded import FileFault, UnreadableFile
from monai_mammo.files.picture import FORMATS, PICTURE_SUFFIXES, decoded, open_picture, picture_shape, read_brightness

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 64 64
%%EndComments
(PLANTED) (w) file closefile
0 0 64 64 rectfill
showpage
%%EOF
"""
"""A picture of 64 x 64 points that is a program: it writes a file named PLANTED."""


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch) -> Path:
    """A program ``gs`` before all others, which leaves a file where it is started: the place of that file."""
    programs, started = tmp_path / "programs", tmp_path / "started"
    programs.mkdir()
    for name in ("gs", "gswin32c", "gswin64c"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {started}\n")
        (programs / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return started


def test_the_planted_program_is_started_by_pillow_alone(tmp_path, ghostscript):
    """Without this the tests below would pass on a machine where Pillow finds no Ghostscript."""
    (tmp_path / "a.png").write_bytes(EPS)
    code = "import sys; from PIL import Image; Image.open(sys.argv[1]).load()"
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], check=False, stderr=subprocess.DEVNULL)
    assert ghostscript.exists()


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.pgm"])
def test_a_program_named_as_a_picture_is_not_started(tmp_path, ghostscript, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(EPS)
    for read in (read_brightness, picture_shape):
        with pytest.raises(UnreadableFile, match=f"{name} is damaged or not one of PNG, JPEG, TIFF"):
            read(tmp_path / name)
    assert not ghostscript.exists() and not (tmp_path / "PLANTED").exists()


@pytest.mark.parametrize("kind", ["GIF", "ICO", "TGA", "PCX", "DDS", "EPS", "PDF", "SGI", "IM", "JPEG2000"])
def test_other_formats_are_not_opened_whatever_their_name(tmp_path, kind):
    Image.new("L", (32, 32), 9).save(tmp_path / "a.png", format=kind)
    with pytest.raises(UnreadableFile) as caught:
        open_picture((tmp_path / "a.png").read_bytes())
    assert caught.value.fault is FileFault.DAMAGED


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_every_ending_stands_for_a_format_that_is_read(tmp_path, suffix):
    grey = np.arange(20 * 30, dtype=np.uint8).reshape(20, 30)
    options = {"quality": 100, "subsampling": 0} if suffix in (".jpg", ".jpeg") else {}
    picture = Image.fromarray(grey).convert("RGB") if suffix == ".webp" else Image.fromarray(grey)
    picture.save(tmp_path / f"a{suffix}", **(options | {"lossless": True} if suffix == ".webp" else options))
    assert Image.open(tmp_path / f"a{suffix}").format in FORMATS
    assert picture_shape(tmp_path / f"a{suffix}") == (20, 30)
    assert np.abs(read_brightness(tmp_path / f"a{suffix}") * 255 - grey).max() < (3 if options else 0.01)


def test_sixteen_bits_are_a_share_of_65535(tmp_path):
    grey = np.array([[0, 1, 32768, 65535]] * 4, np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    assert np.array_equal(read_brightness(tmp_path / "a.png"), (grey / 65535).astype(np.float32))


def test_a_picture_of_many_pixels_is_refused_by_its_header(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "a.png")
    for read in (read_brightness, picture_shape):
        with pytest.raises(UnreadableFile, match=r"a\.png has more than 64000000 pixels") as caught:
            read(tmp_path / "a.png")
        assert caught.value.fault is FileFault.TOO_LARGE


def test_pixels_are_counted_and_not_columns(tmp_path):
    Image.new("L", (40, 30), 9).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    assert open_picture(data, max_pixels=1200).size == (40, 30)
    with pytest.raises(UnreadableFile, match="more than 1199 pixels") as caught:
        open_picture(data, max_pixels=1199)
    assert caught.value.fault is FileFault.TOO_LARGE


@pytest.mark.parametrize("name", ["/dev/zero", "folder", "pipe", "missing", "a\0b", "\ud800", "link"])
def test_what_is_not_a_regular_file_is_refused_at_once(tmp_path, name):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(UnreadableFile, match="could not be read: ") as caught:
        read_brightness(tmp_path / name)
    assert caught.value.fault is FileFault.UNREADABLE
    assert str(caught.value).isprintable()


def test_a_picture_that_is_cut_off_is_one_sentence(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    with pytest.raises(UnreadableFile, match="the picture is damaged"):
        decoded(open_picture(data[:900]))
