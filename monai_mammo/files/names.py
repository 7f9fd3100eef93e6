"""Names that files state of other files, and names that files have: which may be opened, which can be printed."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

from monai_mammo.errors import RequestError

__all__ = ["ALLOW_OUTSIDE", "is_text", "path_inside", "printable"]

ALLOW_OUTSIDE = "--allow-outside"
"""Flag with which a user lets files name others outside their folder."""


def is_text(value: str) -> bool:
    """Whether a string can be written as UTF-8 and be a name: no NUL, no half of a surrogate pair.

    Parameters
    ----------
    value : str
        Name or path.

    Returns
    -------
    bool
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def printable(name: str) -> str:
    """Name with U+FFFD for what is not text, such as bytes of a file's name that are not UTF-8.

    Parameters
    ----------
    name : str
        As Python gives it for a file, with half surrogate pairs in place of such bytes.

    Returns
    -------
    str
    """
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in name)


def path_inside(folder: Path, name: object, *, where: str, allow_outside: bool = False, hint: str = "") -> Path:
    """Path of a file that another file names, which must lie in the folder of the one that names it.

    Parameters
    ----------
    folder : Path
        Folder that `name` is relative to, and that it must not leave.
    name : str
        What the file states.
    where : str
        Place of the statement, for the message.
    allow_outside : bool
        Whether a path may leave the folder, because the user said so.
    hint : str
        How a user says so, for the message.

    Returns
    -------
    Path

    Raises
    ------
    RequestError
        The name is not possible, or leaves the folder: by ``..``, as an absolute path, or through a symbolic link.
    """
    if not isinstance(name, str) or not name or not is_text(name):
        raise RequestError(f"{where} names a file {printable(str(name))[:80]!r}, which is not a possible name")
    path = folder / name
    if allow_outside or not _leaves(folder, name):
        return path
    raise RequestError(f"{where} names {name[:200]!r}, which leaves the folder{hint and f' ({hint} allows it)'}")


def _leaves(folder: Path, name: str) -> bool:
    windows = PureWindowsPath(name)
    if Path(name).is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        return True
    try:
        return not (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a name that is too long is refused when it is opened; a loop of links here
        return True
