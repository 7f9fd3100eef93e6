"""Crops with and without a lesion side by side, no pair of the same tissue, for translation between the two."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch.utils.data import Dataset

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.training.epochs import OfEpoch
from monai_mammo.training.painter_dataset import PainterDataset

__all__ = ["UnpairedCrops"]


class UnpairedCrops(OfEpoch, Dataset):
    """Each crop with a lesion beside one of healthy tissue of the same acquisition kind, drawn at random.

    What is random in item `i` of epoch `e` is a function of `(seed, e, i)`.

    Parameters
    ----------
    crops : PainterDataset
        With both sorts.

    Raises
    ------
    MammoError
        There are no crops of one of the two sorts.
    """

    def __init__(self, crops: PainterDataset) -> None:
        if not 0 < crops.n_lesions < len(crops):
            raise MammoError("translation learns from crops with and without a lesion, and there are none of one sort")
        self.crops = crops
        self.conditions: list[Conditions] = crops.conditions[: crops.n_lesions]
        free = range(crops.n_lesions, len(crops))
        self._partners = {
            kind: [i for i in free if crops.conditions[i].kind == kind] or list(free)
            for kind in {conditions.kind for conditions in self.conditions}
        }

    def __len__(self) -> int:
        return len(self.conditions)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One crop of each sort: ``lesion`` and ``healthy``, shape (4, h, w), with ``_region`` and ``_outline``."""
        rng = np.random.default_rng((self.crops.seed, 80, self.epoch, index))
        partners = self._partners[self.conditions[index].kind]
        places = {"lesion": index, "healthy": partners[int(rng.integers(len(partners)))]}
        item: dict[str, Any] = {"index": index}
        for name, place in places.items():
            crop = self.crops.crop(place, int(rng.integers(self.crops.n_views)))
            item |= {name: crop["image"], f"{name}_region": crop["region"], f"{name}_outline": crop["shape"]}
        return {**item, "image": item["lesion"], "label": item["lesion"]}
