"""A mammogram as it comes from the process that has read it."""

from __future__ import annotations

from typing import Any, NamedTuple

from monai_mammo.study import Mammogram, StoredImage

__all__ = ["Unrendered"]


class Unrendered(NamedTuple):
    """A mammogram whose brightness has not been looked up yet.

    Parameters
    ----------
    stored : StoredImage
    fields : dict
        All fields of the `Mammogram` that are known, its pixels apart.
    """

    stored: StoredImage
    fields: dict[str, Any]

    def rendered(self) -> Mammogram:
        """The mammogram.

        Returns
        -------
        Mammogram
        """
        return Mammogram(pixels=self.stored.brightness(), **self.fields)
