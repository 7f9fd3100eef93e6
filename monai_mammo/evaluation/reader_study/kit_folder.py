"""The folder of a reader study: a page with its images for a stick, and apart from it the key of what is acquired."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.reader_study.kit_page import kit_page
from monai_mammo.evaluation.reader_study.like_pairs import matched_pairs
from monai_mammo.evaluation.realism.compared_images import synthetic_items
from monai_mammo.files import bytes_sha256, check_output_folder, folder_lock, save_bytes, save_text
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.png import png_bytes
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.prepare.datalist_items import pixels_of
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["KEY", "STICK", "reader_kit"]

KEY, STICK = "key.json", "stick"
"""File with the key, and folder that readers get."""

VERSION = 1
_LEAST_PAIRS, _LEAST_RATINGS, _MOST = 5, 10, 1000
_WORDS = "Image of a reader study, acquired or synthetic; not for diagnosis"
_STATED = ("kind", "view", "density", "finding", "birads")
_MOST_SQUARES = 6


def reader_kit(
    out: str | Path,
    *,
    real: str | Path,
    synthetic: str | Path,
    split: str = "validation",
    synthetic_split: str = "training",
    kind: str | None = None,
    pairs: int | str = 20,
    ratings: int | str = 40,
    seed: int | str = 0,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Write a study in which readers tell acquired from synthetic mammograms.

    In the rating task a reader sees one image and says how sure it is synthetic, from 1 to 5; in the two-alternative
    task an acquired and a synthetic image of like conditions, and names the synthetic one. No image is in both.

    Parameters
    ----------
    out : str or Path
        Folder for the kit: ``stick/`` with ``index.html`` and images is what readers get, and ``key.json`` beside it
        says what is what. The same call changes nothing there.
    real, synthetic : str or Path
        Runs, prepared folders or folders of pictures of one size; `real` is no run.
    split, synthetic_split : str
        Of prepared folders.
    kind : str, optional
        Acquisition kind of pictures that state none.
    pairs : int
        Tasks with two images: 0, or 5 to 1000.
    ratings : int
        Images that are rated, half of them synthetic: 0, or an even number from 10 to 1000.
    seed : int
        Chooses and shuffles.
    progress : callable or None
        Called with a `Progress` after each image.

    Returns
    -------
    dict
        The key: ``kit``, ``seed``, ``display``, and ``items``, each with its ``task`` and ``images``.

    Raises
    ------
    RequestError
        A number is not allowed, there are too few images of like conditions, they differ in size, one lies on both
        sides, or `out` holds other things or another kit.
    MammoError
        A file cannot be read or written.
    """
    seed = parse_whole(seed, name="seed", low=0, high=2**63 - 1)
    n_pairs, n_ratings = _counts(pairs, ratings)
    out = Path(out)
    check_output_folder(out, command="reader-kit", is_ours=_is_ours)
    if Path(real, "manifest.json").is_file():
        raise RequestError(f"--real {real} is a run of synthetic mammograms: name acquired ones")
    known = synthetic_items(real, kind=kind, split=split)
    drawn = synthetic_items(synthetic, kind=kind, split=synthetic_split)
    matched = _usable_pairs(known, drawn, n=n_pairs + n_ratings // 2, seed=seed)
    _check_enough(len(matched), n_pairs, n_ratings)
    key, images = _shuffled(matched, n_pairs=n_pairs, seed=seed)
    with folder_lock(out):
        _refuse_another(out, key)
        for done, (name, data) in enumerate(sorted(images.items()), start=1):
            save_bytes(data, out / STICK / "images" / name, make_folder=True)
            if progress is not None:
                progress(Progress(done, len(images)))
        save_text(kit_page(key), out / STICK / "index.html")
        save_text(json.dumps(key, indent=1, ensure_ascii=False) + "\n", out / KEY)
    return key


def _counts(pairs: int | str, ratings: int | str) -> tuple[int, int]:
    n_pairs = parse_whole(pairs, name="pairs", low=0, high=_MOST)
    n_ratings = parse_whole(ratings, name="ratings", low=0, high=_MOST)
    if 0 < n_pairs < _LEAST_PAIRS:
        raise RequestError(f"pairs {n_pairs} say nothing: 0, or {_LEAST_PAIRS} to {_MOST}")
    if 0 < n_ratings < _LEAST_RATINGS or n_ratings % 2:
        raise RequestError(f"ratings {n_ratings} are not 0 or an even number from {_LEAST_RATINGS} to {_MOST}")
    if n_pairs + n_ratings == 0:
        raise RequestError("a study needs pairs or ratings, and both are 0")
    return n_pairs, n_ratings


def _is_ours(folder: Path) -> bool:
    return (folder / STICK).is_dir()


def _usable_pairs(
    known: Sequence[Mapping[str, Any]], drawn: Sequence[Mapping[str, Any]], *, n: int, seed: int
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs with their pixels; images of one value everywhere, and second copies of one image, take no part."""
    sides = [list(known), list(drawn)]
    while True:
        found = matched_pairs(sides[0], sides[1], n=n, seed=seed)
        seen: list[dict[str, str]] = [{}, {}]
        chosen, unusable = [], [set[int](), set[int]()]
        for places in found:
            both = []
            for side, place in enumerate(places):
                item = sides[side][place]
                pixels = pixels_of(item)
                digest = bytes_sha256(pixels.tobytes())
                if pixels.min() == pixels.max() or digest in seen[side]:
                    unusable[side].add(place)
                seen[side].setdefault(digest, str(item.get("image_id", place)))
                both.append({**item, "image": pixels})
            chosen.append((both[0], both[1]))
        _check_apart(*seen)
        if not any(unusable):
            _check_one_size([item for pair in chosen for item in pair])
            return chosen
        sides = [[item for i, item in enumerate(sides[s]) if i not in unusable[s]] for s in (0, 1)]


def _check_apart(ours: Mapping[str, str], theirs: Mapping[str, str]) -> None:
    for digest in ours.keys() & theirs.keys():
        raise RequestError(f"image {ours[digest]} of --real is pixel for pixel image {theirs[digest]} of --synthetic")


def _check_one_size(items: Sequence[Mapping[str, Any]]) -> None:
    sizes = sorted({item["image"].shape for item in items})
    if len(sizes) > 1:
        words = ", ".join(f"{rows} x {columns}" for rows, columns in sizes[:4])
        raise RequestError(f"images of a study have one size, which would tell them otherwise, and these have {words}")


def _check_enough(n_found: int, n_pairs: int, n_ratings: int) -> None:
    if n_found < n_pairs + n_ratings // 2:
        raise RequestError(
            f"{n_pairs} pairs and {n_ratings} ratings need {n_pairs + n_ratings // 2} acquired and as many synthetic "
            f"images of the same kinds, and there are {n_found}"
        )


def _shuffled(
    matched: Sequence[tuple[dict[str, Any], dict[str, Any]]], *, n_pairs: int, seed: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Key of a study, and its images by file name; neither names nor order tell what is acquired."""
    rng = np.random.default_rng([seed, len(matched)])
    matched = [matched[i] for i in rng.permutation(len(matched))]
    numbers = rng.permutation(2 * len(matched))
    images: dict[str, bytes] = {}

    def placed(item: Mapping[str, Any], origin: str) -> dict[str, Any]:
        name = f"m{int(numbers[len(images)]) + 1:04d}.png"
        pixels = np.rint(item["image"].astype(np.float32) / 257).astype(np.uint8)
        images[name] = png_bytes(pixels, description=_WORDS)
        stated = {word: item["conditions"][word] for word in _STATED if item["conditions"].get(word) is not None}
        about = {"image_id": str(item.get("image_id", "")), "person_id": str(item["person_id"]), "conditions": stated}
        return {"file": name, "origin": origin, **about, "sha256": bytes_sha256(images[name])}

    swapped = rng.permutation(np.arange(n_pairs) % 2)
    items = []
    for place, (acquired, synthetic) in enumerate(matched[:n_pairs]):
        both = [placed(acquired, "acquired"), placed(synthetic, "synthetic")]
        items.append({"item": f"p{place + 1:03d}", "task": "pair", "images": both[:: -1 if swapped[place] else 1]})
    rated = [
        placed(item, origin)
        for pair in matched[n_pairs:]
        for item, origin in zip(pair, ("acquired", "synthetic"), strict=True)
    ]
    for place, i in enumerate(rng.permutation(len(rated))):
        items.append({"item": f"r{place + 1:03d}", "task": "rating", "images": [rated[i]]})
    dark, bright = (int(n) for n in rng.integers(2, _MOST_SQUARES + 1, 2))
    key = {"version": VERSION, "seed": seed, "display": {"dark": dark, "bright": bright}, "items": items}
    return {"kit": f"kit-{bytes_sha256(json.dumps(key, sort_keys=True).encode())[:8]}", **key}, images


def _refuse_another(out: Path, key: Mapping[str, Any]) -> None:
    """Refuse to write over the key of another study, without which its answers say nothing."""
    path = out / KEY
    if not path.is_file():
        return
    try:
        there = read_json(path)
    except UnreadableFile as error:
        raise RequestError(f"key {error.detail}") from None
    if there != key:
        raise RequestError(f"{out} holds another kit, whose key would be lost: name another folder")
