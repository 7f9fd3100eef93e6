"""The three bundles of a request, with the weights that decide its pixels."""

from __future__ import annotations

import dataclasses
from typing import Self

from monai_mammo import bundle
from monai_mammo.bundle import BundleFolder
from monai_mammo.dicom.identity import WeightsReference
from monai_mammo.errors import RequestError
from monai_mammo.generation.guidance_weights import GuidanceJson, GuidanceWeights, guidance_json, parse_interval
from monai_mammo.generation.runs.checked_weights import checked_weights, drawing_weights
from monai_mammo.generation.taken_attributes import taken_attributes

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

    def weights(self, *, mend: bool = False, translates: bool = False) -> tuple[WeightsReference, ...]:
        """Checked weights that decide a pixel, the lesion network's last.

        Parameters
        ----------
        mend : bool
            Whether the lesion painter paints into what was drawn, where the generator's bundle has one.
        translates : bool
            Whether the diffusion bundle's translator draws a second view.

        Returns
        -------
        tuple of WeightsReference

        Raises
        ------
        MammoError
            Weights are missing, truncated or of another hash.
        """
        drawn_by = _references(self.diffusion, with_painter=mend, with_translator=translates)
        return (*drawn_by, *_references(self.autoencoder), *_references(self.lesion))

    def guidance(self, requested: GuidanceWeights | None, interval: tuple[float, float] | None = None) -> GuidanceJson:
        """Guidance as it is requested, what is open as the diffusion bundle states it.

        Parameters
        ----------
        requested : float, tuple of pairs or None
            `None` leaves it to the bundle.
        interval : tuple of float or None
            Noise levels; `None` leaves it to the bundle.

        Returns
        -------
        float or dict
            As manifests state it.

        Raises
        ------
        RequestError
            A group is named of which the bundle's network is not told.
        """
        if isinstance(requested, tuple):
            told = (*taken_attributes(self.diffusion), "mask")
            if "text_encoder" in self.diffusion.config("inference"):
                told = (*told, "text")
            for name, _ in requested:
                if name not in (*told, "others"):
                    raise RequestError(
                        f"guidance of {name!r} does nothing: bundle {self.diffusion.name} is told of {', '.join(told)}"
                    )
        own = self.diffusion.metadata.get("guidance_interval")
        if interval is None and own is not None:
            interval = parse_interval(own)
        requested = float(requested) if isinstance(requested, int) else requested
        return guidance_json(requested, interval, default=self.diffusion.number("guidance", DEFAULT_GUIDANCE))


def _references(
    folder: BundleFolder, *, with_painter: bool = False, with_translator: bool = False
) -> tuple[WeightsReference, ...]:
    """Checked weights of a bundle that decide a pixel: its network's, and those of its further networks."""
    found = drawing_weights(folder)
    if with_painter and folder.has_painter:
        found[f"{folder.name} painter"] = bundle.PAINTER[0]
    if with_translator:
        found[f"{folder.name} translator"] = bundle.VIEW_TRANSLATOR[0]
    return checked_weights((folder, path, name) for name, path in found.items())
