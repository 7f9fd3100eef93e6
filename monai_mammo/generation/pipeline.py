"""Three bundles as one generator: conditions and noise in, looked-at pictures out. Plain torch.

Bitwise the same result for a sample whatever else is asked: noise comes from seed, sample and try
alone, and on a CPU the networks see one sample at a time, on one thread: measured, a fuller batch,
another place in it or another number of threads changes a velocity by 1e-5, which is enough to move a
12-bit pixel. On CUDA batches are filled up to one fixed size. Float32 everywhere; bf16 would make results
depend on the processor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo import networks, sampling
from monai_mammo.bundle import BundleFolder
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation.check import Look, best_of, clean_air, look_at
from monai_mammo.generation.plan import PlannedSample
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.terms import BIRADS_CATEGORIES, Density, Finding, Pathology, View

__all__ = ["BATCH_SIZE", "Generator", "pick_device"]

BATCH_SIZE = {"cpu": 1, "cuda": 8}
"""Samples in a network call, fixed for each device; on a CPU one with its guidance costs no more than many."""

_HEADS: dict[str, tuple[str, ...]] = {
    "finding": tuple(Finding),
    "birads": tuple(str(category) for category in BIRADS_CATEGORIES),
    "density": tuple(Density),
    "view": tuple(View),
    "pathology": tuple(Pathology),
}
_SCHEDULES: dict[str, type[sampling.Schedule]] = {
    "CosineSchedule": sampling.CosineSchedule,
    "RectifiedFlowSchedule": sampling.RectifiedFlowSchedule,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Generator:
    """Networks of three bundles, ready to draw.

    Parameters
    ----------
    autoencoder, diffusion, lesion_network : nn.Module
    schedule : Schedule
        That the diffusion network was trained with.
    shape : tuple of int
        Rows and columns of the prepared grid.
    device : torch.device
    mask_threshold : float
        Probability above which a pixel counts as lesion; the lesion bundle's own, 0.5 where it states none.
    texture : nn.Module or None
        Draws fine texture into decoded pictures, where the autoencoder's bundle has such a network.
    """

    autoencoder: Any
    diffusion: nn.Module
    lesion_network: nn.Module
    schedule: sampling.Schedule
    shape: tuple[int, int]
    device: torch.device
    mask_threshold: float = 0.5
    texture: nn.Module | None = None

    @classmethod
    def load(cls, diffusion: BundleFolder, autoencoder: BundleFolder, lesion: BundleFolder, *, device: str) -> Self:
        """Generator from three bundles whose weights are checked against their hashes.

        Raises
        ------
        MammoError
            Weights are missing, truncated, of another hash or do not fit the network.
        """
        place = torch.device(device)
        return cls(
            autoencoder=networks.load_network(autoencoder, device=place),
            diffusion=networks.load_network(diffusion, device=place),
            lesion_network=networks.load_network(lesion, device=place),
            schedule=_schedule_of(diffusion),
            shape=diffusion.prepared_shape,
            device=place,
            mask_threshold=float(lesion.metadata.get("mask_threshold", 0.5)),
            texture=networks.load_texture(autoencoder, device=place),
        )

    @property
    def batch_size(self) -> int:
        """Samples in a network call."""
        return BATCH_SIZE[self.device.type]

    def draw(
        self,
        planned: Sequence[PlannedSample],
        *,
        seed: int,
        steps: int,
        guidance: float,
        dice_threshold: float,
        max_tries: int,
        on_step: Callable[[], None] | None = None,
    ) -> list[list[Look]]:
        """Looks at all tries of each sample; the last try has no defect, or it is the last allowed.

        Parameters
        ----------
        planned : sequence of PlannedSample
            `batch_size` of them at most.
        seed : int
        steps, guidance, dice_threshold, max_tries
            As in `Request`.
        on_step : callable or None
            Called after each network evaluation.
        """
        looks: list[list[Look]] = [[] for _ in planned]
        for attempt in range(max_tries):
            open_ = [i for i, done in enumerate(looks) if not done or best_of(done).defect]
            if not open_:
                break
            some = [planned[i] for i in open_]
            images = self._sample(some, seed=seed, attempt=attempt, steps=steps, guidance=guidance, on_step=on_step)
            for i, look in zip(open_, self._look(images, some, dice_threshold), strict=True):
                looks[i].append(look)
        return looks

    @torch.inference_mode()
    def _sample(
        self,
        planned: Sequence[PlannedSample],
        *,
        seed: int,
        attempt: int,
        steps: int,
        guidance: float,
        on_step: Callable[[], None] | None,
    ) -> np.ndarray:
        """Generated pictures, shape (n, rows, columns), float32 in [0, 1]."""
        padded = [*planned, *[planned[-1]] * (self.batch_size - len(planned))]
        attributes = networks.encode_conditions([sample.prepared_conditions for sample in padded]).to(self.device)
        spatial = torch.stack([self._planes(sample) for sample in padded]).to(self.device)
        noise = [sampling.gaussian(seed, sample.index, attempt, self._latent_shape) for sample in padded]
        z_T = torch.stack(noise).to(self.device).contiguous(memory_format=torch.channels_last)
        predict_z0 = sampling.z0_predictor(
            self.diffusion,
            self.schedule,
            attributes=attributes,
            spatial=spatial,
            guidance=sampling.Guidance(scale=guidance),
        )
        times = sampling.time_grid(self.schedule, steps)
        callback = None if on_step is None else lambda i, z_t, z0: on_step()
        z_0 = sampling.dpm_solver_pp_2m(predict_z0, z_T, times, self.schedule, callback=callback)
        rows, columns = self.shape
        images = networks.picture_of_latent(self.autoencoder, z_0, self.texture)[:, 0, :rows, :columns]
        return images.float().cpu().numpy()[: len(planned)]

    @property
    def _latent_shape(self) -> tuple[int, int, int]:
        factor = int(self.autoencoder.factor)
        rows, columns = self.shape
        return self.autoencoder.latent_mean.shape[1], -(-rows // factor), -(-columns // factor)

    def _planes(self, sample: PlannedSample) -> Tensor:
        """Lesion mask and box on the latent grid, (2, h, w), as shares of each cell."""
        box = sample.lesion.box
        covered = np.zeros(self.shape, np.float32) if box is None else mask_of_box(box, self.shape)
        planes = torch.from_numpy(np.stack([sample.lesion.mask.astype(np.float32), covered]))
        _, rows, columns = self._latent_shape
        factor = int(self.autoencoder.factor)
        below, right = rows * factor - self.shape[0], columns * factor - self.shape[1]
        return functional.avg_pool2d(functional.pad(planes, (0, right, 0, below)), factor)

    @torch.inference_mode()
    def _look(self, images: np.ndarray, planned: Sequence[PlannedSample], dice_threshold: float) -> list[Look]:
        cleaned = [clean_air(image) for image in images]
        stack = np.stack([image for image, _ in cleaned])
        stack = np.concatenate([stack, np.repeat(stack[-1:], self.batch_size - len(stack), axis=0)])
        outputs = self.lesion_network(torch.from_numpy(stack)[:, None].to(self.device))
        found = (outputs["mask"][:, 0].sigmoid() > self.mask_threshold).cpu().numpy()
        readings = {head: outputs[head].float().softmax(dim=1).cpu().numpy() for head in _HEADS if head in outputs}
        return [
            look_at(
                image,
                found[i],
                {head: _named(readings[head][i], names) for head, names in _HEADS.items() if head in readings},
                requested=sample.lesion.mask,
                breast=breast,
                dice_threshold=dice_threshold,
            )
            for i, ((image, breast), sample) in enumerate(zip(cleaned, planned, strict=True))
        ]


def pick_device(name: str) -> str:
    """Device type for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    RequestError
        The name is none of these, or there is no such device.
    """
    if name not in ("auto", *BATCH_SIZE):
        raise RequestError(f"device {name!r} is not one of auto, {', '.join(BATCH_SIZE)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise RequestError("device 'cuda' is not there: torch sees no CUDA device")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def _schedule_of(folder: BundleFolder) -> sampling.Schedule:
    """Schedule that the bundle's inference config names under ``schedule``; the plain cosine where it names none."""
    if "schedule" not in folder.config("inference"):
        return sampling.CosineSchedule()
    target, arguments = folder.network_definition("inference", "schedule")
    name = target.rpartition(".")[2]
    if name not in _SCHEDULES:
        raise MammoError(f"schedule {name!r} of bundle {folder.name} is not one of {', '.join(_SCHEDULES)}")
    return _SCHEDULES[name](**arguments)


def _named(values: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    return {str(name): round(float(value), 4) for name, value in zip(names, values, strict=True)}
