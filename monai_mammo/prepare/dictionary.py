"""MONAI transforms from a file to the array contract and back.

MONAI's own readers transpose mammograms, lose their spacing and do not invert MONOCHROME1, so files come in through
`read_any` and go on as a `MetaTensor`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.prepare.array import prepare_mammogram
from monai_mammo.prepare.geometry import Trace
from monai_mammo.prepare.grid import DEFAULT_SHAPE
from monai_mammo.prepare.reading import read_any
from monai_mammo.study import Mammogram

__all__ = ["LoadMammogramd", "PrepareMammogramd", "RestoreMammogramd", "trace_of"]


class LoadMammogramd(MapTransform):
    """Mammogram from the file that a key names, by `read_any`.

    The path is replaced by a MetaTensor of shape (1, rows, columns), float32 in [0, 1]. Rows come first; the affine
    carries the spacing in mm where it is known (``meta["spacing_source"]`` says from where, ``unknown`` stands with
    an identity). ``conditions`` are taken from the file where the dictionary has none, and ``label`` from a lesion
    mask that comes with the file.

    Parameters
    ----------
    keys : str or sequence of str
        Keys of paths.
    label_key, conditions_key : str
        Where mask and conditions go.
    allow_missing_keys : bool
        Whether a dictionary without one of the keys is passed on as it is.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        *,
        label_key: str = "label",
        conditions_key: str = "conditions",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.label_key = label_key
        self.conditions_key = conditions_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Dictionary with the pictures in place of their paths.

        Raises
        ------
        MammoError
            A file gives no mammogram; the message names the reason.
        """
        out = dict(data)
        for key in self.key_iterator(out):
            mammogram = read_any(Path(out[key]))
            if not isinstance(mammogram, Mammogram):
                raise MammoError(str(mammogram))
            out[key] = _meta_tensor(mammogram)
            out.setdefault(self.conditions_key, mammogram.conditions)
            if mammogram.lesion_mask is not None and self.label_key not in out:
                out[self.label_key] = MetaTensor(_channel(mammogram.lesion_mask.astype(np.float32)))
        return out


class PrepareMammogramd(MapTransform, InvertibleTransform):
    """Picture brought to the array contract, mask and box moved along; see `prepare_mammogram`.

    Parameters
    ----------
    keys : str or sequence of str
        Keys of pictures, shape (1, rows, columns).
    shape : tuple of int
        Rows and columns of the prepared grid.
    label_key, breast_key, conditions_key : str
        Lesion mask (moved where it is there), breast mask (added) and conditions.
    allow_missing_keys : bool
        Whether a dictionary without one of the keys is passed on as it is.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        *,
        shape: tuple[int, int] = DEFAULT_SHAPE,
        label_key: str = "label",
        breast_key: str = "breast",
        conditions_key: str = "conditions",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.shape = (int(shape[0]), int(shape[1]))
        self.label_key = label_key
        self.breast_key = breast_key
        self.conditions_key = conditions_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Dictionary with prepared pictures, masks and conditions.

        Raises
        ------
        MammoError
            No breast is found in a picture.
        """
        out = dict(data)
        for key in self.key_iterator(out):
            prepared = prepare_mammogram(self._mammogram(out, key), shape=self.shape)
            before = out[key]
            image = MetaTensor(_channel(prepared.image), meta=dict(getattr(before, "meta", {})))
            image.applied_operations = list(getattr(before, "applied_operations", []))
            self.push_transform(image, extra_info={"trace": prepared.trace.to_dict(), "before": _box_of(out, self)})
            out[key] = image
            out[self.breast_key] = MetaTensor(_channel(prepared.breast.astype(np.float32)))
            out[self.conditions_key] = prepared.conditions
            if prepared.lesion_mask is not None:
                out[self.label_key] = MetaTensor(_channel(prepared.lesion_mask.astype(np.float32)))
        return out

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Dictionary with pictures, masks and box on the files' own grids; what was cropped away is 0.

        Parameters
        ----------
        data : mapping
            As `__call__` gave it, or with predictions in place of its pictures.

        Returns
        -------
        dict
        """
        out = dict(data)
        for key in self.key_iterator(out):
            info = self.pop_transform(out[key])["extra_info"]
            trace = Trace.from_dict(info["trace"])
            image = MetaTensor(_restored(out[key], trace), meta=dict(out[key].meta))
            image.applied_operations = list(out[key].applied_operations)
            out[key] = image
            for mask_key in (self.label_key, self.breast_key):
                if mask_key in out:
                    out[mask_key] = MetaTensor((_restored(out[mask_key], trace) >= 0.5).float())
            conditions = out.get(self.conditions_key)
            if isinstance(conditions, Conditions):
                out[self.conditions_key] = conditions.replace(box=info["before"])
        return out

    def _mammogram(self, data: Mapping[Hashable, Any], key: Hashable) -> Mammogram:
        conditions = data.get(self.conditions_key, Conditions())
        if not isinstance(conditions, Conditions):
            conditions = Conditions.from_dict(conditions)
        label = data.get(self.label_key)
        return Mammogram(
            pixels=_plane(data[key]),
            conditions=conditions,
            lesion_mask=None if label is None else _plane(label) >= 0.5,
        )


class RestoreMammogramd(MapTransform):
    """Prediction on the prepared grid, taken back to the grid of the file.

    Parameters
    ----------
    keys : str or sequence of str
        Keys of predictions, shape (channels, rows, columns).
    source_key : str
        Key of the prepared picture, whose trace is followed back.
    threshold : float or None
        Value from which a restored pixel counts as 1; `None` leaves interpolated values.
    allow_missing_keys : bool
        Whether a dictionary without one of the keys is passed on as it is.
    """

    def __init__(
        self,
        keys: KeysCollection = "pred",
        *,
        source_key: str = "image",
        threshold: float | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.source_key = source_key
        self.threshold = threshold

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Dictionary with the predictions on the file's own grid."""
        out = dict(data)
        trace = trace_of(out[self.source_key])
        for key in self.key_iterator(out):
            restored = _restored(out[key], trace)
            out[key] = restored if self.threshold is None else (restored >= self.threshold).float()
        return out


def trace_of(image: MetaTensor) -> Trace:
    """Way that a prepared picture came, from what its transforms recorded.

    Parameters
    ----------
    image : MetaTensor, shape (1, rows, columns)

    Returns
    -------
    Trace

    Raises
    ------
    MammoError
        No `PrepareMammogramd` made this picture.
    """
    for operation in reversed(getattr(image, "applied_operations", [])):
        if operation.get("class") == PrepareMammogramd.__name__:
            return Trace.from_dict(operation["extra_info"]["trace"])
    raise MammoError("the picture carries no trace of PrepareMammogramd")


def _meta_tensor(mammogram: Mammogram) -> MetaTensor:
    spacing = mammogram.spacing
    affine = torch.eye(4, dtype=torch.float64)
    if spacing is not None:
        affine[0, 0], affine[1, 1] = spacing.row_mm, spacing.column_mm
    meta = {
        "filename_or_obj": mammogram.source,
        "source_sha256": mammogram.source_sha256,
        "person_id": mammogram.person_id,
        "spacing_source": "unknown" if spacing is None else spacing.source,
    }
    return MetaTensor(_channel(mammogram.pixels), affine=affine, meta=meta)


def _channel(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))[None]


def _plane(image: Any) -> np.ndarray:
    array = image.detach().cpu().numpy() if isinstance(image, torch.Tensor) else np.asarray(image)
    if array.ndim != 3 or array.shape[0] != 1:
        raise MammoError(f"a picture has shape (1, rows, columns), not {array.shape}")
    return array[0]


def _restored(image: torch.Tensor, trace: Trace) -> torch.Tensor:
    planes = image.detach().cpu().float().numpy()
    return torch.from_numpy(np.stack([np.ascontiguousarray(trace.inverse(plane)) for plane in planes]))


def _box_of(data: Mapping[Hashable, Any], transform: PrepareMammogramd) -> list[float] | None:
    conditions = data.get(transform.conditions_key)
    box = conditions.box if isinstance(conditions, Conditions) else (conditions or {}).get("box")
    return None if box is None else list(box)
