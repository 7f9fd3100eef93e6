"""What several processes of one training do together beside `DistributedDataParallel`."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn

__all__ = ["average_gradients", "gathered"]


@torch.no_grad()
def average_gradients(module: nn.Module) -> None:
    """Give each rank the mean of all ranks' gradients; alone, nothing changes.

    For a network that is trained inside a loss, such as a discriminator: without it each rank would train its own.

    Parameters
    ----------
    module : nn.Module
        Its parameters have gradients, the same ones on all ranks.
    """
    if not distributed.is_available() or not distributed.is_initialized():
        return
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def gathered(values: Tensor) -> Tensor:
    """Rows of all ranks, one after the other; alone, nothing changes.

    Parameters
    ----------
    values : Tensor, shape (B, ...)
        As many rows on each rank; without a gradient.

    Returns
    -------
    Tensor, shape (ranks * B, ...)
    """
    if not distributed.is_available() or not distributed.is_initialized():
        return values
    parts = [torch.empty_like(values) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, values.contiguous())
    return torch.cat(parts)
