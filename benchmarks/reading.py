"""Reading a mammogram of 3328 x 2560 pixels of 12 bit: ours, pydicom's default and MONAI's LoadImage, in turn.

    pip install "monai-mammo[benchmark]"
    python benchmarks/reading.py [--rounds 9] [--json]

*Decoded* is from the file to the stored values. *Guarded* is all that `prepare` does to have a mammogram: a process
of its own, checks of header and stream, sha256, VOI, polarity, float32 and the way back through a pipe. *Bare* is
pydicom's parser and the decoder alone. Ratios are medians over rounds of processor time, then of time on the clock.
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
from interleaved import compare, ratio, verdict
from pydicom import config, dcmread, uid
from pydicom.encaps import get_frame

from monai_mammo.dicom import GuardedReader, Limits, read_mammogram
from monai_mammo.dicom.codecs import decode, pixel_format
from monai_mammo.dicom.guards import file_bytes, parse
from monai_mammo.dicom.memory import keep_freed_memory
from monai_mammo.study import Mammogram

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
    """Stored values by the decoder alone, unchecked; where there is none, by ours."""
    return ours(path) if decoder is None else decoder(get_frame(dcmread(path).PixelData, 0, number_of_frames=1))


def by_pydicom(path: Path, plugin: str) -> np.ndarray:
    """Stored values by pydicom, with the decoder that it takes first or with a named one."""
    dataset = dcmread(path)
    if plugin != "default":
        dataset.pixel_array_options(decoding_plugin=plugin)
    return dataset.pixel_array


def read(way: Callable[..., Any], path: Path) -> Mammogram:
    """Mammogram, or an end to the benchmark."""
    mammogram = way(path)
    if not isinstance(mammogram, Mammogram):
        raise SystemExit(f"not read: {mammogram}")
    return mammogram


def write_files(folder: Path) -> dict[str, Path]:
    """One file for each transfer syntax."""
    pixels = stored_values()
    paths = {}
    for name, case in CASES.items():
        paths[name] = folder / f"{case.syntax}.dcm"
        paths[name].write_bytes(dicom_encoders.encode(pixels.astype(np.int64), syntax=case.syntax, bits=BITS))
        by_ours, known = ours(paths[name]), hashlib.sha256(pixels.tobytes()).hexdigest()
        assert hashlib.sha256(by_ours.astype(np.uint16).tobytes()).hexdigest() == known, f"{name} is not lossless"
    return paths


def measure(name: str, path: Path, load_image: Callable[[str], Any] | None, guarded: Any, rounds: int) -> dict:
    """All figures of one transfer syntax."""
    case = CASES[name]
    ways: dict[str, Callable[[], object]] = {
        "ours": partial(ours, path),
        "reference": partial(by_pydicom, path, case.reference),
        "bare": partial(bare, path, case.bare),
        "in_process": partial(read, read_mammogram, path),
        "guarded": partial(read, guarded.read, path),
    }
    if load_image is not None:
        ways["load_image"] = partial(load_image, str(path))
    times = compare(ways, rounds)
    row: dict[str, Any] = {"syntax": name, "mb": path.stat().st_size / 1e6}
    row["compared_with"] = f"pydicom, {case.reference}"
    row |= {way: {"cpu_ms": t.cpu_ms, "wall_ms": t.wall_ms} for way, t in times.items()}
    pairs = {"faster": ("reference", "ours"), "overhead": ("guarded", "bare"), "process": ("guarded", "in_process")}
    if load_image is not None:
        pairs |= {"load_image_decoded": ("load_image", "ours"), "load_image_guarded": ("load_image", "guarded")}
    for key, (slow, fast) in pairs.items():
        row[key] = {of: ratio(times[slow], times[fast], of=f"{of}_s") for of in ("cpu", "wall")}
    row["target"], row["overhead_target"] = case.target, GUARDED_AT_MOST
    if case.target:
        row["verdict"] = verdict(row["faster"]["cpu"], case.target)
    row["overhead_verdict"] = verdict(row["overhead"]["cpu"], GUARDED_AT_MOST, at_most=True)
    return row


def print_tables(rows: list[dict]) -> None:
    """The figures as Markdown."""
    print("Decoded: file to stored values\n")
    print("| syntax | MB | ours CPU ms | compared with | CPU ms | ratio CPU (clock) | promised | |\n|" + "---|" * 8)
    for row in rows:
        cells = [row["syntax"], f"{row['mb']:.1f}", f"{row['ours']['cpu_ms']:.0f}", row["compared_with"]]
        cells += [f"{row['reference']['cpu_ms']:.0f}", pair(row["faster"])]
        cells += [f"{row['target']:g}" if row["target"] else "", row.get("verdict", "")]
        print("| " + " | ".join(cells) + " |")
    print(f"\nRead, with guards and a process of its own; promised: at most {GUARDED_AT_MOST} x bare\n")
    print("| syntax | bare ms | in process | guarded | guarded / bare | | guarded / in process | LoadImage / guarded |")
    print("|" + "---|" * 8)
    for row in rows:
        cells = [row["syntax"], *(f"{row[way]['cpu_ms']:.0f}" for way in ("bare", "in_process", "guarded"))]
        cells += [pair(row["overhead"]), row["overhead_verdict"], pair(row["process"])]
        cells += [pair(row["load_image_guarded"]) if "load_image_guarded" in row else "not installed"]
        print("| " + " | ".join(cells) + " |")


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
    keep_freed_memory()  # as the processes of `prepare` do; all ways alike have it
    load_image = None if arguments.without_monai else monai_load_image()
    with tempfile.TemporaryDirectory() as folder, GuardedReader() as guarded:
        paths = write_files(Path(folder))
        rows = [measure(name, paths[name], load_image, guarded, arguments.rounds) for name in arguments.only]
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        print_tables(rows)


if __name__ == "__main__":
    main()
