"""Noise as a function of run seed, sample and step alone, so that batch size, order and resume change no pixel."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["gaussian", "initial_noise"]


def _generator_seed(run_seed: int, sample_id: str | int, step: int) -> int:
    """63 bits of the hash of the three; `repr` keeps the sample 7 apart from the sample "7"."""
    digest = hashlib.sha256(repr((int(run_seed), sample_id, int(step))).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def gaussian(run_seed: int, sample_id: str | int, step: int, shape: Sequence[int]) -> Tensor:
    """Standard Gaussian noise that depends on its arguments alone.

    It leaves torch's global random state as it was. One sample at a time: stack the results for a batch.

    Parameters
    ----------
    run_seed : int
        Seed of the run, of any size and sign.
    sample_id : str or int
        Name of the sample in the run.
    step : int
        Which noise of that sample; 0 is the noise that sampling starts from.
    shape : sequence of int
        Shape of one sample, without a batch axis, for instance (4, 64, 48).

    Returns
    -------
    Tensor, the given shape, float32, on the CPU
        Mean 0, standard deviation 1.
    """
    generator = torch.Generator(device="cpu").manual_seed(_generator_seed(run_seed, sample_id, step))
    return torch.randn(tuple(shape), generator=generator, dtype=torch.float32, device="cpu")


def initial_noise(run_seed: int, sample_id: str | int, shape: Sequence[int]) -> Tensor:
    """Noise that sampling starts from: `gaussian` of step 0.

    Parameters
    ----------
    run_seed, sample_id, shape
        As in `gaussian`.

    Returns
    -------
    Tensor, the given shape, float32, on the CPU
        Mean 0, standard deviation 1.
    """
    return gaussian(run_seed, sample_id, 0, shape)
