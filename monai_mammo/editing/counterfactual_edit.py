"""Counterfactuals: the smallest change by which the lesion network reads a mammogram otherwise."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from monai_mammo.bundle import DEFAULT_BUNDLES, JUDGE, describe
from monai_mammo.conditions import Box, Conditions
from monai_mammo.editing.counterfactual_search import Found, most_probable, searched
from monai_mammo.editing.edit_request import EditRequest
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.edited_sample import EDIT_FORM, EditedSample
from monai_mammo.editing.examiner import MAIN, Examiner, Readings
from monai_mammo.editing.found_region import FoundRegion
from monai_mammo.editing.named_region import named_region
from monai_mammo.editing.reading_target import ReadingTarget
from monai_mammo.editing.whole_image import WholeImageGenerator
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.engine.source import drawn_round
from monai_mammo.generation.run_bundles import RunBundles
from monai_mammo.generation.runs.carrying_out import carry_out
from monai_mammo.generation.runs.edited_form import EDITED
from monai_mammo.generation.runs.manifest import PASSED, Manifest
from monai_mammo.generation.runs.run import Run
from monai_mammo.generation.runs.run_spec import RunSpec
from monai_mammo.prepare.array import PreparedMammogram
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.progress import ProgressCallback
from monai_mammo.terms import Finding

__all__ = ["counterfactual"]

_LEAST_CHANGE = 0.004
"""Change of brightness, a step of 8 bits, that is left out: nobody sees it, and the pixel stays the file's."""

_SKIN = 1 / 40
"""Share of the rows over which a change of the whole breast begins at the skin."""


def counterfactual(
    image: str | Path,
    *,
    set: str,
    out: str | Path,
    box: Box | Sequence[float] | str | None = None,
    mask: str | Path | None = None,
    kind: str | None = None,
    view: str | None = None,
    laterality: str | None = None,
    density: str | None = None,
    seed: int = 0,
    steps: int = 20,
    guidance: float = 6.0,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> Run:
    """The smallest change by which the lesion network reads an acquired mammogram otherwise, at the file's own size.

    The generator starts from the noised mammogram, further from it step by step, until the lesion network reads what
    is asked; its gradient helps only where no step reaches by conditions alone. What is said of a lesion changes in
    its region, the density in the whole breast. The judge takes no part. Where it does not read what is asked
    afterwards, or read it before, the run says that this is not a counterfactual (`Run.failures`).

    Parameters
    ----------
    image : path
        A DICOM file or a picture.
    set : str
        ``NAME=VALUE``: what the lesion network is to read, such as ``birads=2``, ``finding=none`` or ``density=B``.
    out
        As for `insert`.
    box : Box, sequence of float, str or None
        Region of the lesion: ``x0, y0, x1, y1`` in fractions of the file's picture.
    mask : str, Path or None
        Picture of the file's size whose white pixels are that region. Where neither is given, it is the lesion that
        the file tells of, else what the lesion network finds.
    kind, view, laterality, density, seed
        As for `insert`.
    steps : int
        Network evaluations of the layout stage from pure noise, 1 to 64.
    guidance : float
        Weight of what is asked, 0 to 20; 1 is none. All other conditions have the bundle's own.
    bundle, autoencoder, lesion_network, device, progress
        As for `insert`; the judge is that of the lesion network's bundle.

    Returns
    -------
    Run
        Of one sample, whose entry has readings before and after, strength, size of the change and all trials under
        ``counterfactual``; ``counterfactual.json`` holds the same.

    Raises
    ------
    RequestError
        What is asked is not read by both networks, is read already, has no training image behind it, or the file
        cannot be edited.
    MammoError
        No change reaches it, weights are missing or damaged, or a file could not be written.

    Examples
    --------
    >>> run = counterfactual("dense.dcm", set="density=B", out="run", seed=7)  # doctest: +SKIP
    """
    target = ReadingTarget.parse(set)
    if not target.is_of_lesion and (box is not None or mask is not None):
        raise RequestError(f"{target.name} is said of the whole breast: give no box or mask")
    request = EditRequest.of_words(
        "counterfactual",
        image,
        takes_one=True,
        seed=seed,
        shown={"kind": kind, "view": view, "laterality": laterality, "density": density},
        box=box,
        mask=mask,
        target=target,
        steps=steps,
        guidance=guidance,
        bundle=bundle,
        autoencoder=autoencoder,
        lesion_network=lesion_network,
    )
    bundles = RunBundles.find(bundle, autoencoder, lesion_network)
    _refuse_unjudged(target, bundles)
    spec = RunSpec(
        request=request,
        weights=bundles.weights(),
        guidance=request.guidance,
        device=device,
        shape=bundles.diffusion.prepared_shape,
        spacing_mm=bundles.diffusion.nominal_spacing_mm,
    )

    def make(indices: Sequence[int], on_share: Callable[[float], None]) -> Iterator[EditedSample]:
        edit = _Edit.loaded(request, target, bundles, device=pick_device(device))
        yield FoundRegion(bundles.lesion, device=device).after(edit.sample(on_share))

    form = dataclasses.replace(EDIT_FORM, summaries=_files)
    return carry_out(spec, Path(out), make, form=form, progress=progress)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Edit:
    """A file and the networks that change and read it."""

    request: EditRequest
    target: ReadingTarget
    bundles: RunBundles
    source: EditSource
    prepared: PreparedMammogram
    generator: WholeImageGenerator
    network: Examiner
    judge: Examiner

    @classmethod
    def loaded(cls, request: EditRequest, target: ReadingTarget, bundles: RunBundles, *, device: str) -> _Edit:
        source = EditSource.read(request.images[0], shown=request.shown)
        if source.conditions.kind is None:
            raise RequestError(f"{source.path} does not state its kind, which counterfactual needs: name it with kind")
        sought = Conditions.from_dict({"kind": source.conditions.kind, target.name: target.value})
        if not bundles.diffusion.support.check(sought).is_supported:
            raise RequestError(f"no training image shows {describe(sought)}: another value can be asked")
        home = bundles.lesion
        scale = bundles.diffusion.number("guidance", 1.5)
        generator = WholeImageGenerator.load(
            bundles.diffusion,
            bundles.autoencoder,
            scale=scale,
            groups={target.name: request.guidance},
            device=device,
        )
        return cls(
            request=request,
            target=target,
            bundles=bundles,
            source=source,
            prepared=source.located.on_grid(generator.shape),
            generator=generator,
            network=Examiner.load(home, MAIN, home.unread_heads, device=device),
            judge=Examiner.load(home, JUDGE, home.unread_heads_of_judge, device=device),
        )

    def sample(self, on_share: Callable[[float], None]) -> EditedSample:
        started, source, target = time.monotonic(), self.source, self.target
        before = {"lesion_network": self.network.readings(self.prepared.image)}
        if most_probable(before["lesion_network"], target.name) == str(target.value):
            raise RequestError(f"the lesion network reads {target.words} in {source.path} as it is: ask another value")
        region, where = self._region()
        changer = _Changer.of(self, region, before["lesion_network"])
        found = searched(
            target, changer.changed, lambda pixels: self.network.readings(self._image(pixels)), on_trial=on_share
        )
        if found.pixels is None or found.readings is None:
            best = max(found.trials, key=lambda trial: trial.probability)
            raise MammoError(
                f"no change makes the lesion network read {target.words} in {source.path}: of {len(found.trials)} that "
                f"were tried the nearest comes to {best.probability:.2f}"
            )
        before["judge"] = self.judge.readings(self.prepared.image)
        after = {"lesion_network": found.readings, "judge": self.judge.readings(self._image(found.pixels))}
        doubt = _doubt(target, before["judge"], after["judge"])
        return self._edited(found, region, where, before, after, doubt, seconds=round(time.monotonic() - started, 2))

    def _region(self) -> tuple[np.ndarray, str]:
        """Region of the lesion on the grid of the file; empty where the whole breast may change."""
        source, request = self.source, self.request
        rows, columns = source.stored.shape
        if not self.target.is_of_lesion:
            return np.zeros((rows, columns), dtype=bool), "the whole breast"
        region, where = named_region(request, source)
        if request.box is None and not region.any():
            finder = FoundRegion(self.bundles.lesion, device=self.generator.device.type)
            region, where = finder.region(source), "found by the lesion network"
        source.refuse_outside(region, most=0.1)
        source.refuse_text(region)
        return region & source.breast, where

    def _image(self, pixels: np.ndarray) -> np.ndarray:
        """Edited stored values as the examiners see them, on the prepared grid."""
        return self.source.edited_on_grid(pixels, self.generator.shape).image

    def _edited(
        self,
        found: Found,
        region: np.ndarray,
        where: str,
        before: dict[str, Readings],
        after: dict[str, Readings],
        doubt: str,
        *,
        seconds: float,
    ) -> EditedSample:
        source, target, pixels = self.source, self.target, found.pixels
        assert pixels is not None
        changed, last = pixels != source.stored, found.trials[-1]
        difference = np.abs(source.brightness_of(pixels) - source.mammogram.pixels)
        box = box_of_mask(changed)
        judge = self.bundles.lesion
        about = {
            "where": where,
            "counterfactual": {
                "target": target.to_dict(),
                "is_confirmed": not doubt,
                "strength": last.strength,
                "steering": last.steering,
                "change": {
                    "mean": round(last.mean_change, 5),
                    "largest": round(float(difference.max()), 4),
                    "share_of_breast": round(float(changed.sum() / source.breast.sum()), 4),
                    "box": None if box is None else [round(v, 5) for v in box],
                },
                "before": _rounded(before),
                "after": _rounded(after),
                "judge": {"name": judge.name, "version": judge.version, "sha256": judge.weights_sha256[JUDGE[0]]},
                "trials": [trial.to_dict() for trial in found.trials],
            },
            "outcome": f"not a counterfactual: {doubt}" if doubt else PASSED,
            "is_failure": bool(doubt),
            "seconds": seconds,
        }
        done = f"changed by a computer until a lesion network reads {target.words}"
        warnings = [f"{done}, the rest is {source.origin} mammogram {source.mammogram.source_sha256[:12]}"]
        warnings += [f"this is not a counterfactual: {doubt}"] if doubt else []
        rows, columns = source.stored.shape
        return EditedSample(
            index=0,
            command=self.request.command,
            source=source,
            pixels=pixels,
            requested=region,
            reach=source.breast,
            window=(slice(0, rows), slice(0, columns)),
            shown=source.conditions.replace(**{target.name: None if doubt else target.value}),
            warnings=(*warnings, *source.doubts),
            about=about,
            edits=("reading_changed",),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Changer:
    """What the generator makes of a file under what is asked, laid over the file's own pixels."""

    edit: _Edit
    latent: Any
    lesion: np.ndarray
    soft: np.ndarray
    own: Conditions
    sought: Conditions
    may_change: np.ndarray
    drawn_as_it_is: dict[float, np.ndarray]

    @classmethod
    def of(cls, edit: _Edit, region: np.ndarray, readings: Readings) -> _Changer:
        prepared, target = edit.prepared, edit.target
        on_grid = prepared.trace.forward(region) if region.any() else np.zeros(edit.generator.shape, dtype=bool)
        known = edit.source.conditions.to_dict()
        finding = prepared.conditions.finding or Finding.parse(most_probable(readings, "finding"))
        lesion: dict[str, Any] = {"finding": finding}
        if finding is not Finding.NONE and region.any():
            lesion["box"] = box_of_mask(on_grid)
        stated = getattr(prepared.conditions, target.name)
        read = most_probable(readings, target.name)
        own = Conditions.from_dict({**known, **lesion, target.name: read if stated is None else stated})
        if target.name == "finding":
            lesion = {"finding": target.value}
            lesion |= {} if target.value is Finding.NONE else {"box": box_of_mask(on_grid)}
        sought = Conditions.from_dict({**known, **lesion, target.name: target.value})
        return cls(
            edit=edit,
            latent=edit.generator.latent(prepared.image),
            lesion=on_grid if sought.finding is not Finding.NONE else np.zeros_like(on_grid),
            soft=drawn_round(on_grid) if target.is_of_lesion else _inside(prepared.breast),
            own=own,
            sought=sought,
            may_change=ndimage.binary_erosion(edit.source.breast, iterations=2, border_value=1),
            drawn_as_it_is={},
        )

    def changed(self, strength: float, steering: float) -> tuple[np.ndarray, float]:
        """Stored values after a change, and the mean change of brightness in the breast."""
        edit, source = self.edit, self.edit.source
        steer = None
        if steering:
            how = {} if edit.target.is_of_lesion else {"seen_of": self._seen_of(strength)}
            steer = edit.network.steering(edit.generator.autoencoder, edit.target, steering, **how)
        added = self._drawn(self.sought, strength, steer) - self._as_it_is(strength)
        added = edit.prepared.trace.inverse((added * self.soft).astype(np.float32), order=3)
        added = np.sign(added) * np.maximum(np.abs(added) - _LEAST_CHANGE, 0) * self.may_change
        pixels = source.scale.changed(source.stored, source.mammogram.pixels, added)
        return pixels, float(np.abs(added)[source.breast].mean())

    def _seen_of(self, strength: float) -> Callable[[torch.Tensor], torch.Tensor]:
        """What is read of the file once a whole breast is drawn: of a region the draw is read as the file is."""
        planes = (self.edit.prepared.image, self._as_it_is(strength), self.soft)
        return _laid_over(*(torch.from_numpy(np.ascontiguousarray(one)).to(self.latent)[None, None] for one in planes))

    def _as_it_is(self, strength: float) -> np.ndarray:
        """What the change is measured from: of a region the autoencoder's picture, of all the same draw unchanged."""
        if self.edit.target.is_of_lesion:
            return self.edit.generator.image(self.latent)
        if strength not in self.drawn_as_it_is:
            self.drawn_as_it_is[strength] = self._drawn(self.own, strength, None)
        return self.drawn_as_it_is[strength]

    def _drawn(self, conditions: Conditions, strength: float, steer: Any) -> np.ndarray:
        edit = self.edit
        return edit.generator.drawn(
            self.latent,
            conditions,
            self.lesion,
            region=self.soft if edit.target.is_of_lesion else None,
            strength=strength,
            noise_of=(edit.request.seed, edit.source.mammogram.source_sha256[:16]),
            steps=edit.request.steps,
            steer=steer,
        )


def _laid_over(base: torch.Tensor, own: torch.Tensor, soft: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """A file on the prepared grid with what a drawn picture, padded to whole latents, changes of it."""
    rows, columns = base.shape[-2:]

    def seen(image: torch.Tensor) -> torch.Tensor:
        return (base + (image[..., :rows, :columns] - own) * soft).clamp(0, 1)

    return seen


def _inside(breast: np.ndarray) -> np.ndarray:
    """1 in the breast, falling to 0 towards the skin, whose line a second draw would double."""
    return np.clip(ndimage.distance_transform_edt(breast) / (_SKIN * breast.shape[0]), 0, 1).astype(np.float32)


def _rounded(readings: dict[str, Readings]) -> dict[str, Readings]:
    return {
        who: {head: {value: round(share, 4) for value, share in shares.items()} for head, shares in heads.items()}
        for who, heads in readings.items()
    }


def _doubt(target: ReadingTarget, before: Readings, after: Readings) -> str:
    """Why the judge does not confirm a counterfactual; empty where it does."""
    was, now = most_probable(before, target.name), most_probable(after, target.name)
    if now != str(target.value):
        return f"the judge reads {target.name} {now} ({after[target.name][now]:.2f}) and not {target.value}"
    if was == now:
        return f"the judge reads {target.words} before the change too"
    return ""


def _refuse_unjudged(target: ReadingTarget, bundles: RunBundles) -> None:
    home = bundles.lesion
    target.refuse_unread(home)
    if not home.defines(JUDGE):
        raise RequestError(f"bundle {home.name} has no judge, without which nothing is called a counterfactual")
    home.check_weights(JUDGE[0])
    hashes = home.weights_sha256
    if hashes[JUDGE[0]] == hashes[MAIN[0]]:
        raise RequestError(f"the judge of bundle {home.name} is its lesion network: it would judge its own work")


def _files(manifest: Manifest, spec: RunSpec) -> dict[str, bytes]:
    """File of a finished run beside its sample: what changed, how much, and who reads what."""
    entry = manifest.samples[0]
    said = {"synthetic": EDITED, "source": entry["source"]["sha256"], "outcome": entry["outcome"]}
    text = json.dumps({**said, **entry["counterfactual"]}, indent=2)
    return {"counterfactual.json": f"{text}\n".encode()}
