"""How far few acquired images lie from few others, by features of networks: chance alone, however small the sets.

    python benchmarks/small_references.py --dataset-dir prepared [--cache DIR]

26 images of the training split against 40 of the validation split, or half of those that there are, of each
acquisition kind, drawn twenty times: median and largest kernel and Fréchet distance by the judge's features and by the
inner layers of the pretrained network. And of 150 images against all of the validation split.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from monai_mammo import bundle
from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.evaluation.realism.frechet import FeatureSpace, frechet_distance
from monai_mammo.evaluation.realism.kernel_distance import kernel_distance
from monai_mammo.evaluation.report.instruments import Instruments, instruments_of
from monai_mammo.evaluation.report.measure_cache import MeasureCache
from monai_mammo.evaluation.report.measured_side import MeasuredSide, loaded_items, measured_side
from monai_mammo.prepare.datalist_items import load_datalist

N_FEW, N_REFERENCE, N_MANY, N_DRAWS, SEED = 26, 40, 150, 20, 1
SORTS = ("judge", "inner layers")
MEASURES = {"kernel": kernel_distance, "Fréchet": frechet_distance}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset-dir", required=True, type=Path, help="prepared folder")
    parser.add_argument("--cache", type=Path, help="folder of what a report measured")
    words = parser.parse_args()
    instruments = instruments_of(bundle.find(DEFAULT_BUNDLES[2]), (), torch.device("cpu"))
    cache = None if words.cache is None else MeasureCache(words.cache)
    path = words.dataset_dir / "datalist.json"
    reference = measured(load_datalist(path, split="validation"), instruments, cache)
    images = load_datalist(path, split="training")
    order = np.random.default_rng(SEED).permutation(len(images))[:N_MANY]
    others = measured([images[i] for i in order], instruments, cache)
    print("| features | kind | images | kernel: median, largest | Fréchet: median, largest |\n|---|---|---|---|---|")
    for sort in SORTS:
        for kind in sorted(set(map(str, reference.conditions("kind")))):
            sides = [of_kind(side, kind) for side in (others, reference)]
            n = min(N_FEW, len(sides[0]) // 2), min(N_REFERENCE, len(sides[1]) // 2)
            rng = np.random.default_rng(SEED)
            draws = [
                distances(*(s.take(rng.permutation(len(s))[:m]) for s, m in zip(sides, n, strict=True)), sort)
                for _ in range(N_DRAWS)
            ]
            cells = [f"{np.median(some):.2f}, {max(some):.3g}" for some in zip(*draws, strict=True)]
            print(f"| {sort} | {kind} | {n[0]} beside {n[1]} | {' | '.join(cells)} |", flush=True)
        cells = [f"{value:.4f}" for value in distances(others, reference, sort)]
        print(f"| {sort} | all | {len(others)} beside {len(reference)} | {' | '.join(cells)} |", flush=True)


def measured(items: Sequence[dict[str, Any]], instruments: Instruments, cache: MeasureCache | None) -> MeasuredSide:
    """Images with their features."""
    return measured_side(loaded_items(items)[0], instruments, is_read=False, cache=cache)


def of_kind(side: MeasuredSide, kind: str) -> MeasuredSide:
    """Images of one acquisition kind."""
    return side.take([i for i, one in enumerate(side.conditions("kind")) if one == kind])


def distances(side: MeasuredSide, reference: MeasuredSide, sort: str) -> list[float]:
    """Of each sort between two sets, the components found from the reference."""
    features, known = (one.examined.features["full"][sort] for one in (side, reference))
    names = {"persons": side.persons, "reference_persons": reference.persons}
    space = FeatureSpace.of(known, is_one_unit=True)
    found = [measure(features, known, space=space, **names) for measure in MEASURES.values()]
    return [float("nan") if one is None else one["value"] for one in found]


if __name__ == "__main__":
    main()
