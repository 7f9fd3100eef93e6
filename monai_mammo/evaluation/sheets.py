"""Acquired images beside synthetic ones of equal conditions, on one sheet to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.attributes import NOT_ALWAYS_TAKEN
from monai_mammo.bundle import DEFAULT_BUNDLES, Support, find
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.stated import kind_groups
from monai_mammo.files.png import png_bytes
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.engine.check import best_of
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.engine.plan import PlannedSample
from monai_mammo.generation.engine.settings import DrawSettings
from monai_mammo.generation.request import MAX_STEPS, Request
from monai_mammo.generation.run_bundles import DEFAULT_GUIDANCE
from monai_mammo.lesions.placing import RequestedLesion, request_lesion
from monai_mammo.prepare.datalist_items import load_items
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.progress import Progress, ProgressCallback
from monai_mammo.training.data import PreparedDataset

__all__ = ["chosen_items", "comparison_sheet", "planned_like", "sheet_png"]

_TITLE = "Odd rows: acquired. Even rows: SYNTHETIC, same conditions, not for diagnosis. Chest wall left. Seed {seed}."
_Tile = tuple[np.ndarray, np.ndarray | None]
_CAPTION_PX = 24
_TITLE_PX = 20
_GAP_PX = 4
_OUTLINE = (255, 200, 0)


def comparison_sheet(
    datalist: str | Path,
    *,
    out: str | Path,
    split: str = "validation",
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    lesion_network: str = DEFAULT_BUNDLES[2],
    n_columns: int = 8,
    n_rows: int = 8,
    seed: int = 0,
    steps: int = MAX_STEPS,
    guidance: float | None = None,
    max_tries: int = 1,
    is_outlined: bool = False,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> list[dict[str, Any]]:
    """Write a PNG with rows of acquired images and, below each, of synthetic images of equal conditions.

    A synthetic image is requested all that is known of the image above it: kind, view, laterality,
    density, finding, BI-RADS, box, and its outlined lesion where there is one.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of the acquired images.
    out : str or Path
        PNG to write.
    split : str
        Of the datalist, such as ``validation``.
    bundle, autoencoder, lesion_network : str
        Names or paths of the bundles.
    n_columns, n_rows : int
        Images across and down; `n_rows` is even.
    seed : int
        Chooses the images, and the noise.
    steps : int
        Network evaluations for each image.
    guidance : float or None
        `None` takes the bundle's own.
    max_tries : int
        1 shows what the generator draws; more lets the lesion network choose, as `generate` does.
    is_outlined : bool
        Whether requested and known lesions are outlined.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    list of dict
        For each pair the image's name, its conditions and the Dice of requested and found lesion.

    Raises
    ------
    RequestError
        The sheet has no even number of rows, a setting is not allowed, or there is no such datalist, split, bundle or
        device.
    MammoError
        Weights are missing or damaged, or the file could not be written.
    """
    if n_rows < 2 or n_rows % 2 or n_columns < 1:
        raise RequestError(f"a sheet of {n_rows} x {n_columns} is not allowed: rows must be even and 2 at least")
    Request(seed=seed, steps=steps, guidance=guidance, max_tries=max_tries)  # refuses what is not allowed
    items = chosen_items(load_items(datalist, split=split), n_columns * n_rows // 2, seed=seed)
    homes = [find(name) for name in (bundle, autoencoder, lesion_network)]
    generator = Generator.load(*homes, device=pick_device(device))
    data = PreparedDataset(items)
    planned = [planned_like(data, i, generator.shape, seed=seed) for i in range(len(items))]
    weight = guidance if guidance is not None else float(homes[0].metadata.get("guidance", DEFAULT_GUIDANCE))
    settings = DrawSettings(seed=seed, steps=steps, guidance=weight, max_tries=max_tries)
    results = []
    for start in range(0, len(planned), generator.batch_size):
        some = planned[start : start + generator.batch_size]
        tries = generator.draw(some, settings)
        results += [best_of(of_one) for of_one in tries]
        if progress is not None:
            progress(Progress(len(results), len(planned)))
    acquired: list[_Tile] = [(data.image(i), data.mask(i)) for i in range(len(items))]
    drawn = zip(results, planned, strict=True)
    synthetic: list[_Tile] = [(result.image, sample.lesion.mask) for result, sample in drawn]
    captions = [_caption(sample.conditions) for sample in planned]
    if not is_outlined:
        acquired = [(image, None) for image, _ in acquired]
        synthetic = [(image, None) for image, _ in synthetic]
    save_bytes(sheet_png(acquired, synthetic, captions, n_columns=n_columns, title=_TITLE.format(seed=seed)), out)
    return [
        {"image_id": item["image_id"], "conditions": sample.conditions.to_dict(), "dice": result.to_dict()["dice"]}
        for item, sample, result in zip(items, planned, results, strict=True)
    ]


def chosen_items(items: Sequence[dict[str, Any]], n: int, *, seed: int) -> list[dict[str, Any]]:
    """`n` items drawn without repetition, the acquisition kinds in turn as far as they last.

    Parameters
    ----------
    items : sequence of dict
    n, seed : int
        At most so many.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        There are fewer than `n`.
    """
    if len(items) < n:
        raise RequestError(f"a sheet with {n} acquired images needs as many, and the split has {len(items)}")
    rng = np.random.default_rng(seed)
    groups = kind_groups([item["conditions"].get("kind") for item in items])
    groups = {kind: rows for kind, rows in groups.items() if kind != "all"} or groups
    queues = [[rows[i] for i in rng.permutation(len(rows))] for rows in groups.values()]
    rest = [i for i in range(len(items)) if not any(i in queue for queue in queues)]
    chosen: list[int] = []
    while len(chosen) < n:
        turn = [queue.pop(0) for queue in queues if queue] or [rest.pop(0)]
        chosen += turn[: n - len(chosen)]
    return [items[i] for i in sorted(chosen, key=lambda i: str(items[i]["conditions"].get("kind")))]


def planned_like(data: PreparedDataset, index: int, shape: tuple[int, int], *, seed: int) -> PlannedSample:
    """Sample that is requested all that is known of an acquired image.

    Parameters
    ----------
    data : PreparedDataset
    index : int
        Place in the order, from 0.
    shape : tuple of int
        Rows and columns of the grid of the weights.
    seed : int
        Decides all that is drawn by chance.

    Returns
    -------
    PlannedSample

    Raises
    ------
    RequestError
        The image is not on the grid of the weights.
    """
    if data.image(index).shape != tuple(shape):
        found, expected = data.image(index).shape, tuple(shape)
        raise RequestError(f"images of {found} do not fit weights of {expected}: prepare them anew")
    known = data.conditions[index].replace(**dict.fromkeys(("text", *NOT_ALWAYS_TAKEN)))
    outlined = data.mask(index)
    mask = outlined if outlined is not None and outlined.any() else None
    if mask is not None and known.box is None:
        known = known.replace(box=box_of_mask(mask))
    if known.box is None:  # nothing is known of the lesion's place: it stays open
        lesion = RequestedLesion(mask=np.zeros(shape, dtype=bool), box=None, source="no lesion is known")
    else:
        lesion = request_lesion(known, shape=shape, seed=seed, sample_id=index, mask=mask)
    return PlannedSample(index=index, conditions=known, lesion=lesion, support=Support(0, 0), warnings=())


def sheet_png(
    acquired: Sequence[tuple[np.ndarray, np.ndarray | None]],
    synthetic: Sequence[tuple[np.ndarray, np.ndarray | None]],
    captions: Sequence[str],
    *,
    n_columns: int,
    title: str,
) -> bytes:
    """PNG with rows of acquired images and below each the synthetic ones.

    Parameters
    ----------
    acquired, synthetic : sequence of (image, mask or None)
        Pairs in the same order, images in [0, 1] and masks of one shape (rows, columns); a mask is outlined.
    captions : sequence of str
        Two lines at most under each synthetic image.
    n_columns : int
        Pictures beside each other.
    title : str
        Line above all.

    Returns
    -------
    bytes
    """
    from PIL import Image, ImageDraw

    rows, columns = acquired[0][0].shape
    n_pairs = -(-len(acquired) // n_columns)
    pair_px = 2 * rows + _CAPTION_PX + 2 * _GAP_PX
    sheet = np.full((_TITLE_PX + n_pairs * pair_px, n_columns * (columns + _GAP_PX), 3), 24, dtype=np.uint8)
    places = [(_TITLE_PX + i // n_columns * pair_px, i % n_columns * (columns + _GAP_PX)) for i in range(len(acquired))]
    for (top, left), above, below in zip(places, acquired, synthetic, strict=True):
        for row, (image, mask) in ((top, above), (top + rows + _GAP_PX, below)):
            sheet[row : row + rows, left : left + columns] = _colored(image, mask)
    picture = Image.fromarray(sheet)
    draw = ImageDraw.Draw(picture)
    draw.text((4, 4), title, fill=(255, 255, 255))
    for (top, left), caption in zip(places, captions, strict=True):
        draw.multiline_text((left + 2, top + 2 * rows + _GAP_PX), caption, fill=(220, 220, 220), spacing=0)
    return png_bytes(np.asarray(picture))


def _colored(image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    grey = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    out = np.repeat(grey[..., None], 3, axis=2)
    if mask is not None:
        padded = np.pad(mask, 1)
        grown = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
        out[grown & ~mask] = _OUTLINE
    return out


def _caption(conditions: Conditions) -> str:
    first = [conditions.kind, conditions.laterality, conditions.view, conditions.density]
    second = [conditions.finding, None if conditions.birads is None else f"BI-RADS {conditions.birads}"]
    return "\n".join(" ".join(str(word) for word in line if word) for line in (first, second))
