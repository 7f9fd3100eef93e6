"""A request carried out in a folder: resumable, the same bytes every time."""

from __future__ import annotations

import dataclasses
import datetime
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_mammo import __version__, bundle
from monai_mammo.bundle import BundleFolder
from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom.identity import Provenance, WeightsReference
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.digest import bytes_sha256, file_sha256
from monai_mammo.files.picture import read_brightness
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.conditions_file import conditions_from_file
from monai_mammo.generation.engine.plan import PlannedSample, plan_sample
from monai_mammo.generation.engine.settings import DrawSettings
from monai_mammo.generation.mask_file import read_mask
from monai_mammo.generation.request import Request, UnsupportedPolicy
from monai_mammo.generation.runs.contact_sheet import MAX_TILES, Tile, contact_sheet_png
from monai_mammo.generation.runs.manifest import Manifest, canonical_json, refuse_other_run, sample_name
from monai_mammo.generation.runs.sample_files import (
    DATALIST,
    FinishedSample,
    datalist_bytes,
    place_sample,
    remove_partial,
    writing,
)
from monai_mammo.prepare.geometry import hang, mask_of_box, mirror_box
from monai_mammo.study import Mammogram, Spacing
from monai_mammo.terms import ChestWall, Laterality

if TYPE_CHECKING:
    from monai_mammo.generation.engine.check import CheckResult

__all__ = ["Progress", "Run", "generate", "run_request"]

CONTACT_SHEET = "contact_sheet.png"
DEFAULT_GUIDANCE = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Parameters
    ----------
    n_done, n_asked : int
        Samples.
    share : float
        Of the work, in [0, 1]; counts network evaluations of samples at work.
    """

    n_done: int
    n_asked: int
    share: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A request carried out in a folder.

    Parameters
    ----------
    folder : Path
    request : Request
    manifest : dict
        As `manifest.json` states it, without the samples.
    samples : tuple of dict
        Entry of each sample: conditions, tries, what was found, hashes of its files.
    n_made : int
        Samples that this call made or completed; 0 where all was there.
    """

    folder: Path
    request: Request
    manifest: Mapping[str, Any]
    samples: tuple[Mapping[str, Any], ...]
    n_made: int

    def __len__(self) -> int:
        return len(self.samples)

    def paths(self, name: str = "mammogram.png") -> list[Path]:
        """Path of one file of each sample, such as ``mammogram.dcm``."""
        return [self.folder / sample_name(entry["index"]) / name for entry in self.samples]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every user of these images must know, each sentence once."""
        sentences = [w for entry in self.samples for w in entry["warnings"]]
        return tuple(dict.fromkeys([*self.manifest["warnings"], *sentences]))

    @property
    def failures(self) -> tuple[str, ...]:
        """Samples that show no mammogram of the asked side."""
        return tuple(f"{e['id']}: {e['outcome']}" for e in self.samples if e["is_failure"])


def generate(
    request: Request | None = None,
    *,
    out: str | Path,
    count: int | None = None,
    kind: str | None = None,
    density: str | None = None,
    view: str | None = None,
    laterality: str | None = None,
    finding: str | None = None,
    birads: int | None = None,
    box: Box | Sequence[float] | str | None = None,
    mask: str | Path | None = None,
    like: str | Path | None = None,
    conditions: Conditions | str | Path | None = None,
    device: str = "auto",
    progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Run:
    """Synthetic mammograms of the asked conditions, written to a folder.

    The same call in the same folder completes what is missing and changes nothing else. Sample k is
    the same, byte for byte, whatever the count and the folder, on the same machine.

    Parameters
    ----------
    request : Request or None
        All of the below up to `conditions`, and `settings`, in one; give one or the other.
    out : str or Path
        Folder of the run: new, empty, or of this very request.
    count : int or None
        Number of samples; 1 by default, or one for each row of a conditions file.
    kind, density, view, laterality, finding, birads, box
        What is to be seen, as in `Conditions`; what is left out stays open. The box is
        ``(x0, y0, x1, y1)`` in fractions of the picture as it hangs.
    mask : str or Path or None
        Picture whose white pixels are the lesion, as the mammogram hangs.
    like : str or Path or None
        A real mammogram (DICOM, or a picture) whose conditions are taken where none are given.
    conditions : Conditions, str, Path or None
        Conditions in one piece, or a ``.json`` or ``.csv`` file with one row for each sample.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` after each step.
    **settings
        ``seed``, ``steps``, ``guidance``, ``format``, ``unsupported``, ``dice_threshold``, ``max_tries``,
        ``bundle``, ``autoencoder``, ``lesion_network``: as in `Request`.

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        Something that is asked for is not allowed, not supported by training images, or the folder
        belongs to another run.
    MammoError
        Weights are missing or damaged, or a file could not be written. What is finished stays.

    Examples
    --------
    >>> run = generate(density="C", view="MLO", laterality="L", finding="mass", seed=7, out="run")  # doctest: +SKIP
    """
    words: dict[str, Any] = {"kind": kind, "density": density, "view": view, "laterality": laterality}
    words |= {"finding": finding, "birads": birads, "box": box}
    given = {name: value for name, value in words.items() if value is not None}
    if request is None:
        settings = {name: value for name, value in settings.items() if value is not None}
        unknown = set(settings) - {field.name for field in dataclasses.fields(Request)}
        if unknown:
            raise RequestError(f"setting {sorted(unknown)[0]!r} is not one of {', '.join(_setting_names())}")
        rows = _conditions(given, conditions=conditions, like=like, settings=settings)
        mask = None if mask is None else str(mask)
        request = Request(conditions=rows, count=count, mask=mask, **settings)
    elif given or settings or count is not None or mask is not None or like is not None or conditions is not None:
        raise RequestError("a Request is complete: give no conditions or settings beside it")
    return run_request(request, out=out, device=device, progress=progress)


def run_request(
    request: Request, *, out: str | Path, device: str = "auto", progress: Callable[[Progress], None] | None = None
) -> Run:
    """A request carried out in a folder; see `generate`."""
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder} is a file: name a folder with --out")
    names = (request.bundle, request.autoencoder, request.lesion_network)
    diffusion, autoencoder, lesion = (bundle.find(name) for name in names)
    _same_grid(diffusion, autoencoder, lesion)
    weights = [*_references(diffusion), *_references(autoencoder), *_references(lesion)]
    guidance = request.guidance if request.guidance is not None else _own_guidance(diffusion)
    planned = _plan(request, diffusion)
    from monai_mammo.generation.engine.device import (
        pick_device,  # torch, and so after all that can be refused without it
    )

    device = pick_device(device)
    run_sha256 = _run_sha256(request, weights, guidance=guidance, device=device)
    manifest = Manifest.load(folder)
    refuse_other_run(manifest, folder, run_sha256=run_sha256, count=len(planned))
    if manifest is None or manifest.count < len(planned):
        manifest = _opened(manifest, folder, request, run_sha256, weights, guidance, device, diffusion)
    missing = [sample for sample in planned if not _is_there(manifest, sample.index)]
    _finish = _Finisher(manifest, request, diffusion, tuple(weights))
    if missing:
        from monai_mammo.generation.engine.generator import Generator

        generator = Generator.load(diffusion, autoencoder, lesion, device=device)
        _make(generator, missing, request, guidance=guidance, finish=_finish, progress=progress, n_asked=len(planned))
    _close(manifest, diffusion, was_changed=bool(missing))
    entries = tuple(manifest.samples[index] for index in sorted(manifest.samples))
    return Run(folder=folder, request=request, manifest=manifest.head, samples=entries, n_made=len(missing))


@dataclasses.dataclass(frozen=True, slots=True)
class _Finisher:
    """Writes a drawn sample and then its entry in the manifest."""

    manifest: Manifest
    request: Request
    folder: BundleFolder
    weights: tuple[WeightsReference, ...]

    def __call__(self, sample: PlannedSample, results: Sequence[CheckResult], seconds: float) -> None:
        from monai_mammo.generation.engine.check import best_of

        best = best_of(results)
        warnings = [*sample.warnings, *([f"{best.defect} after {len(results)} tries"] if best.defect else [])]
        written = _written_image(sample, best, self.folder)
        side = sample.conditions.laterality
        assert side is not None
        index, request = sample.index, self.request
        known = self.manifest.samples.get(index, {})
        files = place_sample(
            FinishedSample(
                index=index,
                mammogram=written,
                found_mask=np.ascontiguousarray(hang(best.found, side)),
                run_sha256=self.manifest.run_sha256,
                run_seed=request.seed,
                provenance=Provenance(weights=self.weights, notes=tuple(f"{w}." for w in warnings)),
                found_by=self.weights[-1],
            ),
            self.manifest.folder,
            format=request.format,
            keep=known.get("files", {}),
        )
        if not known:
            self.manifest.samples[index] = _entry(sample, results, best, warnings, files, seconds)
            self.manifest.save()


def _make(
    generator: Any,
    missing: Sequence[PlannedSample],
    request: Request,
    *,
    guidance: float,
    finish: _Finisher,
    progress: Callable[[Progress], None] | None,
    n_asked: int,
) -> None:
    from monai_mammo.generation.engine.parallel import draw_all

    n_done = n_asked - len(missing)
    n_made, most = 0, 0.0

    def on_share(share: float) -> None:
        nonlocal most
        most = max(most, share)
        if progress is not None:
            progress(Progress(n_done + n_made, n_asked, most))

    on_share(0.0)
    settings = DrawSettings(
        seed=request.seed,
        steps=request.steps,
        guidance=guidance,
        dice_threshold=request.dice_threshold,
        max_tries=request.max_tries,
    )
    for drawn in draw_all(generator, missing, settings, on_share=on_share):
        finish(drawn.sample, drawn.results, drawn.seconds)
        n_made += 1
        on_share(n_made / len(missing))


def _conditions(
    given: Mapping[str, Any],
    *,
    conditions: Conditions | str | Path | None,
    like: str | Path | None,
    settings: Mapping[str, Any],
) -> Conditions | tuple[Conditions, ...]:
    base = dict(given)
    if like is not None:
        from monai_mammo.generation.like import conditions_of_image

        shape = bundle.find(settings.get("bundle", Request().bundle)).prepared_shape
        base = {**conditions_of_image(like, shape=shape).to_dict(), **given}
        if given.get("finding") == "none":
            base.pop("box", None)
    if isinstance(conditions, Conditions):
        return Conditions.from_dict({**base, **conditions.to_dict()})
    if conditions is not None:
        return conditions_from_file(conditions, base=base)
    return Conditions.from_dict(base)


def _plan(request: Request, folder: BundleFolder) -> list[PlannedSample]:
    shape = folder.prepared_shape
    mask = None if request.mask is None else read_mask(request.mask, shape)
    table = folder.support
    assert request.count is not None
    return [
        plan_sample(
            request.conditions_of(index),
            index=index,
            seed=request.seed,
            table=table,
            shape=shape,
            spacing_mm=folder.nominal_spacing_mm,
            smallest_px=float(folder.metadata.get("smallest_feature_px", 0)),
            mask=mask,
            refuse_unsupported=request.unsupported is UnsupportedPolicy.REFUSE,
        )
        for index in range(request.count)
    ]


def _same_grid(*folders: BundleFolder) -> None:
    for folder in folders[1:]:
        if folder.prepared_shape != folders[0].prepared_shape:
            rows, columns = folder.prepared_shape
            raise RequestError(
                f"bundle {folder.name} was trained on {rows} x {columns} pixels, {folders[0].name} on "
                f"{folders[0].prepared_shape[0]} x {folders[0].prepared_shape[1]}: they do not go together"
            )


def _references(folder: BundleFolder) -> list[WeightsReference]:
    """Checked weights of a bundle that decide a pixel: its network's, and those of its further networks."""
    found = {folder.name: "models/model.pt"}
    if folder.has_detail:
        found[f"{folder.name} detail"] = bundle.DETAIL[0]
    if folder.has_texture:
        found[f"{folder.name} texture"] = bundle.TEXTURE[0]
    for path in found.values():
        folder.check_weights(path)
    return [WeightsReference(name, folder.version, folder.weights_sha256[path]) for name, path in found.items()]


def _own_guidance(folder: BundleFolder) -> float:
    return float(folder.metadata.get("guidance", DEFAULT_GUIDANCE))


def _run_sha256(request: Request, weights: Sequence[WeightsReference], *, guidance: float, device: str) -> str:
    """Hash of all that decides a pixel: the request's identity, guidance, weights and device."""
    parts = {
        "request": request.identity(),
        "guidance": guidance,
        "weights": [reference.sha256 for reference in weights],
        "device": device,
    }
    return bytes_sha256(canonical_json(parts).encode())


def _opened(
    manifest: Manifest | None,
    folder: Path,
    request: Request,
    run_sha256: str,
    weights: Sequence[WeightsReference],
    guidance: float,
    device: str,
    diffusion: BundleFolder,
) -> Manifest:
    """Manifest that claims the folder for this run, or the one that is there with its count raised."""
    if manifest is None:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        manifest = Manifest.new(
            folder,
            run_sha256=run_sha256,
            request_sha256=request.request_sha256,
            request=request.to_dict(),
            guidance=guidance,
            device=device,
            shape=list(diffusion.prepared_shape),
            spacing_mm=diffusion.nominal_spacing_mm,
            spacing_source="nominal: the training images have no known spacing",
            weights=[dataclasses.asdict(reference) for reference in weights],
            versions=_versions(),
            warnings=[],
            times={"started": _now(), "finished": None},
        )
    manifest.head["request"] = request.to_dict()
    manifest.head["is_complete"] = False
    manifest.save()
    return manifest


def _is_there(manifest: Manifest, index: int) -> bool:
    """Whether a sample is stated and all its files are there.

    Raises
    ------
    MammoError
        A file is not the one that the manifest states.
    """
    if index not in manifest.samples:
        return False
    is_whole = True
    for name, sha256 in manifest.samples[index]["files"].items():
        path = manifest.folder / sample_name(index) / name
        if not path.is_file():
            is_whole = False
        elif file_sha256(path) != sha256:
            raise MammoError(f"{path} is not what the run wrote: remove it to have it made anew")
    return is_whole


def _close(manifest: Manifest, folder: BundleFolder, *, was_changed: bool) -> None:
    """Write datalist and contact sheet, and say in the manifest that the run is complete."""
    paths = [manifest.folder / name for name in (DATALIST, CONTACT_SHEET)]
    if not was_changed and manifest.is_complete and all(path.is_file() for path in paths):
        return
    remove_partial(manifest.folder)
    made = (datalist_bytes(manifest, folder.nominal_spacing_mm), _contact_sheet(manifest))
    for path, data in zip(paths, made, strict=True):
        if not (path.is_file() and path.read_bytes() == data):
            save_bytes(data, path)
        manifest.head["files"][path.name] = bytes_sha256(data)
    if not manifest.is_complete:
        manifest.head["is_complete"] = True
        manifest.head["times"]["finished"] = _now()
        manifest.save()


def _contact_sheet(manifest: Manifest) -> bytes:
    entries = [manifest.samples[index] for index in sorted(manifest.samples)[:MAX_TILES]]
    tiles = [_tile(manifest.folder / sample_name(entry["index"]), entry) for entry in entries]
    seed = manifest.head["request"]["seed"]
    title = f"SYNTHETIC, not for diagnosis. Seed {seed}. Yellow: asked lesion, blue: found."
    return contact_sheet_png(tiles, title=title)


def _tile(folder: Path, entry: Mapping[str, Any]) -> Tile:
    image, requested = (read_brightness(folder / name) for name in ("mammogram.png", "lesion.png"))
    shown = Conditions.from_dict(entry["conditions"])
    words = [shown.kind, shown.laterality, shown.view, shown.density and f"density {shown.density}", shown.finding]
    words.append(None if shown.birads is None else f"BI-RADS {shown.birads}")
    agreement = entry["found"]["dice"]
    second = f"{entry['id']}  {'' if agreement is None else f'Dice {agreement:.2f}'}  tries {len(entry['tries'])}"
    marks = "  UNSUPPORTED" if any(w.startswith("UNSUPPORTED") for w in entry["warnings"]) else ""
    caption = " ".join(str(w) for w in words if w) + f"\n{second}{marks}"
    return Tile(image, requested > 0.5, _found_mask(folder, entry, image.shape), caption)


def _found_mask(folder: Path, entry: Mapping[str, Any], shape: tuple[int, ...]) -> np.ndarray | None:
    """What was found: the outline where it was written, else its box."""
    if "lesion.seg.dcm" in entry["files"]:
        from monai_mammo.dicom import read_segmentation

        return read_segmentation(folder / "lesion.seg.dcm")["found"]
    box = entry["found"]["box"]
    return None if box is None else mask_of_box(Box(*box), (shape[0], shape[1])) > 0.5


def _written_image(sample: PlannedSample, best: CheckResult, folder: BundleFolder) -> Mammogram:
    """Picture as readers expect it: a right breast with the chest wall at the right edge."""
    side = sample.conditions.laterality
    assert side is not None
    spacing_mm = folder.nominal_spacing_mm
    return Mammogram(
        pixels=np.ascontiguousarray(hang(best.image, side)),
        conditions=sample.conditions,
        spacing=Spacing(spacing_mm, spacing_mm, "nominal"),
        chest_wall=ChestWall.LEFT if side is Laterality.L else ChestWall.RIGHT,
        lesion_mask=np.ascontiguousarray(hang(best.requested, side)),
        source="monai_mammo",
    )


def _entry(
    sample: PlannedSample,
    results: Sequence[CheckResult],
    best: CheckResult,
    warnings: Sequence[str],
    files: Mapping[str, str],
    seconds: float,
) -> dict[str, Any]:
    box = best.found_box
    if box is not None and sample.conditions.laterality is Laterality.R:
        box = mirror_box(box)
    return {
        "index": sample.index,
        "id": sample_name(sample.index),
        "conditions": sample.conditions.to_dict(),
        "lesion": sample.lesion.source,
        "support": {"images": sample.support.images, "persons": sample.support.persons},
        "tries": [result.to_dict() for result in results],
        "kept_try": list(results).index(best),
        "outcome": best.defect or "kept",
        "is_failure": best.is_failure,
        "found": {
            "dice": best.to_dict()["dice"],
            "box": None if box is None else [round(v, 4) for v in box],
            "area_share": round(float(best.found.mean()), 6),
            **best.probabilities,
        },
        "warnings": list(warnings),
        "files": dict(files),
        "seconds": round(seconds, 2),
    }


def _versions() -> dict[str, str]:
    names = ("torch", "numpy", "pydicom", "highdicom")
    return {"monai_mammo": __version__, "python": platform.python_version(), **{n: metadata.version(n) for n in names}}


def _setting_names() -> list[str]:
    fields = [field.name for field in dataclasses.fields(Request)]
    return [name for name in fields if name not in ("conditions", "count", "mask")]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
