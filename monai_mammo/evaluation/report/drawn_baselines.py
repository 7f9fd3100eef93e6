"""Images that the VAE baselines draw in place of acquired ones, kept as runs beside what is measured."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo import bundle
from monai_mammo.bundle import DEFAULT_BUNDLES, BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation.examiners import refuse_judge_that_drew
from monai_mammo.evaluation.requests import requested_attributes, requested_conditions
from monai_mammo.evaluation.run_items import items_of_run, load_run
from monai_mammo.evaluation.stated import about_bundle
from monai_mammo.generation.generate_run import run_request
from monai_mammo.generation.request import Request, UnsupportedPolicy
from monai_mammo.generation.run_bundles import RunBundles
from monai_mammo.generation.runs.manifest import Manifest
from monai_mammo.generation.taken_attributes import taken_attributes
from monai_mammo.progress import Progress, time_words

__all__ = ["VAE_BUNDLES", "DrawnBaseline", "DrawnBaselines"]

VAE_BUNDLES = ("mammo_vae", "mammo_conditional_vae")
"""Bundles of the plain and of the conditional VAE."""

_TIMED = 4  # images by which the time of all is told


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBaseline:
    """What a bundle drew in place of acquired images.

    Parameters
    ----------
    home : BundleFolder
        That drew.
    manifest : Manifest
        Of its run.
    items : list of dict
        With their pixels, as acquired images have them; they state what the bundle responds to, and no kind or view
        that was only guessed.
    """

    home: BundleFolder
    manifest: Manifest
    items: list[dict[str, Any]]

    def about(self) -> dict[str, Any]:
        """What the report states of it.

        Returns
        -------
        dict
        """
        return {**about_bundle(self.home), "run_sha256": self.manifest.run_sha256}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBaselines:
    """Draws with each VAE bundle that is at hand, or finds what it drew before.

    Parameters
    ----------
    lesion : BundleFolder
        With the lesion network that looks at each image, and the judge.
    folder : Path
        In which runs are kept, by the hash of all that they come from.
    seed : int
        Of the runs.
    device : {"auto", "cpu", "cuda"}
    breast_of : callable
        Where the breast is in pixels, perhaps kept from before.
    announce : callable or None
        Called with a sentence on how long the drawing takes, as soon as a few images show it.
    """

    lesion: BundleFolder
    folder: Path
    seed: int
    device: str
    breast_of: Callable[[np.ndarray], np.ndarray]
    announce: Callable[[str], None] | None = None

    def of(
        self,
        items: Sequence[dict[str, Any]],
        shape: tuple[int, ...],
        *,
        on_images: Callable[[int], None] = lambda n_images: None,
    ) -> tuple[list[DrawnBaseline], list[str]]:
        """An image for each acquired one, under its conditions as far as a bundle responds to them.

        Each is the first draw, whatever it shows: a baseline is not drawn again.

        Parameters
        ----------
        items : sequence of dict
            Acquired images.
        shape : tuple of int
            Rows and columns that the images are to have.
        on_images : callable
            Called with the number of images after each part of the work; of each bundle they are as many as `items`,
            those that are not drawn, too.

        Returns
        -------
        drawn : list of DrawnBaseline
        left_out : list of str
            A sentence for each bundle that takes no part.
        """
        shown = [Conditions.from_dict(item["conditions"]) for item in items]
        drawn, left_out = [], []
        for name in VAE_BUNDLES:
            told = _Told(name, on_images, self.announce)
            try:
                drawn.append(self._drawn(name, shown, shape, told))
            except MammoError as error:
                left_out.append(f"{name} is left out of the baselines: {error}.")
            on_images(len(items) - told.n_done)
        return drawn, left_out

    def _drawn(self, name: str, shown: Sequence[Conditions], shape: tuple[int, ...], told: _Told) -> DrawnBaseline:
        home = bundle.find(name)
        if home.prepared_shape != tuple(shape):
            (rows, columns), (own_rows, own_columns) = shape, home.prepared_shape
            raise RequestError(f"it draws {own_rows} x {own_columns} pixels, and the reference has {rows} x {columns}")
        request = Request(
            conditions=tuple(requested_conditions(one, requested_attributes(home)) for one in shown),
            seed=self.seed,
            max_tries=1,
            mend=False,
            unsupported=UnsupportedPolicy.OVERRIDE,
            bundle=str(home.root),
            autoencoder=DEFAULT_BUNDLES[1],
            lesion_network=str(self.lesion.root),
        )
        weights = RunBundles.find(request.bundle, request.autoencoder, request.lesion_network).weights()
        decides = "|".join([request.request_sha256, *(one.sha256 for one in weights)])
        folder = self.folder / f"{name}-{hashlib.sha256(decides.encode()).hexdigest()[:16]}"
        run_request(request, out=folder, device=self.device, progress=told)
        manifest = load_run(folder)
        refuse_judge_that_drew(self.lesion, manifest)
        items = [_known(item, taken_attributes(home)) for item in items_of_run(folder, breast_of=self.breast_of)]
        return DrawnBaseline(home=home, manifest=manifest, items=items)


def _known(item: dict[str, Any], taken: Sequence[str]) -> dict[str, Any]:
    """An image without those conditions that its bundle ignores, and was written with as a guess."""
    guessed = {name for name in ("kind", "view") if name not in taken}
    return {**item, "conditions": {name: value for name, value in item["conditions"].items() if name not in guessed}}


class _Told:
    """Counts what is drawn, and says how long the drawing takes once some images are."""

    def __init__(self, name: str, on_images: Callable[[int], None], announce: Callable[[str], None] | None) -> None:
        self.n_done = 0
        self._name, self._on_images, self._announce = name, on_images, announce
        self._first: tuple[int, float] | None = None

    def __call__(self, progress: Progress) -> None:
        if progress.n_done == self.n_done:
            return
        self._on_images(progress.n_done - self.n_done)
        self.n_done, now = progress.n_done, time.perf_counter()
        if self._first is None:
            self._first = progress.n_done, now  # what came before was the opening of networks, too
        n_timed = progress.n_done - self._first[0]
        if self._announce is not None and n_timed >= _TIMED and progress.n_done < progress.n_all:
            whole = time_words((now - self._first[1]) / n_timed * progress.n_all)
            self._announce(f"{progress.n_all} images are drawn by {self._name} as a baseline: about {whole}")
            self._announce = None
