"""The loop of a run as a report: acquired image, its reconstruction and a synthetic image, read by the judge."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from monai_mammo import bundle, networks
from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.autoencoder_on_images import reconstructions
from monai_mammo.evaluation.examiners import JUDGE, load_judge, refuse_judge_that_drew
from monai_mammo.evaluation.lesion_readings import Reading, read_items
from monai_mammo.evaluation.loop.equal_conditions import EQUAL_CONDITIONS, pairs_of_equal_conditions
from monai_mammo.evaluation.loop.loop_table import loop_table
from monai_mammo.evaluation.loop.survival import STAGES, broken_attributes, loop_figures
from monai_mammo.evaluation.loop.trends import trend_rows
from monai_mammo.evaluation.loop.triplet_sheet import ShownTriplet, triplet_sheet
from monai_mammo.evaluation.run_items import items_of_run, load_run
from monai_mammo.evaluation.stated import about_bundle, about_datalist
from monai_mammo.files import check_output_folder, folder_lock, save_bytes, save_text
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.prepare.datalist_items import load_items, pixels_of
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["N_SHOWN", "evaluate_loop"]

N_SHOWN = 8
"""Triplets on the sheet of those that broke."""

_FIGURES, _TABLE, _SHEET = "loop.json", "loop.md", "broken.png"
_UNIT = 65535
_CHUNK = 32  # images after which progress is told


def evaluate_loop(
    synthetic: str | Path,
    *,
    datalist: str | Path,
    split: str = "validation",
    out: str | Path | None = None,
    autoencoder: str = DEFAULT_BUNDLES[1],
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """What the judge finds in each image of groups of three, which attributes survive, and which cases broke.

    Parameters
    ----------
    synthetic : str or Path
        Folder that `generate` wrote.
    datalist : str or Path
        ``datalist.json`` of a prepared folder of acquired images on the run's grid.
    split : str
        Of the datalist, such as ``validation``.
    out : str or Path, optional
        Folder for ``loop.json``, ``loop.md`` and, where a triplet broke, ``broken.png``.
    autoencoder, lesion_network : str
        Names or paths of the bundles with the autoencoder and with the judge.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` as images are reconstructed and read.

    Returns
    -------
    dict
        ``n_triplets`` and ``n_without_partner``; ``rows``: as `loop_figures` gives them; ``trends``: for each of
        `STAGES`, as `trend_rows` gives them; ``broken``: places in ``triplets`` of those in which an
        attribute was read in the acquired and the reconstructed image and not in the synthetic one, those with most
        such attributes first; ``triplets``: for each what was stated and what was found.

    Raises
    ------
    RequestError
        There is no such run, datalist, split, bundle or device, no synthetic image has the conditions of an acquired
        one, the images differ in size, the judge had a part in the run, or `out` holds other things.
    MammoError
        A file or the weights are missing or damaged, or another process writes to `out`.
    """
    if out is not None:
        check_output_folder(out, command="evaluate loop", is_ours=lambda folder: (folder / _FIGURES).is_file())
    with contextlib.nullcontext() if out is None else folder_lock(Path(out)):
        drawn, acquired = items_of_run(synthetic), load_items(datalist, split=split)
        homes = bundle.find(autoencoder), bundle.find(lesion_network)
        refuse_judge_that_drew(homes[1], load_run(synthetic))
        place = torch.device(pick_device(device))
        pairs = _pairs(drawn, acquired, synthetic, split)
        items = _items_of_stages(drawn, acquired, pairs)
        shapes = {item["image"].shape for some in items.values() for item in some}
        if len(shapes) > 1:
            stated = " and ".join(" x ".join(map(str, shape)) for shape in sorted(shapes))
            raise RequestError(f"images of {stated} cannot be compared: the run and the prepared images need one size")
        count = _Count(progress, len(pairs) * (1 + len(STAGES)))
        _reconstruct(items, networks.load_network(homes[0], device=place), place, count)
        judge = load_judge(homes[1], device=place)
        readings = {stage: _read(judge, some, count) for stage, some in items.items()}
        triplets = list(zip(*(readings[stage] for stage in STAGES), strict=True))
        broken = sorted(
            (i for i, triplet in enumerate(triplets) if broken_attributes(triplet)),
            key=lambda i: (-len(broken_attributes(triplets[i])), i),
        )
        figures = {
            "name": "loop",
            "command": "loop",
            "data": about_datalist(datalist, acquired, split),
            "run": Path(synthetic).name,
            "bundles": [about_bundle(homes[0]), about_bundle(homes[1], JUDGE[0])],
            "settings": {"equal_conditions": list(EQUAL_CONDITIONS)},
            "n_triplets": len(pairs),
            "n_without_partner": len(drawn) - len(pairs),
            "rows": loop_figures(triplets),
            "trends": {
                stage: trend_rows(items[stage], [reading.iou for reading in readings[stage]]) for stage in STAGES
            },
            "broken": broken,
            "triplets": [_about(items, i, triplet) for i, triplet in enumerate(triplets)],
        }
        if out is not None:
            _write(figures, items, triplets, broken, Path(out))
    return figures


class _Count:
    """Tells how many images are done."""

    def __init__(self, progress: ProgressCallback | None, n_all: int) -> None:
        self._progress, self._n_all, self._done = progress, n_all, 0

    def __call__(self, n: int) -> None:
        self._done += n
        if self._progress is not None:
            self._progress(Progress(self._done, self._n_all))


def _pairs(
    synthetic: Sequence[dict[str, Any]], acquired: Sequence[dict[str, Any]], run: str | Path, split: str
) -> list[tuple[int, int]]:
    pairs = pairs_of_equal_conditions(synthetic, acquired)
    if not pairs:
        names = ", ".join(EQUAL_CONDITIONS)
        raise RequestError(f"no image of {run} has {names} of an acquired image of split {split!r}")
    return pairs


def _items_of_stages(
    synthetic: Sequence[dict[str, Any]], acquired: Sequence[dict[str, Any]], pairs: Sequence[tuple[int, int]]
) -> dict[str, list[dict[str, Any]]]:
    real = [{**acquired[j], "image": pixels_of(acquired[j])} for _, j in pairs]
    return dict(zip(STAGES, (real, [dict(item) for item in real], [synthetic[i] for i, _ in pairs]), strict=True))


def _reconstruct(
    items: dict[str, list[dict[str, Any]]], network: torch.nn.Module, place: torch.device, count: _Count
) -> None:
    """Put what the autoencoder makes of the acquired images into the place of their copies."""
    some = items["reconstructed"]
    for start in range(0, len(some), _CHUNK):
        part = some[start : start + _CHUNK]
        made = reconstructions(network, [item["image"].astype(np.float32) / _UNIT for item in part], place)
        for item, image in zip(part, made, strict=True):
            item["image"] = np.rint(np.clip(image, 0, 1) * _UNIT).astype(np.uint16)
        count(len(part))


def _read(judge: torch.nn.Module, items: Sequence[dict[str, Any]], count: _Count) -> list[Reading]:
    readings: list[Reading] = []
    for start in range(0, len(items), _CHUNK):
        part = items[start : start + _CHUNK]
        readings += read_items(judge, part)
        count(len(part))
    return readings


def _about(items: dict[str, list[dict[str, Any]]], i: int, triplet: tuple[Reading, Reading, Reading]) -> dict[str, Any]:
    found = {
        stage: {"dice": reading.dice, "iou": reading.iou, "is_clear": reading.is_clear, "found": reading.found}
        for stage, reading in zip(STAGES, triplet, strict=True)
    }
    return {
        "acquired": str(items["acquired"][i].get("image_id")),
        "synthetic": str(items["synthetic"][i].get("image_id")),
        "conditions": {name: items["synthetic"][i]["conditions"].get(name) for name in (*EQUAL_CONDITIONS, "birads")},
        "stated": {stage: reading.labels for stage, reading in zip(STAGES, triplet, strict=True)},
        "found": found,
        "broken": broken_attributes(triplet),
    }


def _write(
    figures: dict[str, Any],
    items: dict[str, list[dict[str, Any]]],
    triplets: Sequence[tuple[Reading, Reading, Reading]],
    broken: Sequence[int],
    out: Path,
) -> None:
    save_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", out / _FIGURES)
    save_text(loop_table(figures), out / _TABLE)
    (out / _SHEET).unlink(missing_ok=True)
    if broken:
        shown = [
            ShownTriplet(
                images=tuple(items[stage][i]["image"] for stage in STAGES),
                boxes=tuple(tuple(items[stage][i].get("boxes") or ()) for stage in STAGES),
                caption=f"{figures['triplets'][i]['synthetic']}: {', '.join(broken_attributes(triplets[i]))}",
            )
            for i in broken[:N_SHOWN]
        ]
        save_bytes(triplet_sheet(shown), out / _SHEET)
