"""How long `evaluate` takes over one part of a prepared folder against another, with one worker and with two in turn.

    python benchmarks/report_time.py --dataset-dir prepared [--n 500] [--rounds 1] [--json FILE]

Images of some persons take the place of generated ones, those of others are the reference, those of a third part its
control: no networks draw, so the time is the report's alone. Each round starts the command anew for one worker and for
two, with nothing kept, then once more with what the last call kept. 500 against 500 images of 384 x 288 are to take
under 300 s on two cores, 20 s the second time, and two workers are to be 1.7 times as fast as one, on a machine that
has nothing else to do: the load before each call stands beside its time, and processor time beside that on the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from interleaved import verdict

from monai_mammo import machine

FASTER, WHOLE_S, AGAIN_S = 1.7, 300, 20
_FILES = ("image", "breast", "label")
_OTHERS = ("training", "validation", "test", "external")


def write_folders(prepared: Path, folder: Path, n: int) -> tuple[Path, Path]:
    """Folders of `n` images in place of generated ones, and of as many to compare with and as many others."""
    content = json.loads((prepared / "datalist.json").read_text())
    by_person: dict[str, list[dict[str, Any]]] = {}
    for item in content["training"]:
        by_person.setdefault(str(item["person_id"]), []).append(item)
    parts: list[list[dict[str, Any]]] = [[], [], []]
    for items in by_person.values():  # the images of a person stay together
        part = min(parts, key=len)
        part += items[: n - len(part)]
    if min(map(len, parts)) < n:
        raise SystemExit(f"{prepared} has too few training images for three times {n} of different persons")
    synthetic, reference = folder / "synthetic", folder / "reference"
    for home, splits in (
        (synthetic, {"training": parts[0]}),
        (reference, {"validation": parts[1], "training": parts[2]}),
    ):
        for item in (item for items in splits.values() for item in items):
            for name in (item[key] for key in _FILES if key in item):
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(prepared / name, home / name)
        named = {split: splits.get(split, []) for split in _OTHERS}
        (home / "datalist.json").write_text(json.dumps({**content, **named}))
    return synthetic, reference


def timed(synthetic: Path, reference: Path, out: Path, workers: int, what: str) -> dict[str, Any]:
    """Seconds of a call on the clock, and on the processors by it and its workers."""
    command = [sys.executable, "-m", "monai_mammo", "evaluate", str(synthetic), "--reference", str(reference)]
    load, start, before = os.getloadavg()[0], time.perf_counter(), os.times()
    subprocess.run(
        [*command, "--workers", str(workers), "--out", str(out)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr,
    )
    spent = os.times()
    cpu = spent.children_user + spent.children_system - before.children_user - before.children_system
    return {"what": what, "workers": workers, "load": load, "wall_s": time.perf_counter() - start, "cpu_s": cpu}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset-dir", required=True, type=Path, help="prepared folder")
    parser.add_argument("--n", type=int, default=500, help="images on each side (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(f"{arguments.n} against {arguments.n} images; {'; '.join(machine.describe())}\n")
    print("| call | workers | load before | s on the clock | s on the processors |\n|" + "---|" * 5, flush=True)
    with tempfile.TemporaryDirectory() as name:
        folders = write_folders(arguments.dataset_dir, Path(name), arguments.n)
        for n_round in range(arguments.rounds):
            calls = [("first", 1, f"{n_round}_1"), ("first", 2, f"{n_round}_2"), ("second", 2, f"{n_round}_2")]
            for what, workers, out in calls:
                row = timed(*folders, Path(name) / out, workers, what)
                cells = [what, workers, f"{row['load']:.1f}", f"{row['wall_s']:.0f}", f"{row['cpu_s']:.0f}"]
                print("| " + " | ".join(map(str, cells)) + " |", flush=True)
                rows.append(row)
    one, two = ([row["wall_s"] for row in rows if row["what"] == "first" and row["workers"] == n] for n in (1, 2))
    faster = statistics.median(a / b for a, b in zip(one, two, strict=True))
    again = statistics.median(row["wall_s"] for row in rows if row["what"] == "second")
    print(f"\ntwo workers {faster:.2f} x one, promised {FASTER}: {verdict(faster, FASTER)}")
    if arguments.n == 500:
        print(f"two workers, promised {WHOLE_S} s: {verdict(statistics.median(two), WHOLE_S, at_most=True)}")
        print(f"the second time, promised {AGAIN_S} s: {verdict(again, AGAIN_S, at_most=True)}")
    if arguments.json:
        about = {"n": arguments.n, "machine": machine.describe(), "faster": faster}
        Path(arguments.json).write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
