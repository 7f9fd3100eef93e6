"""How fast a training runs, and what the machine gives it: the first lines of its log."""

from __future__ import annotations

import logging
import time
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_mammo import machine
from monai_mammo.networks import DiffusionUNet
from monai_mammo.training.precision import autocast_dtype

__all__ = ["SpeedReport", "images_per_second"]

_LOGGER = logging.getLogger(__name__)


class SpeedReport:
    """Handler that logs what the machine offers, and after the first iterations how many images a second are seen.

    `NetworkTrainer` attaches one to itself.

    Parameters
    ----------
    n_iterations : int
        Iterations that are timed, or those of the first epoch where it is shorter; the one before them, which also
        takes memory and chooses kernels, is not counted.
    """

    def __init__(self, n_iterations: int = 20) -> None:
        self.n_iterations = int(n_iterations)
        self.images_per_second: float | None = None
        self._start: float | None = None
        self._n_images = self._n_timed = 0

    def attach(self, engine: Engine) -> None:
        """Register with a trainer.

        Parameters
        ----------
        engine : Engine
            Engine of ignite that the handler works for.
        """
        engine.add_event_handler(Events.STARTED, self.log_machine)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.count)

    def log_machine(self, engine: Engine) -> None:
        """Log processor, memory pages and threads, and warn where huge pages are there and not used.

        Parameters
        ----------
        engine : Engine
            Engine of ignite that the handler works for.
        """
        for line in machine.describe():
            _LOGGER.info("%s", line)
        is_cpu = torch.device(getattr(engine.state, "device", None) or "cpu").type == "cpu"
        if is_cpu and machine.huge_pages() is machine.HugePages.NOT_REQUESTED:
            _LOGGER.warning(
                "this training runs several times slower than it could: start it by `monai-mammo train`, or with "
                "GLIBC_TUNABLES=%s in the environment",
                machine.TUNABLE,
            )

    def count(self, engine: Engine) -> None:
        """Count the images of an iteration; log the rate once enough are counted.

        Parameters
        ----------
        engine : Engine
            Engine of ignite that the handler works for.
        """
        if self.images_per_second is not None:
            return
        now = time.perf_counter()
        if self._start is None:
            self._start = now
            return
        self._n_images += _n_images(engine.state.batch)
        self._n_timed += 1
        is_last = engine.state.iteration >= (engine.state.epoch_length or 0)
        if self._n_timed >= self.n_iterations or is_last:
            self.images_per_second = self._n_images / max(now - self._start, 1e-9)
            _LOGGER.info("%.1f images a second over %d iterations", self.images_per_second, self._n_timed)


def images_per_second(seconds: float = 2.0, *, batch_size: int = 8) -> tuple[float, float]:
    """Speed of forward and backward passes of a diffusion U-Net of 6 million weights on this processor.

    Parameters
    ----------
    seconds : float
        How long to measure, after one pass that is not counted.
    batch_size : int
        Latents of 4 x 32 x 32 in a pass; bfloat16 where the processor has it, channels last.

    Returns
    -------
    on_the_clock : float
        Images a second.
    of_processor_time : float
        Images a second of processor time, which other work on the machine changes less.
    """
    torch.manual_seed(0)
    network = DiffusionUNet(latent_channels=4, channels=(96, 128, 160), n_blocks=(1, 2, 2), context_channels=128)
    network = network.to(memory_format=torch.channels_last)
    _step(network, batch_size)
    n, wall, cpu = 0, time.perf_counter(), time.process_time()
    while not n or time.perf_counter() - wall < seconds:
        _step(network, batch_size)
        n += batch_size
    return n / (time.perf_counter() - wall), n / (time.process_time() - cpu)


def _step(network: nn.Module, n: int) -> None:
    dtype = autocast_dtype("bfloat16", "cpu")
    latent = torch.randn(n, 4, 32, 32).to(memory_format=torch.channels_last)
    times, attributes, spatial = torch.rand(n), torch.zeros(n, 10), torch.zeros(n, 2, 32, 32)
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        out = network(latent, timesteps=times, attributes=attributes, spatial=spatial)
    out.float().square().mean().backward()
    network.zero_grad(set_to_none=True)


def _n_images(batch: Any) -> int:
    values = batch.values() if isinstance(batch, dict) else batch
    return next((len(value) for value in values if isinstance(value, torch.Tensor) and value.ndim), 0)
