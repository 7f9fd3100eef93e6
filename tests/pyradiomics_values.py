"""Figures of pyradiomics 3.0.1 that our radiomic features are held against: ``python tests/pyradiomics_values.py``.

pyradiomics is no requirement: its figures are committed. To make them anew: ``pip install --no-build-isolation
pyradiomics==3.0.1`` into an environment that has numpy, setuptools, versioneer and cython.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

PATH = Path(__file__).parent / "evaluation" / "realism" / "pyradiomics_values.json"
_ROWS, _COLUMNS = 64, 56
_SIGNIFICANT = 10
_N_SLICES = 9


def picture_and_region() -> tuple[np.ndarray, np.ndarray]:
    """A picture of 12 bits with texture of several sizes, and a region that touches no edge, shapes (64, 56)."""
    row, column = np.indices((_ROWS, _COLUMNS))
    waves = (
        np.sin(row / 3.1) * np.cos(column / 4.7) + 0.6 * np.sin(row * column / 29) + 0.4 * np.cos(row + 2.3 * column)
    )
    grain = (7919 * row * row + 104729 * column + 1299709 * row * column) % 1009 / 1009
    picture = np.rint(1200 + 420 * waves + 350 * grain + 9 * row).astype(np.int64)
    region = ((row - 31) / 21) ** 2 + ((column - 27) / 18) ** 2 < 1
    region &= ((row - 24) / 5) ** 2 + ((column - 33) / 4) ** 2 > 1
    return picture, region


def write() -> None:
    """Write the figures of pyradiomics."""
    import radiomics
    import SimpleITK as sitk
    from radiomics import featureextractor, imageoperations

    assert radiomics.__version__.lstrip("v") == "3.0.1", radiomics.__version__
    picture, region = picture_and_region()
    image = sitk.GetImageFromArray((picture / 4095).astype(np.float64)[None])
    mask = sitk.GetImageFromArray(region.astype(np.uint8)[None])
    extractor = featureextractor.RadiomicsFeatureExtractor(binCount=32, force2D=True, additionalInfo=False)
    extractor.disableAllFeatures()
    for name in ("firstorder", "glcm", "glrlm"):
        extractor.enableFeatureClassByName(name)
    extractor.enableImageTypes(Original={}, Wavelet={})
    features = {name: float(value) for name, value in extractor.execute(image, mask).items()}
    responses = {
        name: sitk.GetArrayFromImage(filtered)[0]
        for filtered, name, _ in imageoperations.getWaveletImage(image, mask, force2D=True)
    }
    # pyradiomics has no Laplacian of a single slice: many equal slices have the same
    deep = sitk.GetImageFromArray(np.repeat((picture / 4095)[None], _N_SLICES, axis=0))
    extractor.disableAllImageTypes()
    extractor.enableImageTypes(Original={})
    for filtered, full_name, _ in imageoperations.getLoGImage(deep, deep, sigma=[1.0, 2.0, 4.0]):
        name = f"log-sigma-{full_name.split('-')[2]}-px"
        responses[name] = sitk.GetArrayFromImage(filtered)[_N_SLICES // 2].astype(np.float64)
        found = extractor.execute(sitk.GetImageFromArray(responses[name][None]), mask)
        features |= {key.replace("original", name): float(value) for key, value in found.items()}
    rounded = {name: float(f"{value:.{_SIGNIFICANT}g}") for name, value in features.items()}
    every = 37
    of_region = {name: x[region] for name, x in responses.items()}
    some = {name: [float(f"{value:.{_SIGNIFICANT}g}") for value in x[::every]] for name, x in of_region.items()}
    PATH.write_text(
        json.dumps({"version": "3.0.1", "every": every, "responses": some, "features": rounded}, indent=1) + "\n"
    )


if __name__ == "__main__":
    write()
