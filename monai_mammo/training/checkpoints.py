"""Checkpoints that a run goes on from, and the weights a bundle ships, each written in one step.

MONAI's ``CheckpointSaver`` writes in place, so a full disk or a kill leaves half a file; it also knows
no random states. The handlers here have the same ``attach`` face.
"""

from __future__ import annotations

import dataclasses
import logging
import operator
import os
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_mammo.bundle.training_record import PartInTraining, parts_noted, write_record
from monai_mammo.errors import MammoError
from monai_mammo.files.folder_lock import folder_lock
from monai_mammo.files.whole import open_whole
from monai_mammo.switches import parse_switch
from monai_mammo.training.ema import ExponentialMovingAverage

__all__ = [
    "BestWeightsWriter",
    "CheckpointHandler",
    "in_half_precision",
    "light_checkpoint",
    "random_state",
    "restore_random_state",
    "save_atomically",
    "save_shipped",
    "shipped_state",
    "unwrapped",
]

_LOGGER = logging.getLogger(__name__)


def save_atomically(value: Any, path: str | os.PathLike[str]) -> Path:
    """Write with ``torch.save`` under a temporary name, flush to the disk, then rename.

    Parameters
    ----------
    value : object
        Tensors, numbers, texts, lists and dicts of them, so that ``weights_only=True`` reads it back.
    path : path-like
        Its folder is made where it is missing.

    Returns
    -------
    Path
        The file, whole; a reader never sees a part of it.

    Raises
    ------
    MammoError
        The folder cannot be written to, or the disk is full; what was at `path` is still there.
    """
    path = Path(path)
    try:
        with open_whole(path, make_folder=True) as stream:
            torch.save(value, stream)
    except RuntimeError as error:  # as torch reports a full disk
        raise MammoError(f"{path} could not be written: {error}") from error
    return path


def random_state() -> dict[str, Any]:
    """States of the generators of Python, NumPy and torch, as plain values.

    Returns
    -------
    dict
    """
    kind, keys, position, has_gauss, cached = np.random.get_state()
    version, words, gauss = random.getstate()
    return {
        "python": [version, list(words), gauss],
        "numpy": [str(kind), torch.from_numpy(np.asarray(keys, dtype=np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Set the generators to what `random_state` gave.

    Parameters
    ----------
    state : mapping
        As `random_state` gave it.
    """
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"].cpu())
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([one.cpu() for one in state["cuda"]])


def shipped_state(source: nn.Module | ExponentialMovingAverage) -> dict[str, torch.Tensor]:
    """State dict as a bundle ships it: on the CPU, floats in half precision, no wrapper's prefix.

    Parameters
    ----------
    source : Module or ExponentialMovingAverage

    Returns
    -------
    dict of str to Tensor, each of its own shape
    """
    state = source.average if isinstance(source, ExponentialMovingAverage) else unwrapped(source).state_dict()
    shipped: dict[str, torch.Tensor] = in_half_precision({name: v.cpu().clone() for name, v in state.items()})
    return shipped


def save_shipped(
    source: nn.Module | ExponentialMovingAverage,
    path: str | os.PathLike[str],
    *,
    parts: Iterable[PartInTraining] | None = None,
) -> Path:
    """Write weights as a bundle ships them, and beside them which networks had a part in their training.

    Parameters
    ----------
    source : Module or ExponentialMovingAverage
    path : path-like
    parts : iterable of PartInTraining, optional
        All that were read in this process by default.

    Returns
    -------
    Path
        The file, whole.

    Raises
    ------
    MammoError
        The folder cannot be written to, or the disk is full.
    """
    written = save_atomically(shipped_state(source), path)
    write_record(written, parts_noted() if parts is None else parts)
    return written


def unwrapped(part: Any) -> Any:
    """What stands inside ``DistributedDataParallel``, else the part itself.

    Parameters
    ----------
    part : object

    Returns
    -------
    object
    """
    return part.module if isinstance(part, nn.parallel.DistributedDataParallel) else part


def light_checkpoint(path: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Write a checkpoint for a narrow way: a quarter of the size, from which a training goes on, though not bitwise.

    Network and moving average are in half precision. The optimiser stays behind: its averages reach back a hundred
    iterations (betas 0.9 and 0.99), and are measured anew while the learning rate rises once more.

    Parameters
    ----------
    path : path-like
        As `CheckpointHandler` writes it.
    out : path-like

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    MammoError
        The checkpoint is missing, damaged or of other parts, or the file cannot be written.
    """
    path = Path(path)
    state = _read(path)
    if missing := sorted({"network", "epoch", "iteration"} - set(state)):
        raise MammoError(f"checkpoint {path} does not hold {', '.join(missing)}")
    halved = ("network", "ema", "power_averages")
    light = {name: in_half_precision(value) if name in halved else value for name, value in state.items()}
    light.pop("optimizer", None)
    return save_atomically({**light, "is_light": True}, out)


def in_half_precision(value: Any) -> Any:
    """The same with tensors of floats in half precision.

    Parameters
    ----------
    value : object
        Nested mappings and lists of tensors and other values.

    Returns
    -------
    object
        Mappings as dicts; what is no tensor of floats as it is.
    """
    if isinstance(value, Mapping):
        return {name: in_half_precision(part) for name, part in value.items()}
    if isinstance(value, list):
        return [in_half_precision(part) for part in value]
    return value.half() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


class CheckpointHandler:
    """Handler that writes all that a run needs to go on, after an epoch, as one file; and goes on from it.

    Network, optimiser, moving average and loss are those of the trainer it is attached to. From a `light_checkpoint`
    it goes on with a new optimiser. While the trainer runs, its writer keeps other processes out of the file's folder:
    two trainings with one checkpoint would overwrite each other's.

    Parameters
    ----------
    path : path-like
        The one file; a newer checkpoint replaces the older in one step.
    extra : mapping of str to object, optional
        Further parts with ``state_dict`` and ``load_state_dict``, such as the best weights' figure.
    every_epochs : int
        Epochs between two checkpoints.
    resume : bool
        Whether to go on from the file where it is there.
    is_writer : bool
        Whether this process writes; of several ranks only one does.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        extra: Mapping[str, Any] | None = None,
        every_epochs: int = 1,
        resume: bool = True,
        is_writer: bool = True,
    ) -> None:
        self.path, self.extra = Path(path), dict(extra or {})
        self.every_epochs = int(every_epochs)
        self.resume, self.is_writer = parse_switch(resume, name="resume"), parse_switch(is_writer, name="is_writer")

    def attach(self, engine: Engine) -> None:
        """Register with a trainer; put it after the validation handler.

        Parameters
        ----------
        engine : Engine
        """
        if self.is_writer:
            engine.add_event_handler(Events.STARTED, self.lock)
        if self.resume:
            engine.add_event_handler(Events.STARTED, self.load)
        if self.is_writer:
            engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.every_epochs), self.save)

    def lock(self, engine: Engine) -> None:
        """Keep other processes out of the folder until the training ends.

        Parameters
        ----------
        engine : Engine

        Raises
        ------
        MammoError
            Another process trains there.
        """
        engine.held.enter_context(folder_lock(self.path.parent))

    def save(self, engine: Engine) -> None:
        """Write the checkpoint.

        Parameters
        ----------
        engine : Engine
        """
        state = {name: part.state_dict() for name, part in self._parts(engine).items()}
        state |= {"iteration": engine.state.iteration, "epoch": engine.state.epoch, "random": random_state()}
        state["warm_up_start"] = getattr(engine, "warm_up_start", 0)
        save_atomically(state, self.path)

    def load(self, engine: Engine) -> None:
        """Load every part, epoch and iteration, where there is a checkpoint.

        Parameters
        ----------
        engine : Engine

        Raises
        ------
        MammoError
            The file is damaged or of other parts.
        """
        if not self.path.is_file():
            return
        state = _read(self.path)
        parts = self._parts(engine)
        is_light = state.get("is_light", False)
        if is_light:
            del parts["optimizer"]
        missing = sorted({*parts, "iteration", "epoch"} - set(state))
        if missing:
            raise MammoError(f"checkpoint {self.path} does not hold {', '.join(missing)}")
        for name, part in parts.items():
            try:
                part.load_state_dict(state[name])
            except (RuntimeError, ValueError, KeyError, TypeError) as error:
                raise MammoError(f"{name} in checkpoint {self.path} does not fit: {_first_line(error)}") from error
        engine.state.epoch, engine.state.iteration = state["epoch"], state["iteration"]
        engine.warm_up_start = state["iteration"] if is_light else state.get("warm_up_start", 0)
        if "random" in state:
            restore_random_state(state["random"])
        _LOGGER.info("resumed from %s after epoch %d", self.path, engine.state.epoch)

    def _parts(self, engine: Engine) -> dict[str, Any]:
        parts = {"network": unwrapped(engine.network), "optimizer": engine.optimizer}
        for name in ("ema", "power_averages"):
            if getattr(engine, name, None) is not None:
                parts[name] = getattr(engine, name)
        if isinstance(engine.loss_function, nn.Module):
            parts["loss_function"] = engine.loss_function
        return parts | self.extra


class BestWeightsWriter:
    """Handler that writes the validated network whenever it is better than all before.

    Beside it lies which networks the training read: those that it looks at, and those that it began from.

    Parameters
    ----------
    path : path-like
        Plain state dict in half precision, as a bundle's ``models/model.pt``.
    metric : str
        Name in the evaluator's metrics.
    is_better : callable
        ``is_better(new, best)``; the default takes the lower value.
    is_writer : bool
        Whether this process writes; of several ranks only one does.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        metric: str,
        is_better: Callable[[float, float], bool] = operator.lt,
        is_writer: bool = True,
    ) -> None:
        self.path, self.metric, self.is_better = Path(path), metric, is_better
        self.is_writer = parse_switch(is_writer, name="is_writer")
        self.best: float | None = None
        self._parts_before: tuple[PartInTraining, ...] = ()  # of a training that this one goes on from

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator.

        Parameters
        ----------
        engine : Engine
        """
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write where the metric is better; a metric that is no number never is."""
        value = float(engine.state.metrics[self.metric])
        if not np.isfinite(value) or (self.best is not None and not self.is_better(value, self.best)):
            return
        self.best = value
        if self.is_writer:
            save_shipped(engine.network, self.path, parts=self._parts())
            _LOGGER.info("%s %.6g is the best so far: wrote %s", self.metric, value, self.path)

    def state_dict(self) -> dict[str, Any]:
        """Best value so far, and the networks that had a part in the training.

        Returns
        -------
        dict
        """
        return {"best": self.best, "parts": [dataclasses.asdict(part) for part in self._parts()]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set the best value so far, and what had a part until then.

        Parameters
        ----------
        state : mapping
            As `state_dict` gave it.
        """
        self.best = state["best"]
        self._parts_before = tuple(PartInTraining(**part) for part in state.get("parts", ()))

    def _parts(self) -> list[PartInTraining]:
        return sorted({*self._parts_before, *parts_noted()})


def _read(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file ends in any of torch's, zip's and pickle's errors
        raise MammoError(f"checkpoint {path} is damaged: {_first_line(error)}") from error
    if not isinstance(state, dict):
        raise MammoError(f"checkpoint {path} holds no parts")
    return state


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
