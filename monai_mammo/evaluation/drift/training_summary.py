"""What a bundle says of the images that it was trained on: means and spreads by kind and view, no image."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from monai_mammo.bundle import BundleFolder
from monai_mammo.errors import MammoError
from monai_mammo.evaluation.drift.breast_profile import MEASURES, RADIOMIC
from monai_mammo.evaluation.realism.frechet import FeatureSpace
from monai_mammo.files.bounded import UnreadableFile
from monai_mammo.files.stored_array import read_arrays
from monai_mammo.files.whole import save_bytes

__all__ = ["FAR_SHARE", "LEAST_PERSONS", "FamilySummary", "TrainingSummary"]

FILE = "models/training_summary.npz"
"""Its place in a bundle."""

VERSION = 1

FAR_SHARE = 0.05
"""Of training images that lie further from their middle than is called far."""

LEAST_PERSONS = 10
"""Under which a kind and view is not summarised."""

_N_COMPONENTS = 16
_N_FOLDS = 5
_LEAST_SPREAD = 1e-6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FamilySummary:
    """Where features of training images lie.

    Parameters
    ----------
    sha256 : str
        Of the weights that gave them; empty for radiomic features.
    space : FeatureSpace
        Leading components, of all kinds and views.
    centre, spread : ndarray, shape (n groups, k)
        Mean and standard deviation on the components, of each kind and view.
    far : ndarray, shape (n groups,)
        Distance that 1 in 20 training images exceeds, found on images of persons that centre and spread were not of.
    n_images : ndarray, shape (n groups,), int
    """

    sha256: str
    space: FeatureSpace
    centre: np.ndarray
    spread: np.ndarray
    far: np.ndarray
    n_images: np.ndarray

    @classmethod
    def of(
        cls, features: np.ndarray, groups: Sequence[int], persons: Sequence[str], n_groups: int, sha256: str
    ) -> Self:
        """Summary of features.

        Parameters
        ----------
        features : ndarray, shape (n, d)
        groups : sequence of int
            Of each image; -1 for one that is in none.
        persons : sequence of str
            Of each image.
        n_groups : int
            How many groups there are.
        sha256 : str
            Of the weights that gave the features; empty for radiomic ones.

        Returns
        -------
        FamilySummary
        """
        space, group = FeatureSpace.of(features, n_components=_N_COMPONENTS), np.asarray(groups)
        points, n_images = space.project(features), np.bincount(group[group >= 0], minlength=n_groups)
        centre, spread = np.full((2, n_groups, points.shape[1]), np.nan)
        crossed = _crossed_distances(features, group, persons)
        far = np.full(n_groups, np.nan)
        for g in range(n_groups):
            known = crossed[(group == g) & np.isfinite(crossed)]
            if len(known) >= LEAST_PERSONS:
                centre[g], spread[g] = points[group == g].mean(axis=0), _spread(points[group == g])
                far[g] = np.quantile(known, 1 - FAR_SHARE)
        return cls(sha256=sha256, space=space, centre=centre, spread=spread, far=far, n_images=n_images)

    def is_far(self, features: np.ndarray, groups: Sequence[int]) -> np.ndarray:
        """Whether images lie further from the middle of their kind and view than 19 of 20 training images.

        Parameters
        ----------
        features : ndarray, shape (n, d)
        groups : sequence of int

        Returns
        -------
        ndarray, shape (n,), float
            1, 0, or NaN where the kind and view were not summarised.
        """
        group = np.asarray(groups)
        distance = _distances(self.space.project(features), self.centre[group], self.spread[group])
        is_known = np.isfinite(self.far[group]) & (group >= 0)
        return np.where(is_known, (distance > self.far[group]).astype(float), np.nan)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingSummary:
    """Means and spreads of training images by kind and view.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the images.
    groups : tuple of tuple of str
        Kind and view.
    measures : tuple of str
    n_images, n_persons : ndarray, shape (n groups,), int
    mean, deviation, error : ndarray, shape (n groups, n measures)
        Mean, standard deviation over images, standard error of the mean over persons; NaN where not known.
    families : mapping of str to FamilySummary
        By sort of features.
    """

    shape: tuple[int, int]
    groups: tuple[tuple[str, str], ...]
    measures: tuple[str, ...]
    n_images: np.ndarray
    n_persons: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    error: np.ndarray
    families: Mapping[str, FamilySummary]

    @classmethod
    def of(
        cls,
        profiles: Sequence[Mapping[str, float]],
        *,
        groups: Sequence[tuple[str, str]],
        persons: Sequence[str],
        shape: tuple[int, int],
    ) -> Self:
        """Summary of images, without the features of networks.

        Parameters
        ----------
        profiles : sequence of mapping
            As `breast_profile` gives them.
        groups : sequence of tuple of str
            Kind and view of each.
        persons : sequence of str
        shape : tuple of int

        Returns
        -------
        TrainingSummary
            Of the kinds and views with `LEAST_PERSONS` persons or more.

        Raises
        ------
        MammoError
            There is none.
        """
        persons_of = {pair: {p for p, own in zip(persons, groups, strict=True) if own == pair} for pair in set(groups)}
        kept = tuple(sorted(pair for pair, whose in persons_of.items() if len(whose) >= LEAST_PERSONS))
        if not kept:
            raise MammoError(f"no kind and view has images of {LEAST_PERSONS} persons: there is nothing to summarise")
        names = (*MEASURES, *RADIOMIC)
        values = np.array([[profile.get(name, np.nan) for name in names] for profile in profiles])
        whose = np.asarray(persons, dtype=str)
        n_images, n_persons, moments = [], [], []
        for pair in kept:
            rows = np.array([own == pair for own in groups])
            n_images.append(int(rows.sum()))
            n_persons.append(len(persons_of[pair]))
            moments.append([_moments(column, whose[rows]) for column in values[rows].T])
        mean, deviation, error = np.moveaxis(np.array(moments), 2, 0)
        return cls(
            shape=shape,
            groups=kept,
            measures=names,
            n_images=np.array(n_images),
            n_persons=np.array(n_persons),
            mean=mean,
            deviation=deviation,
            error=error,
            families={},
        )

    def positions(self, groups: Sequence[tuple[str | None, str | None]]) -> list[int]:
        """Place of each kind and view among those that are summarised, -1 for one that is not.

        Parameters
        ----------
        groups : sequence of tuple of str or None

        Returns
        -------
        list of int
        """
        places: dict[tuple[str | None, str | None], int] = {(k, v): i for i, (k, v) in enumerate(self.groups)}
        return [places.get(pair, -1) for pair in groups]

    def save(self, folder: BundleFolder) -> Path:
        """Write it into a bundle, in one step; returns the file.

        Parameters
        ----------
        folder : BundleFolder

        Returns
        -------
        Path
        """
        about = {
            "version": VERSION,
            "shape": list(self.shape),
            "groups": [list(pair) for pair in self.groups],
            "measures": list(self.measures),
            "families": {name: family.sha256 for name, family in self.families.items()},
        }
        arrays: dict[str, Any] = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
        arrays |= {name: getattr(self, name) for name in ("n_images", "n_persons")}
        arrays |= {name: getattr(self, name).astype(np.float32) for name in _MOMENTS}
        for i, family in enumerate(self.families.values()):
            parts = {
                "space_mean": family.space.mean,
                "space_scale": family.space.scale,
                "components": family.space.components,
                "centre": family.centre,
                "spread": family.spread,
                "far": family.far,
            }
            arrays |= {f"family{i}_{name}": np.asarray(part, np.float32) for name, part in parts.items()}
            arrays[f"family{i}_n_images"] = family.n_images
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        path = folder.root / FILE
        save_bytes(buffer.getvalue(), path, make_folder=True)
        return path

    @classmethod
    def load(cls, folder: BundleFolder) -> Self:
        """Summary that a bundle carries.

        Parameters
        ----------
        folder : BundleFolder

        Returns
        -------
        TrainingSummary

        Raises
        ------
        MammoError
            It has none, or the file is damaged or of another version.
        """
        path = folder.root / FILE
        if not path.is_file():
            raise MammoError(f"bundle {folder.name} carries no summary of its training images: {FILE} is missing")
        try:
            stored = read_arrays(path)
            about = json.loads(stored["about"].tobytes())
            if about["version"] != VERSION:
                raise MammoError(f"{path} is of version {about['version']}, this program reads {VERSION}")
            groups = tuple((str(kind), str(view)) for kind, view in about["groups"])
            measures = tuple(map(str, about["measures"]))
            moments = {name: stored[name].astype(np.float64) for name in _MOMENTS}
            if any(x.shape != (len(groups), len(measures)) for x in moments.values()) or not groups:
                raise ValueError("moments of another shape")
            families = {
                str(name): _family(stored, i, str(sha256), len(groups))
                for i, (name, sha256) in enumerate(about["families"].items())
            }
            return cls(
                shape=(int(about["shape"][0]), int(about["shape"][1])),
                groups=groups,
                measures=measures,
                n_images=stored["n_images"],
                n_persons=stored["n_persons"],
                families=families,
                **moments,
            )
        except UnreadableFile as error:
            raise MammoError(f"summary {error.detail}") from None
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise MammoError(f"{path} is damaged ({type(error).__name__})") from None


_MOMENTS = ("mean", "deviation", "error")


def _family(stored: Mapping[str, np.ndarray], i: int, sha256: str, n_groups: int) -> FamilySummary:
    names = ("space_mean", "space_scale", "components", "centre", "spread", "far")
    parts = {name: stored[f"family{i}_{name}"].astype(np.float64) for name in names}
    d, k = parts["components"].shape
    shapes = {"space_mean": (d,), "space_scale": (d,), "centre": (n_groups, k), "spread": (n_groups, k)}
    if any(parts[name].shape != shape for name, shape in {**shapes, "far": (n_groups,)}.items()):
        raise ValueError("features of another shape")
    return FamilySummary(
        sha256=sha256,
        space=FeatureSpace(parts["space_mean"], parts["space_scale"], parts["components"]),
        centre=parts["centre"],
        spread=parts["spread"],
        far=parts["far"],
        n_images=stored[f"family{i}_n_images"],
    )


def _moments(values: np.ndarray, persons: np.ndarray) -> tuple[float, float, float]:
    """Mean, standard deviation over images, and standard error of the mean over persons."""
    is_known = np.isfinite(values)
    x, whose = values[is_known], persons[is_known]
    if len(set(whose)) < 2:
        return np.nan, np.nan, np.nan
    _, person = np.unique(whose, return_inverse=True)
    sums = np.bincount(person, weights=x - x.mean())
    return float(x.mean()), max(float(x.std()), _LEAST_SPREAD), float(np.sqrt((sums**2).sum()) / len(x))


def _crossed_distances(features: np.ndarray, group: np.ndarray, persons: Sequence[str]) -> np.ndarray:
    """Distance of each image by space, centre and spread of four fifths of the persons, its own not among these.

    NaN where these have too few images of its kind and view.
    """
    _, person = np.unique(np.asarray(persons, dtype=str), return_inverse=True)
    fold = np.random.default_rng(0).permutation(int(person.max()) + 1)[person] % _N_FOLDS
    distances = np.full(len(features), np.nan)
    for left_out in range(_N_FOLDS):
        here = fold != left_out
        if here.sum() < 2:
            continue
        space = FeatureSpace.of(features[here], n_components=_N_COMPONENTS)
        points = space.project(features)
        for g in set(group[group >= 0].tolist()):
            ours, others = points[here & (group == g)], ~here & (group == g)
            if len(ours) >= LEAST_PERSONS // 2:
                distances[others] = _distances(points[others], ours.mean(axis=0), _spread(ours))
    return distances


def _spread(points: np.ndarray) -> np.ndarray:
    spread: np.ndarray = np.maximum(points.std(axis=0), _LEAST_SPREAD)
    return spread


def _distances(points: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Mean square of the coordinates in units of the spread, shape (n,)."""
    distances: np.ndarray = (((points - centre) / spread) ** 2).mean(axis=1)
    return distances
