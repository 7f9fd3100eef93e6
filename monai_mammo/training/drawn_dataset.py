"""Latents that a generator drew for the conditions of acquired mammograms, each beside the acquired latent."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from monai_mammo import sampling
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.files.whole import open_whole
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks.context import encode_conditions
from monai_mammo.networks.detail_unet import layout_of
from monai_mammo.sampling.bundle_sampler import sampler_of
from monai_mammo.switches import parse_switch
from monai_mammo.terms import AcquisitionKind
from monai_mammo.training.epochs import OfEpoch
from monai_mammo.training.frozen import found_bundle
from monai_mammo.training.latent_dataset import LatentDataset

__all__ = ["DrawnDataset", "frozen_cascade"]

_LOGGER = logging.getLogger(__name__)
_KEPT_EVERY = 20


class _Drawn(NamedTuple):
    """Latents (n, 4, h, w) and their layouts (n, 4, h', w'), float16."""

    latents: np.ndarray
    layouts: np.ndarray


def frozen_cascade(bundle_dir: str, *, device: torch.device | str = "cpu") -> sampling.Cascade:
    """Both stages of a diffusion bundle as it draws, with its guides, schedules and weights of guidance.

    Parameters
    ----------
    bundle_dir : str
        Name or folder, as `monai_mammo.bundle.find` takes it.
    device : torch.device or str

    Returns
    -------
    Cascade
        Without a finish, whatever the bundle has.

    Raises
    ------
    MammoError
        There is no such bundle, it draws in one stage, or its weights are missing or damaged.
    """
    folder = found_bundle(bundle_dir)
    sampler = sampler_of(folder, torch.device(device))
    if not isinstance(sampler, sampling.Cascade):
        raise MammoError(f"bundle {folder.name} does not draw in two stages")
    return dataclasses.replace(sampler, finish=None)


class DrawnDataset(OfEpoch, Dataset):
    """Latents that were drawn under the conditions of acquired images, beside the latents of these images.

    They are drawn once, for as many images of each acquisition kind, evenly spread: details over the layout of the
    image itself, so that both latents differ in nothing else, or all of it.

    Parameters
    ----------
    data : sequence of dict
        Items of `load_datalist`.
    autoencoder : nn.Module
        Frozen `Autoencoder`; encodes the acquired images once.
    cascade : Cascade
        That draws; see `frozen_cascade`.
    draws_layouts : bool
        Whether layouts are drawn too.
    guidance : float
        Weight of the conditions of a drawn layout.
    n_drawn : int
        Latents of each acquisition kind; fewer where there are fewer images of it.
    cache_dir : path or None
        Folder that keeps latents, also those of a drawing that was broken off.
    seed : int
        Decides all that is drawn by chance.

    Raises
    ------
    MammoError
        No image states its acquisition kind.
    """

    def __init__(
        self,
        data: Sequence[dict[str, Any]],
        autoencoder: nn.Module,
        *,
        cascade: sampling.Cascade,
        draws_layouts: bool = False,
        guidance: float = 1.45,
        n_drawn: int = 240,
        cache_dir: str | Path | None = None,
        seed: int = 0,
    ) -> None:
        self.seed, self.draws_layouts = int(seed), parse_switch(draws_layouts, name="draws_layouts")
        self.guidance = sampling.Guidance(guidance)
        self.acquired = LatentDataset(data, autoencoder, n_views=1, cache_dir=cache_dir, seed=seed)
        self._factor = int(autoencoder.factor)
        self.places = _spread(self.acquired.conditions, int(n_drawn))
        if not self.places:
            raise MammoError("no image states its acquisition kind, which a drawn latent needs")
        self.conditions = [self.acquired.conditions[place] for place in self.places]
        self._drawn = self._cached(cascade, cache_dir)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> dict[str, Any]:
        acquired = self.acquired.latent(self.places[index])
        return {
            "image": torch.from_numpy(self._drawn.latents[index].astype(np.float32)),
            "layout": torch.from_numpy(self._drawn.layouts[index].astype(np.float32)),
            "acquired": acquired,
            "label": acquired,
            "on_layout": self._noise(index).on_layout,
            "attributes": encode_conditions([self.conditions[index]])[0],
            "spatial": self._planes(index),
            "index": index,
        }

    def _noise(self, index: int) -> sampling.CascadeNoise:
        channels, rows, columns = self.acquired.latent(0).shape
        shape = (channels, rows, columns)
        return sampling.Cascade.noise(self.seed, f"training {self.places[index]}", 0, shape)

    def _planes(self, index: int) -> Tensor:
        """Lesion's mask and box on the latent grid, (2, h, w)."""
        place = self.places[index]
        shape = self.acquired.image(place).shape
        return lesion_planes(
            self.acquired.mask(place), self.conditions[index].box, shape=(shape[0], shape[1]), factor=self._factor
        )

    def _cached(self, cascade: sampling.Cascade, cache_dir: str | Path | None) -> _Drawn:
        path = None if cache_dir is None else Path(cache_dir) / f"drawn_{self._draw_key(cascade)}.npz"
        drawn: list[tuple[np.ndarray, np.ndarray]] = []
        if path is not None and path.is_file():
            with np.load(path) as kept:
                drawn = list(zip(kept["latents"], kept["layouts"], strict=True))
        for index in range(len(drawn), len(self.places)):
            drawn.append(self._draw(cascade, index))
            is_last = index == len(self.places) - 1
            if path is not None and (is_last or index % _KEPT_EVERY == _KEPT_EVERY - 1):
                with open_whole(path, make_folder=True) as stream:
                    np.savez(stream, latents=[z for z, _ in drawn], layouts=[one for _, one in drawn])
            if is_last or index % 100 == 99:
                _LOGGER.info("drew %d of %d latents", index + 1, len(self.places))
        return _Drawn(np.stack([z for z, _ in drawn]), np.stack([layout for _, layout in drawn]))

    @torch.inference_mode()
    def _draw(self, cascade: sampling.Cascade, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Latent (4, h, w) and layout (4, h', w') of one place, float16."""
        device = next(iter(cascade.detail.parameters())).device
        noise = sampling.CascadeNoise(*(part[None].to(device) for part in self._noise(index)))
        attributes = encode_conditions([self.conditions[index]]).to(device)
        spatial = self._planes(index)[None].to(device)
        if self.draws_layouts:
            given = {"attributes": attributes, "spatial": spatial}
            layout = cascade.draw_layout(noise.layout, **given, guidance=self.guidance)
        else:
            layout = layout_of(self.acquired.latent(self.places[index])[None].to(device))
        z = cascade.draw_detail(noise, layout, attributes=attributes, mask=spatial[:, :1])
        return z[0].cpu().half().numpy(), layout[0].cpu().half().numpy()

    def _draw_key(self, cascade: sampling.Cascade) -> str:
        """Hash of all that decides what is drawn."""
        how: list[Any] = [
            self.draws_layouts,
            self.seed,
            cascade.layout_noise,
            cascade.detail_guidance,
            cascade.finer_texture,
        ]
        used: list[Any] = [cascade.detail, cascade.detail_guide]
        if self.draws_layouts:
            how += [self.guidance, cascade.layout_guidance, cascade.layout_range]
            used += [cascade.layout, cascade.guide]
        digest = hashlib.sha256(repr(how).encode())
        for network in used:
            if isinstance(network, nn.Module):
                for tensor in network.state_dict().values():
                    digest.update(tensor.detach().float().cpu().numpy().tobytes())
        for index, place in enumerate(self.places):
            digest.update(f"{place}/{self.conditions[index]!r}".encode())
            digest.update(self._planes(index).numpy().tobytes())
            digest.update(self.acquired.latent(place).numpy().tobytes())
        return digest.hexdigest()[:16]


def _spread(conditions: Sequence[Conditions], n: int) -> list[int]:
    """Places of `n` of each acquisition kind, evenly spread, the kinds in turn."""
    of_kind: dict[AcquisitionKind, list[int]] = {}
    for place, one in enumerate(conditions):
        if one.kind is not None:
            of_kind.setdefault(one.kind, []).append(place)
    chosen = [
        [places[i * len(places) // n] for i in range(n)] if len(places) > n else places for places in of_kind.values()
    ]
    rounds = max((len(places) for places in chosen), default=0)
    return [places[i] for i in range(rounds) for places in chosen if i < len(places)]
