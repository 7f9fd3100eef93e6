"""The length of an average of weights, chosen when the training is over (Karras et al. 2024, section 3.2)."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from torch import Tensor

from monai_mammo.bundle.training_record import PartInTraining, parts_noted
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.whole import save_text
from monai_mammo.training.checkpoints import in_half_precision, save_atomically, save_shipped
from monai_mammo.training.ema import power_of_length

__all__ = ["SnapshotHandler", "average_of_length", "choose_length", "snapshot_weights"]

_LOGGER = logging.getLogger(__name__)
_NAME = re.compile(r"averages_(\d+)\.pt")


class SnapshotHandler:
    """Handler that keeps a trainer's `PowerAverages` in half precision, in a file for each of some epochs.

    Parameters
    ----------
    folder : path-like
        Takes ``averages_ITERATION.pt``; a resumed training goes on in it.
    every_epochs : int
        The last epoch is kept besides.
    is_writer : bool
        Whether this process writes; of several ranks only one does.
    """

    def __init__(self, folder: str | os.PathLike[str], *, every_epochs: int = 5, is_writer: bool = True) -> None:
        self.folder, self.every_epochs, self.is_writer = Path(folder), int(every_epochs), is_writer

    def attach(self, engine: Engine) -> None:
        """Register with a trainer.

        Parameters
        ----------
        engine : Engine
        """
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write a snapshot where it is time to.

        Parameters
        ----------
        engine : Engine
        """
        averages, epoch = engine.power_averages, engine.state.epoch
        if averages is None or not self.is_writer:
            return
        if epoch % self.every_epochs == 0 or epoch == engine.state.max_epochs:
            kept = {
                "n_updates": averages.n_updates,
                "lengths": list(averages.lengths),
                "averages": in_half_precision([_on_cpu(average) for average in averages.averages]),
                "parts": [dataclasses.asdict(part) for part in parts_noted()],
            }
            save_atomically(kept, self.folder / f"averages_{averages.n_updates:08d}.pt")


def snapshot_weights(steps: Sequence[float], powers: Sequence[float], *, step: float, power: float) -> np.ndarray:
    """Weights of kept averages whose sum is nearest, in the square mean, to an average that was not kept.

    Parameters
    ----------
    steps, powers : sequence of float
        Step and power of each kept average.
    step, power : float
        Of the one wanted; `step` is at most the last of `steps`.

    Returns
    -------
    ndarray, shape (n,), float64
    """
    kept = list(zip(steps, powers, strict=True))
    a = np.array([[_product(*one, *other) for other in kept] for one in kept])
    b = np.array([_product(*one, step, power) for one in kept])
    scale = 1 / np.sqrt(np.diag(a))
    return scale * np.linalg.lstsq(a * scale[:, None] * scale, b * scale, rcond=1e-14)[0]


def average_of_length(folder: str | os.PathLike[str], length: float) -> dict[str, Tensor]:
    """State that an average of a relative length would have had at the last snapshot.

    Parameters
    ----------
    folder : path-like
        As `SnapshotHandler` writes it.
    length : float
        See `monai_mammo.training.ema.power_of_length`.

    Returns
    -------
    dict of str to Tensor, shapes of the network's
        Floats in float32.

    Raises
    ------
    RequestError
        The folder holds no snapshot, or there is no such length.
    MammoError
        A snapshot is damaged.
    """
    try:
        power = power_of_length(length)
    except ValueError as error:
        raise RequestError(str(error)) from None
    files = sorted(path for path in Path(folder).glob("averages_*.pt") if _NAME.fullmatch(path.name))
    if not files:
        raise RequestError(f"{folder} holds no averages_*.pt: train with the overlay power_averages first")
    kept = [(path, _opened(path)) for path in files]
    steps = [float(state["n_updates"]) for _, state in kept for _ in state["lengths"]]
    powers = [power_of_length(one) for _, state in kept for one in state["lengths"]]
    weights = iter(snapshot_weights(steps, powers, step=steps[-1], power=power))
    total: dict[str, Tensor] = {}
    for _, state in kept:
        for average in state["averages"]:
            weight = float(next(weights))
            for name, value in average.items():
                part = weight * value.double() if value.is_floating_point() else value
                total[name] = total[name] + part if value.is_floating_point() and name in total else part
    return {name: value.float() if value.is_floating_point() else value for name, value in total.items()}


def choose_length(
    evaluator: Engine,
    folder: str | os.PathLike[str],
    *,
    lengths: Sequence[float],
    out: str | os.PathLike[str],
    metric: str = "val_loss",
) -> dict[float, float]:
    """Score averages of some lengths by validation, and write the best as weights.

    Parameters
    ----------
    evaluator : NetworkEvaluator
        Without a moving average of its own.
    folder : path-like
        As `SnapshotHandler` writes it.
    lengths : sequence of float
    out : path-like
        Folder that takes ``model.pt`` in half precision and ``lengths.json``.
    metric : str
        The lower, the better.

    Returns
    -------
    dict of float to float
        Metric by length.
    """
    scores: dict[float, float] = {}
    for length in lengths:
        evaluator.network.load_state_dict(average_of_length(folder, length))
        evaluator.run()
        scores[float(length)] = float(evaluator.state.metrics[metric])
        _LOGGER.info("average of relative length %g: %s %.6g", length, metric, scores[float(length)])
        if scores[float(length)] == min(scores.values()):
            save_shipped(evaluator.network, Path(out) / "model.pt", parts={*parts_noted(), *_parts_of(Path(folder))})
    Path(out).mkdir(parents=True, exist_ok=True)
    save_text(json.dumps({"metric": metric, "by_length": scores}, indent=1), Path(out) / "lengths.json")
    return scores


def _parts_of(folder: Path) -> list[PartInTraining]:
    """Networks that had a part in the training of which snapshots are kept."""
    last = max((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), key=lambda path: path.name)
    return [PartInTraining(**part) for part in _opened(last).get("parts", ())]


def _product(step: float, power: float, step2: float, power2: float) -> float:
    """Scalar product of two profiles ``(gamma + 1) * tau**gamma / t**(gamma + 1)`` over ``0 <= tau <= t``."""
    if step > step2:
        step, power, step2, power2 = step2, power2, step, power
    return (power + 1) * (power2 + 1) * (step / step2) ** power2 / ((power + power2 + 1) * step2)


def _on_cpu(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: v.cpu().clone() for name, v in state.items()}


def _opened(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file ends in any of torch's, zip's and pickle's errors
        raise MammoError(f"snapshot {path} is damaged: {(str(error).splitlines() or [''])[0]}") from error
    if not isinstance(state, dict) or {"n_updates", "lengths", "averages"} - set(state):
        raise MammoError(f"snapshot {path} holds no averages")
    return state
