"""Region of a mammogram that a request names, or that the file tells of."""

from __future__ import annotations

import numpy as np

from monai_mammo.editing.edit_request import EditRequest
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.region_file import region_of_file
from monai_mammo.prepare.geometry import mask_of_box

__all__ = ["named_region"]


def named_region(request: EditRequest, source: EditSource) -> tuple[np.ndarray, str]:
    """Region of mask or box, else the lesion that the file tells of.

    Parameters
    ----------
    request : EditRequest
    source : EditSource

    Returns
    -------
    region : ndarray, shape (rows, columns), bool
        On the grid of the file; empty where nothing is named or told.
    where : str
        Where it comes from, for the manifest.

    Raises
    ------
    RequestError
        The mask cannot be read, marks nothing, or has another size than the file.
    """
    if request.mask is not None:
        return region_of_file(request.mask, source), "the requested mask"
    if request.box is not None:
        shape = (source.stored.shape[0], source.stored.shape[1])
        return mask_of_box(request.box, shape) > 0.5, "the requested box"
    return source.known_lesions(), "the lesion that the file tells of"
