"""An autoencoder or U-Net of another project as a module of MONAI, in a folder with its config."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from monai_mammo.checkpoint_import import compvis_layout, monai_layouts
from monai_mammo.checkpoint_import.definition_file import untold_of_definition
from monai_mammo.checkpoint_import.import_report import ImportReport
from monai_mammo.checkpoint_import.misfit import Misfit, Translated, Untold, some_keys
from monai_mammo.checkpoint_import.parity import parity_of
from monai_mammo.checkpoint_import.recognising import Found, Layout, NetworkKind, recognised
from monai_mammo.checkpoint_import.weight_file import read_checkpoint
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.digest import file_sha256
from monai_mammo.files.output_folder import check_output_folder
from monai_mammo.files.whole import open_whole, save_text
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.switches import parse_switch

__all__ = ["import_checkpoint"]

REPORT = "import.json"
_TRANSLATIONS = {
    (NetworkKind.AUTOENCODER, False): monai_layouts.translated_autoencoder,
    (NetworkKind.UNET, False): monai_layouts.translated_unet,
    (NetworkKind.AUTOENCODER, True): compvis_layout.translated_autoencoder,
    (NetworkKind.UNET, True): compvis_layout.translated_unet,
}


def import_checkpoint(
    checkpoint: str | Path,
    *,
    out: str | Path,
    network: str | None = None,
    definition: str | Path | None = None,
    num_heads: int | str | None = None,
    num_head_channels: int | str | Sequence[int] | None = None,
    norm_num_groups: int | str | None = None,
    norm_eps: float | str | None = None,
    use_convtranspose: bool | str | None = None,
) -> ImportReport:
    """Weights of monai-generative, of MONAI's model zoo or of CompVis as a module of MONAI, compared with the original.

    The folder gets ``models/model.pt``, ``configs/inference.json``, whose ``network`` MONAI's `ConfigParser` makes with
    its weights, and ``import.json`` with what was compared and assumed. MONAI's own loader, `load_old_state_dict`,
    gives most of these networks wrong outputs, without a word.

    Parameters
    ----------
    checkpoint : str or Path
        Weight file, read without running anything in it.
    out : str or Path
        New or empty folder, or one of an earlier import, which is replaced.
    network : {"autoencoder", "unet"} or None
        Which network, where the file holds both.
    definition : str or Path or None
        Config that the network was trained by: JSON of a MONAI bundle, or YAML of CompVis. Of it, only what the
        weights do not tell is used; what is named beside it goes first.
    num_heads, num_head_channels : int, sequence of int, or None
        Heads of attention of a U-Net, or channels of a head, for all levels or for each. One of both is needed.
    norm_num_groups, norm_eps : int, float, or None
        Of the group normalisations; what the project has by default where left out, and the report says so.
    use_convtranspose : bool or None
        Whether an autoencoder of monai-generative enlarges by transposed convolutions; its weights look the same.

    Returns
    -------
    ImportReport

    Raises
    ------
    RequestError
        The file is not a weight file, or of an architecture that cannot be imported, or a setting is missing or wrong.
    MammoError
        The module does not compute what the original does, or a file could not be written.

    Examples
    --------
    >>> import_checkpoint("autoencoder.pt", out="imported")  # doctest: +SKIP
    """
    path, folder = Path(checkpoint), Path(out)
    check_output_folder(folder, command="import-checkpoint", is_ours=lambda where: (where / REPORT).is_file())
    state = read_checkpoint(path)
    try:
        networks, rest = recognised(state)
        found = _chosen(networks, network, path)
        untold = Untold() if definition is None else untold_of_definition(definition, found.kind)
        given = _given(num_heads, num_head_channels, norm_num_groups, norm_eps, use_convtranspose)
        untold = dataclasses.replace(untold, **given)
        translated = _TRANSLATIONS[found.kind, found.layout is Layout.COMPVIS](found.state, untold)
        module = _filled(translated)
    except Misfit as error:
        raise RequestError(f"checkpoint {path.name} cannot be imported: {error}") from None
    parity = parity_of(module, found, translated)
    config = {"_target_": translated.target, **translated.arguments}
    report = ImportReport(
        folder=folder,
        source=path.name,
        source_sha256=file_sha256(path),
        network=str(found.kind),
        layout=str(found.layout),
        definition=config,
        n_parameters=sum(p.numel() for p in module.parameters()),
        parity=parity,
        assumed=translated.assumed,
        not_imported=_not_imported(rest, translated, [one for one in networks if one is not found]),
    )
    _write(report, translated)
    return report


def _chosen(networks: Sequence[Found], network: str | None, path: Path) -> Found:
    if network is not None and network not in list(NetworkKind):
        raise RequestError(f"network {str(network)[:40]!r} is not one of {', '.join(NetworkKind)}")
    fitting = [one for one in networks if network in (None, str(one.kind))]
    if len(fitting) == 1:
        return fitting[0]
    held = ", ".join(f"{one.kind} of {one.layout}" for one in networks)
    if not fitting:
        raise RequestError(f"checkpoint {path.name} holds no {network}, but {held}")
    raise RequestError(f"checkpoint {path.name} holds {held}: name one network")


def _given(
    num_heads: Any, num_head_channels: Any, norm_num_groups: Any, norm_eps: Any, use_convtranspose: Any
) -> dict[str, Any]:
    """Settings that were named, checked."""
    given: dict[str, Any] = {}
    if num_heads is not None and num_head_channels is not None:
        raise RequestError("num_heads and num_head_channels say the same in two ways: name one of them")
    if num_heads is not None:
        given |= {"num_heads": _whole("num_heads", num_heads), "num_head_channels": None}
    if num_head_channels is not None:
        words = num_head_channels.split(",") if isinstance(num_head_channels, str) else num_head_channels
        listed = [words] if isinstance(words, int) else list(words)
        sizes = tuple(_whole("num_head_channels", word, low=0) for word in listed)
        given |= {"num_head_channels": sizes, "num_heads": None}
    if norm_num_groups is not None:
        given["norm_num_groups"] = _whole("norm_num_groups", norm_num_groups)
    if norm_eps is not None:
        try:
            given["norm_eps"] = float(norm_eps)
        except (TypeError, ValueError):
            given["norm_eps"] = -1.0
        if not 0 < given["norm_eps"] < 1:
            raise RequestError(f"norm_eps {str(norm_eps)[:40]!r} is not a number between 0 and 1")
    if use_convtranspose is not None:
        given["use_convtranspose"] = parse_switch(use_convtranspose, name="use_convtranspose")
    return given


def _whole(name: str, value: Any, *, low: int = 1) -> int:
    return parse_whole(value, name=name, low=low, high=999_999)


def _filled(translated: Translated) -> nn.Module:
    """The module with its weights in float32: every key in its place, every place filled."""
    module = _built(translated)
    places, state = module.state_dict(), translated.state
    missing, extra = set(places) - set(state), set(state) - set(places)
    if missing or extra:
        parts = [f"it lacks {some_keys(missing)}"] if missing else []
        parts += [f"has no place for {some_keys(extra)}"] if extra else []
        raise Misfit(f"{len(missing) + len(extra)} keys do not fit {translated.target}: {'; '.join(parts)}")
    for key, tensor in state.items():
        if tensor.shape != places[key].shape:
            shapes = f"{tuple(tensor.shape)}, not {tuple(places[key].shape)}"
            raise Misfit(f"{key} of {translated.target} would be {shapes}")
    module.load_state_dict({key: tensor.float() for key, tensor in state.items()}, assign=True)
    return module.eval().requires_grad_(False)


def _built(translated: Translated) -> nn.Module:
    """The module without memory for its weights."""
    from monai.bundle import ConfigParser

    arguments = translated.arguments
    groups = arguments["norm_num_groups"]
    if widths := [width for width in arguments["channels"] if width % groups]:
        raise RequestError(
            f"norm_num_groups {groups} does not divide the width {widths[0]} of a level: name the number of groups"
        )
    parser = ConfigParser({"network": {"_target_": translated.target, **arguments}})
    try:
        with torch.device("meta"):
            return parser.get_parsed_content("network")
    except (ValueError, RuntimeError, TypeError, ZeroDivisionError) as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise Misfit(f"{translated.target} does not take {arguments}: {cause}") from None


def _not_imported(rest: Sequence[str], translated: Translated, others: Sequence[Found]) -> dict[str, int]:
    """Numbers of tensors that are left out, by why."""
    out: Counter[str] = Counter()
    if translated.unapplied:
        out["layers that the original never applies (proj_attn)"] = len(translated.unapplied)
    for one in others:
        out[f"{one.kind} of {one.layout}"] += len(one.state)
    for key in rest:
        out[f"{key.partition('.')[0][:60]}, no part of the network"] += 1
    return dict(out)


def _write(report: ImportReport, translated: Translated) -> None:
    with open_whole(report.folder / "models" / "model.pt", make_folder=True) as stream:
        try:
            torch.save({key: tensor.clone() for key, tensor in translated.state.items()}, stream)
        except RuntimeError as error:  # as torch reports a full disk
            raise MammoError(f"{report.folder / 'models' / 'model.pt'} could not be written: {error}") from None
    (report.folder / "configs").mkdir(exist_ok=True)
    save_text(json.dumps(_config(report), indent=2) + "\n", report.folder / "configs" / "inference.json")
    save_text(json.dumps(report.to_dict(), indent=2) + "\n", report.folder / REPORT)


def _config(report: ImportReport) -> dict[str, Any]:
    return {
        "imports": ["$import os", "$import torch", "$import monai_mammo"],
        "bundle_root": "$str(monai_mammo.bundle.root_of_config())",
        "ckpt_path": "$os.path.join(@bundle_root, 'models', 'model.pt')",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "network_def": dict(report.definition),
        "network": "$monai_mammo.networks.load_weights(@network_def, @ckpt_path).to(@device).eval()",
    }
