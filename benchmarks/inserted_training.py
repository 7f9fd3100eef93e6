"""Does a detector learn from inserted lesions? Real images alone, with inserted ones, with classic copies; 5 seeds.

A group with few cancers is played: of the training images a few with an outlined lesion, and normals. To these come
either the same normals with an inserted lesion each (`monai_mammo.augment`), or as many copies of the images with a
lesion, changed in shape and brightness. The detector is a small head on the frozen EfficientNet-Lite0, trained for the
same steps and batches in each arm. Validation images are read by all; intervals and p-values resample their persons.

What is made stays in the folder, so that a call that was stopped goes on; `--only-insert` ends after the insertions.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

import monai_mammo
from monai_mammo.bundle import DEFAULT_BUNDLES, find
from monai_mammo.conditions import Conditions
from monai_mammo.evaluation.detection import ScoredDetections, auc, sensitivity_at_false_positives
from monai_mammo.evaluation.markdown import table_of
from monai_mammo.files import save_text
from monai_mammo.networks import load_encoder
from monai_mammo.networks.probable_regions import regions
from monai_mammo.prepare.datalist_items import load_datalist, mask_of, pixels_of
from monai_mammo.terms import View
from monai_mammo.training.augment import Augmentation

ARMS = ("real", "real and inserted", "real and classic")
KINDS = ("digital", "contrast")
MEASURES = ("AUC of images", "lesions met at 1 false positive an image")
_SCALE = 3  # maps of a sixteenth of the size
_BATCH, _RATE, _RESAMPLES = 16, 2e-3, 2000


class Features(NamedTuple):
    """Maps of images and the share of lesion at each position; whether there is one; whose they are."""

    maps: Tensor
    lesion: Tensor
    persons: list[str]


def main() -> None:
    """Make the inserted images, train all arms, print and save the figures."""
    words = _words()
    out = Path(words.out)
    torch.set_num_threads(1)
    started = time.process_time()
    items = load_datalist(Path(words.dataset_dir) / "datalist.json", kinds=KINDS)
    rng = np.random.default_rng(words.seed)
    normals = _drawn([one for one in items if one.get("mask_kind") == "none"], words.n_normals, rng)
    cancers = _drawn([one for one in items if one.get("mask_kind") == "contour"], words.n_pool, rng)
    inserted = _inserted(normals, out)
    if words.only_insert:
        return
    kept = {one["image_id"] for one in inserted}
    normals = [one for one in normals if f"{one['image_id']}_inserted_1" in kept]
    print(f"{len(normals)} normals, {len(cancers)} images with a lesion to draw from", flush=True)
    validation = load_datalist(Path(words.dataset_dir) / "datalist.json", split="validation", kinds=KINDS)
    validation = [one for one in validation if one.get("mask_kind") in ("none", "contour")]
    encoder: Any = load_encoder(find(DEFAULT_BUNDLES[2]))
    sets = {
        "normal": _features(encoder, _read, normals, out / "normal.pt"),
        "cancer": _features(encoder, _read, cancers, out / "cancer.pt"),
        "inserted": _features(encoder, _read, inserted, out / "inserted.pt"),
        "classic": _features(encoder, _changed, 2 * cancers, out / "classic.pt"),
        "validation": _features(encoder, _read, validation, out / "validation.pt"),
    }
    known = [_lesions(one) for one in validation]
    scores: dict[str, list[Any]] = {arm: [] for arm in ARMS}
    for seed in range(words.seeds):
        chosen = _of_persons(sets["cancer"].persons, words.n_real, seed)
        copies = [i + turn * len(cancers) for turn in (0, 1) for i in chosen][: len(normals)]
        real = _joined(_some(sets["cancer"], chosen), sets["normal"])
        more = {"real and inserted": sets["inserted"], "real and classic": _some(sets["classic"], copies)}
        for arm in ARMS:
            training = _joined(real, more[arm]) if arm in more else real
            maps = _trained(training, steps=words.steps, seed=seed)(sets["validation"].maps)
            scores[arm].append([_detections(one, lesions) for one, lesions in zip(maps, known, strict=True)])
        print(f"seed {seed} done, {time.process_time() - started:.0f} s of processor time", flush=True)
    figures = _figures(scores, sets["validation"].persons, known)
    figures["settings"] = {**{k: v for k, v in vars(words).items() if k != "out"}, "n_inserted": len(inserted)}
    figures["processor_s"] = round(time.process_time() - started)
    out.mkdir(parents=True, exist_ok=True)
    save_text(json.dumps(figures, indent=1) + "\n", out / "inserted_training.json")
    save_text(_page(figures), out / "inserted_training.md")
    print(_page(figures))


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset-dir", required=True, help="prepared folder")
    parser.add_argument("--n-normals", type=int, default=60, help="normals, each with one insertion (%(default)s)")
    parser.add_argument("--n-pool", type=int, default=100, help="images with a lesion to draw from (%(default)s)")
    parser.add_argument("--n-real", type=int, default=30, help="of these in each training (%(default)s)")
    parser.add_argument("--steps", type=int, default=400, help="of each training (%(default)s)")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each arm (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="chooses the images (%(default)s)")
    parser.add_argument("--only-insert", action="store_true", help="make the insertions and end")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for images and figures")
    return parser.parse_args()


def _drawn(items: Sequence[dict[str, Any]], n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    return [items[i] for i in rng.permutation(len(items))[:n]]  # a larger n begins with the same


def _inserted(normals: Sequence[dict[str, Any]], out: Path) -> list[dict[str, Any]]:
    """Normals with a lesion each, made by the command; what is there already stays."""
    folder = out / "normals"
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for item in normals:
        files = {}
        for key in ("image", "breast"):
            name = f"{item['image_id']}_{key}{Path(item[key]).suffix}"
            shutil.copyfile(item[key], folder / name)
            files[key] = name
        listed.append({**item, **files})
    content = {"training": listed, "validation": [], "test": [], "external": []}
    save_text(json.dumps(content) + "\n", folder / "datalist.json")
    made = monai_mammo.augment(
        folder, out=out / "inserted", per_image=1, seed=1, device="cpu", progress=lambda p: print(p.n_done, flush=True)
    )
    print(f"{made['n_inserted']} insertions, {len(made['left_out'])} left out", flush=True)
    return load_datalist(out / "inserted" / "datalist.json")


def _read(item: dict[str, Any], number: int = 0) -> tuple[np.ndarray, np.ndarray]:
    image = pixels_of(item).astype(np.float32) / 65535
    mask = mask_of(item, "label", image.shape) if "label" in item else np.zeros(image.shape, dtype=bool)
    return image, mask


def _changed(item: dict[str, Any], number: int) -> tuple[np.ndarray, np.ndarray]:
    """A classic copy: scaled, sheared, shifted, brighter or darker; a CC view may be turned upside down."""
    image, mask = _read(item, number)
    view = Conditions.from_dict(item["conditions"]).view
    change = Augmentation.draw(np.random.default_rng([7, number]), strength=1.5, may_flip=view is View.CC)
    return change.image(image).astype(np.float32), change.mask(mask) > 0.5


@torch.inference_mode()
def _features(encoder: Any, read: Callable[..., Any], items: Sequence[dict[str, Any]], path: Path) -> Features:
    """Maps of images by the frozen encoder, taken once and kept in a file."""
    names, persons = [str(one["image_id"]) for one in items], [str(one["person_id"]) for one in items]
    if path.is_file():
        kept = torch.load(path, weights_only=True)
        if kept["names"] == names:
            return Features(kept["maps"], kept["lesion"], persons)
    maps, lesions = [], []
    for number, item in enumerate(items):
        image, mask = read(item, number)
        found = encoder.features(torch.from_numpy(np.ascontiguousarray(image))[None, None])[_SCALE]
        maps.append(found.half())
        share = functional.adaptive_avg_pool2d(torch.from_numpy(mask.astype(np.float32))[None, None], found.shape[-2:])
        lesions.append(share)
    torch.save({"names": names, "maps": torch.cat(maps), "lesion": torch.cat(lesions)}, path)
    print(f"{path.name}: {len(names)} images", flush=True)
    return Features(torch.cat(maps), torch.cat(lesions), persons)


def _some(one: Features, positions: Sequence[int]) -> Features:
    return Features(one.maps[positions], one.lesion[positions], [one.persons[i] for i in positions])


def _joined(*parts: Features) -> Features:
    return Features(
        torch.cat([one.maps for one in parts]),
        torch.cat([one.lesion for one in parts]),
        sum((one.persons for one in parts), []),
    )


def _of_persons(persons: Sequence[str], n: int, seed: int) -> list[int]:
    """Positions of images of whole persons, about n."""
    names = sorted(set(persons))
    chosen: list[int] = []
    for i in np.random.default_rng([seed, 5]).permutation(len(names)):
        if len(chosen) < n:
            chosen += [k for k, person in enumerate(persons) if person == names[i]]
    return sorted(chosen)


def _trained(data: Features, *, steps: int, seed: int) -> Callable[[Tensor], np.ndarray]:
    """Head trained on half images with a lesion and half without, whatever their numbers."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 6])
    deviation, mean = torch.std_mean(data.maps.float(), dim=(0, 2, 3), keepdim=True)
    deviation = deviation.clamp_min(1e-3)
    head = nn.Sequential(
        nn.Dropout2d(0.2),
        nn.Conv2d(data.maps.shape[1], 24, 1),
        nn.ReLU(),
        nn.Conv2d(24, 24, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(24, 1, 1),
    )
    optimizer = torch.optim.AdamW(head.parameters(), lr=_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    has_lesion = (data.lesion.amax(dim=(1, 2, 3)) > 0).numpy()
    groups = [np.flatnonzero(has_lesion), np.flatnonzero(~has_lesion)]
    weight = torch.tensor(8.0)
    for _ in range(steps):
        rows = np.concatenate([rng.choice(group, _BATCH // 2) for group in groups])
        x = (data.maps[rows].float() - mean) / deviation
        loss = functional.binary_cross_entropy_with_logits(head(x), data.lesion[rows], pos_weight=weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    head.eval()

    @torch.inference_mode()
    def read(maps: Tensor) -> np.ndarray:
        return torch.sigmoid(head((maps.float() - mean) / deviation))[:, 0].numpy()

    return read


def _lesions(item: dict[str, Any]) -> list[np.ndarray]:
    """Each outlined lesion on the map's grid, a position round it counted in."""
    if "label" not in item:
        return []
    mask = _read(item)[1]
    labels, n = ndimage.label(mask)
    out = []
    for number in range(1, n + 1):
        if (labels == number).sum() >= 12:
            small = functional.adaptive_max_pool2d(
                torch.from_numpy((labels == number).astype(np.float32))[None, None],
                (mask.shape[0] // 16, mask.shape[1] // 16),
            )
            out.append(ndimage.binary_dilation(small[0, 0].numpy() > 0))
    return out


def _detections(probability: np.ndarray, lesions: Sequence[np.ndarray]) -> ScoredDetections:
    found = regions(probability, max_regions=6)
    hits = []
    for one in found:
        x, y = one.center
        place = (min(int(y * probability.shape[0]), probability.shape[0] - 1), int(x * probability.shape[1]))
        hits.append(next((i for i, lesion in enumerate(lesions) if lesion[place]), -1))
    return ScoredDetections(scores=tuple(one.score for one in found), hits=tuple(hits), n_lesions=len(lesions))


def _figures(scores: dict[str, list[Any]], persons: Sequence[str], known: Sequence[Any]) -> dict[str, Any]:
    """Means over seeds with intervals over persons, and all comparisons with Holm's p."""
    has_lesion = np.array([len(one) > 0 for one in known])
    names, owner = np.unique(persons, return_inverse=True)
    images = [np.flatnonzero(owner == i) for i in range(len(names))]
    rng = np.random.default_rng(0)
    draws = [np.arange(len(owner))]
    draws += [np.concatenate([images[i] for i in rng.integers(0, len(names), len(names))]) for _ in range(_RESAMPLES)]

    def measured(run: Sequence[ScoredDetections], rows: np.ndarray) -> tuple[float, float]:
        top = np.array([max(one.scores, default=0.0) for one in run])
        some = [run[i] for i in rows]
        area, met = auc(top[rows], has_lesion[rows]), sensitivity_at_false_positives(some)
        return (np.nan if area is None else area, np.nan if met is None else met)

    values = {
        arm: np.array([[measured(run, rows) for run in runs] for rows in draws]) for arm, runs in scores.items()
    }  # (1 + resamples, seeds, measures)
    rows, tests = [], []
    for m, measure in enumerate(MEASURES):
        for arm, found in values.items():
            mean = found[..., m].mean(axis=1)
            low, high = np.nanpercentile(mean[1:], (2.5, 97.5))
            rows.append(
                {
                    "measure": measure,
                    "arm": arm,
                    "mean": round(float(mean[0]), 4),
                    "low": round(float(low), 4),
                    "high": round(float(high), 4),
                    "seeds": [round(float(v), 4) for v in found[0, :, m]],
                }
            )
        for one, other in ((1, 0), (2, 0), (1, 2)):
            difference = (values[ARMS[one]] - values[ARMS[other]])[..., m].mean(axis=1)
            low, high = np.nanpercentile(difference[1:], (2.5, 97.5))
            drawn = difference[1:][np.isfinite(difference[1:])]
            p = 2 * min((drawn <= 0).mean(), (drawn >= 0).mean())
            tests.append(
                {
                    "measure": measure,
                    "comparison": f"{ARMS[one]} less {ARMS[other]}",
                    "difference": round(float(difference[0]), 4),
                    "low": round(float(low), 4),
                    "high": round(float(high), 4),
                    "p": round(float(min(1.0, max(p, 2 / len(drawn)))), 4),
                }
            )
    for test, adjusted in zip(tests, holm([test["p"] for test in tests]), strict=True):
        test["p_holm"] = round(adjusted, 4)
    return {
        "n_images": len(owner),
        "n_with_lesion": int(has_lesion.sum()),
        "n_persons": len(names),
        "rows": rows,
        "comparisons": tests,
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values for as many tests together (Holm 1979)."""
    order, out, most = np.argsort(p_values), [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        most = max(most, min(1.0, (len(p_values) - place) * p_values[i]))
        out[i] = most
    return out


def _page(figures: dict[str, Any]) -> str:
    words = figures["settings"]
    inserted = words["n_inserted"]
    head = (
        f"{figures['n_images']} validation images of {figures['n_persons']} persons, {figures['n_with_lesion']} with "
        f"an outlined lesion ({' and '.join(KINDS)}). Each training has about {words['n_real']} real images with one "
        f"and {inserted} without one; to these come {inserted} inserted lesions, or as many classic copies of images "
        f"with a lesion. {words['steps']} steps, {words['seeds']} seeds. Brackets: 95 % intervals over persons of the "
        "mean over seeds; p by Holm over all six comparisons."
    )
    lines = [
        [
            row["measure"],
            row["arm"],
            f"{row['mean']:.3f} ({row['low']:.3f} to {row['high']:.3f})",
            f"{min(row['seeds']):.3f} to {max(row['seeds']):.3f}",
        ]
        for row in figures["rows"]
    ]
    tests = [
        [
            one["measure"],
            one["comparison"],
            f"{one['difference']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})",
            f"{one['p']:.3f}",
            f"{one['p_holm']:.3f}",
        ]
        for one in figures["comparisons"]
    ]
    return (
        "\n\n".join(
            [
                head,
                table_of(["measure", "trained on", "mean", "seeds"], lines),
                table_of(["measure", "comparison", "difference", "p", "p, Holm"], tests),
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
