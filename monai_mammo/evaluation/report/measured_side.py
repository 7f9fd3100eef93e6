"""One side of a comparison: images, and all that is read and measured of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self, cast

import numpy as np

from monai_mammo.bundle.fingerprint import Nearest, TrainingFingerprint
from monai_mammo.evaluation.lesion_readings import Reading, read_items, read_with_features
from monai_mammo.evaluation.memorisation import closest, closest_copies, copied_positions
from monai_mammo.evaluation.realism.compared_images import images_of_items
from monai_mammo.evaluation.realism.examined_set import ExaminedSet, examined_set
from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.evaluation.report.instruments import Instruments
from monai_mammo.evaluation.report.kept_breasts import KeptBreasts
from monai_mammo.evaluation.report.measure_cache import (
    BREAST,
    EXAMINED,
    NEAREST,
    READING,
    VECTOR,
    MeasureCache,
    content_digest,
    stated_digest,
)
from monai_mammo.networks import PyramidJudge
from monai_mammo.prepare.datalist_items import pixels_of

__all__ = [
    "MeasuredSide",
    "are_readable",
    "closest_of",
    "closest_of_copies",
    "is_measured",
    "loaded_items",
    "measured_side",
]

_CHUNK = 32  # images after which progress is told

_Vectors = dict[tuple[str, str], np.ndarray]
"""Features of images by hash of the pixels and of the network."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredSide:
    """Images of one side with their items, measures, features, readings and closeness to training images.

    Parameters
    ----------
    items : tuple of dict
        With their pixels.
    examined : ExaminedSet
    readings : dict of str to tuple of Reading
        By network; empty where the images are not read.
    nearest : tuple of Nearest or None
        Closest training images; `None` without a fingerprint, or where they are not sought.
    """

    items: tuple[dict[str, Any], ...]
    examined: ExaminedSet
    readings: dict[str, tuple[Reading, ...]]
    nearest: tuple[Nearest, ...] | None

    def __len__(self) -> int:
        return len(self.items)

    def conditions(self, name: str) -> list[Any]:
        """What each image states of one condition, `None` where nothing.

        Parameters
        ----------
        name : str
            Such as ``density``.

        Returns
        -------
        list
        """
        return [item["conditions"].get(name) for item in self.items]

    @property
    def persons(self) -> tuple[str, ...]:
        """Person of each image; a generated image is a person of its own."""
        return self.examined.images.persons

    def take(self, positions: Sequence[int] | np.ndarray) -> Self:
        """The same of the images at some positions, in that order.

        Parameters
        ----------
        positions : sequence of int, or ndarray, shape (n,)
            From 0.

        Returns
        -------
        MeasuredSide
        """
        rows = [int(i) for i in positions]
        return type(self)(
            items=tuple(self.items[i] for i in rows),
            examined=self.examined.take(rows),
            readings={name: tuple(some[i] for i in rows) for name, some in self.readings.items()},
            nearest=None if self.nearest is None else tuple(self.nearest[i] for i in rows),
        )


def are_readable(items: Sequence[Mapping[str, Any]]) -> bool:
    """Whether lesion network and judge have something to read for: each image states its breast and a condition.

    Parameters
    ----------
    items : sequence of mapping

    Returns
    -------
    bool
    """
    return all(
        "breast" in item and any(item["conditions"].get(name) for name in ("view", "density", "finding", "birads"))
        for item in items
    )


def loaded_items(items: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Items with their pixels, and the names of those left out because every pixel has one value.

    Parameters
    ----------
    items : sequence of dict
        Of a datalist, or with their pixels.

    Returns
    -------
    kept : list of dict
    constant : list of str
    """
    kept, constant = [], []
    for item in items:
        pixels = pixels_of(item)
        if pixels.min() == pixels.max():
            constant.append(str(item.get("image_id", "an image")))
        else:
            kept.append({**item, "image": pixels})
    return kept, constant


def is_measured(
    item: Mapping[str, Any], instruments: Instruments, cache: MeasureCache, *, is_read: bool, is_traced: bool = True
) -> bool:
    """Whether all that instruments give of an image is kept.

    Parameters
    ----------
    item : mapping
        With its pixels.
    instruments : Instruments
    cache : MeasureCache
    is_read : bool
        Whether readings of lesion network and judge are meant too.
    is_traced : bool
        Whether the closest training image is meant too, where there is a fingerprint.

    Returns
    -------
    bool
    """
    digest = content_digest(item)
    readers = [instruments.hashes[name] for name in instruments.examiners] if is_read else []
    prints = instruments.fingerprint if is_traced else None
    return (
        cache.has(BREAST, digest)
        and cache.has(EXAMINED, digest, instruments.hashes["encoder"])
        and all(cache.has(VECTOR, digest, family.sha256) for family in instruments.families)
        and all(cache.has(READING, stated_digest(item, digest, weights)) for weights in readers)
        and (prints is None or cache.has(NEAREST, digest, prints.sha256))
    )


def measured_side(
    items: Sequence[dict[str, Any]],
    instruments: Instruments,
    *,
    is_read: bool,
    is_traced: bool = True,
    cache: MeasureCache | None = None,
    on_images: Callable[[int], None] | None = None,
) -> MeasuredSide:
    """Measure images with all instruments.

    Parameters
    ----------
    items : sequence of dict
        With their pixels, as `loaded_items` gives them.
    instruments : Instruments
    is_read : bool
        Whether lesion network and judge read the images, for which these state conditions and breast.
    is_traced : bool
        Whether the closest training image of each is sought, where there is a fingerprint.
    cache : MeasureCache, optional
        Where what was measured before is looked up, and what is measured is put.
    on_images : callable, optional
        Called with the number of images after each part of the work; each image counts once for measures and
        features, once for each further sort of features, and once for each network that reads it.

    Returns
    -------
    MeasuredSide
    """
    digests = [content_digest(item) for item in items]
    readings = {}
    vectors: _Vectors = {}
    for name in instruments.examiners if is_read else ():
        read: list[Reading] = []
        for start in range(0, len(items), _CHUNK):
            some = items[start : start + _CHUNK]
            read += _readings(some, digests[start : start + _CHUNK], name, instruments, cache, vectors)
            if on_images is not None:
                on_images(len(some))
        readings[name] = tuple(read)
    parts = []
    for start in range(0, len(items), _CHUNK):
        rows = slice(start, start + _CHUNK)
        images = images_of_items(items[rows], breast_of=KeptBreasts(cache))
        parts.append(_examined(images, digests[rows], instruments, cache, vectors))
        if on_images is not None:
            on_images(len(parts[-1]) * (1 + len(instruments.families)))
    prints = instruments.fingerprint if is_traced else None
    nearest = None if prints is None else tuple(closest_of(prints, items, cache=cache))
    images = ImageSet.joined([part.images for part in parts])
    return MeasuredSide(
        items=tuple(items), examined=ExaminedSet.joined(images, parts), readings=readings, nearest=nearest
    )


def closest_of(
    prints: TrainingFingerprint, items: Sequence[dict[str, Any]], *, cache: MeasureCache | None = None
) -> list[Nearest]:
    """Closest training image of each of some images.

    Parameters
    ----------
    prints : TrainingFingerprint
    items : sequence of dict
        With their pixels.
    cache : MeasureCache, optional

    Returns
    -------
    list of Nearest
    """
    of_prints = prints.sha256
    return [_kept_nearest((content_digest(item), of_prints), partial(closest, prints, [item]), cache) for item in items]


def closest_of_copies(
    prints: TrainingFingerprint, trained: Sequence[dict[str, Any]], *, cache: MeasureCache | None = None
) -> list[Nearest]:
    """Closest training image of planted copies of some training images, as `closest_copies` gives it.

    Parameters
    ----------
    prints : TrainingFingerprint
    trained : sequence of dict
        Items of the images that it was made from.
    cache : MeasureCache, optional

    Returns
    -------
    list of Nearest
    """
    found, of_prints = [], prints.sha256
    for i in copied_positions(len(trained)):
        content = content_digest(trained[i]), of_prints, f"copied {i}"
        found.append(_kept_nearest(content, partial(closest_copies, prints, trained, [i]), cache))
    return found


def _kept_nearest(content: tuple[str, ...], find: Callable[[], list[Nearest]], cache: MeasureCache | None) -> Nearest:
    known = None if cache is None else cache.get(NEAREST, *content)
    if known is None:
        known = find()[0]
        if cache is not None:
            cache.put(NEAREST, known, *content)
    return known


def _examined(
    images: ImageSet,
    digests: Sequence[str],
    instruments: Instruments,
    cache: MeasureCache | None,
    vectors: _Vectors,
) -> ExaminedSet:
    """Measures and features of some images, those taken anew that the cache does not have."""
    known = [
        None if cache is None else cache.get(EXAMINED, digest, instruments.hashes["encoder"]) for digest in digests
    ]
    missing = [i for i, found in enumerate(known) if found is None]
    if missing:
        some = examined_set(images.take(missing), encoder=instruments.encoder, device=instruments.device)
        for row, i in enumerate(missing):
            features = {size: {sort: x[row] for sort, x in of.items()} for size, of in some.features.items()}
            found = some.measures[row], features
            known[i] = found
            if cache is not None:
                cache.put(EXAMINED, found, digests[i], instruments.hashes["encoder"])
    _add_families(known, images, digests, instruments, cache, vectors)
    rows = [found for found in known if found is not None]
    sizes = {size: tuple(of_size) for size, of_size in rows[0][1].items()}
    return ExaminedSet(
        images,
        tuple(measures for measures, _ in rows),
        {size: {sort: np.stack([f[size][sort] for _, f in rows]) for sort in sorts} for size, sorts in sizes.items()},
    )


def _add_families(
    known: Sequence[Any],
    images: ImageSet,
    digests: Sequence[str],
    instruments: Instruments,
    cache: MeasureCache | None,
    vectors: _Vectors,
) -> None:
    """Put the features of each further sort beside the others."""
    for family in instruments.families:
        found = [vectors.get((digest, family.sha256)) for digest in digests]
        if cache is not None:
            found = [
                cache.get(VECTOR, digest, family.sha256) if vector is None else vector
                for digest, vector in zip(digests, found, strict=True)
            ]
        missing = [i for i, vector in enumerate(found) if vector is None]
        if missing:
            for i, vector in zip(missing, family.features([images.images[i] for i in missing]), strict=True):
                found[i] = vector
                if cache is not None:
                    cache.put(VECTOR, vector, digests[i], family.sha256)
        for (_, features), vector in zip(known, found, strict=True):
            features["full"][family.name] = vector


def _readings(
    items: Sequence[dict[str, Any]],
    digests: Sequence[str],
    name: str,
    instruments: Instruments,
    cache: MeasureCache | None,
    vectors: _Vectors,
) -> list[Reading]:
    """What a network reads on some images, those read anew that the cache does not have.

    Where its features are a sort of features too, what it gives of those read anew is put among the vectors.
    """
    network, sha256 = instruments.examiners[name], instruments.hashes[name]
    keys = [stated_digest(item, digest, sha256) for item, digest in zip(items, digests, strict=True)]
    known = [None if cache is None else cache.get(READING, key) for key in keys]
    missing = [i for i, found in enumerate(known) if found is None]
    if missing:
        some = [items[i] for i in missing]
        if sha256 in {family.sha256 for family in instruments.families}:
            readings, features = read_with_features(cast(PyramidJudge, network), some)
            for i, vector in zip(missing, features, strict=True):
                vectors[digests[i], sha256] = vector
                if cache is not None:
                    cache.put(VECTOR, vector, digests[i], sha256)
        else:
            readings = read_items(network, some)
        for i, reading in zip(missing, readings, strict=True):
            known[i] = reading
            if cache is not None:
                cache.put(READING, reading, keys[i])
    persons = [str(item["person_id"]) for item in items]
    return [
        dataclasses.replace(found, person_id=person)
        for found, person in zip(known, persons, strict=True)
        if found is not None
    ]
