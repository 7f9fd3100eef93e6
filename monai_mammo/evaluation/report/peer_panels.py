"""Pictures of other generators, shown beside those that a report is of: too few or too unlike for a distance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.realism.compared_images import synthetic_items
from monai_mammo.evaluation.report.shown_images import Panel, Picture
from monai_mammo.files.png import png_bytes
from monai_mammo.prepare.datalist_items import pixels_of
from monai_mammo.prepare.geometry import resize

__all__ = ["N_OF_PEER", "peer_panels"]

N_OF_PEER = 4
"""Pictures that are shown of each."""

_IN_A_ROW = 2


def peer_panels(peers: Sequence[str | Path], *, most_rows: int, seed: int = 0) -> list[Panel]:
    """A panel of pictures of each of some folders, drawn by chance; nothing is measured of them.

    Parameters
    ----------
    peers : sequence of str or Path
        ``NAME=FOLDER``, or a folder, whose name is taken: pictures of any size, a run, or a prepared folder.
    most_rows : int
        Rows to which larger pictures are shrunk; smaller ones stay as they are.
    seed : int
        Chooses the pictures.

    Returns
    -------
    list of Panel

    Raises
    ------
    RequestError
        A folder holds no picture, or two have one name.
    MammoError
        A picture cannot be read.
    """
    named = [_named(peer) for peer in peers]
    names = [name for name, _ in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RequestError(f"peers need different names, and {', '.join(twice)} stands twice: write NAME=FOLDER")
    return [_panel(name, folder, most_rows, seed) for name, folder in named]


def _named(peer: str | Path) -> tuple[str, Path]:
    if isinstance(peer, str) and "=" in peer and not Path(peer).is_dir():
        name, _, folder = peer.partition("=")
        if not name or not folder:
            raise RequestError(f"peer {peer!r} is not NAME=FOLDER, such as published=pictures")
        return name, Path(folder)
    return Path(peer).resolve().name, Path(peer)


def _panel(name: str, folder: Path, most_rows: int, seed: int) -> Panel:
    items = synthetic_items(folder)
    chosen = sorted(int(i) for i in np.random.default_rng(seed).permutation(len(items))[:N_OF_PEER])
    shown = [(str(items[i].get("image_id", i)), pixels_of(items[i])) for i in chosen]
    pictures = [_picture(name, image_id, pixels, most_rows) for image_id, pixels in shown]
    n = "one picture" if len(items) == 1 else f"{len(items)} pictures"
    return Panel(
        title=f"Of others: {name}",
        about=(
            f"{len(chosen)} of {n}, drawn by chance. Shown, and not measured: few pictures, or such as show something "
            "else than the reference, have no distance to it that means anything."
        ),
        rows=tuple(tuple(pictures[i : i + _IN_A_ROW]) for i in range(0, len(pictures), _IN_A_ROW)),
        names=tuple(image_id for image_id, _ in shown),
    )


def _picture(name: str, image_id: str, pixels: np.ndarray, most_rows: int) -> Picture:
    rows, columns = pixels.shape
    image = pixels.astype(np.float32)
    if rows > most_rows:
        image = resize(image, (most_rows, max(1, round(columns * most_rows / rows))))
    return Picture(
        png=png_bytes(np.rint(image / 257).astype(np.uint8), description="of another generator, not for diagnosis"),
        alternative=f"picture of {name}, {image_id}",
        caption=f"of {name}: {image_id}, {rows} x {columns} pixels",
    )
