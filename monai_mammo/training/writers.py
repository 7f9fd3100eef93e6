"""Predictions as files, each whole or not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from ignite.engine import Engine
from monai.engines import IterationEvents

from monai_mammo.files.png import save_png

__all__ = ["NOT_ACQUIRED", "PredictionWriter", "SavesPictures", "file_names"]

NOT_ACQUIRED = "Computed by a network of monai_mammo, not acquired from a patient, not for diagnosis."
"""What every written picture says of itself."""


class SavesPictures(Protocol):
    """Data set that knows how its predicted pictures are to be kept."""

    def save(self, index: int, image: np.ndarray, folder: Path) -> None:
        """Write what was predicted for item `index`, shape (rows, columns), below a folder.

        Parameters
        ----------
        index : int
            Place in the order, from 0.
        image : ndarray, shape (rows, columns)
        folder : Path
        """


class PredictionWriter:
    """Handler that writes an evaluator's predicted images as PNG.

    Parameters
    ----------
    output_dir : path-like
    suffix : str
        Follows the item's name in the file's name.
    dataset : SavesPictures, optional
        Writes in place of this handler.
    """

    def __init__(
        self, output_dir: str | os.PathLike[str], *, suffix: str = "", dataset: SavesPictures | None = None
    ) -> None:
        self.output_dir, self.suffix, self.dataset = Path(output_dir), suffix, dataset

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator.

        Parameters
        ----------
        engine : Engine
        """
        engine.add_event_handler(IterationEvents.MODEL_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write one batch."""
        output, batch = engine.state.output, engine.state.batch
        is_list = isinstance(output, list)
        images = [item["pred"] for item in output] if is_list else output["pred"]
        key = "name" if self.dataset is None else "index"
        labels = [item[key] for item in batch] if is_list else batch[key]
        for label, image in zip(labels, images, strict=True):
            self._save(label, image.detach().float().cpu().numpy()[0])

    def _save(self, label: Any, image: np.ndarray) -> None:
        self.output_dir.mkdir(parents=True, exist_ok=True)
        if self.dataset is not None:
            self.dataset.save(int(label), image, self.output_dir)
        else:
            path = self.output_dir / f"{Path(str(label)).name}{self.suffix}.png"
            save_png(image, path, description=NOT_ACQUIRED, make_folder=True)


def file_names(batch: list[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Names of a decollated batch's items as `monai.handlers.MetricsSaver` asks for them.

    Parameters
    ----------
    batch : list of mapping
        Each with ``name``.

    Returns
    -------
    list of dict
    """
    return [{"filename_or_obj": str(item["name"])} for item in batch]
