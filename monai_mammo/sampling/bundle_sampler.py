"""Sampler of a generator's bundle: its networks, with the schedules and weights of guidance that the bundle states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from monai_mammo import networks
from monai_mammo.attributes import COLUMNS
from monai_mammo.bundle import DETAIL, DETAIL_GUIDE, FINISH, GUIDE, BundleFolder
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.sampling.cascade import Cascade, by_kind
from monai_mammo.sampling.latents import OneStage
from monai_mammo.sampling.schedule import CosineSchedule, RectifiedFlowSchedule, Schedule
from monai_mammo.sampling.vector_prior import VectorPrior

__all__ = ["Sampler", "sampler_of", "schedule_of"]

Sampler = OneStage | Cascade | VectorPrior

_SCHEDULES: dict[str, type[Schedule]] = {
    "CosineSchedule": CosineSchedule,
    "RectifiedFlowSchedule": RectifiedFlowSchedule,
}


def sampler_of(folder: BundleFolder, device: torch.device) -> Sampler:
    """Networks of a generator's bundle, diffusion networks with the schedules that its inference config names.

    Parameters
    ----------
    folder : BundleFolder
    device : torch.device

    Returns
    -------
    OneStage, Cascade or VectorPrior

    Raises
    ------
    MammoError
        Weights are missing, damaged or do not fit the networks.
    """
    network = networks.load_network(folder, device=device)
    if isinstance(network, networks.LatentVAE):
        return _vector_prior(network, folder)
    schedule = schedule_of(folder, "schedule")
    detail = networks.load_part(folder, DETAIL, device=device)
    if detail is None:
        return OneStage(network, schedule)
    if not isinstance(detail, networks.DetailUNet):
        raise MammoError(f"detail_def of bundle {folder.name} is not a DetailUNet")
    return Cascade(
        network,
        detail,
        schedule,
        schedule_of(folder, "detail_schedule"),
        layout_noise=folder.number("layout_noise", Cascade.layout_noise),
        guide=networks.load_part(folder, GUIDE, device=device),
        layout_guidance=_stated_by_kind(folder, "layout_guidance", Cascade.layout_guidance),
        layout_range=_stated_range(folder, "layout_range"),
        detail_guide=networks.load_part(folder, DETAIL_GUIDE, device=device),
        detail_guidance=_stated_by_kind(folder, "detail_guidance", Cascade.detail_guidance),
        finer_texture=_stated_by_kind(folder, "finer_texture", Cascade.finer_texture),
        finish=_finish(folder, device),
        finish_weight=_stated_by_kind(folder, "finish_weight", Cascade.finish_weight),
    )


def schedule_of(folder: BundleFolder, key: str) -> Schedule:
    """Schedule that a bundle's inference config names; the plain cosine where it names none.

    Parameters
    ----------
    folder : BundleFolder
    key : str
        Such as ``schedule`` or ``view_translator_schedule``.

    Returns
    -------
    Schedule

    Raises
    ------
    MammoError
        It names something else.
    """
    if key not in folder.config("inference"):
        return CosineSchedule()
    target, arguments = folder.network_definition("inference", key)
    name = target.rpartition(".")[2]
    if name not in _SCHEDULES:
        raise MammoError(f"{key} {name!r} of bundle {folder.name} is not one of {', '.join(_SCHEDULES)}")
    return _SCHEDULES[name](**arguments)


def _finish(folder: BundleFolder, device: torch.device) -> networks.PictureFinish | None:
    finish = networks.load_part(folder, FINISH, device=device)
    if finish is not None and not isinstance(finish, networks.PictureFinish):
        raise MammoError(f"finish_def of bundle {folder.name} is not a PictureFinish")
    return finish


def _vector_prior(network: networks.LatentVAE, folder: BundleFolder) -> VectorPrior:
    rows, columns = folder.prepared_shape
    height, width = network.latent_shape
    if rows * width != columns * height:
        raise MammoError(f"the latents of bundle {folder.name} are {height} x {width}, its pictures {rows} x {columns}")
    return VectorPrior(network)


def _stated_by_kind(folder: BundleFolder, name: str, otherwise: float | Mapping[str, float]) -> Any:
    """Numbers by acquisition kind that the bundle's metadata state under a name."""
    stated = folder.metadata.get(name, otherwise)
    try:
        by_kind(stated, torch.zeros(1, len(COLUMNS)), name=name, otherwise=0.0)
    except RequestError as error:
        raise MammoError(f"metadata of bundle {folder.name}: {error}") from None
    return stated


def _stated_range(folder: BundleFolder, name: str) -> tuple[float, float] | None:
    """Two rising numbers that the bundle's metadata state under a name, `None` where they state none."""
    stated = folder.metadata.get(name)
    if stated is None:
        return None
    is_range = isinstance(stated, list) and len(stated) == 2 and all(type(end) in (int, float) for end in stated)
    if not is_range or not -1e300 < stated[0] < stated[1] < 1e300:
        raise MammoError(f"metadata of bundle {folder.name}: {name} {str(stated)[:40]} is not two rising numbers")
    return float(stated[0]), float(stated[1])
