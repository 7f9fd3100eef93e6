"""The one trainer of all networks: MONAI's supervised trainer with the loss as a module.

What it adds: automatic mixed precision on CPU as on CUDA (through the inferer), clipping,
an exponential moving average, a learning rate that is a function of the iteration, a stop on
losses that are not finite, and randomness that is a function of `(seed, iteration)`, so that a
resumed run equals an uninterrupted one.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from monai.inferers import SimpleInferer
from torch import distributed, nn
from torch.utils.data import DataLoader, Sampler

from monai_mammo.errors import MammoError
from monai_mammo.switches import parse_switch
from monai_mammo.training.checkpoints import unwrapped
from monai_mammo.training.data import EpochSampler, Passes, PreparedDataset
from monai_mammo.training.ema import ExponentialMovingAverage, PowerAverages
from monai_mammo.training.precision import autocast_dtype
from monai_mammo.training.speed import SpeedReport

__all__ = ["AutocastInferer", "NetworkTrainer", "compile_where", "data_loader", "learning_rate_factor"]

_LOGGER = logging.getLogger(__name__)


class AutocastInferer(SimpleInferer):
    """Runs a network under autocast on the device its input lies on.

    MONAI's engines only know CUDA's autocast; on a CPU their `amp` silently trains in float32.

    Parameters
    ----------
    dtype : str or None
        ``"bfloat16"`` or ``"float16"``; `None` keeps float32, and so does a processor that would be slower with it.
    """

    def __init__(self, dtype: str | None = "bfloat16") -> None:
        super().__init__()
        self.dtype = dtype

    def __call__(self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Output of ``network(inputs, *args, **kwargs)``."""
        dtype = autocast_dtype(self.dtype, inputs.device)
        with torch.autocast(inputs.device.type, dtype, enabled=dtype is not None):
            return network(inputs, *args, **kwargs)


class NetworkTrainer(SupervisedTrainer):
    """MONAI trainer whose loss is a module ``loss(call, batch) -> {"loss": …, …}``.

    Parameters
    ----------
    device : torch.device or str
    max_epochs : int
        Epochs after which the training ends.
    train_data_loader : DataLoader
    network : nn.Module
    optimizer : torch.optim.Optimizer
    loss_function : nn.Module
        One of `monai_mammo.training.losses`.
    inferer : Inferer
    ema : ExponentialMovingAverage or None
    power_averages : PowerAverages or None
        Kept besides, for `SnapshotHandler`.
    clip_norm : float or None
        Largest norm of all gradients together, of the parameters that the optimiser has.
    warm_up_iterations : int
        Iterations over which the learning rate rises to its value.
    decay_start_fraction : float
        Share of all iterations after which the learning rate falls, along a half cosine, to 0.
    seed : int
        Decides all that is drawn by chance.
    max_skipped : int
        So many iterations running whose loss or gradient is not finite stop the training; fewer are passed over,
        weights unchanged.
    train_handlers : sequence of handlers

    Attributes
    ----------
    held : contextlib.ExitStack
        What handlers enter here when the training starts is left when it ends, however it ends.
    warm_up_start : int
        Iterations after which the learning rate rises; above 0 where a checkpoint without an optimiser was gone on
        from, whose averages are measured anew meanwhile.
    """

    def __init__(
        self,
        device: torch.device | str,
        max_epochs: int,
        train_data_loader: DataLoader,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss_function: nn.Module,
        *,
        inferer: SimpleInferer | None = None,
        ema: ExponentialMovingAverage | None = None,
        power_averages: PowerAverages | None = None,
        clip_norm: float | None = 1.0,
        warm_up_iterations: int = 100,
        decay_start_fraction: float = 1.0,
        seed: int = 0,
        max_skipped: int = 10,
        train_handlers: Sequence | None = None,
    ) -> None:
        super().__init__(
            device=torch.device(device),
            max_epochs=max_epochs,
            train_data_loader=train_data_loader,
            network=network,
            optimizer=optimizer,
            loss_function=loss_function,
            inferer=inferer or AutocastInferer(),
            decollate=False,
            train_handlers=train_handlers,
        )
        if isinstance(loss_function, nn.Module):  # a discriminator or a frozen network may be part of it
            loss_function.to(torch.device(device))
        self.ema, self.power_averages, self.clip_norm, self.seed = ema, power_averages, clip_norm, seed
        self.max_skipped, self._n_skipped = int(max_skipped), 0
        self.warm_up_iterations, self.decay_start_fraction = warm_up_iterations, decay_start_fraction
        self.warm_up_start = 0
        self.held = contextlib.ExitStack()
        self._base_rates = [group["lr"] for group in optimizer.param_groups]
        self.add_event_handler(Events.EPOCH_STARTED, _announce_epoch)
        SpeedReport().attach(self)

    def run(self) -> None:
        """Train up to the last epoch."""
        with self.held:
            super().run()

    def _iteration(self, engine: Engine, batchdata: dict[str, Any]) -> dict[str, torch.Tensor]:
        state = self.state
        torch.manual_seed(self.seed * 1_000_003 + state.iteration)
        self._set_learning_rate(state.iteration - 1)
        batch = {k: v.to(state.device) if isinstance(v, torch.Tensor) else v for k, v in batchdata.items()}
        self.network.train()
        self.network.zero_grad(set_to_none=True)  # also of what is not trained: it would pile up, and count below
        terms = self.loss_function(functools.partial(self.inferer, network=self.network), batch)
        terms["loss"].backward()
        trained = [p for group in self.optimizer.param_groups for p in group["params"]]
        norm = nn.utils.clip_grad_norm_(trained, self.clip_norm or math.inf)
        if self._is_finite(terms["loss"], norm):
            self.optimizer.step()
            for average in (self.ema, self.power_averages):
                if average is not None:
                    average.update(unwrapped(self.network))
        return {name: term.detach() for name, term in terms.items()}

    def _is_finite(self, loss: torch.Tensor, norm: torch.Tensor) -> bool:
        """Whether an iteration may change the weights; all ranks say the same."""
        is_finite = (torch.isfinite(loss) & torch.isfinite(norm)).detach()
        if distributed.is_available() and distributed.is_initialized():
            agreed = is_finite.float()
            distributed.all_reduce(agreed, op=distributed.ReduceOp.MIN)
            is_finite = agreed > 0
        if is_finite:
            self._n_skipped = 0
            return True
        self._n_skipped += 1
        _LOGGER.warning("iteration %d is skipped: its loss or gradient is not finite", self.state.iteration)
        if self._n_skipped >= self.max_skipped:
            raise MammoError(
                f"loss or gradient was not finite in {self._n_skipped} iterations running, up to iteration "
                f"{self.state.iteration}; none of them changed the weights, and the last checkpoint is good"
            )
        return False

    def _set_learning_rate(self, iteration: int) -> None:
        factor = learning_rate_factor(
            iteration,
            n_iterations=self.state.max_epochs * self.state.epoch_length,
            warm_up=self.warm_up_iterations,
            warm_up_start=self.warm_up_start,
            decay_start_fraction=self.decay_start_fraction,
        )
        for group, rate in zip(self.optimizer.param_groups, self._base_rates, strict=True):
            group["lr"] = rate * factor


def learning_rate_factor(
    iteration: int, *, n_iterations: int, warm_up: int, decay_start_fraction: float, warm_up_start: int = 0
) -> float:
    """Share of the base learning rate at an iteration, in [0, 1].

    Rises linearly over `warm_up` iterations from `warm_up_start` on, stays 1, and falls along a half cosine to 0 from
    `decay_start_fraction` of `n_iterations` on.

    Parameters
    ----------
    iteration : int
        Counted from 0.
    n_iterations : int
        Of the whole training.
    warm_up : int
        Iterations over which the rate rises.
    decay_start_fraction : float
        Share of the iterations after which the rate falls, in [0, 1].
    warm_up_start : int
        Iteration from which it rises.

    Returns
    -------
    float
    """
    rising = min(1.0, (iteration - warm_up_start + 1) / max(1, warm_up))
    start = decay_start_fraction * n_iterations
    if iteration <= start or n_iterations <= start:
        return rising
    return rising * 0.5 * (1 + math.cos(math.pi * min(1.0, (iteration - start) / (n_iterations - start))))


def data_loader(
    dataset: PreparedDataset | Passes,
    *,
    batch_size: int,
    seed: int = 0,
    is_training: bool = True,
    sampler: Sampler[int] | None = None,
    num_workers: int = 0,
    balance: float = 0.0,
) -> DataLoader:
    """Loader whose order is a function of `(seed, epoch)`; in the trainer's own process unless there are workers.

    `balance` is that of `EpochSampler`. A `sampler` of one's own, such as one that divides the items among ranks, takes
    the place of the order. In training a last batch that is not full is left out, unless it is the only one.

    Parameters
    ----------
    dataset : PreparedDataset or Passes
    batch_size : int
        Items of a batch.
    seed : int
        Decides all that is drawn by chance.
    is_training : bool
        Whether the order is drawn and a last batch that is not full left out.
    sampler : Sampler or None
    num_workers : int
        Processes that load; 0 loads in the trainer itself.
    balance : float
        As in `EpochSampler`.

    Returns
    -------
    DataLoader
    """
    is_training = parse_switch(is_training, name="is_training")
    if sampler is None and is_training:
        sampler = EpochSampler(dataset, seed=seed, balance=balance)
    drop_last = is_training and len(dataset if sampler is None else sampler) >= batch_size
    return DataLoader(dataset, batch_size=batch_size, sampler=sampler, drop_last=drop_last, num_workers=num_workers)


def compile_where(switch: bool | str, network: nn.Module) -> None:
    """Compile a network in place where the switch of a config says so.

    Parameters
    ----------
    switch : bool or str
    network : nn.Module

    Raises
    ------
    RequestError
        The switch is neither a yes nor a no.
    """
    if parse_switch(switch, name="compile"):
        network.compile()


def _announce_epoch(engine: Engine) -> None:
    dataset: Any = getattr(engine.state.dataloader, "dataset", None)
    if hasattr(dataset, "set_epoch"):
        dataset.set_epoch(engine.state.epoch)
