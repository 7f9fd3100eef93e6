"""The evaluator beside the trainer: the same loss on held-out data, under the weights that will be shipped."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.metrics import Average
from monai.engines import SupervisedEvaluator
from monai.inferers import SimpleInferer
from torch import nn
from torch.utils.data import DataLoader

from monai_mammo.training.checkpoints import unwrapped
from monai_mammo.training.ema import ExponentialMovingAverage
from monai_mammo.training.trainer import AutocastInferer

__all__ = ["EpochValidation", "NetworkEvaluator", "TermAverage"]


class TermAverage(Average):
    """Mean over all items of one term that a loss names.

    Parameters
    ----------
    name : str
        Such as ``loss``.
    """

    accumulator: Any

    def __init__(self, name: str = "loss") -> None:
        super().__init__(output_transform=functools.partial(_term, name=name))

    def update(self, output: tuple[torch.Tensor, int]) -> None:
        """Add a batch's mean as often as it has items.

        Parameters
        ----------
        output : tuple of Tensor and int
            Mean over the batch, shape (), and how many items that has.
        """
        value, n_items = output
        self.accumulator = self.accumulator + value.detach().double().cpu() * n_items
        self.num_examples += n_items


class NetworkEvaluator(SupervisedEvaluator):
    """MONAI evaluator whose figures are the terms of the trainer's loss.

    Random draws of the loss (times, noise) are a function of `(seed, iteration)`, so every
    validation asks the same questions and its figures can be compared from epoch to epoch.

    Parameters
    ----------
    device : torch.device or str
    val_data_loader : DataLoader
    network : nn.Module
        Validated as it is, unless `ema` is given.
    loss_function : nn.Module
        One of `monai_mammo.training.losses`.
    inferer : Inferer
    ema : ExponentialMovingAverage or None
        Validated in place of the network's own weights.
    key_metric : str
        Term by which weights are chosen.
    terms : sequence of str
        Further terms that are averaged.
    metric_cmp_fn : callable
        ``is_better(new, best)``; the default takes the lower loss.
    seed : int
        Decides all that is drawn by chance.
    val_handlers : sequence of handlers
    """

    def __init__(
        self,
        device: torch.device | str,
        val_data_loader: DataLoader,
        network: nn.Module,
        loss_function: nn.Module,
        *,
        inferer: SimpleInferer | None = None,
        ema: ExponentialMovingAverage | None = None,
        key_metric: str = "loss",
        terms: Sequence[str] = (),
        metric_cmp_fn: Any = None,
        seed: int = 0,
        val_handlers: Sequence | None = None,
    ) -> None:
        super().__init__(
            device=torch.device(device),
            val_data_loader=val_data_loader,
            network=network if ema is None else copy.deepcopy(unwrapped(network)),
            inferer=inferer or AutocastInferer(),
            key_val_metric={f"val_{key_metric}": TermAverage(key_metric)},
            additional_metrics={f"val_{name}": TermAverage(name) for name in terms},
            metric_cmp_fn=metric_cmp_fn or _is_lower,
            decollate=False,
            val_handlers=[h for h in val_handlers or () if h is not None],  # a config switches one off by null
        )
        self.loss_function, self.ema, self.seed = loss_function, ema, seed
        self.add_event_handler(Events.STARTED, _take_average)

    def _iteration(self, engine: Engine, batchdata: dict[str, Any]) -> dict[str, Any]:
        state = self.state
        batch = {k: v.to(state.device) if isinstance(v, torch.Tensor) else v for k, v in batchdata.items()}
        devices = [state.device] if state.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.no_grad(), engine.mode(self.network):
            torch.manual_seed(self.seed * 1_000_003 + state.iteration)
            terms = self.loss_function(functools.partial(self.inferer, network=self.network), batch)
        n_items = next(len(v) for v in batch.values() if isinstance(v, torch.Tensor))
        return {**terms, "n_items": n_items}


class EpochValidation:
    """Handler that validates after every `interval` epochs and after the last, so that no training ends unvalidated.

    Parameters
    ----------
    validator : NetworkEvaluator
    interval : int
        Epochs, 1 or more.
    """

    def __init__(self, validator: NetworkEvaluator, *, interval: int = 1) -> None:
        if int(interval) < 1:
            raise ValueError(f"validation interval {interval} is not 1 or more epochs")
        self.validator, self.interval = validator, int(interval)

    def attach(self, engine: Engine) -> None:
        """Register with a trainer, before the handler that writes its checkpoints.

        Parameters
        ----------
        engine : Engine
            Engine of ignite that the handler works for.
        """
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Validate where it is time to."""
        epoch = engine.state.epoch
        if epoch % self.interval == 0 or epoch == engine.state.max_epochs:
            self.validator.run(epoch)


def _take_average(engine: NetworkEvaluator) -> None:
    if engine.ema is not None:
        engine.network.load_state_dict(engine.ema.average)


def _term(output: dict[str, Any], *, name: str) -> tuple[torch.Tensor, int]:
    return output[name], output["n_items"]


def _is_lower(new: float, best: float) -> bool:
    return new < best
