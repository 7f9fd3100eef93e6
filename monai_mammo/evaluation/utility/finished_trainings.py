"""What networks said, a small file a training, so that a stopped call goes on and none is trained twice."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.evaluation.utility.training_sets import Scorer, TrainingSet
from monai_mammo.files import save_text
from monai_mammo.files.bounded import UnreadableFile, read_json

__all__ = ["FinishedTrainings", "scorer_statement", "training_key"]


class FinishedTrainings:
    """Folder with the scores of each training that was finished.

    Parameters
    ----------
    folder : Path or None
        `None` keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def scores(self, key: str, n: int) -> np.ndarray | None:
        """Scores of a training, or `None` where it was not finished or its file is damaged.

        Parameters
        ----------
        key : str
            `training_key` of it.
        n : int
            Images that were scored.

        Returns
        -------
        ndarray, shape (n,), or None
        """
        if self._folder is None or not self._path(key).is_file():
            return None
        try:
            found = np.array(read_json(self._path(key))["scores"], dtype=np.float64)
        except (UnreadableFile, KeyError, TypeError, ValueError):
            return None
        return found if found.shape == (n,) and np.isfinite(found).all() else None

    def put(self, key: str, scores: np.ndarray, about: Mapping[str, Any]) -> None:
        """Keep the scores of a training.

        Parameters
        ----------
        key : str
            `training_key` of it.
        scores : ndarray, shape (n,)
        about : mapping
            Arm, architecture and seed, for people.

        Raises
        ------
        MammoError
            The file cannot be written.
        """
        if self._folder is not None:
            text = json.dumps({**about, "scores": [float(one) for one in scores]})
            self._folder.mkdir(parents=True, exist_ok=True)
            save_text(text + "\n", self._path(key))

    def _path(self, key: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{key}.json"


def training_key(statement: str, stages: Sequence[TrainingSet], test_digest: str, seed: int) -> str:
    """sha256 of all that a training's scores depend on.

    Parameters
    ----------
    statement : str
        `scorer_statement` of what trains.
    stages : sequence of TrainingSet
    test_digest : str
        Of the images that are scored.
    seed : int
        Of the network.

    Returns
    -------
    str
    """
    parts = [statement, *(stage.digest for stage in stages), test_digest, str(seed)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def scorer_statement(name: str, scorer: Scorer) -> str:
    """Name of a scorer with its settings, or with the text of its code.

    Parameters
    ----------
    name : str
        Of the architecture.
    scorer : Scorer

    Returns
    -------
    str
        What a callable takes from elsewhere is not in it.
    """
    settings = getattr(scorer, "settings", None)
    if settings is not None:
        return json.dumps([name, settings], sort_keys=True, default=str)
    try:
        text = inspect.getsource(scorer if inspect.isfunction(scorer) else type(scorer))
    except (OSError, TypeError):
        text = ""
    return json.dumps([name, text])
