"""Whether two revisions give the same pixels: ``python tests/same_bytes.py BEFORE AFTER`` prints a table.

Each revision is checked out in a temporary folder and generates two mammograms of seed 7, prepares a small table of
pictures, and runs the inference of each bundle, all on the same inputs. What is compared is the SHA-256 of the decoded
pixels, so that versions and times which files state do not count; where they differ, the table says by how much at
most, in stored values. The exit code is 1 where a picture differs or is missing on one side. Revisions with other
weights give other pictures: choose two that bracket a change of the code.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import dcmread

ROOT = Path(__file__).resolve().parents[1]
REQUEST = "--count 2 --density C --view MLO --laterality L --finding mass --birads 5 --seed 7"
BUNDLES = ("mammo_autoencoder", "mammo_diffusion", "mammo_lesion_segmentation")
_DRAWN = ROOT / "bundles" / "mammo_lesion_segmentation" / "data"


def write_table(folder: Path) -> Path:
    """A table of two drawn mammograms with masks, as people hand them in, and a picture that nobody can read."""
    folder.mkdir(parents=True)
    rows = []
    for number, path in enumerate(sorted(_DRAWN.glob("*.json"))):
        about = json.loads(path.read_text(encoding="utf-8"))
        for suffix in (".png", "_mask.png"):
            shutil.copy(path.with_name(path.stem + suffix), folder)
        kept = {name: about[name] for name in ("kind", "view", "laterality", "density", "finding") if name in about}
        row = {"image_id": path.stem, "file": f"{path.stem}.png", "mask": f"{path.stem}_mask.png"}
        rows.append({**row, "person_id": f"P{number}", **kept})
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    rows.append({**rows[0], "image_id": "broken", "file": "broken.png", "mask": "", "person_id": "P9"})
    with open(folder / "table.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "table.csv"


def commands(tree: Path, table: Path) -> dict[str, list[str]]:
    """Command lines by the folder that they write, for a checkout."""
    command = [sys.executable, "-m", "monai_mammo"]
    monai = [sys.executable, "-m", "monai.bundle", "run", "--logging_file", "False"]
    made = {
        "generate": [*command, "generate", *REQUEST.split(), "--out", "generate"],
        "prepare": [*command, "prepare", str(table), "--dataset", "table", "--out", "prepare"],
    }
    for name in BUNDLES:
        config = tree / "bundles" / name / "configs" / "inference.json"
        made[name] = [*monai, "--config_file", str(config), "--output_dir", name]
        if name != "mammo_diffusion":
            made[name] += ["--dataset_dir", str(_DRAWN)]
    return made


def pixels_of(path: Path) -> np.ndarray | None:
    """Decoded pixels of a picture, `None` for files of other kinds."""
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".dcm":
        dataset = dcmread(path)
        return dataset.pixel_array if "PixelData" in dataset else None
    return None


def sha256_of(pixels: np.ndarray) -> str:
    """Hash of values, their type and their shape."""
    about = f"{pixels.dtype} {pixels.shape} ".encode()
    return hashlib.sha256(about + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def pictures_in(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Name and pixels of every picture in a folder."""
    for path in sorted(folder.rglob("*")):
        pixels = pixels_of(path) if path.is_file() else None
        if pixels is not None:
            yield path.relative_to(folder).as_posix(), pixels


def verdict(one: np.ndarray | None, other: np.ndarray | None) -> str:
    """Whether two pictures are the same, and what is not."""
    if one is None or other is None:
        return "NO"
    if one.shape != other.shape:
        return f"NO, {one.shape} and {other.shape}"
    if sha256_of(one) == sha256_of(other):
        return "yes"
    apart = np.abs(one.astype(np.float64) - other)
    return f"NO, by {apart.max():g} at most, at {100 * (apart > 0).mean():.3f} % of the pixels"


def made_by(revision: str, home: Path, table: Path, steps: list[str]) -> dict[tuple[str, str], np.ndarray]:
    """Pixels of all pictures that a revision makes, by step and file."""
    tree, work = home / "tree", home / "work"
    work.mkdir(parents=True)
    subprocess.run(["git", "-C", str(ROOT), "worktree", "add", "-q", "--detach", str(tree), revision], check=True)
    try:
        dropped = {name: None for name in os.environ if name.startswith("MONAI_MAMMO_")}
        environment = {k: v for k, v in os.environ.items() if k not in dropped} | {"PYTHONPATH": str(tree)}
        found: dict[tuple[str, str], np.ndarray] = {}
        for step, words in commands(tree, table).items():
            if step not in steps:
                continue
            print(f"{revision}: {step}", file=sys.stderr, flush=True)
            done = subprocess.run(words, cwd=work, env=environment, capture_output=True, text=True, check=False)
            if not (work / step).is_dir():
                raise SystemExit(f"{revision}: {step} ended with {done.returncode}\n{done.stderr[-2000:]}")
            found |= {(step, name): pixels for name, pixels in pictures_in(work / step)}
        return found
    finally:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(tree)], check=False)


def main() -> int:
    """Print the table; 0 where all pictures are the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", help="revision of git")
    parser.add_argument("after", help="revision of git")
    parser.add_argument("--steps", nargs="+", default=["generate", "prepare", *BUNDLES])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="same_bytes_") as temporary:
        home = Path(temporary)
        table = write_table(home / "table")
        sides = [
            made_by(revision, home / side, table, arguments.steps)
            for side, revision in (("before", arguments.before), ("after", arguments.after))
        ]
    before, after = sides
    print(f"| step | file | {arguments.before} | {arguments.after} | same |\n| --- | --- | --- | --- | --- |")
    verdicts = {}
    for step, name in sorted(before.keys() | after.keys()):
        pair = [side.get((step, name)) for side in sides]
        hashes = ["missing" if pixels is None else sha256_of(pixels)[:16] for pixels in pair]
        verdicts[step, name] = verdict(*pair)
        print(f"| {step} | {name} | {hashes[0]} | {hashes[1]} | {verdicts[step, name]} |")
    n_same = sum(said == "yes" for said in verdicts.values())
    steps = {step for step, _ in before}
    print(f"\n{n_same} of {len(verdicts)} pictures of {len(steps)} steps are the same")
    return 0 if n_same == len(verdicts) and steps == set(arguments.steps) else 1


if __name__ == "__main__":
    raise SystemExit(main())
