"""How bright a breast is, and how much of it is dense."""

from __future__ import annotations

import numpy as np
from skimage.filters import threshold_otsu

__all__ = ["breast_brightness"]


def breast_brightness(image: np.ndarray, breast: np.ndarray | None) -> dict[str, float | None]:
    """Mean brightness of the breast, and the share of it that lies above Otsu's threshold.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        In [0, 1].
    breast : ndarray, shape (rows, columns), bool, or None

    Returns
    -------
    dict
        ``brightness`` and ``dense share``, a simple percent density; `None` without a breast or of one value.
    """
    if breast is None or len(np.unique(image[breast])) < 2:
        return {"brightness": None, "dense share": None}
    values = image[breast]
    return {"brightness": float(values.mean()), "dense share": float((values > threshold_otsu(values)).mean())}
