"""What a network's own config tells that its weights do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from monai_mammo.checkpoint_import.misfit import Untold
from monai_mammo.checkpoint_import.recognising import NetworkKind
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, parse_json, read_text

__all__ = ["untold_of_definition"]

_MAX_BYTES = 4 * 2**20
_CLASSES = {
    NetworkKind.AUTOENCODER: ("AutoencoderKL",),
    NetworkKind.UNET: ("DiffusionModelUNet", "UNetModel"),
}


def untold_of_definition(path: str | Path, kind: NetworkKind) -> Untold:
    """Settings of a network that the config it was trained by holds.

    Parameters
    ----------
    path : str or Path
        JSON of a MONAI bundle, with ``_target_``, or YAML of CompVis, with ``target`` and ``params``.
    kind : NetworkKind

    Returns
    -------
    Untold

    Raises
    ------
    RequestError
        The file cannot be read, holds no such network, holds two that differ, or an expression in place of a number.
    """
    path = Path(path)
    try:
        text = read_text(path, max_bytes=_MAX_BYTES)
        content = parse_json(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except UnreadableFile as error:
        raise RequestError(f"definition {error.detail}") from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise RequestError(f"definition {path.name} could not be read: {reason}") from None
    found = [_untold(arguments, path) for arguments in _definitions(content, _CLASSES[kind])]
    if not found:
        raise RequestError(f"definition {path.name} names no {' or '.join(_CLASSES[kind])}")
    if any(one != found[0] for one in found[1:]):
        raise RequestError(f"definition {path.name} names {len(found)} networks of this kind that differ")
    return found[0]


def _definitions(content: Any, classes: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """Arguments of each network of these classes, at any depth."""
    rest, n_seen = [content], 0
    while rest and n_seen < 100_000:  # aliases of YAML may be nested without end
        value = rest.pop()
        n_seen += 1
        if isinstance(value, Mapping):
            name = str(value.get("_target_") or value.get("target") or "").rpartition(".")[2]
            if name in classes:
                inner = value.get("params")
                yield inner if isinstance(inner, Mapping) else value
            rest += value.values()
        elif isinstance(value, list):
            rest += value


def _untold(arguments: Mapping[str, Any], path: Path) -> Untold:
    def told(name: str, *kinds: type) -> Any:
        value = arguments.get(name)
        if value is None or (isinstance(value, int) and value == -1):  # CompVis's "not given"
            return None
        is_bool = isinstance(value, bool)
        if not isinstance(value, kinds) or (is_bool and bool not in kinds):
            raise RequestError(f"definition {path.name} has {name} {str(value)[:60]!r}, which is not a plain value")
        return value

    heads = told("num_head_channels", int, list)
    sizes = [heads] if isinstance(heads, int) else heads
    if sizes is not None and not all(type(size) is int for size in sizes):
        raise RequestError(f"definition {path.name} has num_head_channels {str(heads)[:60]!r}, not whole numbers")
    return Untold(
        norm_num_groups=told("norm_num_groups", int),
        norm_eps=told("norm_eps", float, int),
        num_heads=None if sizes is not None else told("num_heads", int),
        num_head_channels=None if sizes is None else tuple(sizes),
        use_convtranspose=told("use_convtranspose", bool),
    )
