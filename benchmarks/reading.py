"""Reading a mammogram of 3328 x 2560 pixels of 12 bit: ours, pydicom's default and MONAI's LoadImage, in turn.

    pip install -r requirements.txt ".[benchmark]"
    python benchmarks/reading.py [--rounds 9] [--json]

*Decoded* is from the file to the stored values. *Bare* is the same by pydicom's parser and the decoder alone,
unchecked; *guarded* by `GuardedReader.read_stored`, in a process of its own with all checks, sha256, and the way back.
*Mammogram* is all that `prepare` does to have one: labels, VOI, polarity, float32; in this process, and guarded. The
first table is measured in a process as anyone's, the second in one that keeps freed memory, as those of `prepare` do:
that spares the bare decoder its fresh pages too. In the second table bare and guarded take turns by themselves, then
the two ways to a mammogram, whose 34 MB would empty the caches of either. Ratios are medians over rounds, of processor
time, then of time on the clock: what is hashed beside the decoding costs the first and not the second.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
from breast_picture import BITS, stored_values
from interleaved import Times, compare, ratio, verdict
from pydicom import config, dcmread, uid
from pydicom.encaps import get_frame

from monai_mammo.dicom import GuardedReader, Limits, read_mammogram
from monai_mammo.dicom.process.memory import keep_freed_memory
from monai_mammo.dicom.reading.codecs import decode, pixel_format
from monai_mammo.dicom.reading.guards import file_bytes, parse
from monai_mammo.study import Mammogram, StoredImage

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import dicom_encoders

GUARDED_AT_MOST = 1.3


class Case(NamedTuple):
    """A transfer syntax, what ours is compared with, and how many times faster it is to be."""

    syntax: str
    reference: str
    target: float | None
    bare: Callable[[bytes], np.ndarray] | None = None


CASES = {
    "JPEG-LS .80": Case(uid.JPEGLSLossless, "default", 2.0, imagecodecs.jpegls_decode),
    "JPEG 2000 .90": Case(uid.JPEG2000Lossless, "default", 1.2, imagecodecs.jpeg2k_decode),
    "HTJ2K .201": Case(uid.HTJ2KLossless, "default", 2.5, imagecodecs.htj2k_decode),
    "RLE .5": Case(uid.RLELossless, "pydicom", 9.0, None),
    "JPEG Lossless .70": Case(uid.JPEGLosslessSV1, "gdcm", 2.0, imagecodecs.ljpeg_decode),
    "JPEG Lossless .57": Case(uid.JPEGLossless, "gdcm", 2.0, imagecodecs.ljpeg_decode),
    "native .1": Case(uid.ExplicitVRLittleEndian, "default", None),
}


def ours(path: Path) -> np.ndarray:
    """Stored values by this package."""
    limits = Limits()
    dataset = parse(file_bytes(path, limits), limits)
    return decode(dataset, pixel_format(dataset, limits))


def bare(path: Path, decoder: Callable[[bytes], np.ndarray] | None) -> np.ndarray:
    """Stored values by the decoder alone, unchecked; where there is none, by ours, or as they lie in the file."""
    dataset = dcmread(path)
    if decoder is not None:
        return decoder(get_frame(dataset.PixelData, 0, number_of_frames=1))
    return decode(dataset, pixel_format(dataset, Limits()))


def by_pydicom(path: Path, plugin: str) -> np.ndarray:
    """Stored values by pydicom, with the decoder that it takes first or with a named one."""
    dataset = dcmread(path)
    if plugin != "default":
        dataset.pixel_array_options(decoding_plugin=plugin)
    return dataset.pixel_array


def read(way: Callable[..., Any], path: Path) -> Mammogram | StoredImage:
    """Image, or an end to the benchmark."""
    image = way(path)
    if not isinstance(image, Mammogram | StoredImage):
        raise SystemExit(f"not read: {image}")
    return image


def write_files(folder: Path, names: list[str]) -> dict[str, Path]:
    """One file for each transfer syntax."""
    pixels = stored_values()
    paths = {}
    for name in names:
        case = CASES[name]
        paths[name] = folder / f"{case.syntax}.dcm"
        paths[name].write_bytes(dicom_encoders.encode(pixels.astype(np.int64), syntax=case.syntax, bits=BITS))
        by_ours, known = ours(paths[name]), hashlib.sha256(pixels.tobytes()).hexdigest()
        assert hashlib.sha256(by_ours.astype(np.uint16).tobytes()).hexdigest() == known, f"{name} is not lossless"
    return paths


def measure_decoding(path: Path, case: Case, load_image: Callable[[str], Any] | None, rounds: int) -> dict:
    """Ours against pydicom and MONAI, in a process as anyone's."""
    ways: dict[str, Callable[[], object]] = {
        "ours": partial(ours, path),
        "reference": partial(by_pydicom, path, case.reference),
        "in_process": partial(read, read_mammogram, path),
    }
    if load_image is not None:
        ways["load_image"] = partial(load_image, str(path))
    times = compare(ways, rounds)
    row = {way: {"cpu_ms": t.cpu_ms, "wall_ms": t.wall_ms} for way, t in times.items()}
    row["faster"] = ratios(times["reference"], times["ours"])
    if load_image is not None:
        row["faster_than_load_image"] = ratios(times["load_image"], times["in_process"])
    return row


def measure_guards(path: Path, case: Case, guarded: GuardedReader, rounds: int) -> dict:
    """What guards and the process add, in a process that keeps freed memory."""
    stored: dict[str, Callable[[], object]] = {
        "bare": partial(bare, path, case.bare),
        "guarded": partial(read, guarded.read_stored, path),
    }
    mammograms: dict[str, Callable[[], object]] = {
        "mammogram": partial(read, read_mammogram, path),
        "guarded_mammogram": partial(read, guarded.read, path),
    }
    times = {**compare(stored, rounds), **compare(mammograms, rounds)}
    row = {way: {"cpu_ms": t.cpu_ms, "wall_ms": t.wall_ms} for way, t in times.items()}
    row["over_bare"] = ratios(times["guarded"], times["bare"])
    row["over_in_process"] = ratios(times["guarded_mammogram"], times["mammogram"])
    return row


def ratios(slow: Times, fast: Times) -> dict[str, float]:
    """How many times longer the first takes, by processor time and on the clock."""
    return {of: ratio(slow, fast, of=f"{of}_s") for of in ("cpu", "wall")}


def print_tables(rows: dict[str, dict]) -> None:
    """The figures as Markdown."""
    print("Decoded, file to stored values; and read in this process against MONAI's LoadImage\n")
    print("| syntax | MB | ours ms | pydicom's | ms | ratio (clock) | promised | | LoadImage / ours (clock) |")
    print("|" + "---|" * 9)
    for name, row in rows.items():
        case, decoded = CASES[name], row["decoded"]
        target = [f"{case.target:g}", verdict(decoded["faster"]["cpu"], case.target)] if case.target else ["", ""]
        cells = [name, f"{row['mb']:.1f}", f"{decoded['ours']['cpu_ms']:.0f}", case.reference]
        cells += [f"{decoded['reference']['cpu_ms']:.0f}", pair(decoded["faster"]), *target]
        cells += [pair(decoded["faster_than_load_image"]) if "load_image" in decoded else "not measured"]
        print("| " + " | ".join(cells) + " |")
    print(f"\nWith guards and a process of its own; promised: at most {GUARDED_AT_MOST} x bare\n")
    print("| syntax | stored values: bare ms | guarded | guarded / bare | | on the clock | |"
          " mammogram: in process ms | guarded | ratio (clock) |")  # fmt: skip
    print("|" + "---|" * 10)
    for name, row in rows.items():
        read_ = row["read"]
        cells = [name, *(f"{read_[way]['cpu_ms']:.0f}" for way in ("bare", "guarded"))]
        for value in (read_["over_bare"]["cpu"], read_["over_bare"]["wall"]):
            cells += [f"{value:.2f}", verdict(value, GUARDED_AT_MOST, at_most=True)]
        cells += [f"{read_[way]['cpu_ms']:.0f}" for way in ("mammogram", "guarded_mammogram")]
        print("| " + " | ".join([*cells, pair(read_["over_in_process"])]) + " |")


def pair(ratios: dict[str, float]) -> str:
    """Ratio of processor times, and of times on the clock."""
    return f"{ratios['cpu']:.2f} ({ratios['wall']:.2f})"


def monai_load_image() -> Callable[[str], Any] | None:
    """MONAI's reader, its seconds of import outside all figures."""
    try:
        from monai.transforms import LoadImage
    except ImportError:
        return None
    return LoadImage(image_only=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=list(CASES), metavar="SYNTAX")
    parser.add_argument("--without-monai", action="store_true", help="spares the seconds of its import")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    config.settings.reading_validation_mode = config.IGNORE
    warnings.simplefilter("ignore")
    load_image = None if arguments.without_monai else monai_load_image()
    rows: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder, GuardedReader() as guarded:
        paths = write_files(Path(folder), arguments.only)
        for name, path in paths.items():
            decoded = measure_decoding(path, CASES[name], load_image, arguments.rounds)
            rows[name] = {"mb": path.stat().st_size / 1e6, "decoded": decoded}
        keep_freed_memory()
        for name, path in paths.items():
            rows[name]["read"] = measure_guards(path, CASES[name], guarded, arguments.rounds)
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        print_tables(rows)


if __name__ == "__main__":
    main()
