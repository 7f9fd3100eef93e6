"""Two processes that share each batch end where one process with the whole batch does."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
import torch
from monai.data import DistributedSampler
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from monai_mammo.networks import Autoencoder, DetailUNet, LayoutUNet, PatchDiscriminator
from monai_mammo.sampling import CosineSchedule
from monai_mammo.training import (
    AutocastInferer,
    AutoencoderLoss,
    CropDataset,
    DetailLoss,
    ExponentialMovingAverage,
    LatentDataset,
    LayoutLoss,
    NetworkTrainer,
    data_loader,
    with_frozen_encoder,
    with_residual_statistics,
)

SEED, BATCH, N_ITEMS, N_EPOCHS = 5, 2, 16, 5  # two ranks: 4 iterations an epoch, 20 in all
SMALL = {"channels": (16,), "n_blocks": 1, "context_channels": 16}


def _items():
    rng = np.random.default_rng(0)
    shape, kinds = (64, 48), ("film", "digital", "contrast")
    return [
        {
            "image": (rng.random(shape) * (1 + i % 3) * 20000).astype(np.uint16),
            "image_id": f"i{i}",
            "conditions": {"view": "CC", "density": "C", "kind": kinds[i % 3], "box": [0.2, 0.2, 0.6, 0.5]},
        }
        for i in range(N_ITEMS)
    ]


class _WithoutDraw(Autoencoder):
    """Autoencoder whose latent is the mean in training too."""

    def forward(self, x):
        mu, sigma = self.encode(x)
        return self.decode(mu), mu, sigma


class _RankByRank(nn.Module):
    """Loss of a whole batch as two ranks draw it: the first half with the first one's randomness, then the second."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss, self.n_calls = loss, 0

    def forward(self, call, batch):
        self.n_calls += 1
        terms = []
        for rank in range(2):
            torch.manual_seed((SEED + 1000 * rank) * 1_000_003 + self.n_calls)
            half = {k: v[rank * BATCH : (rank + 1) * BATCH] for k, v in batch.items() if isinstance(v, torch.Tensor)}
            terms.append(self.loss(call, half)["loss"])
        return {"loss": (terms[0] + terms[1]) / 2}


class _BothRanks(DistributedSampler):
    """Order of one process: what both ranks take in an iteration, one after the other."""

    def __init__(self, dataset) -> None:
        super().__init__(dataset, num_replicas=1, rank=0, even_divisible=True, shuffle=True)
        self.ranks = [_sampler(dataset, rank) for rank in range(2)]

    def set_epoch(self, epoch):
        for sampler in self.ranks:
            sampler.set_epoch(epoch)

    def __iter__(self):
        first, second = (list(sampler) for sampler in self.ranks)
        for start in range(0, len(first), BATCH):
            yield from first[start : start + BATCH]
            yield from second[start : start + BATCH]


def _sampler(dataset, rank):
    return DistributedSampler(dataset, num_replicas=2, rank=rank, even_divisible=True, shuffle=True, seed=SEED)


def _parts(stage):
    """Data set, network and loss of a stage, made alike in each process."""
    torch.manual_seed(0)
    autoencoder = _WithoutDraw((8, 16), n_blocks=1)
    if stage == "decoder":
        _wake(autoencoder)
        discriminator = PatchDiscriminator(channels=8, in_channels=2)
        loss = AutoencoderLoss(kl=0.0, gradient=0.5, adversarial=0.1, discriminator=discriminator, autocast=None)
        return CropDataset(_items(), crop_size=32, seed=SEED), with_frozen_encoder(autoencoder), loss
    dataset = LatentDataset(_items(), autoencoder, n_views=2, seed=SEED)
    if stage == "layout":
        network = LayoutUNet(**SMALL, attention_scales=(), dropout=0.1)
        return dataset, _wake(network), LayoutLoss(CosineSchedule())
    network = with_residual_statistics(DetailUNet(**SMALL, dropout=0.05), dataset)
    return dataset, _wake(network), DetailLoss(CosineSchedule(), network=network, crop_size=8)


def _wake(network):
    """The network, its parameters away from 0: where gradients are nearly 0, Adam makes a step of any rounding."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def _trained(stage, *, rank=None):
    dataset, network, loss = _parts(stage)
    start = {name: value.clone() for name, value in network.state_dict().items()}
    is_alone = rank is None
    trainer = NetworkTrainer(
        "cpu",
        N_EPOCHS,
        data_loader(
            dataset,
            batch_size=2 * BATCH if is_alone else BATCH,
            sampler=_BothRanks(dataset) if is_alone else _sampler(dataset, rank),
        ),
        network if is_alone else DistributedDataParallel(network),
        torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], 1e-3, eps=1e-4),
        _RankByRank(loss) if is_alone and stage != "decoder" else loss,
        inferer=AutocastInferer(None),
        ema=ExponentialMovingAverage(network, decay=0.9),
        warm_up_iterations=4,
        seed=SEED + 1000 * (rank or 0),
    )
    trainer.run()
    state = {f"network/{k}": v for k, v in network.state_dict().items()}
    state |= {f"ema/{k}": v for k, v in trainer.ema.average.items()}
    if stage == "decoder":
        state |= {f"loss/{k}": v for k, v in loss.named_parameters()}
    moved = max(float((start[k] - v).abs().max()) for k, v in network.state_dict().items() if v.is_floating_point())
    return {k: v.detach() for k, v in state.items()}, trainer.state.iteration, moved


def _rank(stage, rank, folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    state, iteration, _ = _trained(stage, rank=rank)
    torch.save({"state": state, "iteration": iteration}, folder / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.parametrize("stage", ["layout", "detail", "decoder"])
def test_two_ranks_equal_one_process_after_20_steps(tmp_path, stage):
    context = multiprocessing.get_context("fork")
    ranks = [context.Process(target=_rank, args=(stage, rank, tmp_path)) for rank in range(2)]
    for process in ranks:
        process.start()
    alone, iteration, moved = _trained(stage)
    for process in ranks:
        process.join()
        assert process.exitcode == 0
    assert iteration == 20 and moved > 5e-3
    for rank in range(2):
        saved = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert saved["iteration"] == 20 and saved["state"].keys() == alone.keys()
        differences = {k: float((alone[k].double() - v.double()).abs().max()) for k, v in saved["state"].items()}
        assert max(differences.values()) <= 1e-5, max(differences, key=differences.get)
