"""Files of a published tree: where its table is, and pictures that no table names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from monai_mammo.dicom import Skipped, SkipReason
from monai_mammo.errors import RequestError

__all__ = ["files_under", "find_table", "not_in_table"]


def files_under(source: Path, suffix: str, *, leave_out: Path | None = None) -> Iterator[Path]:
    """Files with an ending, sorted; hidden ones and those in a left-out folder are not among them.

    Parameters
    ----------
    source : Path
        The folder.
    suffix : str
        Ending in lower case, such as ``.dcm``; empty for all files.
    leave_out : Path, optional
        Subfolder that is not looked into.

    Yields
    ------
    Path
    """
    left_out = None if leave_out is None else leave_out.resolve()
    for path in sorted(source.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(source).parts)
        if is_hidden or (suffix and path.suffix.lower() != suffix) or not path.is_file():
            continue
        if left_out is None or not path.resolve().is_relative_to(left_out):
            yield path


def find_table(source: Path, name: str) -> Path:
    """Table of that name in a folder, or in the subfolder nearest to it.

    Parameters
    ----------
    source : Path
        Folder of the data set or one above it, or a file in it.
    name : str
        File name, in any case of letters.

    Returns
    -------
    Path

    Raises
    ------
    RequestError
        There is none.
    """
    top = source.parent if source.is_file() else source
    levels = (top.glob("/".join(["*"] * depth)) for depth in (1, 2, 3))
    for level in levels:
        found = sorted(path for path in level if path.name.casefold() == name.casefold() and path.is_file())
        if found:
            return found[0]
    raise RequestError(f"table {name} is not in {top} or its subfolders")


def not_in_table(pictures: Iterable[Path], named: Iterable[Path], *, table: str) -> list[Skipped]:
    """A `Skipped` for each picture that no row names.

    Parameters
    ----------
    pictures : iterable of Path
        All pictures of the tree.
    named : iterable of Path
        Those that rows name.
    table : str
        Name of the table, for the message.

    Returns
    -------
    list of Skipped
    """
    known = set(named)
    detail = f"no row of {table} names the picture"
    return [Skipped(path, SkipReason.NOT_IN_TABLE, detail) for path in pictures if path not in known]
