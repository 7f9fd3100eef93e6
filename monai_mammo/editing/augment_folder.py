"""A training set of edited mammograms: lesions inserted into a folder's images, and taken out of them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.bundle import DEFAULT_BUNDLES, PAINTER, find
from monai_mammo.conditions import Box, Conditions
from monai_mammo.editing.coco_file import coco_content
from monai_mammo.editing.edit_run import NotEdited
from monai_mammo.editing.insert_lesion import MOST_PLACES, insert
from monai_mammo.editing.remove_lesion import remove
from monai_mammo.editing.training_source import TrainingSource, training_sources
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files import check_output_folder, folder_lock, save_bytes, save_text
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.digest import bytes_sha256, file_sha256
from monai_mammo.files.picture import read_brightness
from monai_mammo.files.png import png_bytes
from monai_mammo.generation.runs.augmented_set import RUNS, SUMMARY
from monai_mammo.generation.runs.edited_form import EDITED
from monai_mammo.generation.runs.manifest import SYNTHETIC, Manifest, sample_name
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.prepare.array import locate_breast
from monai_mammo.prepare.datalist import FORMAT_VERSION, SPLIT_KEYS
from monai_mammo.prepare.datalist_items import ORIGIN_KEYS
from monai_mammo.prepare.reading import read_any
from monai_mammo.prepare.workers import spread
from monai_mammo.progress import Progress, ProgressCallback
from monai_mammo.study import Mammogram
from monai_mammo.terms import Finding, Split

__all__ = ["augment"]

_DATALIST, _COCO = "datalist.json", "coco.json"
_IMAGES_A_RUN = 8
_MOST_VERSIONS = 100
_SOURCE = "monai_mammo.augment"
_DESCRIBED = {"acquired": "Acquired image, not changed by monai_mammo.", "generated": SYNTHETIC, "edited": EDITED}
"""What a picture says in its text, by what it is."""


def augment(
    folder: str | Path,
    *,
    out: str | Path,
    per_image: int = 2,
    split: str = "training",
    finding: str = "mass",
    conspicuity: float | None = None,
    originals: bool = False,
    seed: int = 0,
    workers: int = 1,
    steps: int = 16,
    guidance: float = 1.5,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """A training set of edited mammograms, with datalist, masks and boxes, and the same in the form of COCO.

    A lesion is inserted into images that are known to show none. Of an image whose lesions are known, they are taken
    out in the first version, and another lesion is inserted beside them in the others. Images whose lesions are not
    known take no part. Where a drawn place of a lesion is refused, as it reaches out of the breast, another is drawn, 5
    at most, and the run's manifest says how many were (``n_places``). The same call in the same folder completes what
    is missing; the same seed gives the same bytes, whatever the number of workers.

    Parameters
    ----------
    folder : str or Path
        Prepared folder, whose images stay on its grid, or folder of DICOM files and pictures, which keep their pixels.
    out : str or Path
        Folder for the set: new, empty, or of this very call.
    per_image : int
        Versions of each image, 1 to 100.
    split : str
        Of a prepared folder.
    finding : str
        Of inserted lesions.
    conspicuity : float or None
        Their contrast within the range of real lesions, 0 to 1, as `insert` takes it.
    originals : bool
        Whether the images that versions were made of are listed too, each as what it is: acquired, unless it is known
        to be generated or edited itself.
    seed : int
        Decides all that is drawn by chance.
    workers : int
        Processes, each with one thread.
    steps : int
        Network evaluations, 1 to 64.
    guidance : float
        Weight of classifier-free guidance, 0 to 20; 1 is none.
    bundle, autoencoder : str
        Names or paths of the bundles.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    dict
        ``n_images``, ``n_inserted``, ``n_removed``, ``n_originals``; ``n_placed_anew``, lesions whose first place was
        refused, and ``most_places`` that are drawn for one; ``left_out``: reason by name of the image; as
        ``augmented.json`` holds them.

    Raises
    ------
    RequestError
        A value is not allowed, there is no such folder or split, no image of it can be edited, or `out` holds other
        things.
    MammoError
        Weights are missing or damaged, or a file could not be read or written. What is finished stays.
    """
    per_image = parse_whole(per_image, name="per_image", low=1, high=_MOST_VERSIONS)
    seed = parse_whole(seed, name="seed", low=0, high=2**63 - 1)
    workers = parse_whole(workers, name="workers", low=1, high=256)
    diffusion = find(bundle)
    if not diffusion.has_painter:
        raise RequestError(diffusion.without_weights(PAINTER))
    painted = {"steps": steps, "guidance": guidance, "bundle": bundle, "autoencoder": autoencoder, "device": device}
    lesion = {"finding": str(Finding.parse(finding, where="finding")), "conspicuity": conspicuity}
    if lesion["finding"] == Finding.NONE:
        raise RequestError("finding 'none' is none: name what is to be inserted")
    out = Path(out)
    check_output_folder(out, command="augment", is_ours=lambda there: (there / SUMMARY).is_file())
    with folder_lock(out):
        asks = {**painted, **lesion, "per_image": per_image, "seed": seed, "split": split, "originals": originals}
        _open(out, {"request": {**asks, "folder": Path(folder).name}})
        sources, left_out, shape = training_sources(folder, out, split=split)
        shards = list(_shards(sources, out, per_image=per_image, seed=seed, painted=painted, lesion=lesion))
        done, n_all = 0, sum(shard.n_versions * len(shard.sources) for shard in shards)
        work: Generator[tuple[int, Any], None, None] = (
            spread(_carried_out, shards, workers=workers) if workers > 1 else _here(shards)
        )
        with contextlib.closing(work):
            for place, reasons in work:
                if reasons is None:
                    raise MammoError("a worker ended before its images were edited: call again to go on")
                left_out |= reasons
                done += shards[place].n_versions * len(shards[place].sources)
                if progress is not None:
                    progress(Progress(done, n_all))
        manifests = [Manifest.load(shard.folder, is_strict=True) for shard in shards]
        items, coco = _listed(shards, manifests, sources if originals else [], out)
        if not items:
            first = next(iter(left_out.values()), "it holds no image")
            raise RequestError(f"no image of {folder} was edited: {first}")
        counts = {"n_originals": len(sources) if originals else 0, "n_placed_anew": _placed_anew(manifests)}
        return _write(out, items, coco, left_out, shape, counts)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Shard:
    """Images that one run edits: so few that processes share them evenly, whatever their number."""

    command: str
    folder: Path
    sources: tuple[TrainingSource, ...]
    n_versions: int
    words: Mapping[str, Any]

    def image_id(self, index: int) -> str:
        """Name of a sample."""
        source, version = self.sources[index % len(self.sources)], index // len(self.sources)
        return f"{source.image_id}_{'removed' if self.command == 'remove' else 'inserted'}_{version + 1}"


def _shards(
    sources: Sequence[TrainingSource],
    out: Path,
    *,
    per_image: int,
    seed: int,
    painted: Mapping[str, Any],
    lesion: Mapping[str, Any],
) -> Iterator[_Shard]:
    normal = [source for source in sources if not source.boxes]
    with_lesion = [source for source in sources if source.boxes]
    for name, command, some, n_versions in (
        ("normal", "insert", normal, per_image),
        ("removed", "remove", with_lesion, 1),
        ("beside", "insert", with_lesion, per_image - 1),
    ):
        for number, start in enumerate(range(0, len(some) if n_versions else 0, _IMAGES_A_RUN)):
            part = tuple(some[start : start + _IMAGES_A_RUN])
            digest = hashlib.sha256(f"{seed}/{name}/{'/'.join(one.image_id for one in part)}".encode()).digest()
            words = {**painted, **(lesion if command == "insert" else {}), "seed": int.from_bytes(digest[:7], "big")}
            yield _Shard(
                command=command,
                folder=out / RUNS / f"{name}_{number:04d}",
                sources=part,
                n_versions=n_versions,
                words=words,
            )


def _here(shards: Sequence[_Shard]) -> Generator[tuple[int, Any], None, None]:
    yield from enumerate(map(_carried_out, shards))


def _carried_out(shard: _Shard) -> dict[str, str]:
    """Edit the images of a run; gives why some were not edited, by name."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of several threads may differ in the last bit
    try:
        edit = functools.partial(insert if shard.command == "insert" else remove, **shard.words)
        edit([source.path for source in shard.sources], out=shard.folder, count=shard.n_versions)
    except NotEdited as error:
        return {shard.sources[image].image_id: reason for image, reason in error.reasons.items()}
    except RequestError as error:
        if len(shard.sources) > 1:
            raise
        return {shard.sources[0].image_id: str(error)}
    finally:
        torch.set_num_threads(n_threads)
    return {}


def _open(out: Path, summary: dict[str, Any]) -> None:
    """Accept a folder of the same call; a new one is marked as ours."""
    path = out / SUMMARY
    if path.is_file():
        try:
            there = read_json(path)
        except UnreadableFile as error:
            raise RequestError(f"{path} {error.detail}") from None
        if not isinstance(there, dict) or there.get("request") != summary["request"]:
            raise RequestError(f"{out} holds a set that was made by another call: name another folder")
        return
    save_bytes((json.dumps(summary, indent=1) + "\n").encode(), path, make_folder=True)


def _listed(
    shards: Sequence[_Shard],
    manifests: Sequence[Manifest | None],
    originals: Sequence[TrainingSource],
    out: Path,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Items of the datalist and images of the COCO file, their pictures and masks written where they are missing."""
    items, images = [], []
    for source in originals:
        read = _read(source.path)
        shown = read.conditions.replace(box=source.boxes[0] if source.boxes else None)
        lesions = [(box, shown.finding or Finding.MASS) for box in source.boxes]
        item, image = _item(out, source.image_id, source, read, shown, lesions, read.lesion_mask, origin=source.origin)
        items.append(item)
        images.append(image)
    for shard, manifest in zip(shards, manifests, strict=True):
        if manifest is None:
            continue
        for index in sorted(manifest.samples):
            item, image = _edited(out, shard, index, manifest.samples[index])
            items.append(item)
            images.append(image)
    return items, images


def _placed_anew(manifests: Sequence[Manifest | None]) -> int:
    """Inserted lesions of which the first place that was drawn was refused."""
    entries = [entry for manifest in manifests if manifest is not None for entry in manifest.samples.values()]
    return sum(lesion.get("n_places", 1) > 1 for entry in entries for lesion in entry.get("lesions", ()))


def _edited(out: Path, shard: _Shard, index: int, entry: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    source = shard.sources[index % len(shard.sources)]
    folder = shard.folder / sample_name(index)
    read = _read(next(path for path in (folder / "edited.dcm", folder / "edited.png") if path.is_file()))
    shown = Conditions.from_dict(entry["conditions"])
    if shard.command == "remove":
        return _item(out, shard.image_id(index), source, read, shown, [], None)
    before = _read(source.path)
    box = Box.parse(entry["box"])
    mask = read_brightness(folder / "requested.png") > 0.5
    if before.lesion_mask is not None:
        mask = mask | before.lesion_mask
    known = before.conditions.finding
    lesions = [(box, shown.finding or Finding.MASS)]
    lesions += [(one, known if known not in (None, Finding.NONE) else Finding.MASS) for one in source.boxes]
    return _item(out, shard.image_id(index), source, read, shown.replace(box=box), lesions, mask)


def _item(
    out: Path,
    name: str,
    source: TrainingSource,
    read: Mammogram,
    shown: Conditions,
    lesions: Sequence[tuple[Box, Finding]],
    mask: np.ndarray | None,
    *,
    origin: str = "edited",
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An item of the datalist, and the same for COCO; both, and the pictures, say what the image is."""
    described = _DESCRIBED[origin]
    image, breast = f"images/{name}.png", f"breasts/{name}.png"
    label = f"masks/{name}.png" if mask is not None and lesions and source.is_outlined else None
    if label is not None and mask is not None:
        _save_missing(out / label, mask, described)
    if not (out / breast).is_file():
        found = locate_breast(read).mask if source.breast is None else read_brightness(source.breast) > 0.5
        _save_missing(out / breast, found, described)
    _save_missing(out / image, np.rint(read.pixels * 65535).astype(np.uint16), described)
    item: dict[str, Any] = {"image": image, "breast": breast}
    if label is not None:
        item["label"] = label
    item |= {
        "conditions": shown.to_dict(),
        "boxes": [[round(float(v), 5) for v in box] for box, _ in lesions],
        "person_id": source.person_id,
        "image_id": name,
        "source": _SOURCE,
        "source_sha256": file_sha256(source.path),
        "mask_kind": "none" if not lesions else ("contour" if label is not None else "box"),
        **{key: sort == origin for sort, key in ORIGIN_KEYS.items()},  # all of them: a batch needs the same keys
    }
    drawn = [{"box": box, "finding": finding, "mask": mask if label else None} for box, finding in lesions]
    return item, {"file_name": image, "shape": read.pixels.shape, "lesions": drawn, "described": described}


def _read(path: Path) -> Mammogram:
    read = read_any(path)
    if not isinstance(read, Mammogram):
        raise MammoError(f"{path} cannot be read: {read.detail}")
    return read


def _save_missing(path: Path, pixels: np.ndarray, described: str) -> None:
    if not path.is_file():
        save_bytes(png_bytes(pixels, description=described), path, make_folder=True)


def _write(
    out: Path,
    items: Sequence[Mapping[str, Any]],
    coco: Sequence[Mapping[str, Any]],
    left_out: Mapping[str, str],
    shape: tuple[int, int] | None,
    counts: Mapping[str, int],
) -> dict[str, Any]:
    content: dict[str, Any] = {"version": FORMAT_VERSION, "shape": None if shape is None else list(shape)}
    content |= {key: items if split is Split.TRAIN else [] for split, key in SPLIT_KEYS.items()}
    data = (json.dumps(content, indent=1) + "\n").encode()
    save_bytes(data, out / _DATALIST)
    save_text(json.dumps(coco_content(coco, description=EDITED)) + "\n", out / _COCO)
    kinds = [str(item["image_id"]).rpartition("_")[0].rpartition("_")[2] for item in items[counts["n_originals"] :]]
    summary = {
        **read_json(out / SUMMARY),
        "n_images": len(items),
        "n_inserted": kinds.count("inserted"),
        "n_removed": kinds.count("removed"),
        **counts,
        "most_places": MOST_PLACES,
        "left_out": dict(sorted(left_out.items())),
        "datalist_sha256": bytes_sha256(data),
    }
    save_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", out / SUMMARY)
    return summary
