"""How near a translated view comes to the acquired one of the same breast, and how real it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from monai_mammo import bundle as bundles
from monai_mammo.bundle import DEFAULT_BUNDLES, VIEW_TRANSLATOR
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.autoencoder_on_images import reconstructions
from monai_mammo.evaluation.examiners import JUDGE, examiners
from monai_mammo.evaluation.intervals import N_RESAMPLES, summary
from monai_mammo.evaluation.lesion_readings import Reading, read_items
from monai_mammo.evaluation.realism.fibres import ridge_length
from monai_mammo.evaluation.stated import about_bundle, about_datalist, figures_name
from monai_mammo.evaluation.texture_power import BANDS, band_name, power_spectrum
from monai_mammo.files.digest import file_sha256
from monai_mammo.files.png import png_bytes
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.engine.translator import Translator
from monai_mammo.lesions.contrast_ranges import ring_round, visibility
from monai_mammo.measures.similarity import psnr, ssim_map
from monai_mammo.prepare.datalist_items import breast_of, load_items, mask_of, pixels_of
from monai_mammo.prepare.same_breast import OutlineFit, ViewPair, view_pairs
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["LEAST_OVERLAP", "METHODS", "translation_figures"]

METHODS = ("source", "reconstruction", "regression", "one step", "diffusion", "with details")
"""What is compared with the acquired view: the source as it is, what the autoencoder keeps of the acquired view
itself (the most that a translator in its latents can reach), a plain regression, the translator asked once at pure
noise, which is its own mean of all that may be, the translator alone, and its layout under details of the generator,
which is what `translate` writes."""

LEAST_OVERLAP = 0.94
"""Intersection over union of both breasts, laid over each other, below which a pair says nothing: as in training."""

_UNIT = 65535
_LEAST_POWER = 1e-12
_GAP_PX = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """A pair in one direction, on the grid of the view that is to be drawn."""

    of: str
    onto: str
    item: dict[str, Any]
    acquired: np.ndarray
    breast: np.ndarray
    source: np.ndarray
    mask: np.ndarray | None

    @property
    def way(self) -> str:
        return f"{self.of} to {self.onto}"

    @property
    def person(self) -> str:
        return str(self.item["person_id"])


def translation_figures(
    datalist: str | Path,
    *,
    split: str = "validation",
    weights: str | Path | None = None,
    regression: str | Path | None = None,
    sheet: str | Path | None = None,
    n_most: int | None = None,
    seed: int = 0,
    steps: int = 20,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Error, texture, contrast of lesions and what lesion network and judge read of translated views.

    The source is laid over the acquired view by the outlines of the breast, as in training, so that nothing that is
    measured was interpolated. All figures are of what lies inside the breast.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder with digital and contrast views.
    split : str
        Of the datalist, such as ``validation``.
    weights : str, Path or None
        Of a training of the translator; `None` takes the bundle's.
    regression : str, Path or None
        Of a training of the regression beside it; `None` leaves it out.
    sheet : str, Path or None
        PNG of the first pairs of each direction: source, acquired view, then each method.
    n_most : int or None
        Pairs that are examined at most; `None` takes all.
    seed : int
        Of the noise.
    steps : int
        Network evaluations of the translator.
    bundle, autoencoder, lesion_network : str
        Names or paths of the bundles.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` as views are translated.

    Returns
    -------
    dict
        ``n_pairs``, ``overlap`` of the outlines before and after they are laid over each other, and ``rows``: for each
        direction, measure and method a summary with interval over persons, beside ``acquired`` where there is one, and
        ``difference``, translator less regression (or one step, without a regression) pair by pair.

    Raises
    ------
    RequestError
        There is no such datalist, split or bundle, or no pair in the split.
    MammoError
        Weights are missing or damaged.
    """
    items = load_items(datalist, split=split)
    homes = bundles.find(bundle), bundles.find(autoencoder), bundles.find(lesion_network)
    pairs = view_pairs(items)[:n_most]
    fits = [pair.fit("digital", "contrast") for pair in pairs]
    kept = [(pair, fit) for pair, fit in zip(pairs, fits, strict=True) if fit.overlap >= LEAST_OVERLAP]
    if not kept:
        raise RequestError(f"split {split!r} of {datalist} holds no breast in both kinds, digital and contrast")
    place = pick_device(device)
    translators = _translators(weights, regression, homes, place)
    cases = [case for pair, fit in kept for case in _cases(pair, fit)]
    drawn = _drawn(cases, translators, torch.device(place), seed=seed, steps=steps, progress=progress)
    readers = examiners(homes[2], device)
    read = {
        name: {method: read_items(network, _items(cases, made)) for method, made in drawn.items()}
        for name, network in readers.items()
    }
    rows = [row for way in dict.fromkeys(case.way for case in cases) for row in _rows(way, cases, drawn, read)]
    if sheet is not None:
        save_bytes(_sheet(cases, drawn), sheet)
    return {
        "name": figures_name("translation", split),
        "command": "translation",
        "data": about_datalist(datalist, [item for pair, _ in kept for item in pair.items.values()], split),
        "bundles": [
            about_bundle(homes[0], VIEW_TRANSLATOR[0]) if weights is None else _about_training(weights),
            *([] if regression is None else [_about_training(regression)]),
            about_bundle(homes[1]),
            about_bundle(homes[2]),
            about_bundle(homes[2], JUDGE[0]),
        ],
        "settings": {"seed": seed, "steps": steps, "least_overlap": LEAST_OVERLAP},
        "n_pairs": len(kept),
        "n_left_out": len(pairs) - len(kept),
        "overlap": {
            "before": summary([fit.overlap_before for _, fit in kept], persons=[pair.person_id for pair, _ in kept]),
            "after": summary([fit.overlap for _, fit in kept], persons=[pair.person_id for pair, _ in kept]),
        },
        "rows": rows,
    }


def _about_training(weights: str | Path) -> dict[str, str]:
    return {"name": "training", "version": "", "weights": Path(weights).name, "sha256": file_sha256(weights)}


def _translators(
    weights: str | Path | None, regression: str | Path | None, homes: Sequence[Any], device: str
) -> dict[str, Translator]:
    out = {}
    if regression is not None:
        out["regression"] = Translator.of_training(regression, *homes[:2], is_regression=True, device=device)
    if weights is None:
        out["diffusion"] = Translator.load(*homes[:2], device=device)
    else:
        out["diffusion"] = Translator.of_training(weights, *homes[:2], device=device)
    return out


def _cases(pair: ViewPair, fit: OutlineFit) -> list[_Case]:
    out = []
    for of, onto, one in (("digital", "contrast", fit), ("contrast", "digital", fit.inverse())):
        source, target = pair.items[of], pair.items[onto]
        acquired = pixels_of(target).astype(np.float32) / _UNIT
        lesion = None
        if target.get("mask_kind") == "contour":
            lesion = mask_of(target, "label", acquired.shape)
        out.append(
            _Case(
                of=of,
                onto=onto,
                item=target,
                acquired=acquired,
                breast=breast_of(target, acquired.shape),
                source=one.laid_over(pixels_of(source).astype(np.float32) / _UNIT),
                mask=lesion,
            )
        )
    return out


def _drawn(
    cases: Sequence[_Case],
    translators: Mapping[str, Translator],
    device: torch.device,
    *,
    seed: int,
    steps: int,
    progress: ProgressCallback | None,
) -> dict[str, list[np.ndarray]]:
    """Pictures of each case by method, the acquired ones first."""
    out: dict[str, list[np.ndarray]] = {
        "acquired": [case.acquired for case in cases],
        "source": [case.source for case in cases],
    }
    network = next(iter(translators.values())).autoencoder
    out["reconstruction"] = [np.clip(one, 0, 1) for one in reconstructions(network, out["acquired"], device)]
    n_done = 0
    whole = translators["diffusion"]
    alone = dataclasses.replace(whole, details=None)
    calls = [("one step", alone, 1), ("diffusion", alone, steps)]
    if "regression" in translators:
        calls.insert(0, ("regression", translators["regression"], steps))
    if whole.details is not None:
        calls.append(("with details", whole, steps))
    for name, translator, n_steps in calls:
        out[name] = []
        for case in cases:
            shown = Conditions.from_dict(case.item["conditions"])
            out[name].append(
                translator.translated(
                    case.source,
                    of=case.of,
                    onto=case.onto,
                    conditions=shown.replace(finding=None, birads=None, pathology=None),
                    mask=case.mask,
                    noise_of=(seed, f"{case.item['image_id']}", 0),
                    steps=n_steps,
                )
            )
            n_done += 1
            if progress is not None:
                progress(Progress(n_done, len(cases) * len(calls)))
    return out


def _items(cases: Sequence[_Case], pictures: Sequence[np.ndarray]) -> list[dict[str, Any]]:
    return [
        {**case.item, "image": np.rint(np.clip(picture, 0, 1) * _UNIT).astype(np.uint16)}
        for case, picture in zip(cases, pictures, strict=True)
    ]


def _rows(
    way: str,
    cases: Sequence[_Case],
    drawn: Mapping[str, list[np.ndarray]],
    read: Mapping[str, Mapping[str, list[Reading]]],
) -> list[dict[str, Any]]:
    places = [i for i, case in enumerate(cases) if case.way == way]
    persons = [cases[i].person for i in places]
    values = {method: [_measures(cases[i], pictures[i]) for i in places] for method, pictures in drawn.items()}
    for name, by_method in read.items():
        for method, readings in by_method.items():
            for one, i in zip(values[method], places, strict=True):
                if readings[i].dice is not None:
                    one[f"Dice of the {name}"] = float(readings[i].dice or 0.0)
    measures = list(dict.fromkeys(name for some in values.values() for one in some for name in one))
    rows = []
    for measure in measures:
        row: dict[str, Any] = {"way": way, "measure": measure}
        for method, found in values.items():
            known = [k for k, one in enumerate(found) if measure in one]
            row[method] = summary([found[k][measure] for k in known], persons=[persons[k] for k in known])
        row["difference"] = _difference(values, measure, persons)
        rows.append(row)
    return [*rows, _agreement(way, values, persons)]


def _difference(
    values: Mapping[str, list[dict[str, float]]], measure: str, persons: Sequence[str]
) -> dict[str, Any] | None:
    """Translation less regression, or less one step without one, on the same pairs."""
    drawn = "with details" if "with details" in values else "diffusion"
    both = [values[drawn], values["regression" if "regression" in values else "one step"]]
    known = [k for k, pair in enumerate(zip(*both, strict=True)) if all(measure in one for one in pair)]
    return summary([both[0][k][measure] - both[1][k][measure] for k in known], persons=[persons[k] for k in known])


def _measures(case: _Case, picture: np.ndarray) -> dict[str, float]:
    """Measures of one picture; errors are left out of the acquired one."""
    breast, acquired, out = case.breast, case.acquired, {}
    if picture is not acquired:
        out["MAE"] = float(np.abs(picture - acquired)[breast].mean())
        out["PSNR, dB"] = psnr(picture, acquired, breast)
        out["SSIM"] = float(ssim_map(picture, acquired)[breast].mean())
    length = ridge_length(picture, breast)
    if length is not None:
        out["ridge length, pixels"] = length
    found = power_spectrum(np.clip(picture, 0, 1), breast)
    if found is not None:
        frequency, power = found
        for band in BANDS:
            inside = (frequency > band[0]) & (frequency <= band[1])
            out[f"power {band_name(band)}, dB"] = 10 * float(np.log10(max(power[inside].mean(), _LEAST_POWER)))
    contrast = _contrast(case, picture)
    if contrast is not None:
        out["lesion contrast"] = contrast
    return out


def _contrast(case: _Case, picture: np.ndarray) -> float | None:
    if case.mask is None:
        return None
    found = visibility(picture, case.mask, ring_round(case.mask, case.breast), bright=1.0)
    return None if found is None else found.contrast


def _agreement(way: str, values: Mapping[str, list[dict[str, float]]], persons: Sequence[str]) -> dict[str, Any]:
    """Rank correlation of the lesions' contrast with that in the acquired view: what is read off, not what is usual."""
    name = "lesion contrast"
    row: dict[str, Any] = {"way": way, "measure": "rank correlation of lesion contrast", "acquired": None}
    for method, found in values.items():
        if method == "acquired":
            continue
        known = [k for k, one in enumerate(found) if name in one and name in values["acquired"][k]]
        row[method] = _correlation(
            [found[k][name] for k in known], [values["acquired"][k][name] for k in known], [persons[k] for k in known]
        )
    return row


def _correlation(some: Sequence[float], others: Sequence[float], persons: Sequence[str]) -> dict[str, Any] | None:
    """Spearman's correlation with a bootstrap interval over persons; `None` for fewer than 5."""
    if len(some) < 5:
        return None
    a, b = np.array(some), np.array(others)
    _, person = np.unique(np.array(persons), return_inverse=True)
    rng, drawn = np.random.default_rng(0), []
    for _ in range(N_RESAMPLES // 4):
        chosen = rng.integers(0, person.max() + 1, person.max() + 1)
        rows = np.concatenate([np.flatnonzero(person == one) for one in chosen])
        if np.ptp(a[rows]) > 0 and np.ptp(b[rows]) > 0:
            drawn.append(float(stats.spearmanr(a[rows], b[rows]).statistic))
    if np.ptp(a) == 0 or np.ptp(b) == 0 or not drawn:
        return None
    low, high = np.percentile(drawn, (2.5, 97.5))
    mean = float(stats.spearmanr(a, b).statistic)
    return {"mean": round(mean, 4), "low": round(float(low), 4), "high": round(float(high), 4), "n": len(a)}


def _sheet(cases: Sequence[_Case], drawn: Mapping[str, list[np.ndarray]], *, n_shown: int = 4) -> bytes:
    """A line a pair: source, acquired view, regression where there is one, translation; 1 : 1."""
    order = ("source", "acquired", "regression", "one step", "diffusion", "with details")
    methods = [name for name in order if name in drawn]
    lines = []
    for way in dict.fromkeys(case.way for case in cases):
        places = [i for i, case in enumerate(cases) if case.way == way]
        chosen = places[:: max(1, len(places) // n_shown)][:n_shown]
        for i in chosen:
            gap = np.ones((cases[i].acquired.shape[0], _GAP_PX), dtype=np.float32)
            parts = [part for name in methods for part in (drawn[name][i], gap)]
            lines += [np.hstack(parts[:-1])]
    gap = np.ones((_GAP_PX, lines[0].shape[1]), dtype=np.float32)
    picture = np.vstack([part for line in lines for part in (line, gap)][:-1])
    said = f"columns: {', '.join(methods)}; drawn views are synthetic"
    return png_bytes(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8), description=said)
