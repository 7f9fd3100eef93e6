"""A training by its configs: which files a request names, and MONAI run on them."""

from __future__ import annotations

import ast
import difflib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_mammo import bundle
from monai_mammo.bundle.training_record import forget_parts
from monai_mammo.errors import MammoError, RequestError

__all__ = ["config_files", "parse_overrides", "train"]


def train(*configs: str | os.PathLike[str], **overrides: Any) -> None:
    """Run a bundle's training, as ``python -m monai.bundle run`` does.

    Parameters
    ----------
    *configs : str or path
        Name or folder of a bundle, whose ``configs/train.json`` is taken, or a config file; then overlays, by file or
        by the name they have in the same folder, such as ``smoke`` or ``fine_tune``.
    **overrides
        Values by their id in the configs, such as ``dataset_dir="prepared"`` or ``max_epochs=3``.

    Raises
    ------
    RequestError
        There is no such bundle or config, or an override is not an id of the configs.
    MammoError
        The training failed.

    Examples
    --------
    >>> monai_mammo.train("mammo_autoencoder", "smoke", max_epochs=2)  # doctest: +SKIP
    """
    files = config_files(configs)
    _check_ids(files, overrides)
    from monai.bundle import run

    forget_parts()  # what this process looked at before is no part of the training
    folder = files[0].parent
    metadata, log = folder / "metadata.json", folder / "logging.conf"
    try:
        run(
            config_file=[str(path) for path in files],
            meta_file=str(metadata) if metadata.is_file() else None,
            logging_file=str(log) if log.is_file() else False,
            **overrides,
        )
    except Exception as error:  # MONAI wraps what a config raises
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, MammoError):
            cause = cause.__cause__ or cause.__context__
        if cause is None or cause is error:
            raise
        raise cause from error


def config_files(configs: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Config files that a request for a training names, the first one whole and overlays after it.

    Parameters
    ----------
    configs : sequence of str or path
        As `train` takes them.

    Returns
    -------
    list of Path

    Raises
    ------
    RequestError
        There is no such bundle or config.
    """
    if not configs:
        raise RequestError("a training needs the name or folder of a bundle, or a config file")
    first = Path(configs[0])
    files = [first if first.suffix == ".json" else bundle.find(configs[0]).root / "configs" / "train.json"]
    for name in configs[1:]:
        path = Path(name)
        files.append(path if path.suffix == ".json" else files[0].parent / f"{path}.json")
    for path in files:
        if not path.is_file():
            there = ", ".join(sorted(p.stem for p in files[0].parent.glob("*.json"))) or "no config at all"
            raise RequestError(f"config {path} is not there; {files[0].parent} holds {there}")
    return files


def parse_overrides(words: Sequence[str]) -> dict[str, Any]:
    """Values by id from the words of a command line, ``--id value`` or ``--id=value``.

    Parameters
    ----------
    words : sequence of str
        A value that is JSON or a Python literal is taken as such, anything else as text.

    Returns
    -------
    dict

    Raises
    ------
    RequestError
        A word is no id, or an id has no value.
    """
    values: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            raise RequestError(f"{word!r} is not an id of the config: write --id value")
        if not equals:
            if not rest:
                raise RequestError(f"{word} needs a value")
            text = rest.pop(0)
        values[name] = _value(text)
    return values


def _value(text: str) -> Any:
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return text


def _check_ids(files: Sequence[Path], overrides: Mapping[str, Any]) -> None:
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    try:
        parser.read_config([str(path) for path in files])
    except (ValueError, KeyError) as error:
        raise RequestError(f"configs {', '.join(path.name for path in files)} cannot be read: {error}") from error
    for name in overrides:
        if name.replace("#", "::") not in parser:
            near = difflib.get_close_matches(name, list(parser.config), n=3)
            hint = f"; near to it are {', '.join(near)}" if near else ""
            raise RequestError(f"{name} is not an id of {', '.join(path.name for path in files)}{hint}")
