"""The training images that closeness is measured to, and those of them that can be shown."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Self

import numpy as np

from monai_mammo.bundle import find
from monai_mammo.bundle.fingerprint import HASH_BYTES, TrainingFingerprint, fingerprint_of, image_features
from monai_mammo.evaluation.realism.compared_images import acquired_items
from monai_mammo.evaluation.report.measure_cache import VECTOR, MeasureCache, content_digest
from monai_mammo.evaluation.report.report_source import ReportSource
from monai_mammo.prepare.datalist_items import pixels_of

__all__ = ["TrainingImages"]

_TRAINING = "training"
_FEATURES = "features of fingerprints 2"  # another name where they are others


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainingImages:
    """Training images that closeness is measured to.

    Parameters
    ----------
    prints : TrainingFingerprint or None
    of : str
        Whose fingerprint it is, in words.
    items : list of dict
        Training split of the reference.
    by_hash : dict of bytes to dict
        Items by the hash that the fingerprint has of them.
    """

    prints: TrainingFingerprint | None
    of: str
    items: list[dict[str, Any]]
    by_hash: dict[bytes, dict[str, Any]]

    @classmethod
    def of_source(
        cls, source: ReportSource, reference: Path, bundle: str, *, cache: MeasureCache | None = None
    ) -> Self:
        """Training images of the bundle that drew a run, or else the reference's training split.

        Parameters
        ----------
        source : ReportSource
        reference : Path
            Prepared folder.
        bundle : str
            Name or path of the bundle that drew a run.
        cache : MeasureCache, optional
            Where features of training images are looked up and put.

        Returns
        -------
        TrainingImages
        """
        items = acquired_items(reference, split=_TRAINING)
        stated = {
            bytes.fromhex(item["source_sha256"][: 2 * HASH_BYTES]): item for item in items if "source_sha256" in item
        }
        if source.manifest is not None:
            home = find(bundle)
            carried = fingerprint_of(home)
            if carried is not None:
                return cls(prints=carried, of=f"bundle {home.name}", items=items, by_hash=stated)
        if len(items) < 2:
            return cls(prints=None, of="", items=items, by_hash={})
        digests, features = zip(*(_digest_and_features(item, cache) for item in items), strict=True)
        prints = TrainingFingerprint.of_features(features, digests)
        by_hash = {bytes.fromhex(d[: 2 * HASH_BYTES]): item for d, item in zip(digests, items, strict=True)}
        return cls(prints=prints, of="training split of the reference", items=items, by_hash=by_hash)

    def item_at(self, position: int) -> dict[str, Any] | None:
        """Item of a training image, where its file is at hand.

        Parameters
        ----------
        position : int
            Its place in the fingerprint.

        Returns
        -------
        dict or None
        """
        return None if self.prints is None else self.by_hash.get(self.prints.hashes[position].tobytes())

    def copied_kinds(self, kinds: set[Any]) -> list[dict[str, Any]]:
        """Items of which copies are planted.

        Parameters
        ----------
        kinds : set
            Acquisition kinds that were generated; `None` among them takes all.

        Returns
        -------
        list of dict
        """
        some = [item for item in self.items if None in kinds or item["conditions"].get("kind") in kinds]
        return some or self.items


def _digest_and_features(item: dict[str, Any], cache: MeasureCache | None) -> tuple[str, np.ndarray]:
    image = pixels_of(item)
    digest = content_digest({"image": image})
    features = None if cache is None else cache.get(VECTOR, digest, _FEATURES)
    if features is None:
        features = image_features(image.astype(np.float32) / 65535)
        if cache is not None:
            cache.put(VECTOR, features, digest, _FEATURES)
    return digest, features
