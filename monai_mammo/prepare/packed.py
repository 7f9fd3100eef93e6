"""A prepared folder as one small file, to carry it to a machine without a network, and back into a folder there.

Pixels go down to 8 bits and are coded by JPEG-LS (ISO/IEC 14495-1), which bounds the error of every single pixel. The
file is a ZIP archive: ``datalist.json``, ``pack.json``, ``images/ID.jls``, masks as they were.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jpeg_ls
import numpy as np

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import parse_json
from monai_mammo.files.names import path_inside
from monai_mammo.files.picture import read_brightness
from monai_mammo.files.whole import open_whole, save_bytes, save_text
from monai_mammo.prepare.cache import npy_bytes, stored
from monai_mammo.prepare.datalist_items import load_datalist

__all__ = ["pack_prepared", "unpack_prepared"]

_SPLITS = ("training", "validation", "test", "external")
_LEFT_OUT = ("breast", "full")
_VERSION = 1
_MAX_FILE_BYTES = 64 * 2**20


def pack_prepared(
    folder: str | Path, out: str | Path, *, splits: Sequence[str] = ("training", "validation"), near: int = 1
) -> dict[str, Any]:
    """Write what a training needs of a prepared folder into one file.

    Breast masks and images at full size stay behind.

    Parameters
    ----------
    folder : path
        As `prepare` writes it.
    out : path
        File to write, such as ``images.zip``.
    splits : sequence of str
    near : int
        Largest error of a pixel in 1/255 beyond the rounding to 8 bits, 0 to 8; 0 keeps the 8 bits exactly. Air stays
        0 and tissue above it: what is darker than ``2 * near + 1`` is raised to that.

    Returns
    -------
    dict
        ``n_images``, ``bytes``, and ``psnr_db`` of the coded pixels against the stored ones, air left out.

    Raises
    ------
    RequestError
        The folder is not prepared, a split is not there, or `near` is not allowed.
    MammoError
        The file cannot be written.
    """
    if unknown := set(splits) - set(_SPLITS):
        raise RequestError(f"split {sorted(unknown)[0]!r} is not one of {', '.join(_SPLITS)}")
    if not 0 <= near <= 8:
        raise RequestError(f"near {near} is not a whole number from 0 to 8")
    folder, out = Path(folder), Path(out)
    packed: dict[str, list[dict[str, Any]]] = {split: [] for split in _SPLITS}
    error, n_pixels = 0.0, 0
    with open_whole(out, make_folder=True) as stream, zipfile.ZipFile(stream, "w") as archive:
        for split in splits:
            for item in load_datalist(folder / "datalist.json", split=split):
                pixels = _stored_pixels(item["image"])
                coded = _coded(pixels, near)
                kept = {key: value for key, value in item.items() if key not in _LEFT_OUT}
                kept["image"] = f"images/{item['image_id']}.jls"
                archive.writestr(kept["image"], coded)
                if "label" in item:
                    source = Path(item["label"])
                    kept["label"] = f"masks/{source.name}"
                    archive.writestr(kept["label"], source.read_bytes(), zipfile.ZIP_DEFLATED)
                packed[split].append(kept)
                shown = pixels > 0
                difference = _decoded(coded, near, kept["image"])[shown] / 65535 - pixels[shown] / 65535
                error += float(np.square(difference).sum())
                n_pixels += int(shown.sum())
        record = {"version": _VERSION, "bits": 8, "near": int(near)}
        for name, value in (("datalist.json", packed), ("pack.json", record)):
            archive.writestr(name, json.dumps(value), zipfile.ZIP_DEFLATED)
    psnr_db = None if error == 0 else round(float(-10 * np.log10(error / max(n_pixels, 1))), 2)
    return {"n_images": sum(map(len, packed.values())), "bytes": out.stat().st_size, "psnr_db": psnr_db}


def unpack_prepared(file: str | Path, folder: str | Path) -> Path:
    """Write a packed file as a prepared folder that a training takes; a folder that is complete stays as it is.

    Parameters
    ----------
    file : path
        As `pack_prepared` writes it.
    folder : path

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RequestError
        The file names others outside the folder.
    MammoError
        The file is missing or damaged, or the folder cannot be written.
    """
    file, folder = Path(file), Path(folder)
    if (folder / "datalist.json").is_file() and (folder / "pack.json").is_file():
        return folder
    try:
        with zipfile.ZipFile(file) as archive:
            record, datalist = (parse_json(_read(archive, name).decode()) for name in ("pack.json", "datalist.json"))
            if not isinstance(record, dict) or record.get("version") != _VERSION or not isinstance(datalist, dict):
                raise MammoError(f"{file.name} is not a packed folder of version {_VERSION}")
            for items in datalist.values():
                for item in items:
                    pixels = _decoded(_read(archive, item["image"]), int(record["near"]), item["image"])
                    item["image"] = str(Path(item["image"]).with_suffix(".npy"))
                    save_bytes(npy_bytes(pixels), _place(folder, item["image"]), make_folder=True)
                    if "label" in item:
                        save_bytes(_read(archive, item["label"]), _place(folder, item["label"]), make_folder=True)
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, AttributeError, ValueError) as error:
        raise MammoError(f"{file.name} cannot be unpacked: {str(error) or type(error).__name__}") from None
    save_text(json.dumps(record), folder / "pack.json")
    save_text(json.dumps(datalist), folder / "datalist.json")  # last: a folder that has it is complete
    return folder


def _stored_pixels(source: str) -> np.ndarray:
    pixels = np.load(source) if source.endswith(".npy") else stored(read_brightness(source))
    if pixels.ndim != 2 or pixels.dtype != np.uint16:
        raise MammoError(f"{Path(source).name} holds {pixels.dtype} of shape {pixels.shape}: an image has 16 bit grey")
    return pixels


def _coded(pixels: np.ndarray, near: int) -> bytes:
    """JPEG-LS of 16-bit pixels at 8 bits, so that air and tissue are told apart whatever the coder changes."""
    eight = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    eight = np.where(pixels > 0, np.maximum(eight, 2 * near + 1), 0).astype(np.uint8)
    return bytes(jpeg_ls.encode_array(eight, near))


def _decoded(coded: bytes, near: int, name: str) -> np.ndarray:
    """16-bit pixels of what `_coded` gave, air 0."""
    try:
        eight = np.asarray(jpeg_ls.decode(np.frombuffer(coded, np.uint8)))
    except RuntimeError as error:
        raise MammoError(f"{name} in the packed file is damaged: {error}") from None
    return np.where(eight > near, eight.astype(np.uint16) * np.uint16(257), np.uint16(0))


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _MAX_FILE_BYTES:
        raise MammoError(f"{name} in the packed file is larger than {_MAX_FILE_BYTES} bytes")
    return archive.read(name)


def _place(folder: Path, name: str) -> Path:
    return path_inside(folder, name, where="the packed file")
