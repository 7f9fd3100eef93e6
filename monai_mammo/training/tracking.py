"""What a training run leaves for people to compare: figures in an MLflow store."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine
from monai.handlers import MLFlowHandler

from monai_mammo.switches import parse_switch

__all__ = ["MLFLOW_PACKAGES", "NoTracking", "loss_terms", "tracking_handler"]

MLFLOW_PACKAGES = ("mlflow", "sqlalchemy", "alembic")
"""What the SQLite store of MLflow needs; the training extra brings them."""

_LOGGER = logging.getLogger(__name__)


class NoTracking:
    """Handler that stands where nothing is tracked, and does nothing."""

    def attach(self, engine: Engine) -> None:
        """Leave the engine as it is.

        Parameters
        ----------
        engine : Engine
        """


def tracking_handler(
    output_dir: str | os.PathLike[str],
    *,
    experiment: str,
    is_validation: bool = False,
    parameters: dict[str, Any] | None = None,
    tracking_uri: str = "",
    run_name: str | None = None,
    output_transform: Callable[[Any], Any] | None = None,
    is_active: bool = True,
    is_writer: bool = True,
) -> MLFlowHandler | NoTracking:
    """Handler that logs losses and metrics to MLflow.

    Parameters
    ----------
    output_dir : path-like
        Takes ``mlruns.db`` (SQLite) and the artifacts, where `tracking_uri` is empty.
    experiment : str
        Name under which MLflow keeps the runs.
    is_validation : bool
        For an evaluator beside a trainer: logs metrics of each epoch only, and leaves the run open.
    parameters : dict, optional
        Settings of the run, logged once.
    tracking_uri : str
        A server's address, or another store.
    run_name : str, optional
        Name of this run; MLflow makes one up where there is none.
    output_transform : callable, optional
        Loss, or named losses, from the engine's output.
    is_active : bool
        Whether anything is tracked.
    is_writer : bool
        Whether this process tracks; of several ranks only one does.

    Returns
    -------
    MLFlowHandler or NoTracking
        The latter where nothing is to be tracked and, with a warning in the log, where the training extra is not
        installed.

    Raises
    ------
    RequestError
        A switch is neither a yes nor a no.
    """
    is_validation = parse_switch(is_validation, name="is_validation")
    if not parse_switch(is_active, name="track") or not parse_switch(is_writer, name="is_writer"):
        return NoTracking()
    missing = [name for name in MLFLOW_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        _LOGGER.warning("%s not installed: nothing is tracked; the extra training has them", ", ".join(missing))
        return NoTracking()
    if not tracking_uri:
        folder = Path(output_dir).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        tracking_uri = f"sqlite:///{folder / 'mlruns.db'}"
    return MLFlowHandler(
        tracking_uri=tracking_uri,
        experiment_name=experiment,
        experiment_param=parameters,
        run_name=run_name,
        iteration_log=not is_validation,
        output_transform=output_transform or loss_terms,
        close_on_complete=not is_validation,
    )


def loss_terms(output: Mapping[str, Any]) -> dict[str, float]:
    """Terms of the loss by name, from the output of a trainer's iteration.

    Parameters
    ----------
    output : mapping
        Terms of the loss by name, scalars.

    Returns
    -------
    dict of str to float
    """
    return {name: float(value) for name, value in output.items()}
