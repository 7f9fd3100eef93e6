"""The acquired mammograms that a run states to be made from, held against the files that they are said to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.dicom.process.worker import read_stored_guarded
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.digest import file_sha256
from monai_mammo.files.names import printable
from monai_mammo.files.picture import is_picture, read_brightness
from monai_mammo.generation.runs.edited_form import is_edited_run
from monai_mammo.generation.runs.edited_runs import pixels_sha256
from monai_mammo.generation.runs.manifest import Manifest, sample_name
from monai_mammo.prepare.reading import read_stored
from monai_mammo.study import StoredImage

__all__ = ["SourceFiles"]


class SourceFiles:
    """Files that may be the sources of a run, by their sha256.

    Parameters
    ----------
    path : str or Path
        A file, or a folder that is looked through with its folders.

    Raises
    ------
    RequestError
        It is not there, or holds no file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        files = [self.path] if self.path.is_file() else sorted(p for p in self.path.rglob("*") if p.is_file())
        if not files:
            raise RequestError(f"source {self.path} is neither a file nor a folder with files")
        self.by_sha256 = {file_sha256(file): file for file in files}

    def problems(self, manifest: Manifest) -> tuple[list[str], int]:
        """What is wrong between a run and these files.

        Parameters
        ----------
        manifest : Manifest

        Returns
        -------
        problems : list of str
            One sentence each: a source is not among the files, or pixels away from the edit are not its pixels.
        n_proved : int
            Samples whose source is among the files, and equal where it must be.

        Raises
        ------
        RequestError
            The run is made from no acquired mammogram.
        """
        if not is_edited_run(manifest.head):
            return self._of_generated(manifest)
        problems: list[str] = []
        n_proved, read = 0, dict[str, StoredImage | str]()
        for index, entry in sorted(manifest.samples.items()):
            found = list(self._of_edit(entry, manifest.folder / sample_name(index), read))
            problems += [f"{sample_name(index)}: {sentence}" for sentence in found]
            n_proved += not found
        return problems, n_proved

    def _of_generated(self, manifest: Manifest) -> tuple[list[str], int]:
        sha256 = (manifest.head.get("source") or {}).get("like_sha256")
        if not sha256:
            raise RequestError(f"{manifest.folder} is made from no acquired mammogram: there is no source to compare")
        if sha256 in self.by_sha256:
            return [], len(manifest.samples)
        return [f"no file of {self.path} has the sha256 of the mammogram that the run was made from"], 0

    def _of_edit(self, entry: Mapping[str, Any], folder: Path, read: dict[str, StoredImage | str]) -> Iterator[str]:
        stated = entry["source"]
        path = self.by_sha256.get(stated["sha256"])
        if path is None:
            name = printable(stated["name"])
            yield f"no file of {self.path} has the sha256 of its source, which was called {name}"
            return
        try:
            source = read.setdefault(stated["sha256"], _stored(path))
            edited = _stored(folder / ("edited.dcm" if "edited.dcm" in entry["files"] else "edited.png"))
            changed = read_brightness(folder / "changed.png") > 0.5
        except MammoError as error:
            yield f"cannot be compared with its source: {error}"
            return
        for one in (source, edited):
            if isinstance(one, str):
                yield f"cannot be compared with its source: {one}"
                return
        assert isinstance(source, StoredImage) and isinstance(edited, StoredImage)
        if pixels_sha256(source.pixels) != stated["pixels_sha256"]:
            yield f"{path.name} has other pixels than the manifest states of the source"
        elif not source.pixels.shape == edited.pixels.shape == changed.shape:
            yield f"it has another size than its source {path.name}"
        elif (n_differing := int(((source.pixels != edited.pixels) & ~changed).sum())) > 0:
            yield f"{n_differing} pixels away from changed.png are not those of its source {path.name}"
        elif np.array_equal(source.pixels, edited.pixels):
            yield f"it shows its source {path.name}, without the edit"


def _stored(path: Path) -> StoredImage | str:
    """Stored pixels of a file, or why there are none."""
    found = read_stored(path) if is_picture(path) else read_stored_guarded(path)
    return found if isinstance(found, StoredImage) else f"{path.name}: {found.detail}"
