"""What the autoencoder keeps of real mammograms: pictures side by side, and figures."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo import bundle
from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.conditions import Box
from monai_mammo.errors import RequestError
from monai_mammo.files.folder_lock import folder_lock
from monai_mammo.files.output_folder import check_output_folder, contents
from monai_mammo.files.png import png_bytes
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.like import prepared_image
from monai_mammo.generation.runs.sample_files import writing
from monai_mammo.measures.similarity import psnr, ssim_map
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["FIGURES", "ReconstructReport", "reconstruct"]

FIGURES = "figures.json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructReport:
    """What `reconstruct` wrote.

    Parameters
    ----------
    folder : Path
    rows : tuple of dict
        Figures of each image, as in `figures.json`.
    not_read : tuple of str
        One sentence for each file that gave no mammogram.
    """

    folder: Path
    rows: tuple[dict[str, Any], ...]
    not_read: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        return {"folder": str(self.folder), "rows": list(self.rows), "not_read": list(self.not_read)}


def reconstruct(
    images: str | Path | Sequence[str | Path],
    *,
    out: str | Path,
    autoencoder: str = DEFAULT_BUNDLES[1],
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> ReconstructReport:
    """Mammograms sent through the autoencoder, with pictures and figures on the prepared grid.

    For each image a folder with ``image.png``, ``reconstruction.png`` and ``difference.png`` (mid grey
    is no difference, full range is -0.25 to 0.25), and a row in ``figures.json``: PSNR in dB with peak
    1 and SSIM (Wang et al. 2004, Gaussian of 1.5 pixels, data range 1), on the whole picture, inside
    the breast and in the lesion's box.

    Parameters
    ----------
    images : path or sequence of paths
        DICOM, PNG, JPG or WebP.
    out : str or Path
        Folder to write; made where it is not there.
    autoencoder : str
        Name or path of the bundle.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    ReconstructReport

    Raises
    ------
    RequestError
        There is no image, no bundle, or `out` is a file or holds other things.
    MammoError
        Weights are missing or damaged, a file could not be written, or another process writes to `out`.
    """
    paths = [Path(images)] if isinstance(images, (str, Path)) else [Path(path) for path in images]
    folder = Path(out)
    if not paths:
        raise RequestError("reconstruct needs one image at least")
    check_output_folder(folder, command="reconstruct", is_ours=_is_ours)
    home = bundle.find(autoencoder)
    through = _through(home, device)
    with folder_lock(folder):
        return _reconstructed(paths, folder, home, through, progress)


def _reconstructed(
    paths: Sequence[Path],
    folder: Path,
    home: bundle.BundleFolder,
    through: Callable[[np.ndarray], np.ndarray],
    progress: ProgressCallback | None,
) -> ReconstructReport:
    rows, not_read = [], []
    for done, (path, name) in enumerate(zip(paths, _names(paths), strict=True), start=1):
        try:
            prepared = prepared_image(path, shape=home.prepared_shape)
        except RequestError as error:
            not_read.append(str(error))
        else:
            result = through(prepared.image)
            _write_pictures(folder / name, prepared.image, result)
            about: dict[str, Any] = {"name": name, "source": path.name, "source_sha256": prepared.source_sha256}
            about["conditions"] = prepared.conditions.to_dict()
            about["autoencoder_sha256"] = home.weights_sha256["models/model.pt"]
            rows.append(about | _figures(prepared.image, result, prepared.breast, prepared.conditions.box))
        if progress is not None:
            progress(Progress(done, len(paths)))
    if rows:
        save_bytes((json.dumps(rows, indent=1) + "\n").encode(), folder / FIGURES)
    return ReconstructReport(folder=folder, rows=tuple(rows), not_read=tuple(not_read))


def _is_ours(folder: Path) -> bool:
    """Whether reconstructions lie in a folder; a call that was stopped has no figures yet."""
    return (folder / FIGURES).is_file() or all((child / "image.png").is_file() for child in contents(folder))


def _figures(image: np.ndarray, result: np.ndarray, breast: np.ndarray, box: Box | None) -> dict[str, float | None]:
    similarity = ssim_map(image, result)
    lesion = None if box is None else mask_of_box(box, image.shape) >= 0.5
    out: dict[str, float | None] = {}
    for name, where in (("whole", np.ones_like(breast)), ("breast", breast), ("lesion_box", lesion)):
        is_given = where is not None and where.any()
        decibel = psnr(image, result, where) if is_given else None
        out[f"psnr_{name}"] = None if decibel is None or math.isinf(decibel) else round(decibel, 4)
        out[f"ssim_{name}"] = round(float(similarity[where].mean()), 6) if is_given else None
    return out


def _write_pictures(folder: Path, image: np.ndarray, result: np.ndarray) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    save_bytes(png_bytes(image), folder / "image.png")
    save_bytes(png_bytes(result), folder / "reconstruction.png")
    save_bytes(png_bytes(0.5 + 2 * (result - image)), folder / "difference.png")


def _through(home: bundle.BundleFolder, device: str) -> Callable[[np.ndarray], np.ndarray]:
    """Autoencoder as a function of a picture in [0, 1]."""
    import torch

    from monai_mammo import networks
    from monai_mammo.generation.engine.device import pick_device

    place = torch.device(pick_device(device))
    network: Any = networks.load_network(home, device=place)

    @torch.inference_mode()
    def through(image: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.ascontiguousarray(image))[None, None].to(place)
        return network(x)[0].clamp(0, 1)[0, 0].float().cpu().numpy()

    return through


def _names(paths: Sequence[Path]) -> list[str]:
    """A folder name for each image: its stem, numbered where two have the same."""
    names: list[str] = []
    for path in paths:
        name, n = path.stem, 1
        while name in names:
            n += 1
            name = f"{path.stem}_{n}"
        names.append(name)
    return names
