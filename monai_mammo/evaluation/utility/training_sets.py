"""Images that a network is trained on, with their classes and how often each is drawn."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol, Self

import numpy as np

from monai_mammo.training.augment import Augmentation

__all__ = ["Scorer", "TrainingSet", "draw_chances"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """Images of one stage of a training.

    Parameters
    ----------
    images : tuple of ndarray, shape (rows, columns), float32
        Brightness in [0, 1], chest wall left.
    truth : ndarray, shape (n,), float64
        Class of each image: 0 the lowest, 1 the highest, the others evenly between.
    chances : ndarray, shape (n,), float64
        Of each image to be the next that is drawn; their sum is 1.
    digests : tuple of str
        sha256 of each image's pixels.
    may_flip : ndarray, shape (n,), bool
        Whether an image may be turned upside down, which is true of a CC view.
    share : float
        Of the training's steps that this stage takes.
    is_augmented : bool
        Whether images are to be changed each time they are drawn.
    """

    images: tuple[np.ndarray, ...]
    truth: np.ndarray
    chances: np.ndarray
    digests: tuple[str, ...]
    may_flip: np.ndarray
    share: float = 1.0
    is_augmented: bool = False

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def digest(self) -> str:
        """sha256 of all that a training takes from the set."""
        found = hashlib.sha256(f"{self.share!r} {self.is_augmented}".encode())
        for digest in self.digests:
            found.update(digest.encode())
        for array in (self.truth, self.chances, self.may_flip.astype(np.float64)):
            found.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return found.hexdigest()

    def drawn(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Positions of images drawn at random by their chances, shape (n,).

        Parameters
        ----------
        rng : numpy.random.Generator
        n : int
            How many are drawn.

        Returns
        -------
        ndarray, shape (n,), int
        """
        return rng.choice(len(self.images), size=n, p=self.chances)

    def image_at(self, position: int, rng: np.random.Generator) -> np.ndarray:
        """An image as a step sees it: changed at random where the set is augmented.

        Parameters
        ----------
        position : int
            From 0.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        image = self.images[position]
        if not self.is_augmented:
            return image
        change = Augmentation.draw(rng, strength=1.5, may_flip=bool(self.may_flip[position]))
        return change.image(image)

    def joined(self, other: Self, *, dose: float) -> Self:
        """This set with `dose` draws of another for each of its own.

        Parameters
        ----------
        other : TrainingSet
        dose : float
            Above 0; the number of steps stays the same.

        Returns
        -------
        TrainingSet
        """
        return dataclasses.replace(
            self,
            images=(*self.images, *other.images),
            truth=np.concatenate([self.truth, other.truth]),
            chances=np.concatenate([self.chances / (1 + dose), other.chances * dose / (1 + dose)]),
            digests=(*self.digests, *other.digests),
            may_flip=np.concatenate([self.may_flip, other.may_flip]),
        )


class Scorer(Protocol):
    """What trains a network and reads images with it."""

    def __call__(self, stages: Sequence[TrainingSet], test_images: Sequence[np.ndarray], seed: int) -> np.ndarray:
        """Train from nothing on each stage after the other, then score images of other persons.

        Parameters
        ----------
        stages : sequence of TrainingSet
            In the order in which they are trained on; their shares of the steps add up to 1.
        test_images : sequence of ndarray, shape (rows, columns), float32
        seed : int
            Of the weights and of the order of images.

        Returns
        -------
        ndarray, shape (n test images,)
            The larger, the higher the class.
        """
        ...


def draw_chances(classes: np.ndarray, kinds: Sequence[str | None]) -> np.ndarray:
    """Chances by which images are drawn: kinds as frequent as they are, rare classes of a kind more often.

    Within an acquisition kind a class is drawn in proportion to the square root of its number, so that a kind tells
    less of the class, and no single image is drawn all the time.

    Parameters
    ----------
    classes : ndarray, shape (n,), int
    kinds : sequence of str or None

    Returns
    -------
    ndarray, shape (n,), float64
    """
    chances = np.zeros(len(classes))
    names = np.array([str(kind) for kind in kinds])
    for kind in np.unique(names):
        here = names == kind
        of_class = {c: int((classes[here] == c).sum()) for c in np.unique(classes[here])}
        total = sum(n**0.5 for n in of_class.values())
        for c, n in of_class.items():
            chances[here & (classes == c)] = here.mean() * n**0.5 / total / n
    return chances / chances.sum()
