"""How a region of an acquired mammogram is changed: the lesion painter, or a method to compare it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from monai_mammo import bundle
from monai_mammo.bundle import CROP_TRANSLATOR, PAINTER, BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import WeightsReference
from monai_mammo.editing.edit_request import DEFAULT_STRENGTH, EditMethod, EditRequest
from monai_mammo.errors import RequestError
from monai_mammo.generation.runs.checked_weights import MODEL, checked_weights, drawing_weights
from monai_mammo.painting.local_edit import Change, paint_region

if TYPE_CHECKING:
    from monai_mammo.editing.edit_source import EditSource
    from monai_mammo.painting.painter import LesionPainter

__all__ = ["EditedPlace", "Changer", "changer_of", "weights_of"]


class EditedPlace(NamedTuple):
    """A region of a picture, and what is to be seen in it.

    Attributes
    ----------
    source : EditSource
    picture : ndarray, shape (rows, columns), float32
        Brightness in [0, 1], with what was changed before.
    region : ndarray, shape (rows, columns), bool
        What is changed; not empty.
    outline : ndarray, shape (rows, columns), bool
        The lesion that is to be seen in it; empty for none.
    conditions : Conditions
        What is to be seen.
    noise_of : tuple of int, str and int
        Seed of the run, name of the sample, number of the try.
    texture : float
        Share of the texture that the painter draws where it fills a region; other methods take no heed of it.
    """

    source: EditSource
    picture: np.ndarray
    region: np.ndarray
    outline: np.ndarray
    conditions: Conditions
    noise_of: tuple[int, str, int]
    texture: float = 1.0

    @property
    def may_change(self) -> np.ndarray:
        """Where pixels may change: the breast, shape (rows, columns), bool."""
        return self.source.breast


class Changer(Protocol):
    """A method with its networks."""

    def change(self, place: EditedPlace) -> Change:
        """What the method adds to the picture.

        Parameters
        ----------
        place : EditedPlace

        Returns
        -------
        Change

        Raises
        ------
        RequestError
            The region is larger than the method allows, or the picture too small.
        """


class _Painting:
    """The lesion painter, with its steps and guidance."""

    def __init__(self, painter: LesionPainter, *, steps: int, guidance: float) -> None:
        self._painter, self._steps, self._guidance = painter, steps, guidance

    def change(self, place: EditedPlace) -> Change:
        return paint_region(
            self._painter,
            place.picture,
            place.region,
            place.outline,
            place.conditions,
            spacing_mm=place.source.spacing_mm,
            may_change=place.may_change,
            noise_of=place.noise_of,
            steps=self._steps,
            guidance=self._guidance,
            texture=place.texture,
        )


def changer_of(request: EditRequest, *, device: str) -> Changer:
    """The method of a request, its networks loaded.

    Parameters
    ----------
    request : EditRequest
    device : str
        Such as ``cpu`` or ``cuda``.

    Returns
    -------
    Changer

    Raises
    ------
    RequestError
        The bundle does not have the networks.
    MammoError
        Weights are missing, damaged, or do not fit the networks.
    """
    diffusion, autoencoder = bundle.find(request.bundle), bundle.find(request.autoencoder)
    if request.method is EditMethod.PAINTER:
        from monai_mammo.painting.painter import LesionPainter

        painter = LesionPainter.load(diffusion, autoencoder, device=device)
        return _Painting(painter, steps=request.steps, guidance=request.guidance)
    if request.method is EditMethod.GAN:
        from monai_mammo.editing.translation import CropTranslation

        return CropTranslation.load(diffusion, autoencoder, device=device)
    from monai_mammo.editing.redrawing import Redrawing

    return Redrawing.load(
        diffusion,
        autoencoder,
        device=device,
        steps=request.steps,
        guidance=request.guidance,
        strength=request.strength or DEFAULT_STRENGTH,
        is_inverted=request.method is EditMethod.INVERSION,
    )


def weights_of(request: EditRequest) -> tuple[WeightsReference, ...]:
    """Checked weights that decide a pixel of an edit.

    Parameters
    ----------
    request : EditRequest

    Returns
    -------
    tuple of WeightsReference
        The autoencoder's last.

    Raises
    ------
    RequestError
        The bundle does not have what the method needs.
    MammoError
        Weights are missing, truncated or of another hash.
    """
    diffusion, autoencoder = bundle.find(request.bundle), bundle.find(request.autoencoder)
    found = [(diffusion, path, name) for path, name in _parts(request, diffusion)]
    return checked_weights([*found, (autoencoder, MODEL, autoencoder.name)])


def _parts(request: EditRequest, diffusion: BundleFolder) -> list[tuple[str, str]]:
    """Weight files of a diffusion bundle that a method needs, with their names."""
    alone = {EditMethod.PAINTER: (PAINTER, "painter"), EditMethod.GAN: (CROP_TRANSLATOR, "gan")}
    if request.method in alone:
        part, config = alone[request.method]
        if not diffusion.has_weights(part):
            raise RequestError(diffusion.without_weights(part))
        return [(part[0], f"{diffusion.name} {config}")]
    return [(path, name) for name, path in drawing_weights(diffusion).items()]
