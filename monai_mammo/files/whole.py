"""Files that are whole under their name, or not there at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from monai_mammo.errors import MammoError

__all__ = ["is_partial", "open_whole", "save_bytes", "save_text"]


@contextlib.contextmanager
def open_whole(
    path: str | os.PathLike[str], *, make_folder: bool = False, is_flushed: bool = True
) -> Iterator[BinaryIO]:
    """Stream into a temporary file beside `path`, which is flushed to the disk and renamed at the end.

    Where the block ends by an exception, what was at `path` is still there, and nothing else.

    Parameters
    ----------
    path : path-like
    make_folder : bool
        Whether a folder that is missing is made.
    is_flushed : bool
        Whether the bytes are on the disk before the file has its name; without it a power cut may leave an empty file,
        which suits what can be made anew, many files at a time.

    Yields
    ------
    BinaryIO

    Raises
    ------
    MammoError
        The disk is full, the folder is missing or not writable.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if make_folder:
            target.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as stream:
            yield stream
            if is_flushed:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise MammoError(f"{target} could not be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def save_bytes(
    data: bytes, path: str | os.PathLike[str], *, make_folder: bool = False, is_flushed: bool = True
) -> None:
    """Write a file in one step; see `open_whole`.

    Parameters
    ----------
    data : bytes
        Content of the file.
    path : path-like
    make_folder : bool
        Whether a folder that is missing is made.
    is_flushed : bool
        As `open_whole` takes it.

    Raises
    ------
    MammoError
        The disk is full, the folder is missing or not writable; nothing is left behind.
    """
    with open_whole(path, make_folder=make_folder, is_flushed=is_flushed) as stream:
        stream.write(data)


def save_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write a text in UTF-8 in one step; see `open_whole`.

    Parameters
    ----------
    text : str
        Content of the file, written in UTF-8.
    path : path-like

    Raises
    ------
    MammoError
        The disk is full, the folder is missing or not writable; nothing is left behind.
    """
    save_bytes(text.encode("utf-8"), path)


def is_partial(path: Path) -> bool:
    """Whether a name is one of those under which `open_whole` writes, as a killed process leaves them.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    bool
    """
    return path.name.startswith(".") and path.name.endswith(".part")
