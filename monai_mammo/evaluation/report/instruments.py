"""What a report measures images with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import nn

from monai_mammo import networks
from monai_mammo.bundle import BundleFolder
from monai_mammo.bundle.fingerprint import TrainingFingerprint
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.examiners import JUDGE, examiners
from monai_mammo.evaluation.realism.feature_family import FeatureFamily
from monai_mammo.evaluation.realism.feature_file import family_of_file
from monai_mammo.evaluation.realism.frozen_encoder import FeatureEncoder
from monai_mammo.networks import PyramidJudge
from monai_mammo.networks.weights import ENCODER

__all__ = ["Instruments", "instruments_of"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instruments:
    """What images are measured with.

    Parameters
    ----------
    encoder : FeatureEncoder or None
        Frozen, on `device`.
    examiners : mapping of str to nn.Module
        Lesion network and judge, by name.
    fingerprint : TrainingFingerprint or None
        Of the training images, where one is at hand.
    families : tuple of FeatureFamily
        Further sorts of features of whole images, at their full size alone.
    device : torch.device
    hashes : mapping of str to str
        sha256 of the weights of ``encoder`` and of each examiner, by which what they gave is found again.
    """

    encoder: FeatureEncoder | None
    examiners: Mapping[str, nn.Module]
    fingerprint: TrainingFingerprint | None
    families: tuple[FeatureFamily, ...] = ()
    device: torch.device
    hashes: Mapping[str, str]


def instruments_of(home: BundleFolder, files: Sequence[str | Path], place: torch.device) -> Instruments:
    """Instruments that a bundle and files of further networks give, without a fingerprint of training images.

    Parameters
    ----------
    home : BundleFolder
        With lesion network and judge, and perhaps an encoder.
    files : sequence of str or Path
        Of networks whose features are a further sort each.
    place : torch.device

    Returns
    -------
    Instruments

    Raises
    ------
    RequestError
        Two files have one name, or one cannot be used.
    MammoError
        Weights are missing or damaged.
    """
    has_encoder = (home.root / ENCODER[0]).is_file()
    read = examiners(home, str(place))
    hashes = {"lesion network": home.weights_sha256["models/model.pt"], "judge": home.weights_sha256[JUDGE[0]]}
    of_files = [family_of_file(path, device=place) for path in files]
    if len({family.name for family in of_files}) < len(of_files):
        raise RequestError("files of features need different names: " + ", ".join(str(Path(path)) for path in files))
    of_judge = FeatureFamily(
        name="judge", sha256=hashes["judge"], network=cast(PyramidJudge, read["judge"]).pooled_features, device=place
    )
    return Instruments(
        encoder=networks.load_encoder(home, device=place) if has_encoder else None,
        examiners=read,
        fingerprint=None,
        families=(of_judge, *of_files),
        device=place,
        hashes={
            "encoder": home.weights_sha256[ENCODER[0]] if has_encoder else "",
            **hashes,
        },
    )
