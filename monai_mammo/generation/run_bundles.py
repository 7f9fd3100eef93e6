"""The three bundles of a request, with the weights that decide its pixels."""

from __future__ import annotations

import dataclasses
from typing import Self

from monai_mammo import bundle
from monai_mammo.bundle import BundleFolder
from monai_mammo.dicom.identity import WeightsReference
from monai_mammo.errors import RequestError

__all__ = ["DEFAULT_GUIDANCE", "RunBundles"]

DEFAULT_GUIDANCE = 2.0
"""Weight of classifier-free guidance where neither request nor bundle states one."""


@dataclasses.dataclass(frozen=True, slots=True)
class RunBundles:
    """Bundles of the generator, of the autoencoder and of the lesion network, trained on one grid.

    Parameters
    ----------
    diffusion, autoencoder, lesion : BundleFolder

    Raises
    ------
    RequestError
        They were trained on grids of different sizes.
    """

    diffusion: BundleFolder
    autoencoder: BundleFolder
    lesion: BundleFolder

    def __post_init__(self) -> None:
        first = self.diffusion
        for folder in (self.autoencoder, self.lesion):
            rows, columns = folder.prepared_shape
            has_ratio = rows * first.prepared_shape[1] == columns * first.prepared_shape[0]
            if folder.prepared_shape != first.prepared_shape and not (folder.takes_any_size and has_ratio):
                raise RequestError(
                    f"bundle {folder.name} was trained on {rows} x {columns} pixels, {first.name} on "
                    f"{first.prepared_shape[0]} x {first.prepared_shape[1]}: they do not go together"
                )

    @classmethod
    def find(cls, diffusion: str, autoencoder: str, lesion_network: str) -> Self:
        """Bundles by name or path.

        Parameters
        ----------
        diffusion, autoencoder, lesion_network : str
            Name or path of the bundle.

        Returns
        -------
        RunBundles

        Raises
        ------
        RequestError
            There is no such bundle, or they do not go together.
        """
        return cls(*(bundle.find(name) for name in (diffusion, autoencoder, lesion_network)))

    def weights(self) -> tuple[WeightsReference, ...]:
        """Checked weights that decide a pixel, the lesion network's last.

        Returns
        -------
        tuple of WeightsReference

        Raises
        ------
        MammoError
            Weights are missing, truncated or of another hash.
        """
        return (*_references(self.diffusion), *_references(self.autoencoder), *_references(self.lesion))

    def guidance(self, requested: float | None) -> float:
        """Weight of guidance: the requested one, else the diffusion bundle's own.

        Parameters
        ----------
        requested : float or None
            `None` leaves it to the bundle.

        Returns
        -------
        float
        """
        return self.diffusion.number("guidance", DEFAULT_GUIDANCE) if requested is None else requested


def _references(folder: BundleFolder) -> list[WeightsReference]:
    """Checked weights of a bundle that decide a pixel: its network's, and those of its further networks."""
    found = {folder.name: "models/model.pt"}
    if folder.has_detail:
        found[f"{folder.name} detail"] = bundle.DETAIL[0]
    for path in found.values():
        folder.check_weights(path)
    return [WeightsReference(name, folder.version, folder.weights_sha256[path]) for name, path in found.items()]
