"""How a folder of acquired images differs from those that a bundle was trained on, within each kind and view."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import ndtri

from monai_mammo import networks
from monai_mammo.bundle import DEFAULT_BUNDLES, BundleFolder, find
from monai_mammo.bundle.fingerprint import fingerprint_of
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.drift.breast_profile import MEASURES, RADIOMIC, breast_profile, direction
from monai_mammo.evaluation.drift.training_summary import FAR_SHARE, FamilySummary, TrainingSummary
from monai_mammo.evaluation.examiners import JUDGE, load_judge
from monai_mammo.evaluation.intervals import share_of, summary
from monai_mammo.evaluation.realism.compared_images import acquired_items, images_of_items
from monai_mammo.evaluation.realism.feature_family import FeatureFamily
from monai_mammo.evaluation.realism.frozen_encoder import encoder_features
from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.networks.weights import ENCODER
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["TOLERANCE", "drift_figures", "summarise_training"]

TOLERANCE = 0.25
"""Standard deviations of the training images by which means may differ without being called drift."""

MOST_FAR = 0.1
"""Share of images far from the training data, twice that of training images, above which it is called drift."""

_NORMAL_95 = 1.959964
_NORMAL_ALL = float(ndtri(1 - 0.025 / len(RADIOMIC)))
_SPLITS = ("training", "validation", "test", "external")
_LIKE, _UNLIKE, _UNCLEAR, _NOT = "like", "unlike", "unclear", "not measured"


def summarise_training(
    datalist: str | Path,
    *,
    split: str = "training",
    bundle: str = DEFAULT_BUNDLES[0],
    lesion_network: str = DEFAULT_BUNDLES[2],
    n_images: int = 100_000,
    n_network: int = 100,
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> Path:
    """Write what `drift_figures` compares with into a bundle: means and spreads of training images, no image.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of the prepared folder that the bundle was trained on.
    split : str
        Of the datalist.
    bundle : str
        Name or path of the bundle.
    lesion_network : str
        Name or path of the bundle with pretrained encoder and judge; what it lacks is left out.
    n_images : int
        At most so many images of each kind and view, drawn by chance.
    n_network : int
        At most so many of these for the features of networks, which take most of the time; 0 for none.
    seed : int
        Chooses the images.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` after each image.

    Returns
    -------
    Path
        File that was written.

    Raises
    ------
    RequestError
        There is no such datalist, split, bundle or device.
    MammoError
        No kind and view has images of ten persons, or a file is missing or damaged.
    """
    n_images = parse_whole(n_images, name="n_images", low=10, high=10_000_000)
    n_network = parse_whole(n_network, name="n_network", low=0, high=10_000_000)
    rng = np.random.default_rng(parse_whole(seed, name="seed", low=0, high=2**63 - 1))
    home, place = find(bundle), torch.device(pick_device(device))
    items = _some(acquired_items(datalist, split=split), n_images, rng)
    if not items:
        raise RequestError(f"split {split!r} of {datalist} lists no image")
    families = _families(find(lesion_network), place) if n_network else {}
    few = _some(items, n_network, rng) if families else []
    count = _Counter(progress, len(items) + len(families) * len(few))
    profiles, shape, radiomic = [], (0, 0), []
    for item in items:
        images = images_of_items([item])
        shape = images.shape
        profiles.append(breast_profile(images.images[0], images.breasts[0]))
        radiomic.append([profiles[-1].get(name, np.nan) for name in RADIOMIC])
        count()
    persons = [str(item["person_id"]) for item in items]
    found = TrainingSummary.of(profiles, groups=[_group(item) for item in items], persons=persons, shape=shape)
    of_images = found.positions([_group(item) for item in items])
    known = [i for i, row in enumerate(radiomic) if np.isfinite(row).all()]
    summaries = {"radiomic": _summary(np.array(radiomic), known, of_images, persons, found, "")}
    for name, family in families.items():
        features = _features(family, few, count)
        whose = [str(item["person_id"]) for item in few]
        of_few = found.positions([_group(item) for item in few])
        summaries[name] = _summary(features, range(len(few)), of_few, whose, found, family.sha256)
    return dataclasses.replace(found, families=summaries).save(home)


def drift_figures(
    prepared: str | Path,
    *,
    split: str = "all",
    bundle: str = DEFAULT_BUNDLES[0],
    lesion_network: str = DEFAULT_BUNDLES[2],
    n_images: int = 100_000,
    n_network: int = 200,
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """In what a prepared folder's breasts are unlike those that a bundle was trained on, each with its interval.

    Images are compared with training images of their own kind and view, so a folder of other views does not differ for
    that alone. A difference is that of means in standard deviations of the training images; it is called drift where
    its whole 95 % interval, over persons of both sides, lies beyond `TOLERANCE`; radiomic features are judged by
    intervals that hold for all of them together. Of a sort of features it is the share
    of images that lie further from the middle of the training images than 19 of 20 of these, drift where the whole
    interval lies above `MOST_FAR`.

    Parameters
    ----------
    prepared : str or Path
        Prepared folder, or its ``datalist.json``.
    split : str
        Of the folder; ``all`` for every one.
    bundle : str
        Name or path of the bundle, which carries a summary of its training images (`summarise_training`).
    lesion_network : str
        Name or path of the bundle with the encoder and judge whose features the summary has.
    n_images, n_network : int
        At most so many images of each kind and view, and for features of networks; drawn by chance. 0 leaves the
        networks out.
    seed : int
        Chooses the images.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` after each image.

    Returns
    -------
    dict
        ``sentence``; ``rows``: for each measure ``difference`` (``mean``, ``low``, ``high``, ``n``), ``yours`` and
        ``training`` (means in its own unit), ``verdict`` and ``words``; ``families``: for each sort of features
        ``far`` and ``verdict``; ``groups``: kinds and views with their numbers; ``strange``: those of the images that
        were not trained on; ``n_trained_on``: images whose file the bundle was trained on.

    Raises
    ------
    RequestError
        There is no such folder, split, bundle or device, the images are of another size than the training images, or
        none is of a kind and view that was trained on.
    MammoError
        The bundle carries no summary, or a file is missing or damaged.
    """
    n_images = parse_whole(n_images, name="n_images", low=1, high=10_000_000)
    n_network = parse_whole(n_network, name="n_network", low=0, high=10_000_000)
    rng = np.random.default_rng(parse_whole(seed, name="seed", low=0, high=2**63 - 1))
    home, place = find(bundle), torch.device(pick_device(device))
    trained = TrainingSummary.load(home)
    everything = _items(prepared, split)
    items = _some(everything, n_images, rng)
    families = _families(find(lesion_network), place) if n_network else {}
    families = {name: f for name, f in families.items() if name in trained.families}
    same = {name: f for name, f in families.items() if f.sha256 == trained.families[name].sha256}
    few = _some(items, n_network, rng) if same else []
    positions = trained.positions([_group(item) for item in items])
    if max(positions) < 0:
        there = ", ".join(sorted({_name(_group(item)) for item in items}))
        raise RequestError(
            f"{prepared} has images of {there}, and the bundle was trained on {', '.join(map(_name, trained.groups))}"
        )
    count = _Counter(progress, len(items) + len(same) * len(few))
    profiles = []
    for item in items:
        images = images_of_items([item])
        _check_shape(images, trained, prepared)
        profiles.append(breast_profile(images.images[0], images.breasts[0]))
        count()
    persons = [str(item["person_id"]) for item in items]
    rows = [_row(name, profiles, positions, persons, trained) for name in (*MEASURES, *RADIOMIC)]
    radiomic = np.array([[profile.get(name, np.nan) for name in RADIOMIC] for profile in profiles])
    of_families = [_far("radiomic", radiomic, positions, persons, trained)] if "radiomic" in trained.families else []
    for name, family in same.items():
        of_few = trained.positions([_group(item) for item in few])
        whose = [str(item["person_id"]) for item in few]
        of_families.append(_far(name, _features(family, few, count), of_few, whose, trained))
    for name in trained.families:
        if name != "radiomic" and name not in same:
            reason = "weights of other values than the summary's" if name in families else "not asked for, or not there"
            of_families.append({"features": name, "far": None, "verdict": _NOT, "reason": reason})
    prints = fingerprint_of(home)
    known = [item["source_sha256"] for item in everything if "source_sha256" in item]
    return {
        "name": "drift",
        "command": "drift",
        "sentence": _sentence(rows, of_families),
        "prepared": {
            "name": Path(prepared).name,
            "split": split,
            "n_images": len(items),
            "n_persons": len(set(persons)),
        },
        "bundles": [{"name": home.name, "version": home.version}],
        "groups": _groups(items, trained),
        "strange": sorted({_name(_group(item)) for item, i in zip(items, positions, strict=True) if i < 0}),
        "n_trained_on": None if prints is None else sum(prints.holds(sha256) for sha256 in known),
        "rows": rows,
        "families": of_families,
        "settings": {"tolerance": TOLERANCE, "most_far": MOST_FAR, "far_share": FAR_SHARE, "seed": seed},
    }


class _Counter:
    def __init__(self, progress: ProgressCallback | None, n_all: int) -> None:
        self._progress, self._n_all, self._done = progress, n_all, 0

    def __call__(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(Progress(self._done, self._n_all))


def _items(prepared: str | Path, split: str) -> list[dict[str, Any]]:
    """Items of a split, or of all that hold images."""
    if split != "all":
        items = acquired_items(prepared, split=split)
    else:
        items = [item for name in _SPLITS for item in acquired_items(prepared, split=name)]
    if not items:
        raise RequestError(f"split {split!r} of {prepared} lists no image")
    return items


def _group(item: dict[str, Any]) -> tuple[str, str]:
    conditions = item["conditions"]
    return str(conditions.get("kind", "kind not stated")), str(conditions.get("view", "view not stated"))


def _name(group: Sequence[str]) -> str:
    return ", ".join(group)


def _some(items: Sequence[dict[str, Any]], n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """At most so many of each kind and view, in their order."""
    kept: list[int] = []
    for group in sorted({_group(item) for item in items}):
        there = [i for i, item in enumerate(items) if _group(item) == group]
        kept += there if len(there) <= n else [there[i] for i in rng.permutation(len(there))[:n]]
    return [items[i] for i in sorted(kept)]


def _families(home: BundleFolder, place: torch.device) -> dict[str, FeatureFamily]:
    """Encoder and judge of a bundle, those that it has."""
    found = {}
    if (home.root / ENCODER[0]).is_file():
        encoder = networks.load_encoder(home, device=place)

        def inner(x: torch.Tensor) -> torch.Tensor:
            vectors = encoder_features(encoder, list(x[:, 0].cpu().numpy()), device=place)["inner layers"]
            return torch.from_numpy(vectors)

        sha256 = home.weights_sha256[ENCODER[0]]
        found["pretrained network"] = FeatureFamily(
            name="pretrained network", sha256=sha256, network=inner, device=place
        )
    if home.defines(JUDGE) and (home.root / JUDGE[0]).is_file():
        judge: Any = load_judge(home, device=place)
        sha256 = home.weights_sha256[JUDGE[0]]
        found["judge"] = FeatureFamily(name="judge", sha256=sha256, network=judge.pooled_features, device=place)
    return found


def _features(family: FeatureFamily, items: Sequence[dict[str, Any]], count: _Counter) -> np.ndarray:
    out = []
    for item in items:
        out.append(family.features(images_of_items([item]).images))
        count()
    return np.concatenate(out)


def _summary(
    features: np.ndarray,
    known: Sequence[int],
    groups: Sequence[int],
    persons: Sequence[str],
    found: TrainingSummary,
    sha256: str,
) -> FamilySummary:
    return FamilySummary.of(
        features[list(known)], [groups[i] for i in known], [persons[i] for i in known], len(found.groups), sha256
    )


def _check_shape(images: ImageSet, trained: TrainingSummary, prepared: str | Path) -> None:
    if images.shape != trained.shape:
        there, here = (" x ".join(map(str, shape)) for shape in (trained.shape, images.shape))
        raise RequestError(f"{prepared} is prepared at {here}, the training images at {there}: prepare it at that size")


def _row(
    name: str,
    profiles: Sequence[dict[str, float]],
    groups: Sequence[int],
    persons: Sequence[str],
    trained: TrainingSummary,
) -> dict[str, Any]:
    """Difference of one measure, images scaled by their own kind's and view's mean and deviation."""
    column = trained.measures.index(name)
    known = [i for i, g in enumerate(groups) if g >= 0 and name in profiles[i] and np.isfinite(trained.mean[g, column])]
    row: dict[str, Any] = {"measure": name, "difference": None, "yours": None, "training": None}
    if not known:
        return {**row, "verdict": _NOT, "words": ""}
    group = np.array([groups[i] for i in known])
    mean, deviation = trained.mean[group, column], trained.deviation[group, column]
    values = np.array([profiles[i][name] for i in known])
    whose = [persons[i] for i in known]
    found = summary((values - mean) / deviation, persons=whose)
    assert found is not None  # there is an image
    weight = np.bincount(group, minlength=len(trained.groups)) / len(known)
    errors = np.nan_to_num(weight * trained.error[:, column] / trained.deviation[:, column])
    difference = _widened(found, _NORMAL_95 * float(np.sqrt((errors**2).sum())))
    # of 43 features one may differ by chance: their intervals are judged at 95 % for all of them together (Bonferroni)
    judged = _scaled(difference, _NORMAL_ALL / _NORMAL_95) if name in RADIOMIC else difference
    verdict = _verdict(judged, -TOLERANCE, TOLERANCE)
    row |= {"difference": difference, "yours": summary(values, persons=whose), "training": round(float(mean.mean()), 4)}
    return {**row, "verdict": verdict, "words": direction(name, difference["mean"]) if verdict == _UNLIKE else ""}


def _widened(found: dict[str, Any], reach: float) -> dict[str, Any]:
    """Interval that takes the error of the training images' mean in, as variances add up."""
    if found["low"] is None:
        return found
    mean = found["mean"]
    low, high = mean - np.hypot(mean - found["low"], reach), mean + np.hypot(found["high"] - mean, reach)
    return {**found, "low": round(float(low), 4), "high": round(float(high), 4)}


def _scaled(found: dict[str, Any], factor: float) -> dict[str, Any]:
    """The same figure with a wider interval."""
    if found["low"] is None:
        return found
    mean = found["mean"]
    return {**found, "low": mean - factor * (mean - found["low"]), "high": mean + factor * (found["high"] - mean)}


def _far(
    name: str, features: np.ndarray, groups: Sequence[int], persons: Sequence[str], trained: TrainingSummary
) -> dict[str, Any]:
    flags = trained.families[name].is_far(features, groups)
    known = [i for i, flag in enumerate(flags) if np.isfinite(flag) and np.isfinite(features[i]).all()]
    found = summary([float(flags[i]) for i in known], persons=[persons[i] for i in known])
    if found is None:
        return {"features": name, "far": None, "verdict": _NOT, "reason": "no kind and view has enough training images"}
    if found["low"] is not None and found["low"] == found["high"]:  # resampling images that are all alike tells nothing
        n_persons = len({persons[i] for i in known})
        bounds = share_of(round(found["mean"] * n_persons), n_persons) or found
        found |= {"low": bounds["low"], "high": bounds["high"]}
    return {"features": name, "far": found, "verdict": _verdict(found, 0, MOST_FAR), "reason": ""}


def _verdict(found: dict[str, Any], least: float, most: float) -> str:
    """Whether the whole interval lies within bounds, or beyond one of them."""
    low, high = found["low"], found["high"]
    if low is None:
        return _NOT
    if low > most or high < least:
        return _UNLIKE
    return _LIKE if least <= low and high <= most else _UNCLEAR


def _groups(items: Sequence[dict[str, Any]], trained: TrainingSummary) -> list[dict[str, Any]]:
    rows = []
    for i, group in enumerate(trained.groups):
        ours = [item for item in items if _group(item) == group]
        rows.append(
            {
                "group": _name(group),
                "n_images": len(ours),
                "n_persons": len({str(item["person_id"]) for item in ours}),
                "n_training_images": int(trained.n_images[i]),
                "n_training_persons": int(trained.n_persons[i]),
            }
        )
    return [row for row in rows if row["n_images"]]


def _sentence(rows: Sequence[dict[str, Any]], families: Sequence[dict[str, Any]]) -> str:
    """In what the breasts are unlike, in the order of size; radiomic features are counted."""
    unlike = [row for row in rows if row["verdict"] == _UNLIKE and row["measure"] in MEASURES]
    unlike.sort(key=lambda row: -abs(row["difference"]["mean"]))
    parts = []
    for row in unlike:
        d = row["difference"]
        reach = f"{d['mean']:+.2f} standard deviations, {d['low']:+.2f} to {d['high']:+.2f}"
        parts.append(f"{row['measure']} ({row['words']}: {reach})")
    radiomic = [row for row in rows if row["measure"] in RADIOMIC]
    n_unlike = sum(row["verdict"] == _UNLIKE for row in radiomic)
    if n_unlike:
        parts.append(f"{n_unlike} of {len(radiomic)} radiomic features")
    for row in families:
        if row["verdict"] == _UNLIKE:
            far = row["far"]
            share = f"{far['mean']:.0%} of the images far, {far['low']:.0%} to {far['high']:.0%}"
            parts.append(f"{row['features']} features as a whole ({share}; {FAR_SHARE:.0%} of training images)")
    if parts:
        return f"Your breasts look unlike the training data in {'; '.join(parts)}."
    every = [*(row for row in rows if row["measure"] in MEASURES), *families]
    unclear = [str(row.get("measure", row.get("features"))) for row in every if row["verdict"] in (_UNCLEAR, _NOT)]
    open_words = f" Not clear for these numbers of images, or not measured: {', '.join(unclear)}." if unclear else ""
    return f"Your breasts are not shown to look unlike the training data.{open_words}"
