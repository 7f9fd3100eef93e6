"""Confidences of the examiners made true on held-back images, written into their weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import optimize
from torch import nn

from monai_mammo import bundle
from monai_mammo.attributes import HEADS
from monai_mammo.bundle import DEFAULT_BUNDLES, BundleFolder
from monai_mammo.errors import MammoError
from monai_mammo.evaluation.answers import answers_of
from monai_mammo.evaluation.autoencoder_on_images import batches
from monai_mammo.evaluation.examination import unread_heads
from monai_mammo.evaluation.examiners import JUDGE, examiners
from monai_mammo.evaluation.region_limits import kinds_without_lesion, region_limits
from monai_mammo.evaluation.reliability import Reliability, reliability, save_diagram
from monai_mammo.files.whole import open_whole
from monai_mammo.measures.overlap import dice
from monai_mammo.networks.class_heads import ORDINAL_HEADS, PRESENCE
from monai_mammo.prepare.datalist_items import breast_of, load_items
from monai_mammo.training.lesion_dataset import LesionDataset

__all__ = ["best_mask_shift", "calibrate_bundle", "fitted_temperature"]

_FILES = {"lesion network": "models/model.pt", "judge": JUDGE[0]}
_LOGITS = np.arange(-5.0, 3.01, 0.25)
_LOWEST, _HIGHEST = 0.25, 8.0


def calibrate_bundle(
    datalist: str | Path,
    *,
    split: str = "validation",
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
    out: str | Path | None = None,
) -> str:
    """Fit temperatures and the mask's threshold of both examiners, and write them into the bundle's weights.

    A temperature for each head makes the likelihood of held-back labels largest (Guo et al. 2017); the mask's logits
    are shifted so that the threshold of the largest mean Dice becomes a probability of 0.5. The metadata state which
    heads are not shown to be better than naming the most frequent class (``unread_heads``).

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder.
    split : str
        Never one that trained the weights.
    lesion_network : str
        Name or path of the bundle.
    device : {"auto", "cpu", "cuda"}
    out : str or Path, optional
        PNG file of reliability diagrams to write, before and after.

    Returns
    -------
    str
        What was fitted, a line for each network.

    Raises
    ------
    RequestError
        There is no such datalist, split, bundle or device.
    MammoError
        Weights are missing or damaged, or the network cannot be calibrated.
    """
    items = load_items(datalist, split=split)
    home = bundle.find(lesion_network)
    words: list[str] = []
    unread: dict[str, list[str]] = {}
    curves: dict[str, tuple[Reliability, Reliability]] = {}
    limits: dict[str, float] = {}
    kinds: list[str] = []
    for name, network in examiners(home, device).items():
        fitted = _fit(name, network, items)
        _write(home, _FILES[name], network)
        answers = answers_of(network, items)
        unread[name] = unread_heads(answers)
        limits = limits or region_limits(answers)  # those of the lesion network, which comes first
        kinds = kinds_without_lesion(answers)
        curves |= {f"{name}: {head}": pair for head, pair in fitted.curves.items()}
        words.append(f"{name}: {fitted.words}; not better than the most frequent class: {', '.join(unread[name])}")
    stated = {"unread_heads": unread, "calibrated_on": f"{split} split, {len(items)} images"}
    bundle.seal(home, **stated, region_scores=limits, presence_kinds=kinds)
    if out is not None:
        save_diagram(curves, out)
    return "\n".join(words)


def fitted_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature at which softmax of logits over it gives known labels the largest likelihood.

    Parameters
    ----------
    logits : ndarray, shape (n, n classes)
    labels : ndarray, shape (n,), int

    Returns
    -------
    float
        In [0.25, 8].
    """

    def loss(log_temperature: float) -> float:
        scaled = torch.from_numpy(logits / np.exp(log_temperature))
        return float(nn.functional.cross_entropy(scaled, torch.from_numpy(labels)))

    found = optimize.minimize_scalar(loss, bounds=(np.log(_LOWEST), np.log(_HIGHEST)), method="bounded")
    return float(np.exp(found.x))


def best_mask_shift(logits: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float:
    """What to add to logits of lesion so that a cut at 0 gives the largest mean Dice, to a quarter.

    Parameters
    ----------
    logits, masks : sequence of ndarray, shape (rows, columns)

    Returns
    -------
    float
    """
    mean = [np.mean([dice(x > cut, mask) for x, mask in zip(logits, masks, strict=True)]) for cut in _LOGITS]
    return -float(_LOGITS[int(np.argmax(mean))])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    words: str
    curves: Mapping[str, tuple[Reliability, Reliability]]


@torch.inference_mode()
def _fit(name: str, network: Any, items: Sequence[dict[str, Any]]) -> _Fitted:
    """Set the network's calibration anew."""
    if not hasattr(network, "calibration"):
        raise MammoError(f"{name} cannot be calibrated: {type(network).__name__} keeps no temperatures")
    calibration = network.calibration
    calibration.temperature.fill_(1)
    calibration.mask_scale.fill_(1)
    calibration.mask_shift.fill_(0)
    data = LesionDataset(items, is_augmented=False)
    heads: dict[str, list[np.ndarray]] = {head: [] for head in (*HEADS, PRESENCE)}
    maps, masks = [], []
    index = 0
    for x in batches([data.image(i) for i in range(len(data))], next(network.parameters()).device):
        out = network(x)
        for head, values in heads.items():
            values += list(out[head].float().cpu().numpy())
        for logits in out["mask"][:, 0].float().cpu().numpy():
            outlined = data.mask(index)
            if outlined is not None and outlined.any():
                maps.append(np.where(breast_of(data.data[index], logits.shape), logits, -np.inf))
                masks.append(outlined)
            index += 1
    temperatures, curves = {}, {}
    known = [data[i] for i in range(len(data))]
    for column, (head, values) in enumerate(heads.items()):
        labels = np.array([int(k[PRESENCE] if head == PRESENCE else k["classes"][column]) for k in known])
        is_known = labels >= ORDINAL_HEADS.get(head, 0)
        if not is_known.any():
            continue
        logits = np.stack(values)[is_known]
        temperatures[head] = fitted_temperature(logits, labels[is_known])
        calibration.temperature[calibration.names.index(head)] = temperatures[head]
        curves[head] = (
            reliability(logits, labels[is_known]),
            reliability(logits / temperatures[head], labels[is_known]),
        )
    shift = best_mask_shift(maps, masks) if maps else 0.0
    calibration.mask_shift.fill_(shift)
    words = ", ".join(f"{head} {t:.2f}" for head, t in temperatures.items())
    return _Fitted(words=f"temperatures {words}; mask {shift:+.2f}", curves=curves)


def _write(home: BundleFolder, path: str, network: nn.Module) -> None:
    state = {k: (v.half() if v.is_floating_point() else v).cpu() for k, v in network.state_dict().items()}
    with open_whole(home.root / path) as stream:
        torch.save(state, stream)
