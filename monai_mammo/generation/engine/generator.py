"""Three bundles as one generator: conditions and noise in, checked images out. Plain torch.

Bitwise the same result for a sample whatever else is requested: noise comes from seed, sample and try
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
from monai_mammo.attributes import HEADS
from monai_mammo.bundle import BundleFolder
from monai_mammo.bundle.fingerprint import TrainingFingerprint, fingerprint_of
from monai_mammo.errors import MammoError
from monai_mammo.generation.engine.check import CheckResult, RegionLimits, best_of, check_image, clean_air
from monai_mammo.generation.engine.device import BATCH_SIZE
from monai_mammo.generation.engine.drawn_contrast import with_lesion_toned_down
from monai_mammo.generation.engine.mending import Mender
from monai_mammo.generation.engine.plan import PlannedSample
from monai_mammo.generation.engine.seam import with_seam
from monai_mammo.generation.engine.settings import DrawSettings
from monai_mammo.generation.engine.source import Keep, Source
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks.detail_unet import LAYOUT_FACTOR
from monai_mammo.networks.probable_regions import Region, regions
from monai_mammo.painting.painter import LesionPainter
from monai_mammo.sampling.bundle_sampler import Sampler, sampler_of

__all__ = ["Generator"]

_TRIES_AT_A_PLACE = 2
"""Draws with the lesion at one place; those after them have it elsewhere, where the request leaves the place open."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Generator:
    """Networks of three bundles, ready to draw.

    Parameters
    ----------
    autoencoder, lesion_network : nn.Module
    sampler : OneStage, Cascade or VectorPrior
        The generator bundle's networks, diffusion networks with their schedules.
    shape : tuple of int
        Rows and columns of the prepared grid.
    device : torch.device
    mask_threshold : float
        Probability above which a pixel counts as lesion; the lesion bundle's own, 0.5 where it states none.
    unread_heads : frozenset of str
        Attributes that the lesion network was not shown to read better than by naming the most frequent class; what
        it says of them is left out.
    text_encoder : TextEncoder or None
        Of the diffusion bundle; `None` where its networks take no text.
    limits : RegionLimits or None
        What scores of regions must meet; `None` where the lesion bundle states nothing of them.
    presence_kinds : tuple of str or None
        Acquisition kinds for which the probability of any lesion means something; `None` for all.
    fingerprint : TrainingFingerprint or None
        Of the training images, to which a drawn image may not be too close; `None` where the bundle carries none.
    mender : Mender or None
        Paints into tries that fail their check; `None` where the bundle has no lesion painter.
    """

    autoencoder: Any
    lesion_network: nn.Module
    sampler: Sampler
    shape: tuple[int, int]
    device: torch.device
    mask_threshold: float = 0.5
    unread_heads: frozenset[str] = frozenset()
    limits: RegionLimits | None = None
    presence_kinds: tuple[str, ...] | None = None
    text_encoder: networks.TextEncoder | None = None
    fingerprint: TrainingFingerprint | None = None
    mender: Mender | None = None

    @classmethod
    def load(cls, diffusion: BundleFolder, autoencoder: BundleFolder, lesion: BundleFolder, *, device: str) -> Self:
        """Generator from three bundles whose weights are checked against their hashes.

        Parameters
        ----------
        diffusion, autoencoder, lesion : BundleFolder
        device : str
            Such as ``cpu`` or ``cuda``; ``auto`` takes the GPU where there is one.

        Returns
        -------
        Generator

        Raises
        ------
        MammoError
            Weights are missing, truncated, of another hash or do not fit the network.
        """
        place = torch.device(device)
        sampler, encoder = sampler_of(diffusion, place), networks.load_text_encoder(diffusion)
        _check_text(sampler, encoder, diffusion)
        decoder: Any = networks.load_network(autoencoder, device=place)
        limits = RegionLimits(**lesion.region_scores) if lesion.region_scores else None
        return cls(
            autoencoder=decoder,
            lesion_network=networks.load_network(lesion, device=place),
            sampler=sampler,
            shape=diffusion.prepared_shape,
            device=place,
            mask_threshold=lesion.number("mask_threshold", 0.5),
            unread_heads=frozenset(lesion.unread_heads),
            limits=limits,
            presence_kinds=lesion.presence_kinds,
            text_encoder=encoder,
            fingerprint=fingerprint_of(diffusion),
            mender=_mender_of(diffusion, decoder, limits, place),
        )

    @property
    def batch_size(self) -> int:
        """Samples in a network call."""
        return BATCH_SIZE[self.device.type]

    def n_evaluations(self, steps: int) -> int:
        """Network evaluations of one try.

        Parameters
        ----------
        steps : int
            Network evaluations, 1 or more.

        Returns
        -------
        int
        """
        return self.sampler.n_evaluations(steps)

    def draw(
        self,
        planned: Sequence[PlannedSample],
        settings: DrawSettings,
        *,
        on_step: Callable[[], None] | None = None,
    ) -> list[list[CheckResult]]:
        """Check of every try of each sample, mended ones too; the last has no defect, or it is the last allowed.

        Parameters
        ----------
        planned : sequence of PlannedSample
            `batch_size` of them at most.
        settings : DrawSettings
        on_step : callable or None
            Called after each network evaluation.

        Returns
        -------
        list of list of CheckResult
            For each sample its tries, the first first, each followed by what it was mended to.
        """
        results: list[list[CheckResult]] = [[] for _ in planned]
        for attempt in range(settings.max_tries):
            open_ = [i for i, done in enumerate(results) if not done or best_of(done).defect]
            if not open_:
                break
            some = [_of_attempt(planned[i], attempt) for i in open_]
            images = self._sample(some, settings, attempt=attempt, on_step=on_step)
            if settings.mends and not _uses_source(settings):
                drawn = zip(images, some, strict=True)
                images = np.stack([with_lesion_toned_down(*pair, seed=settings.seed) for pair in drawn])
            images = np.clip(images, 0, 1)
            for i, sample, result in zip(open_, some, self._check(images, some, settings), strict=True):
                tries = [result, *self._mended(result, sample, settings, attempt=attempt)]
                results[i] += [dataclasses.replace(one, is_elsewhere=sample is not planned[i]) for one in tries]
        return results

    def _mended(
        self, result: CheckResult, sample: PlannedSample, settings: DrawSettings, *, attempt: int
    ) -> list[CheckResult]:
        """Checks of what a try is mended to, until one shows what was requested and nothing else."""
        found: list[CheckResult] = []
        if self.mender is None or _uses_source(settings):
            return found
        for turn in range(settings.mends):
            last = found[-1] if found else result
            if found and not last.defect and not last.shows_unrequested:
                break
            start = result if sample.lesion.mask.any() else last
            mended = self.mender.mended(start, sample, seed=settings.seed, attempt=attempt, turn=turn)
            if mended is None:
                break
            checked = self._check(mended.image[None], [sample], settings)[0]
            found.append(dataclasses.replace(checked, mended=mended.what))
        return found

    @torch.inference_mode()
    def _sample(
        self,
        planned: Sequence[PlannedSample],
        settings: DrawSettings,
        *,
        attempt: int,
        on_step: Callable[[], None] | None,
    ) -> np.ndarray:
        """Generated pictures, shape (n, rows, columns), float32, not cut at black and white yet."""
        padded = [*planned, *[planned[-1]] * (self.batch_size - len(planned))]
        attributes = networks.encode_conditions([sample.prepared_conditions for sample in padded]).to(self.device)
        spatial = torch.stack([self._planes(sample) for sample in padded]).to(self.device)
        noise = [self.sampler.noise(settings.seed, sample.index, attempt, self._latent_shape) for sample in padded]
        stacked: Any = sampling.stack_noise(noise, self.device)  # of the kind that this sampler draws from
        told = {} if self.text_encoder is None else {"text": self._text(padded, self.text_encoder)}
        source = settings.source if _uses_source(settings) else None
        known: dict[str, Any] = {} if source is None else {"known": self._known(padded, source)}
        z_0 = self.sampler.draw(
            stacked,
            attributes=attributes,
            spatial=spatial,
            steps=settings.steps,
            guidance=sampling.Guidance.from_json(settings.guidance),
            on_step=on_step,
            **told,
            **known,
        )
        rows, columns = self.shape
        images = self.autoencoder.unclamped(z_0)[:, 0, :rows, :columns].float().cpu().numpy()[: len(planned)]
        if source is None or source.keep is not Keep.ALL_BUT_LESION:
            return images
        kept = self.reconstruction(source.image)
        return np.stack(
            [with_seam(image, kept, source.drawn(one.lesion)) for image, one in zip(images, planned, strict=True)]
        )

    def checked(self, image: np.ndarray, planned: PlannedSample, settings: DrawSettings) -> CheckResult:
        """Check of a picture that another network drew for a sample.

        Parameters
        ----------
        image : ndarray, shape (rows, columns), float32
            On the prepared grid.
        planned : PlannedSample
        settings : DrawSettings

        Returns
        -------
        CheckResult
        """
        return self._check(image[None], [planned], settings)[0]

    @torch.inference_mode()
    def reconstruction(self, image: np.ndarray) -> np.ndarray:
        """What the autoencoder keeps of a picture.

        Parameters
        ----------
        image : ndarray, shape (rows, columns), float32
            On the prepared grid.

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        rows, columns = self.shape
        return self.autoencoder.from_latent(self._latent(image))[0, 0, :rows, :columns].float().cpu().numpy()

    def _latent(self, image: np.ndarray) -> Tensor:
        """Scaled latent of a picture, shape (1, 4, h, w)."""
        return self.autoencoder.to_latent(torch.from_numpy(np.ascontiguousarray(image))[None, None].to(self.device))

    def _known(self, planned: Sequence[PlannedSample], source: Source) -> sampling.KnownLatent:
        """What the sampler is told of an acquired mammogram."""
        rows, columns = self.shape
        factor = int(self.autoencoder.factor)
        coarse = factor * LAYOUT_FACTOR

        def on_grid(planes: list[np.ndarray], side: int) -> Tensor:
            stacked = torch.from_numpy(np.stack(planes)).float()[:, None].to(self.device)
            return functional.pad(stacked, (0, -columns % side, 0, -rows % side))

        drawn = on_grid([source.drawn(sample.lesion) for sample in planned], factor)
        hidden = functional.max_pool2d(on_grid([source.region(sample.lesion) for sample in planned], coarse), coarse)
        seen = 1 - functional.max_pool2d(hidden, 3, stride=1, padding=1)  # as in training
        return sampling.KnownLatent(
            latent=self._latent(source.image).expand(len(planned), -1, -1, -1),
            drawn=(functional.max_pool2d(drawn, factor) > 0).float(),
            seen=torch.zeros_like(seen) if source.keep is Keep.NOTHING else seen,
            strength=source.strength,
        )

    def _text(self, planned: Sequence[PlannedSample], encoder: networks.TextEncoder) -> Tensor:
        """Vectors of the samples' texts, (n, channels); zeros where there is none."""
        texts = [sample.conditions.text or "" for sample in planned]
        return torch.from_numpy(encoder.encode(texts)).to(self.device)

    @property
    def _latent_shape(self) -> tuple[int, int, int]:
        factor = int(self.autoencoder.factor)
        rows, columns = self.shape
        return self.autoencoder.latent_mean.shape[1], -(-rows // factor), -(-columns // factor)

    def _planes(self, sample: PlannedSample) -> Tensor:
        """Lesion mask and box on the latent grid, (2, h, w)."""
        lesion = sample.lesion
        return lesion_planes(lesion.mask, lesion.box, shape=self.shape, factor=int(self.autoencoder.factor))

    @torch.inference_mode()
    def _check(self, images: np.ndarray, planned: Sequence[PlannedSample], settings: DrawSettings) -> list[CheckResult]:
        cleaned = [clean_air(image) for image in images]
        stack = np.stack([image for image, _ in cleaned])
        stack = np.concatenate([stack, np.repeat(stack[-1:], self.batch_size - len(stack), axis=0)])
        outputs = self.lesion_network(torch.from_numpy(stack)[:, None].to(self.device))
        probability = outputs["mask"][:, 0].float().sigmoid().cpu().numpy()
        presence = outputs["presence"].float().softmax(dim=1)[:, 1].tolist() if "presence" in outputs else None
        read = [head for head in HEADS if head in outputs and head not in self.unread_heads]
        readings = {head: outputs[head].float().softmax(dim=1).cpu().numpy() for head in read}
        return [
            check_image(
                image,
                probability[i] > self.mask_threshold,
                {head: _named(values[i], HEADS[head].values) for head, values in readings.items()},
                requested=sample.lesion.mask,
                breast=breast,
                dice_threshold=settings.dice_threshold,
                regions=self._regions(probability[i], sample, breast, settings.source),
                presence=presence[i] if presence is not None and self._asks_presence(sample, settings) else None,
                limits=self._limits_of(sample),
                copy_ratio=self._copy_ratio(image, settings.source),
                copy_limit=0.0 if self.fingerprint is None else self.fingerprint.copy_ratio,
            )
            for i, ((image, breast), sample) in enumerate(zip(cleaned, planned, strict=True))
        ]

    def _copy_ratio(self, image: np.ndarray, source: Source | None) -> float | None:
        """How close it is to a training image; an image that follows an acquired one on purpose is not looked up."""
        if self.fingerprint is None or (source is not None and source.is_used):
            return None
        return self.fingerprint.nearest(image).ratio

    def _regions(
        self, probability: np.ndarray, sample: PlannedSample, breast: np.ndarray | None, source: Source | None
    ) -> list[Region]:
        """Places that may be lesions; where an acquired breast is kept, of what was drawn anew."""
        if self.limits is None:
            return []
        within = np.ones(probability.shape, dtype=bool) if breast is None else breast
        if source is not None and _keeps_lesions(source):
            within = within & (source.drawn(sample.lesion) > 0)
        return regions(probability, within=within)

    def _asks_presence(self, sample: PlannedSample, settings: DrawSettings) -> bool:
        """Whether the probability of any lesion tells whether there is one."""
        is_read = self.presence_kinds is None or sample.conditions.kind in self.presence_kinds
        return is_read and not _keeps_lesions(settings.source)

    def _limits_of(self, sample: PlannedSample) -> RegionLimits | None:
        """Where more than one lesion is requested, others are no defect."""
        if self.limits is None or (sample.conditions.n_findings or 1) < 2:
            return self.limits
        return dataclasses.replace(self.limits, other=1.0)


def _keeps_lesions(source: Source | None) -> bool:
    """Whether lesions that were not requested may be in the picture, as an acquired breast is kept."""
    return source is not None and source.keep is Keep.ALL_BUT_LESION


def _mender_of(
    folder: BundleFolder, autoencoder: nn.Module, limits: RegionLimits | None, device: torch.device
) -> Mender | None:
    """Painter of a bundle for tries that fail; `None` where it has none, or regions have no limits to fail."""
    if not folder.has_painter or limits is None:
        return None
    painter: Any = networks.load_painter(folder, device=device)
    return Mender(LesionPainter(painter, autoencoder), folder.nominal_spacing_mm, limits)


def _check_text(sampler: Sampler, encoder: networks.TextEncoder | None, folder: BundleFolder) -> None:
    """Refuse a bundle whose encoder of texts and layout network do not fit."""
    taken = getattr(sampler.layout, "text_channels", None) if isinstance(sampler, sampling.Cascade) else None
    given = None if encoder is None else encoder.channels
    if taken != given:
        words = f"takes texts of {taken or 'no'} channels and its text_encoder gives {given or 'none'}"
        raise MammoError(f"the layout network of bundle {folder.name} {words}")


def _of_attempt(sample: PlannedSample, attempt: int) -> PlannedSample:
    """What a try is to show: after two at one place that failed, another place where the request leaves it open."""
    return sample if attempt < _TRIES_AT_A_PLACE or sample.elsewhere is None else sample.elsewhere


def _uses_source(settings: DrawSettings) -> bool:
    """Whether an acquired mammogram takes part in what is drawn."""
    return settings.source is not None and settings.source.is_used


def _named(values: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    return {str(name): round(float(value), 4) for name, value in zip(names, values, strict=True)}
