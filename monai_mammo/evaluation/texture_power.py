"""Whether reconstructed and generated breasts have the fine texture of acquired ones: power by spatial frequency."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.evaluation.autoencoder_on_images import open_autoencoder, reconstructions
from monai_mammo.evaluation.intervals import difference_of_means, summary
from monai_mammo.evaluation.run_items import items_of_run
from monai_mammo.evaluation.stated import about_bundle, about_datalist, figures_name, kind_groups
from monai_mammo.prepare.datalist_items import breast_of

__all__ = ["BANDS", "power_spectrum", "spectral_exponent", "texture_figures"]

TILE_PX = 32
_MARGIN_PX = 4  # from the skin line, whose edge is no texture
_LEAST_POWER = 1e-12  # of a picture without any noise: 60 dB under what 16 bits can show

BANDS = ((1 / 16, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1 / 2))
"""Bands of spatial frequency in cycles a pixel; the last is what a picture of half the size cannot hold."""


def texture_figures(
    datalist: str | Path,
    runs: Sequence[str | Path] = (),
    *,
    split: str = "validation",
    autoencoder: str = DEFAULT_BUNDLES[1],
    device: str = "auto",
) -> dict[str, Any]:
    """Power of the texture inside the breast by band of spatial frequency, and its spectral exponent.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder, whose images are the yardstick.
    runs : sequence of str or Path
        Folders that `generate` wrote, for requests like those images; may be empty.
    split : str
        Of the datalist, such as ``validation``.
    autoencoder : str
        Name or path of the bundle whose reconstructions are examined.
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    dict
        ``rows``: for each kind and measure (a band, or ``exponent``) ``acquired`` and the differences
        ``reconstructed`` (pairs) and ``generated`` to it, `None` without a run. Bands are in dB.

    Raises
    ------
    RequestError
        There is no such datalist, split, run, bundle or device.
    MammoError
        Weights are missing or damaged.
    """
    items, conditions, images, home, network, place = open_autoencoder(
        datalist, split=split, autoencoder=autoencoder, device=device
    )
    breasts = [breast_of(item, image.shape) for item, image in zip(items, images, strict=True)]
    rebuilt = reconstructions(network, images, place)
    synthetic = [item for run in runs for item in items_of_run(run)]
    acquired = [_measures(*pair) for pair in zip(images, breasts, strict=True)]
    reconstructed = [_measures(*pair) for pair in zip(rebuilt, breasts, strict=True)]
    generated = [_measures(item["image"].astype(np.float32) / 65535, item["breast"]) for item in synthetic]
    synthetic_kinds = [item["conditions"].get("kind") for item in synthetic]
    rows = []
    for kind, members in kind_groups([c.kind for c in conditions]).items():
        others = [m for m, k in zip(generated, synthetic_kinds, strict=True) if kind in ("all", k)]
        for measure in (*map(band_name, BANDS), "exponent"):
            known = [i for i in members if measure in acquired[i] and measure in reconstructed[i]]
            persons = [str(items[i]["person_id"]) for i in known]
            row: dict[str, Any] = {"kind": kind, "measure": measure}
            row["acquired"] = summary([acquired[i][measure] for i in known], persons=persons)
            differences = [reconstructed[i][measure] - acquired[i][measure] for i in known]
            row["reconstructed"] = summary(differences, persons=persons)
            # runs of one kind are compared with acquired images of that kind, also among all
            twins = [i for i in known if None in synthetic_kinds or conditions[i].kind in synthetic_kinds]
            row["generated"] = difference_of_means(
                [m[measure] for m in others if measure in m],
                [acquired[i][measure] for i in twins],
                reference_persons=[str(items[i]["person_id"]) for i in twins],
            )
            rows.append(row)
    return {
        "name": figures_name("texture", split),
        "command": "texture",
        "data": about_datalist(datalist, items, split),
        "bundles": [about_bundle(home)],
        "settings": {"tile_px": TILE_PX, "bands": [band_name(band) for band in BANDS], "n_generated": len(generated)},
        "rows": rows,
    }


def band_name(band: tuple[float, float]) -> str:
    """Band in words, such as ``1/8 to 1/4``.

    Parameters
    ----------
    band : tuple of float
        Lower and upper frequency, in cycles a pixel.

    Returns
    -------
    str
    """
    return " to ".join(f"1/{round(1 / frequency)}" for frequency in band)


def power_spectrum(
    image: np.ndarray, breast: np.ndarray, *, tile_px: int = TILE_PX, margin_px: int = _MARGIN_PX
) -> tuple[np.ndarray, np.ndarray] | None:
    """Radial power spectrum inside the breast, mean over Hann-windowed tiles that lie inside it.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool
        Or another region.
    tile_px : int
        Side of the tiles, which overlap by half; even.
    margin_px : int
        How far they stay from the edge of the breast.

    Returns
    -------
    frequency : ndarray, shape (tile_px / 2 - 1,)
        In cycles a pixel, 2 / tile_px to 1/2; the first one holds what the window leaks from the mean.
    power : ndarray, shape (tile_px / 2 - 1,)
        Independent noise of variance v has the power v at each frequency.
    None
        No tile lies in the breast.
    """
    corners = [
        (row, column)
        for row in range(0, image.shape[0] - tile_px + 1, tile_px // 2)
        for column in range(0, image.shape[1] - tile_px + 1, tile_px // 2)
        if _with_margin(breast, row, column, tile_px, margin_px).all()
    ]
    if not corners:
        return None
    tiles = np.stack([image[r : r + tile_px, c : c + tile_px] for r, c in corners]).astype(np.float64)
    hann = np.hanning(tile_px + 1)[:-1]
    window = np.outer(hann, hann)
    tiles = (tiles - tiles.mean(axis=(1, 2), keepdims=True)) * window
    density = (np.abs(np.fft.fft2(tiles)) ** 2).mean(axis=0) / (window**2).sum()
    radius = np.rint(tile_px * np.hypot(*np.meshgrid(*[np.fft.fftfreq(tile_px)] * 2))).astype(int)
    steps = np.arange(2, tile_px // 2 + 1)
    return steps / tile_px, np.array([density[radius == step].mean() for step in steps])


def spectral_exponent(frequency: np.ndarray, power: np.ndarray) -> float:
    """Beta of a power law 1 / f**beta, by least squares on logarithms; about 3 for mammograms (Burgess et al. 2001).

    Parameters
    ----------
    frequency, power : ndarray, shape (n,)
        As `power_spectrum` gives them.

    Returns
    -------
    float
    """
    return -float(np.polyfit(np.log(frequency), np.log(np.maximum(power, _LEAST_POWER)), 1)[0])


def _with_margin(breast: np.ndarray, row: int, column: int, tile_px: int, margin_px: int) -> np.ndarray:
    rows = slice(max(0, row - margin_px), row + tile_px + margin_px)
    return breast[rows, max(0, column - margin_px) : column + tile_px + margin_px]


def _measures(image: np.ndarray, breast: np.ndarray) -> dict[str, float]:
    """Power of each band in dB, and the exponent; nothing where the breast has no room for a tile."""
    found = power_spectrum(np.clip(image, 0, 1), breast, tile_px=TILE_PX)
    if found is None:
        return {}
    frequency, power = found
    out = {"exponent": spectral_exponent(frequency, power)}
    for low, high in BANDS:
        inside = (frequency > low) & (frequency <= high)
        out[band_name((low, high))] = 10 * float(np.log10(max(power[inside].mean(), _LEAST_POWER)))
    return out
