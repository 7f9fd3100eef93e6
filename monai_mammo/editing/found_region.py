"""Region of an acquired mammogram that the lesion network takes for a lesion."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_mammo.bundle import BundleFolder
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.errors import RequestError
from monai_mammo.prepare.array import PreparedMammogram

if TYPE_CHECKING:
    from monai_mammo.editing.edited_sample import EditedSample

__all__ = ["FoundRegion"]


class FoundRegion:
    """The lesion network with its weights, loaded when it is first asked.

    Parameters
    ----------
    home : BundleFolder
        Of the lesion network.
    device : {"auto", "cpu", "cuda"}
    """

    def __init__(self, home: BundleFolder, *, device: str = "auto") -> None:
        self.home, self.device = home, device
        self._network: Any = None
        self._lock = threading.Lock()

    def region(self, source: EditSource) -> np.ndarray:
        """Most probable region of a mammogram.

        Parameters
        ----------
        source : EditSource

        Returns
        -------
        ndarray, shape (rows, columns), bool

        Raises
        ------
        RequestError
            The network finds no lesion.
        """
        found = self.found(source.located.on_grid(self.home.prepared_shape))
        if found is None:
            raise RequestError(f"the lesion network finds no lesion in {source.path}: name the region by box or mask")
        return found

    def after(self, sample: EditedSample) -> EditedSample:
        """An edited version of a file together with what the network finds in it.

        Parameters
        ----------
        sample : EditedSample

        Returns
        -------
        EditedSample
        """
        window = None if "acquisition_varied" in sample.edits else sample.window
        seen = sample.source.edited_on_grid(sample.pixels, self.home.prepared_shape, window)
        found = self.found(seen)
        return dataclasses.replace(sample, found=np.zeros_like(sample.requested) if found is None else found)

    def found(self, prepared: PreparedMammogram) -> np.ndarray | None:
        """Most probable region of a mammogram on the grid of its file; `None` where the network finds no lesion.

        Parameters
        ----------
        prepared : PreparedMammogram
            On the grid of the network.

        Returns
        -------
        ndarray, shape (rows, columns), bool, or None
        """
        from monai_mammo.networks.probable_regions import regions

        found = regions(self._probability(prepared), within=prepared.breast, max_regions=1)
        if not found or found[0].score < self.home.region_scores.get("lesion", 0.0):
            return None
        return prepared.trace.inverse(found[0].mask.astype(np.float32)) > 0.5

    def score(self, source: EditSource, picture: np.ndarray, place: np.ndarray) -> float:
        """Highest probability of lesion that the network gives at a place of a picture.

        Parameters
        ----------
        source : EditSource
        picture : ndarray, shape (rows, columns), float32
            Brightness in [0, 1], of the source's size.
        place : ndarray, shape (rows, columns), bool

        Returns
        -------
        float
            In [0, 1]; 0 where the place is too small for the network's grid.
        """
        from monai_mammo.networks.probable_regions import place_score, smoothed

        prepared = source.on_grid(picture, self.home.prepared_shape)
        moved = prepared.trace.forward(place)
        if not moved.any():
            return 0.0
        return place_score(smoothed(self._probability(prepared), within=prepared.breast), moved)

    def _probability(self, prepared: PreparedMammogram) -> np.ndarray:
        """Map of lesion probability on the network's grid."""
        import torch

        from monai_mammo import networks
        from monai_mammo.generation.engine.device import pick_device

        place = torch.device(pick_device(self.device))
        with self._lock:
            if self._network is None:
                self._network = networks.load_network(self.home, device=place)
        with torch.inference_mode():
            outputs = self._network(torch.from_numpy(prepared.image)[None, None].to(place))
        probability: np.ndarray = torch.sigmoid(outputs["mask"].float())[0, 0].cpu().numpy()
        return probability
