"""A folder of DICOM files and pictures as a data set."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import open_regular
from monai_mammo.files.names import printable
from monai_mammo.files.picture import is_picture
from monai_mammo.prepare.entry import PERSON_OF_FILE, Entry
from monai_mammo.prepare.sidecar import Sidecar, sidecar_path

__all__ = ["entries"]


def entries(
    source: Path, *, leave_out: Path | None = None, allow_outside: bool = False
) -> list[Entry | Skipped | Failed]:
    """All files of a folder and its subfolders, sorted; sidecars and the masks they name are no entries.

    A picture beside a DICOM file of the same name, such as ``a.png`` beside ``a.dcm`` or ``a.seg.dcm``, is a preview
    of it and left out as ``duplicate``: its image would count twice, and in other brightness.

    A person that neither file nor sidecar names is taken to be the subfolder, and in the top folder the file itself;
    a hash stands for either, so no folder's name leaves the report.

    Parameters
    ----------
    source : Path
        The folder.
    leave_out : Path, optional
        Subfolder that is not looked into, such as the one that is being written.
    allow_outside : bool
        Whether sidecars may name masks outside their folder.

    Returns
    -------
    list of Entry, Skipped and Failed

    Raises
    ------
    RequestError
        The folder is not there, or holds no files.
    """
    if not source.is_dir():
        raise RequestError(f"folder {source} is not there")
    found = sorted(path for path in source.rglob("*") if not path.is_dir() and not _is_under(path, source, leave_out))
    files = [path for path in found if path.is_file()]
    parts, previews = _sidecars_and_masks(files, allow_outside=allow_outside), _previews(files)
    listed: list[Entry | Skipped | Failed] = []
    taken: set[str] = set()
    for path in found:
        if not path.is_file():  # a pipe, a device, or a link that leads nowhere
            listed.append(Failed(path, SkipReason.UNREADABLE, "it is not a regular file"))
            continue
        if path in previews:
            detail = "the picture is a preview: a DICOM file of the same name lies beside it"
            listed.append(Skipped(path, SkipReason.DUPLICATE, detail))
        elif _resolved(path) not in parts:
            name = path.relative_to(source).as_posix()
            image_id, person = _image_id(name, taken), _person(name)
            listed.append(
                Entry(
                    path=path,
                    image_id=image_id,
                    name=printable(name),
                    origin=printable(path.name),
                    fallback_person=person,
                    allow_outside=allow_outside,
                )
            )
    if not listed:
        raise RequestError(f"folder {source} holds no files")
    return listed


def _is_under(path: Path, folder: Path, leave_out: Path | None) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return hidden or (leave_out is not None and _resolved(path).is_relative_to(leave_out.resolve()))


def _resolved(path: Path) -> Path:
    """Path without symbolic links; itself where they go in a circle."""
    return Path(os.path.realpath(path))


def _sidecars_and_masks(files: list[Path], *, allow_outside: bool) -> set[Path]:
    """Files that belong to a picture instead of being one."""
    parts: set[Path] = set()
    for path in files:
        sidecar = sidecar_path(path)
        if is_picture(path) and sidecar.is_file():
            parts.add(_resolved(sidecar))
            try:
                mask = Sidecar.read(sidecar, allow_outside=allow_outside).lesion_mask
            except RequestError:
                continue  # told when the picture is read
            if mask is not None:
                parts.add(_resolved(mask))
    return parts


def _previews(files: list[Path]) -> set[Path]:
    """Pictures that lie beside a DICOM file of the same name."""
    pictures = {path.with_suffix(""): path for path in files if is_picture(path)}
    previews: set[Path] = set()
    for path in files:
        if not is_picture(path):
            bare = path.with_suffix("")  # names are often UIDs, and full of dots
            shown = {pictures[name] for name in (path, bare, _without_seg(bare)) if name in pictures}
            previews |= shown if shown and _is_dicom(path) else set()
    return previews


def _without_seg(path: Path) -> Path:
    return path.with_suffix("") if path.suffix == ".seg" else path


def _is_dicom(path: Path) -> bool:
    """Whether a file starts as DICOM files do (PS3.10, 7.1)."""
    try:
        with open_regular(path) as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _person(name: str) -> str:
    """Pseudonym of the folder that a file lies in, or of the file where it lies in none."""
    folder, _, file = name.rpartition("/")
    words = folder or file.rsplit(".", 1)[0]
    return f"folder-{_hash(words)}" if folder else f"{PERSON_OF_FILE}{_hash(words)}"


def _image_id(name: str, taken: set[str]) -> str:
    """Name of the file without ending and odd characters; with a hash of the whole where folders stand before it.

    Folders are often called by a person's name or number, and prepared data travel farther than their sources.
    """
    folder, _, file = name.rpartition("/")
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", file.rsplit(".", 1)[0]).strip("._")[-100:] or "image"
    if folder or plain.lower() in taken:
        plain = f"{plain}-{_hash(name)}"
    taken.add(plain.lower())
    return plain


def _hash(words: str) -> str:
    return hashlib.sha256(os.fsencode(words)).hexdigest()[:12]
