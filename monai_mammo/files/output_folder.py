"""Folders that a command writes to: never one that holds other things."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from monai_mammo.errors import RequestError
from monai_mammo.files.folder_lock import LOCK
from monai_mammo.files.whole import is_partial

__all__ = ["check_output_folder", "contents"]


def contents(folder: Path) -> list[Path]:
    """What lies in a folder, but for its lock and for what a killed process left half-written.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
    """
    return [child for child in folder.iterdir() if child.name != LOCK and not is_partial(child)]


def check_output_folder(folder: str | os.PathLike[str], *, command: str, is_ours: Callable[[Path], bool]) -> None:
    """Refuse a folder that holds other things than what the command writes; nothing is made or changed.

    A folder can be written to if it is not there, is empty, or is known by `is_ours`, such as by the marker of an
    earlier call. What a killed process left half-written does not count.

    Parameters
    ----------
    folder : path-like
        Where the command is to write.
    command : str
        Its name, for the sentence.
    is_ours : callable
        Takes the folder, which is there, and says whether the same command wrote it.

    Raises
    ------
    RequestError
        It is a file, or holds other things.
    """
    path = Path(folder)
    if not path.is_dir():
        if path.exists() or path.is_symlink():
            raise RequestError(f"{path} is a file: name a folder to write to")
        return
    if contents(path) and not is_ours(path):
        raise RequestError(f"folder {path} holds other files: name a new or empty folder, or one that {command} wrote")
