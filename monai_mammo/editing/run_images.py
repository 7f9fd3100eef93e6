"""Images of a run that are to be edited: generated ones, or edited ones again."""

from __future__ import annotations

import contextlib
from pathlib import Path

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.generation.runs.manifest import Manifest, sample_name
from monai_mammo.prepare.reading import read_mask
from monai_mammo.study import Mammogram

__all__ = ["images_of_run", "is_edited_picture", "is_generated_picture", "with_conditions_beside"]

_IMAGES = ("mammogram.dcm", "edited.dcm", "edited.png", "mammogram.png")
"""Image of a sample, the one that holds most of it first."""

_BESIDE = ("conditions.json", "lesion.png")


def images_of_run(folder: str | Path) -> tuple[str, ...]:
    """Image of each sample of a run's folder, or of the one sample whose folder it is.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    tuple of str
        Empty where the folder is that of no run.

    Raises
    ------
    RequestError
        The run has no sample yet, or one of them has no image.
    """
    folder = Path(folder).resolve()
    for home, numbers in ((folder, None), (folder.parent, folder.name)):
        manifest = None
        with contextlib.suppress(MammoError):  # other programs have files of that name, too
            manifest = Manifest.load(home)
        if manifest is None:
            continue
        names = [sample_name(index) for index in sorted(manifest.samples)]
        chosen = names if numbers is None else [name for name in names if name == numbers]
        if not chosen:
            raise RequestError(f"{folder} is of a run and holds no finished sample")
        return tuple(str(_image_of(home / name)) for name in chosen)
    return ()


def _image_of(sample: Path) -> Path:
    for name in _IMAGES:
        if (sample / name).is_file():
            return sample / name
    raise RequestError(f"{sample} holds none of {', '.join(_IMAGES)}")


def is_generated_picture(path: Path) -> bool:
    """Whether a picture lies in the folder of a sample that was generated.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
    """
    return path.name == "mammogram.png" and all((path.parent / name).is_file() for name in _BESIDE)


def is_edited_picture(path: Path) -> bool:
    """Whether a picture lies in the folder of a sample that was edited.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
    """
    return path.name == "edited.png" and (path.parent / "changed.png").is_file()


def with_conditions_beside(mammogram: Mammogram, path: Path) -> Mammogram:
    """A generated picture with the conditions and the lesion that lie beside it in its sample's folder.

    Parameters
    ----------
    mammogram : Mammogram
        As the picture alone is read.
    path : Path
        Of the picture; see `is_generated_picture`.

    Returns
    -------
    Mammogram

    Raises
    ------
    MammoError
        What lies beside it cannot be read.
    """
    beside, lesion = (path.parent / name for name in _BESIDE)
    try:
        conditions = Conditions.from_dict(read_json(beside))
        mask = read_mask(lesion)
    except UnreadableFile as error:
        raise MammoError(error.detail) from None
    if mask.shape != mammogram.shape:
        raise MammoError(f"{lesion} and {path.name} differ in size")
    return mammogram.replace(conditions=conditions, lesion_mask=mask if mask.any() else None)
