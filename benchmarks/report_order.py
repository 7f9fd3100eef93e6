"""Whether the report puts acquired images before blurred copies of them, and those before noise, figure by figure.

    python benchmarks/report_order.py --dataset-dir prepared --out order [--n 300] [--cache DIR]

Acquired images of persons of the training split take the place of generated ones, as they are and spoilt in each way of
`--baselines`; the reference is the validation split, the control are the training images of all other persons. The
mix of acquisition kinds is that of the reference. Each goes through `evaluate SYNTHETIC --reference REAL` into a folder
of its own in `--out`, with ``report.json`` and ``report.html``. Then a table: how many figures of realism lie outside
limits, and which figures do not tell blurred copies from the images that they are copies of.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.evaluation.report.baselines import BASELINES, spoilt_items
from monai_mammo.prepare.datalist_items import load_datalist

_FILES = ("image", "breast", "label")
_SPLITS = ("training", "validation", "test", "external")
AS_THEY_ARE = "acquired"


def chosen_items(items: list[dict[str, Any]], mix: list[str], n: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """`n` items with the kinds in the shares of `mix`, images of a person together as far as they are needed."""
    counts = Counter(mix)
    shares = {kind: n * count / len(mix) for kind, count in counts.items()}
    wanted = {kind: int(share) for kind, share in shares.items()}
    for kind in sorted(shares, key=lambda one: wanted[one] - shares[one])[: n - sum(wanted.values())]:
        wanted[kind] += 1  # largest remainders
    rng = np.random.default_rng(seed)
    persons = sorted({str(item["person_id"]) for item in items})
    place = dict(zip(persons, rng.permutation(len(persons)), strict=True))
    ordered = sorted(items, key=lambda item: place[str(item["person_id"])])
    out = []
    for item in ordered:
        kind = item["conditions"].get("kind")
        if wanted.get(kind, 0):
            wanted[kind] -= 1
            out.append(item)
    if any(wanted.values()):
        raise SystemExit(f"there are too few training images: {dict(wanted)} are missing")
    return out


def write_folder(home: Path, content: dict[str, Any], prepared: Path, **splits: list[dict[str, Any]]) -> None:
    """Prepared folder of files of another one; an image may be pixels."""
    for items in splits.values():
        for place, item in enumerate(items):
            item = items[place] = dict(item)
            for name in _FILES:
                if name not in item:
                    continue
                target = home / (item[name] if isinstance(item[name], str) else f"images/{item['image_id']}.npy")
                target.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(item[name], np.ndarray):
                    np.save(target, item[name])
                    item[name] = str(target.relative_to(home))
                elif not target.exists():
                    shutil.copy(prepared / item[name], target)
    named = {split: splits.get(split, []) for split in _SPLITS}
    (home / "datalist.json").write_text(json.dumps({**content, **named}))


def reported(synthetic: Path, reference: Path, out: Path, cache: Path) -> dict[str, Any]:
    """Report of a folder, by the command."""
    command = [sys.executable, "-m", "monai_mammo", "evaluate", str(synthetic), "--reference", str(reference)]
    subprocess.run([*command, "--cache", str(cache), "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((out / "report.json").read_text())
    return found


def table(reports: dict[str, dict[str, Any]]) -> str:
    """Answers, and figures of realism side by side."""
    rows = [
        "| images | n | real enough | outside limits | of figures | Fréchet distances |",
        "|---|---|---|---|---|---|",
    ]
    for name, report in reports.items():
        some = [row for row in report["verdicts"] if row["question"] == "realism" and row["light"] != "not measured"]
        distances = [f"{r['figure']['value']:.2f}" for r in some if r["name"].startswith("frechet")]
        n_bad = sum(row["light"] == "outside limits" for row in some)
        answer = report["answers"]["realism"]["light"]
        n = report["synthetic"]["n_images"]
        rows.append(f"| {name} | {n} | {answer} | {n_bad} | {len(some)} | {', '.join(distances)} |")
    names = list(reports)
    rows += ["", f"| figure | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    verdicts = {name: {row["name"]: row for row in report["verdicts"]} for name, report in reports.items()}
    for key, row in verdicts[names[0]].items():
        if row["question"] != "realism" and row["heading"] not in ("coverage", "constraint", "consistency"):
            continue
        cells = [_cell(verdicts[name][key]) for name in names]
        rows.append(f"| {row['title']} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(row: dict[str, Any]) -> str:
    if row["light"] == "not measured":
        return "–"
    shown = row["judged"]
    return f"{shown['value']:.2f} ({shown['low']:.2f} to {shown['high']:.2f}), {row['light']}"


def blind(reports: dict[str, dict[str, Any]]) -> list[str]:
    """Figures of realism whose light is the same for blurred copies as for what they are copies of."""
    verdicts = {name: {row["name"]: row for row in report["verdicts"]} for name, report in reports.items()}
    acquired, blurred = verdicts[AS_THEY_ARE], verdicts["blurred"]
    return [
        row["title"]
        for key, row in acquired.items()
        if row["question"] == "realism" and row["light"] == blurred[key]["light"] != "not measured"
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset-dir", required=True, type=Path, help="prepared folder")
    parser.add_argument("--out", required=True, type=Path, help="folder for the folders that are compared, and reports")
    parser.add_argument("--n", type=int, default=300, help="images in place of generated ones (default: %(default)s)")
    parser.add_argument("--cache", type=Path, help="folder for what is measured (default: cache in --out)")
    arguments = parser.parse_args()
    prepared, out = arguments.dataset_dir, arguments.out
    content = json.loads((prepared / "datalist.json").read_text())
    mix = [item["conditions"].get("kind") for item in content["validation"]]
    chosen = chosen_items(content["training"], mix, arguments.n)
    persons = {str(item["person_id"]) for item in [*chosen, *content["validation"]]}
    rest = [item for item in content["training"] if str(item["person_id"]) not in persons]
    write_folder(out / "reference", content, prepared, validation=content["validation"], training=rest)
    write_folder(out / AS_THEY_ARE, content, prepared, training=chosen)
    loaded = load_datalist(out / AS_THEY_ARE / "datalist.json", split="training")
    for how in BASELINES:
        spoilt = [
            {**item, "image": made["image"]} for item, made in zip(chosen, spoilt_items(loaded, how), strict=True)
        ]
        write_folder(out / how, content, prepared, training=spoilt)
    reports = {
        name: reported(out / name, out / "reference", out / f"report_{name}", arguments.cache or out / "cache")
        for name in (AS_THEY_ARE, *BASELINES)
    }
    print(f"{arguments.n} images of {len({str(item['person_id']) for item in chosen})} persons")
    print(table(reports))
    print("\nof equal light for blurred copies:", "; ".join(blind(reports)) or "none")


if __name__ == "__main__":
    main()
