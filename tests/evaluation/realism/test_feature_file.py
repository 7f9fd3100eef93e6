"""Networks in files as a sort of features, and what is no network."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.realism.feature_file import family_of_file

IMAGES = [np.random.default_rng(i).random((40, 30)).astype(np.float32) for i in range(11)]


class Moments(nn.Module):
    """Mean and mean square of an image with a fixed number of channels."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x):
        if x.shape[1] != self.channels:
            raise RuntimeError("another number of channels is needed")
        return torch.stack([x.mean(dim=(1, 2, 3)), (x**2).mean(dim=(1, 2, 3))], dim=1)


def scripted(module: nn.Module, path):
    torch.jit.script(module).save(str(path))
    return path


@pytest.mark.parametrize("channels", [1, 3])
def test_torchscript_of_one_or_three_channels(tmp_path, channels):
    family = family_of_file(scripted(Moments(channels), tmp_path / "moments.pt"))
    expected = [[x.mean(), (x**2).mean()] for x in IMAGES]
    assert family.name == "file moments.pt" and len(family.sha256) == 64
    assert family.features(IMAGES) == pytest.approx(np.array(expected), abs=1e-5), "several batches, in order"


def test_maps_are_pooled_and_an_exported_program_is_read(tmp_path):
    path, module = tmp_path / "maps.pt2", nn.Conv2d(1, 3, 3)
    shape = {0: torch.export.Dim("n", min=1, max=64), 2: torch.export.Dim("h", min=8), 3: torch.export.Dim("w", min=8)}
    torch.export.save(torch.export.export(module, (torch.rand(2, 1, 32, 24),), dynamic_shapes=(shape,)), path)
    with torch.no_grad():
        expected = module(torch.from_numpy(np.stack(IMAGES))[:, None]).mean(dim=(2, 3)).numpy()
    assert family_of_file(path).features(IMAGES) == pytest.approx(expected, abs=1e-5)


class Bad(nn.Module):
    """Gives what is no vector an image."""

    def __init__(self, sort: str) -> None:
        super().__init__()
        self.sort = sort

    def forward(self, x):
        if self.sort == "one":
            return x.mean()
        return x.mean(dim=(2, 3)) / 0 * 0


@pytest.mark.parametrize(("sort", "sentence"), [("one", r"gives shape \(\) for one image"), ("nan", "not finite")])
def test_what_a_network_gives_is_checked(tmp_path, sort, sentence):
    family = family_of_file(scripted(Bad(sort), tmp_path / "bad.pt"))
    with pytest.raises(RequestError, match=sentence):
        family.features(IMAGES)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing.pt", "is not a file"),
        ("weights.pt", "pickled weights or a pickled module"),
        ("module.pt", "pickled weights or a pickled module"),
        ("text.pt", "holds no network"),
        ("text.pt2", "cannot be read as an exported program"),
        ("two.pt", "takes no images of one or three channels: .*another number of channels"),
        ("text.onnx", "cannot be read as ONNX" if find_spec("onnxruntime") else "pip install onnxruntime"),
    ],
)
def test_what_holds_no_network_is_refused_in_a_sentence(tmp_path, name, sentence):
    path = tmp_path / name
    if name == "weights.pt":
        torch.save(nn.Linear(2, 2).state_dict(), path)
    elif name == "module.pt":
        torch.save(nn.Linear(2, 2), path)
    elif name == "two.pt":
        scripted(Moments(2), path)
    elif name != "missing.pt":
        path.write_text("no network")
    with pytest.raises(RequestError, match=sentence) as caught:
        family_of_file(path)
    assert str(caught.value).count("\n") == 0


def test_onnx(tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    path = tmp_path / "moments.onnx"
    torch.onnx.export(Moments(), (torch.rand(2, 1, 40, 30),), str(path), dynamic_axes={"input": {0: "n"}})
    assert family_of_file(path).features(IMAGES[:2]).shape == (2, 2)
