"""A large file as parts of a bounded size, with the sha256 of the whole, and the whole again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import read_json
from monai_mammo.files.digest import bytes_sha256, file_sha256
from monai_mammo.files.names import path_inside
from monai_mammo.files.whole import open_whole, save_bytes

__all__ = ["join_parts", "split_file"]


def split_file(path: str | Path, folder: str | Path, *, part_bytes: int) -> Path:
    """Write a file's parts ``NAME.000``, ``NAME.001``, … and ``NAME.parts.json`` that lists them.

    The list comes last, so parts without one are of a call that was stopped.

    Parameters
    ----------
    path : path
    folder : path
        Made where it is missing.
    part_bytes : int
        Largest size of a part.

    Returns
    -------
    Path
        The list.

    Raises
    ------
    RequestError
        `part_bytes` is below 1.
    MammoError
        The file cannot be read, or a part cannot be written.
    """
    path, folder = Path(path), Path(folder)
    if part_bytes < 1:
        raise RequestError(f"parts of {part_bytes} bytes hold nothing: allowed are 1 and more")
    try:
        digest, size = file_sha256(path), path.stat().st_size
        parts: list[dict[str, str]] = []
        with path.open("rb") as stream:
            while data := stream.read(part_bytes):
                name = f"{path.name}.{len(parts):03d}"
                save_bytes(data, folder / name, make_folder=True)
                parts.append({"name": name, "sha256": bytes_sha256(data)})
    except OSError as error:
        raise MammoError(f"{path.name} cannot be read: {error.strerror or error}") from None
    listed = folder / f"{path.name}.parts.json"
    record = {"name": path.name, "bytes": size, "sha256": digest, "parts": parts}
    save_bytes(json.dumps(record, indent=1).encode(), listed, make_folder=True)
    return listed


def join_parts(listed: str | Path, folder: str | Path) -> Path:
    """Write the file that parts were made of; it is there whole, as its sha256 says, or not at all.

    Parameters
    ----------
    listed : path
        ``NAME.parts.json``, its parts beside it.
    folder : path
        Where the file is written; made where it is missing.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MammoError
        A part is missing or is not the one that was written.
    """
    listed = Path(listed)
    record = read_json(listed, max_bytes=2**20)
    try:
        name, digest, parts = record["name"], record["sha256"], [(p["name"], p["sha256"]) for p in record["parts"]]
    except (TypeError, KeyError):
        raise MammoError(f"{listed.name} does not list the parts of a file") from None
    target = path_inside(Path(folder), name, where=listed.name)
    with open_whole(target, make_folder=True) as stream:
        for data in _checked(listed, parts):
            stream.write(data)
        stream.flush()
        if file_sha256(stream.name) != digest:
            raise MammoError(f"the parts that {listed.name} lists are not those of {name}")
    return target


def _checked(listed: Path, parts: list[tuple[str, str]]) -> Iterator[bytes]:
    for name, digest in parts:
        try:
            data = path_inside(listed.parent, name, where=listed.name).read_bytes()
        except OSError:
            raise MammoError(f"part {name} of {listed.name} is not there") from None
        if bytes_sha256(data) != digest:
            raise MammoError(f"part {name} of {listed.name} is not the one that was written")
        yield data
