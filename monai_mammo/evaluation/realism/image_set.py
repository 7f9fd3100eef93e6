"""Images that are compared as a set: pixels, breasts, kinds, views and persons."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.found_breast import found_breast
from monai_mammo.prepare.geometry import resize

__all__ = ["ImageSet"]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ImageSet:
    """Mammograms of one size, chest wall left.

    Parameters
    ----------
    images : tuple of ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    breasts : tuple of ndarray, shape (rows, columns), bool
        Where the breast is.
    kinds, views : tuple of str or None
        Acquisition kind and view of each image, where they are known.
    persons : tuple of str
        A generated image is a person of its own.
    names : tuple of str
        By which a person finds an image again.

    Raises
    ------
    RequestError
        There is no image, images differ in size, or what is stated of them is not one for each.
    """

    images: tuple[np.ndarray, ...]
    breasts: tuple[np.ndarray, ...]
    kinds: tuple[str | None, ...]
    views: tuple[str | None, ...]
    persons: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, field.name)) for field in dataclasses.fields(self)}
        if len(lengths) != 1 or not self.images:
            raise RequestError("a set of images needs one image or more, and breast, kind, view, person, name of each")
        shapes = {array.shape for array in (*self.images, *self.breasts)}
        if len(shapes) != 1 or len(self.images[0].shape) != 2:
            raise RequestError(f"images of a set have one size, these have {', '.join(map(str, sorted(shapes)))}")

    @classmethod
    def of(
        cls,
        images: Sequence[np.ndarray],
        *,
        kinds: Sequence[str | None] | None = None,
        views: Sequence[str | None] | None = None,
        persons: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        breasts: Sequence[np.ndarray] | None = None,
    ) -> Self:
        """Set of images.

        Parameters
        ----------
        images : sequence of ndarray, shape (rows, columns)
            Brightness in [0, 1], chest wall left.
        kinds, views : sequence of str or None, optional
        persons, names : sequence of str, optional
            Without them each image is a person of its own.
        breasts : sequence of ndarray, shape (rows, columns), bool, optional
            Without them each breast is looked for in its pixels, by one rule for acquired and generated images.

        Returns
        -------
        ImageSet
        """
        n = len(images)
        pixels = tuple(np.asarray(image, dtype=np.float32) for image in images)
        given = names if names is not None else [f"image {i}" for i in range(n)]
        return cls(
            images=pixels,
            breasts=tuple(map(found_breast, pixels)) if breasts is None else tuple(b > 0 for b in breasts),
            kinds=tuple(kinds) if kinds is not None else (None,) * n,
            views=tuple(views) if views is not None else (None,) * n,
            persons=tuple(persons if persons is not None else given),
            names=tuple(given),
        )

    @classmethod
    def joined(cls, parts: Sequence[ImageSet]) -> Self:
        """Set of the images of several, in their order.

        Parameters
        ----------
        parts : sequence of ImageSet
            One or more.

        Returns
        -------
        ImageSet
        """
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: tuple(one for part in parts for one in getattr(part, name)) for name in names})

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of each image."""
        rows, columns = self.images[0].shape
        return rows, columns

    @property
    def n_persons(self) -> int:
        """Number of persons."""
        return len(set(self.persons))

    def take(self, positions: Sequence[int] | np.ndarray) -> Self:
        """Set of the images at some positions, in that order.

        Parameters
        ----------
        positions : sequence of int, or ndarray, shape (n,)
            From 0; one may stand several times.

        Returns
        -------
        ImageSet
        """
        chosen = {f.name: tuple(getattr(self, f.name)[int(i)] for i in positions) for f in dataclasses.fields(self)}
        return type(self)(**chosen)

    def shrunk(self, shape: tuple[int, int]) -> Self:
        """The same images at a smaller size, each pixel the mean of what it covers.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.

        Returns
        -------
        ImageSet
        """
        if tuple(shape) == self.shape:
            return self
        return dataclasses.replace(
            self,
            images=tuple(resize(image, shape) for image in self.images),
            breasts=tuple(resize(breast.astype(np.float32), shape) >= 0.5 for breast in self.breasts),
        )
