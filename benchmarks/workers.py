"""`prepare` with one worker and with two, in turn, on DICOM files of 3328 x 2560 pixels in JPEG-LS.

    python benchmarks/workers.py [--files 40] [--rounds 3] [--full-size] [--json]

Two workers are to be at least 1.8 times as fast as one on a machine that has nothing else to do: the load before each
run is printed beside its time. *Rate* leaves out what a start costs: it is that of the files after the first ones.
*Alone* is the share of processor time that the command itself takes beside two workers, which no worker can take over.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from breast_picture import BITS, stored_values
from interleaved import cpu_seconds, verdict
from pydicom import uid

from monai_mammo.dicom.process.memory import keep_freed_memory
from monai_mammo.prepare import prepare
from monai_mammo.progress import Progress

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import dicom_encoders

FASTER = 1.8


def write_files(folder: Path, n_files: int) -> None:
    """Files of as many persons, alike but for their pixels."""
    values = stored_values().astype(np.int64)
    for i in range(n_files):
        pixels = np.roll(values, i, 0)
        data = dicom_encoders.encode(pixels, syntax=uid.JPEGLSLossless, bits=BITS, PatientID=f"P{i}")
        (folder / f"{i:03d}.dcm").write_bytes(data)


def run(source: Path, out: Path, workers: int, full_size: bool) -> dict[str, float]:
    """Seconds of a whole call, files a second once it is under way, and processor time by this process alone."""
    load, start, own, every = os.getloadavg()[0], time.perf_counter(), time.process_time(), cpu_seconds()
    done: list[tuple[float, float]] = []

    def note(_: Progress) -> None:
        done.append((time.perf_counter(), cpu_seconds()))

    report = prepare(source, out=out, workers=workers, full_size=full_size, progress=note)
    assert report.count("read") == len(report.files)
    first, last = done[2 * workers], done[-1 - workers]
    return {
        "workers": workers,
        "load": load,
        "wall_s": time.perf_counter() - start,
        "rate": (len(done) - 1 - 3 * workers) / (last[0] - first[0]),
        "cpu_s_per_file": (last[1] - every) / (len(done) - 1 - workers),
        "alone": (time.process_time() - own) / (last[1] - every),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full-size", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    keep_freed_memory()  # as the command does
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source"
        source.mkdir()
        write_files(source, arguments.files)
        for n_round in range(arguments.rounds):
            for workers in (1, 2):
                out = Path(name) / f"out_{n_round}_{workers}"
                rows.append({"round": n_round, **run(source, out, workers, arguments.full_size)})
    one, two = ([row for row in rows if row["workers"] == workers] for workers in (1, 2))
    faster = {
        "whole": statistics.median(a["wall_s"] / b["wall_s"] for a, b in zip(one, two, strict=True)),
        "rate": statistics.median(b["rate"] / a["rate"] for a, b in zip(one, two, strict=True)),
    }
    if arguments.json:
        print(json.dumps({"runs": rows, "faster": faster}, indent=1))
        return
    print(f"{arguments.files} files of 3328 x 2560, JPEG-LS; {os.cpu_count()} processors\n")
    print("| round | workers | load before | whole s | files a second | CPU s a file | alone |\n|" + "---|" * 7)
    for row in rows:
        cells = [f"{row['load']:.1f}", f"{row['wall_s']:.1f}", f"{row['rate']:.2f}", f"{row['cpu_s_per_file']:.2f}"]
        cells += [f"{row['alone']:.1%}" if row["workers"] > 1 else ""]
        print(f"| {row['round']} | {row['workers']} | " + " | ".join(cells) + " |")
    print(f"\ntwo workers {faster['rate']:.2f} x under way, {faster['whole']:.2f} x whole, promised {FASTER}: ", end="")
    print(verdict(faster["rate"], FASTER) + ("" if min(r["load"] for r in rows) < 0.5 else " (the machine was busy)"))


if __name__ == "__main__":
    main()
