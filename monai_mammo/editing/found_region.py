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
        import torch

        from monai_mammo import networks
        from monai_mammo.generation.engine.device import pick_device
        from monai_mammo.networks.probable_regions import regions

        place = torch.device(pick_device(self.device))
        with self._lock:
            if self._network is None:
                self._network = networks.load_network(self.home, device=place)
        with torch.inference_mode():
            outputs = self._network(torch.from_numpy(prepared.image)[None, None].to(place))
        probability = torch.sigmoid(outputs["mask"].float())[0, 0].cpu().numpy()
        found = regions(probability, within=prepared.breast, max_regions=1)
        if not found or found[0].score < self.home.region_scores.get("lesion", 0.0):
            return None
        return prepared.trace.inverse(found[0].mask.astype(np.float32)) > 0.5
