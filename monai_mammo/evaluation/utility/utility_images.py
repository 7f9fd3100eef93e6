"""Images on both sides of the trainings: acquired ones to train on and to test on, and synthetic ones."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.realism.compared_images import acquired_items, synthetic_items
from monai_mammo.evaluation.report.measure_cache import content_digest
from monai_mammo.evaluation.utility.arm_scores import Cases
from monai_mammo.evaluation.utility.read_targets import ReadTarget
from monai_mammo.evaluation.utility.training_sets import TrainingSet, draw_chances
from monai_mammo.prepare.datalist_items import pixels_of
from monai_mammo.prepare.geometry import resize
from monai_mammo.terms import View

__all__ = ["LEAST_OF_CLASS", "ReadSide", "sides_of", "synthetic_digest"]

LEAST_OF_CLASS = 10
"""Images beside the most frequent class that each side needs."""

_ROWS = 192
_UNIT = np.float32(65535)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadSide:
    """Images of one side that state the target, shrunk.

    Parameters
    ----------
    name : str
        In words.
    images : tuple of ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    classes : ndarray, shape (n,), int
    n_classes : int
        Of the target.
    kinds, names, persons, digests : tuple of str
        Digests are of the pixels at full size.
    may_flip : ndarray, shape (n,), bool
    n_left_out : int
        Images that do not state the target, or show nothing.
    """

    name: str
    images: tuple[np.ndarray, ...]
    classes: np.ndarray
    n_classes: int
    kinds: tuple[str, ...]
    names: tuple[str, ...]
    persons: tuple[str, ...]
    digests: tuple[str, ...]
    may_flip: np.ndarray
    n_left_out: int

    @classmethod
    def of(
        cls,
        items: Iterable[dict[str, Any]],
        target: ReadTarget,
        *,
        name: str,
        on_image: Callable[[], None] | None = None,
    ) -> Self:
        """Images of items that state the target.

        Parameters
        ----------
        items : iterable of dict
            Of a datalist, or with their pixels.
        target : ReadTarget
        name : str
            In words, for messages.
        on_image : callable, optional
            Called after each.

        Returns
        -------
        ReadSide

        Raises
        ------
        RequestError
            None states it, all are of one class, or images differ in size.
        MammoError
            A file cannot be read.
        """
        rows: list[tuple[Any, ...]] = []
        shapes, n_left_out = set(), 0
        for item in items:
            place = target.class_of(item)
            pixels = None if place is None else pixels_of(item)
            if pixels is None or pixels.min() == pixels.max():
                n_left_out += 1
            else:
                shapes.add(pixels.shape)
                stated = item["conditions"]
                is_cc = stated.get("view") == str(View.CC)
                digest = content_digest({**item, "image": pixels})
                image_name, person = str(item.get("image_id", len(rows))), str(item["person_id"])
                rows.append((_shrunk(pixels), place, str(stated.get("kind")), image_name, person, digest, is_cc))
            if on_image is not None:
                on_image()
        if not rows:
            raise RequestError(f"none of {n_left_out} {name} states its {target.name}, which a network is to read")
        if len(shapes) > 1:
            raise RequestError(f"{name} differ in size, {_listed(shapes)}: bring them to one by `monai-mammo prepare`")
        images, classes, kinds, names, persons, digests, is_cc = zip(*rows, strict=True)
        side = cls(
            name=name,
            images=images,
            classes=np.array(classes),
            n_classes=len(target.classes),
            kinds=kinds,
            names=names,
            persons=persons,
            digests=digests,
            may_flip=np.array(is_cc),
            n_left_out=n_left_out,
        )
        side._check_classes(target)
        return side

    def __len__(self) -> int:
        return len(self.images)

    @property
    def cases(self) -> Cases:
        """The images as cases of a test."""
        return Cases(
            names=self.names,
            persons=self.persons,
            kinds=self.kinds,
            truth=tuple(float(one) for one in self.classes),
        )

    @property
    def training_set(self) -> TrainingSet:
        """The images as a stage of a training."""
        return TrainingSet(
            images=self.images,
            truth=self.classes / (self.n_classes - 1),
            chances=draw_chances(self.classes, self.kinds),
            digests=self.digests,
            may_flip=self.may_flip,
        )

    def about(self, target: ReadTarget) -> dict[str, Any]:
        """What figures state of the side.

        Parameters
        ----------
        target : ReadTarget

        Returns
        -------
        dict
        """
        counts = {name: int((self.classes == i).sum()) for i, name in enumerate(target.classes)}
        return {
            "n_images": len(self),
            "n_persons": len(set(self.persons)),
            "classes": counts,
            "n_left_out": self.n_left_out,
        }

    def _check_classes(self, target: ReadTarget) -> None:
        values, counts = np.unique(self.classes, return_counts=True)
        if len(values) < 2:
            raise RequestError(
                f"all {len(self)} {self.name} are of one class of {target.name}, {target.classes[values[0]]}: "
                "nothing is to be learnt from them, or measured on them"
            )
        if len(self) - counts.max() < LEAST_OF_CLASS:
            stated = ", ".join(f"{n} {target.classes[v]}" for v, n in zip(values, counts, strict=True))
            raise RequestError(
                f"{self.name} are too few to read {target.name}: {stated}, and {LEAST_OF_CLASS} at least are needed "
                "beside the most frequent class"
            )


def sides_of(
    synthetic: str | Path,
    reference: str | Path,
    target: ReadTarget,
    *,
    split: str,
    training_split: str,
    synthetic_split: str,
    kind: str | None = None,
    on_share: Callable[[float], None] | None = None,
) -> tuple[ReadSide, ReadSide, ReadSide]:
    """Synthetic images, acquired ones to train on, acquired ones of other persons to test on.

    Parameters
    ----------
    synthetic : str or Path
        Run or prepared folder on the grid of the reference.
    reference : str or Path
        Prepared folder of acquired images.
    target : ReadTarget
    split, training_split : str
        Of the reference: tested on, and trained on.
    synthetic_split : str
        Of a prepared folder `synthetic`.
    kind : str or None
        Acquisition kind of images that state none.
    on_share : callable, optional
        Called with the share of images that was read.

    Returns
    -------
    tuple of three ReadSide

    Raises
    ------
    RequestError
        A side has no image of the target, one class, or too few; sizes differ; a person is on two sides; or synthetic
        images are images of the reference.
    MammoError
        A file cannot be read.
    """
    if split == training_split:
        raise RequestError(f"split {split!r} cannot be trained on and tested on: name two splits of different persons")
    generated = synthetic_items(synthetic, kind=kind, split=synthetic_split)
    known, others = (acquired_items(reference, split=name) for name in (training_split, split))
    for items, name in ((known, training_split), (others, split)):
        if not items:
            raise RequestError(f"split {name!r} of {reference} lists no image: a training needs persons on both sides")
    n_all, n_read = len(generated) + len(known) + len(others), 0

    def read() -> None:
        nonlocal n_read
        n_read += 1
        if on_share is not None:
            on_share(n_read / n_all)

    named = {
        "synthetic images": generated,
        f"acquired images of split {training_split!r}": known,
        f"acquired images of split {split!r}": others,
    }
    sides = [ReadSide.of(items, target, name=name, on_image=read) for name, items in named.items()]
    shapes = {side.images[0].shape for side in sides}
    if len(shapes) > 1:
        raise RequestError(
            f"the synthetic and acquired images differ in size, at {_ROWS} rows {_listed(shapes)}: bring them to one "
            "grid by `monai-mammo prepare`"
        )
    _check_apart(*sides)
    return sides[0], sides[1], sides[2]


def synthetic_digest(digests: Iterable[str]) -> str:
    """sha256 of a set of images, whatever their order.

    Parameters
    ----------
    digests : iterable of str
        Of their pixels.

    Returns
    -------
    str
    """
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


def _check_apart(synthetic: ReadSide, known: ReadSide, others: ReadSide) -> None:
    """No person is trained on and tested on, and no synthetic image is one of the reference."""
    for one, other in ((known, others), (synthetic, others), (synthetic, known)):
        shared = set(one.persons) & set(other.persons)
        if shared and other is others:
            raise RequestError(
                f"the {one.name} and the {other.name} share {_counted(len(shared), 'person')}: a network would be "
                "tested on whom it knows"
            )
        n_same = sum(digest in set(other.digests) for digest in set(one.digests))
        if n_same:
            raise RequestError(f"{_counted(n_same, 'image')} of the {one.name} are, pixel for pixel, {other.name}")


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    rows, columns = pixels.shape
    share = min(1.0, _ROWS / rows)
    shape = (max(1, round(rows * share)), max(1, round(columns * share)))
    image = pixels.astype(np.float32) / _UNIT
    return image if shape == pixels.shape else resize(image, shape)


def _listed(shapes: Iterable[tuple[int, ...]]) -> str:
    return " and ".join(f"{rows} x {columns}" for rows, columns in sorted(shapes))


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
