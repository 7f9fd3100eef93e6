"""What is said of a folder's files that could not be read, after all others are done."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ignite.engine import Engine, Events

from monai_mammo.errors import MammoError
from monai_mammo.files.whole import save_bytes
from monai_mammo.prepare.readable_files import ReadableFiles

__all__ = ["UnreadFiles"]


class UnreadFiles:
    """Handler that ends an evaluator's run as failed where files could not be read; the others are written by then.

    Parameters
    ----------
    dataset : ReadableFiles
    output_dir : path-like
        Takes ``not_read.json``, a list of sentences, where there is one.
    """

    def __init__(self, dataset: ReadableFiles, output_dir: str | os.PathLike[str]) -> None:
        self.dataset, self.path = dataset, Path(output_dir) / "not_read.json"
        self._n_read = 0

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator, after the handlers that write.

        Parameters
        ----------
        engine : Engine
            Engine of ignite that the handler works for.
        """
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._count)
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the list and raise.

        Raises
        ------
        MammoError
            A file was not read.
        """
        n_bad = len(self.dataset.data) - self._n_read
        if not n_bad:
            self.path.unlink(missing_ok=True)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        sentences = self.dataset.not_read or ["the reasons stand in the log"]  # workers keep theirs
        save_bytes((json.dumps(sentences, indent=1, ensure_ascii=False) + "\n").encode(), self.path)
        raise MammoError(f"{n_bad} of {len(self.dataset.data)} images were not read, first {sentences[0]}")

    def _start(self, engine: Engine) -> None:
        self._n_read = 0

    def _count(self, engine: Engine) -> None:
        batch = engine.state.batch
        self._n_read += len(batch["name"] if isinstance(batch, dict) else batch)
