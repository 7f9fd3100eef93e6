"""Lesions taken out by the painter and by each method that it is compared with, at the same outlined places.

    python benchmarks/removals.py places/whole --every 8 --n 12 --out removals

Every so-manieth outlined picture of a folder that `native_folder.py` wrote is edited by `remove` in each way, and
`evaluate edits` holds the fillings against healthy places of those pictures and of as many lesion-free ones. The way
``found`` takes out what the lesion network finds in them instead, and ``edits/edits.md`` says how well that localises.
The same call goes on where it stopped. What no way can edit, such as a region that is too large, is counted as refused;
with ``--parts`` of outlines that are too large as a whole the largest piece that is not is taken out instead.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

import monai_mammo
from monai_mammo.editing.edit_run import NotEdited
from monai_mammo.evaluation.edits.edits_of_runs import evaluate_edits
from monai_mammo.evaluation.edits.painted_seam import SEAM_MEASURES
from monai_mammo.files.png import save_png
from monai_mammo.files.whole import save_text
from monai_mammo.painting.local_edit import fits_window, region_in_picture
from monai_mammo.prepare.mammogram_files import image_files
from monai_mammo.prepare.sidecar import Sidecar, sidecar_path
from monai_mammo.terms import Finding

JUDGE = "judge"
LEAST_PX = 300
WAYS: dict[str, dict[str, Any]] = {
    "painter": {},
    "painter_once": {"max_tries": 1},
    "found": {"segment": True},
    "sdedit": {"method": "sdedit"},
    "inversion": {"method": "inversion"},
    "gan": {"method": "gan"},
}


def main() -> None:
    """Edit, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", metavar="DIR", help="folders of pictures with JSON files beside them")
    parser.add_argument("--every", type=int, default=8, metavar="N", help="one outlined picture in N (default 8)")
    parser.add_argument("--n", type=int, default=12, help="outlined pictures at most (default 12)")
    parser.add_argument("--n-healthy", type=int, default=30, help="lesion-free pictures (default 30)")
    all_named = [way for way in WAYS if way != "found"]
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=all_named, help="default: %(default)s")
    parser.add_argument("--parts", action="store_true", help="pieces of outlines that are too large as a whole")
    parser.add_argument("--seed", type=int, default=51)
    parser.add_argument("--out", required=True, metavar="DIR")
    words = parser.parse_args()
    out = Path(words.out)
    chosen, healthy = chosen_pictures(words.places, every=words.every, n=words.n, n_healthy=words.n_healthy)
    places = [piece_of(path, out / "pieces") for path in chosen] if words.parts else chosen
    refused = {way: filled(places, out / way, seed=words.seed, **WAYS[way]) for way in words.ways}
    reference = reference_folder([*chosen, *healthy], out / "reference")
    columns = [f"{way}={out / way}" for way in words.ways if len(refused[way]) < len(chosen)]
    figures = evaluate_edits(columns, reference=reference, out=out / "edits")
    save_text(json.dumps({"refused": refused, "runs": figures["runs"]}, indent=1) + "\n", out / "removals.json")
    print("\n".join(table(figures["runs"], refused)))


def chosen_pictures(places: Sequence[str], *, every: int, n: int, n_healthy: int) -> tuple[list[Path], list[Path]]:
    """One in `every` outlined pictures, `n` at most, and lesion-free ones at even distances, both by name."""
    files = sorted(Path(item["image"]) for folder in places for item in image_files(folder))
    beside = {path: Sidecar.read(sidecar_path(path)) for path in files}
    outlined = [path for path in files if beside[path].lesion_mask is not None]
    free = [path for path in files if beside[path].conditions.finding is Finding.NONE]
    return outlined[::every][:n], free[:: max(1, len(free) // n_healthy)][:n_healthy]


def piece_of(path: Path, folder: Path) -> Path:
    """The picture, or a copy of it that tells of the largest piece of its outline that an edit may take out."""
    beside = sidecar_path(path)
    about = json.loads(beside.read_text(encoding="utf-8"))
    outline = np.asarray(Image.open(path.with_name(about["lesion_mask"]))) > 0
    pieces, n = ndimage.label(outline)
    sizes = np.bincount(pieces.ravel(), minlength=n + 1)
    by_size = [outline, *(pieces == 1 + k for k in np.argsort(-sizes[1:], kind="stable") if sizes[1 + k] >= LEAST_PX)]
    first = next((one for one in by_size if fits_window(region_in_picture(one))), outline)
    if first is outline:
        return path
    copy = folder / path.name
    save_png(first, copy.with_name(about["lesion_mask"]), make_folder=True)
    shutil.copy(path, copy)
    shutil.copy(beside, sidecar_path(copy))
    return copy


def filled(images: Sequence[Path], out: Path, **words: Any) -> list[str]:
    """Reasons for which pictures were refused; all others are edited in a run of this folder."""
    try:
        monai_mammo.remove(images, out=out, **words)
    except NotEdited as error:
        return [error.reasons[number] for number in sorted(error.reasons)]
    return []


def reference_folder(pictures: Sequence[Path], folder: Path) -> Path:
    """Folder with copies of the pictures, and of what lies beside each."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in pictures:
        for file in path.parent.glob(f"{path.stem}[._]*"):
            shutil.copy(file, folder / file.name)
    return folder


def table(runs: Mapping[str, Any], refused: Mapping[str, Sequence[str]]) -> list[str]:
    """Rows of Markdown: a way and a kind each."""
    scores = (f"{name}: before, after, limit; under it" for name in ("judge", "lesion network"))
    head = ("way", "kind", "places, persons (refused)", "seam across over along; before", *scores)
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for way, found in runs.items():
        for judged in (row for row in found["score"] if row["network"] == JUDGE):
            kind = judged["kind"]
            seam = next(r for r in found["seam"] if r["kind"] == kind and r["measure"] == SEAM_MEASURES[1])
            own = next(r for r in found["score"] if r["kind"] == kind and r["network"] != JUDGE)
            n_places = f"{judged['n']}, {judged['n_persons']} ({len(refused[way])})"
            of_each = (f"{r['before']}, {r['edited']}, {r['limit']}; {_range(r['below'])}" for r in (judged, own))
            seams = f"{_range(seam['edited'])}; {_range(seam['before'])}"
            lines.append(" | ".join((way, kind, n_places, seams, *of_each)))
    return [f"| {line} |" for line in lines]


def _range(figure: Mapping[str, Any] | None) -> str:
    """Mean and 95 % interval of a figure."""
    if figure is None:
        return "none"
    mean = f"{figure['mean']:.2f}"
    return mean if figure["low"] is None else f"{mean} ({figure['low']:.2f} to {figure['high']:.2f})"


if __name__ == "__main__":
    main()
