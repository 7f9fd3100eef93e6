"""Predictions as files, each whole or not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine
from monai.engines import IterationEvents
from PIL import Image

from monai_mammo.errors import MammoError

__all__ = ["PredictionWriter", "save_png"]


def save_png(image: np.ndarray, path: str | os.PathLike[str]) -> Path:
    """Write brightness as an 8-bit PNG, under a temporary name first.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        In [0, 1].
    path : path-like
        Its folder is made where it is missing.

    Raises
    ------
    MammoError
        The file can not be written.
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)).save(partial, format="PNG")
        os.replace(partial, path)
    except OSError as error:
        raise MammoError(f"{path} can not be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


class PredictionWriter:
    """Handler that writes an evaluator's predicted images as PNG.

    Parameters
    ----------
    output_dir : path-like
    suffix : str
        Follows the item's name in the file's name.
    """

    def __init__(self, output_dir: str | os.PathLike[str], *, suffix: str = "") -> None:
        self.output_dir, self.suffix = Path(output_dir), suffix

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator that does not decollate."""
        engine.add_event_handler(IterationEvents.MODEL_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write one batch."""
        images = engine.state.output["pred"].detach().float().cpu().numpy()
        for name, image in zip(_names(engine.state.batch), images, strict=True):
            save_png(image[0], self.output_dir / f"{name}{self.suffix}.png")


def _names(batch: dict[str, Any]) -> list[str]:
    return [Path(str(name)).name for name in batch["name"]]
