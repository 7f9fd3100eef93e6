"""Each editing command on DICOM files, a process each, and what dciodvfy and dcentvfy say of every file it wrote.

    python benchmarks/edited_files.py FOLDER [--commands insert remove evolve] --out edited

A lesion spans 1/21 of the rows. Counted is an error of dciodvfy that the source does not have, Synthetic Data
(0008,001C) apart, which is newer than Debian's dicom3tools; and each error of dcentvfy between the source and what was
made of it, or between the visits of a course. A file that a command refuses is listed with what it said. The same call
goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from monai_mammo.files.whole import save_text
from monai_mammo.prepare.mammogram_files import image_files

NEWER = "001c"
COMMANDS: dict[str, list[str]] = {
    "insert": ["--margin", "spiculated", "--size-px", "{size}"],
    "remove": ["--segment", "--max-tries", "2"],
    "evolve": ["--visits", "2", "--months", "12", "--size-px", "{size}"],
    "counterfactual": ["--set", "density=C"],
    "translate": ["--to", "contrast"],
}
Row = dict[str, Any]


def main() -> None:
    """Edit, validate, print a table of commands and a line for each file that is refused or has an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", metavar="PATH", help="DICOM files and folders of them")
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS), help="default: all")
    parser.add_argument("--kind", default="film", help="acquisition kind of the files (default %(default)s)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", required=True, metavar="DIR")
    words = parser.parse_args()
    found = [[Path(one["image"]) for one in image_files(p)] if Path(p).is_dir() else [Path(p)] for p in words.places]
    files = sorted({path for one in found for path in one})
    out = Path(words.out)
    out.mkdir(parents=True, exist_ok=True)
    results = out / "edited_files.json"
    rows: list[Row] = json.loads(results.read_text()) if results.is_file() else []
    done = {(row["command"], row["file"]) for row in rows}
    for command in words.commands:
        for number, path in enumerate(files):
            if (command, path.name) in done:
                continue
            rows.append(edited(command, path, out / command / f"{number:02d}", kind=words.kind, seed=words.seed))
            save_text(json.dumps(rows, indent=1) + "\n", results)
            print(line_of(rows[-1]), flush=True)
    print("\n".join(table(rows)))


def edited(command: str, path: Path, out: Path, *, kind: str, seed: int) -> Row:
    """What one command made of one file, what that took, and what the validators say."""
    size = round(pydicom.dcmread(path, stop_before_pixels=True).Rows / 21)
    words = [word.format(size=size) for word in COMMANDS[command]]
    run = [sys.executable, "-m", "monai_mammo", command, str(path), *words, "--kind", kind, "--seed", str(seed)]
    start = time.perf_counter()
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out.with_suffix(".said"), "w") as said:
        process = subprocess.Popen([*run, "--out", str(out), "--quiet"], stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    last = (out.with_suffix(".said").read_text().strip().splitlines() or [""])[-1]
    row: Row = {"command": command, "file": path.name, "exit_code": os.waitstatus_to_exitcode(status), "said": last}
    row["seconds"] = round(time.perf_counter() - start, 1)
    row["processor_seconds"] = round(used.ru_utime + used.ru_stime, 1)
    row["megabytes"] = round(used.ru_maxrss / 1024)  # kilobytes on Linux
    written = sorted(out.rglob("*.dcm"))
    return {**row, "n_objects": len(written), "errors": errors_of(path, written)}


def errors_of(source: Path, written: Sequence[Path]) -> list[str]:
    """What the validators find in these files and not in their source."""
    own = dciodvfy(source)
    errors = [f"{path.parent.name}/{path.name}: {line}" for path in written for line in sorted(dciodvfy(path) - own)]
    samples = sorted({path.parent for path in written})
    groups = [[source, *(path for path in written if path.parent == folder)] for folder in samples]
    groups += [list(written)] if len(samples) > 1 else []
    return errors + [line for group in groups for line in said_by("dcentvfy", *group) if line.startswith("Error")]


def dciodvfy(path: Path) -> set[str]:
    """Error lines about attributes that Debian's dicom3tools knows."""
    return {line for line in said_by("dciodvfy", "-new", path) if line.startswith("Error") and NEWER not in line}


def said_by(program: str, *words: Path | str) -> list[str]:
    """What a program prints, on either channel."""
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, errors="replace", check=False)
    return (done.stdout + done.stderr).splitlines()


def line_of(row: Row) -> str:
    """One file in a line."""
    took = f"{row['seconds']} s, {row['processor_seconds']} s of processor, {row['megabytes']} MB"
    bad = f", {len(row['errors'])} errors: {row['errors'][0]}" if row["errors"] else ""
    said = f": {row['said']}" if row["exit_code"] else ""
    return f"{row['command']} {row['file']}: {row['n_objects']} objects{bad}, {took}, exit {row['exit_code']}{said}"


def table(rows: Sequence[Row]) -> list[str]:
    """A row of Markdown for each command."""
    head = ("command", "files, of which gave objects", "objects", "errors", "median s, of processor", "most MB")
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for command in dict.fromkeys(row["command"] for row in rows):
        mine = [row for row in rows if row["command"] == command]
        made = [row for row in mine if row["n_objects"]]
        times = (f"{np.median([row[name] for row in made or mine]):.1f}" for name in ("seconds", "processor_seconds"))
        took = [", ".join(times), str(max(row["megabytes"] for row in mine))]
        counts = [f"{len(mine)}, {len(made)}", *(str(n) for n in (total(mine, "n_objects"), n_errors(mine)))]
        lines.append(" | ".join((command, *counts, *took)))
    return [f"| {line} |" for line in lines]


def total(rows: Sequence[Row], name: str) -> int:
    """Sum of a number over files."""
    return sum(int(row[name]) for row in rows)


def n_errors(rows: Sequence[Row]) -> int:
    """Errors of all files."""
    return sum(len(row["errors"]) for row in rows)


if __name__ == "__main__":
    main()
