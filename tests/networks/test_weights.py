"""Weights survive half precision; a file or a definition that does not fit is named, and copies nothing."""

from __future__ import annotations

import pytest
import torch

from monai_mammo.attributes import COLUMNS
from monai_mammo.errors import MammoError
from monai_mammo.networks import (
    Autoencoder,
    DetailUNet,
    DiffusionUNet,
    LayoutUNet,
    LesionNetwork,
    PyramidJudge,
    build,
    load_weights,
)

DEFINITIONS = {
    "monai_mammo.networks.Autoencoder": {"channels": [16, 24], "n_blocks": 1},
    "monai_mammo.networks.DiffusionUNet": {"channels": [16, 32], "n_blocks": 1, "context_channels": 16},
    "monai_mammo.networks.LesionNetwork": {"channels": [16, 24, 32]},
    "monai_mammo.networks.PyramidJudge": {"pyramid_channels": 16},
}
CLASSES = [Autoencoder, DiffusionUNet, LesionNetwork, PyramidJudge]


def answer(network):
    generator = torch.Generator().manual_seed(0)
    if isinstance(network, DiffusionUNet):
        inputs = (torch.randn(1, 4, 8, 8, generator=generator), torch.tensor([0.5]), torch.full((1, 10), 1.0))
        inputs += (torch.zeros(1, 2, 8, 8),)
    else:
        inputs = (torch.rand(1, 1, 16, 16, generator=generator),)
    with torch.no_grad():
        out = network(*inputs)
    values = out.values() if isinstance(out, dict) else out if isinstance(out, tuple) else [out]
    return torch.cat([value.flatten() for value in values])


def half_file(network, path):
    torch.save({name: t.half() if t.is_floating_point() else t for name, t in network.state_dict().items()}, path)
    return path


@pytest.fixture
def autoencoder(awake):
    return awake(build("monai_mammo.networks.Autoencoder", DEFINITIONS["monai_mammo.networks.Autoencoder"]))


@pytest.mark.parametrize(("target", "expected"), list(zip(DEFINITIONS, CLASSES, strict=True)))
def test_definitions_of_a_bundle_build_their_network(target, expected):
    assert type(build(target, DEFINITIONS[target])) is expected


@pytest.mark.parametrize("target", DEFINITIONS)
def test_half_precision_file_gives_the_network_back(target, awake, tmp_path):
    network = awake(build(target, DEFINITIONS[target]))
    fresh = awake(build(target, DEFINITIONS[target]), 5)
    path = half_file(network, tmp_path / "model.pt")
    assert load_weights(fresh, path) is fresh
    assert {t.dtype for t in fresh.state_dict().values() if t.is_floating_point()} == {torch.float32}
    # half precision has 11 bits, 5e-4 a weight, over some 10 layers
    torch.testing.assert_close(answer(fresh), answer(network), rtol=0.01, atol=0.01)
    for name, tensor in network.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor.half().float() if tensor.is_floating_point() else tensor)


@pytest.mark.parametrize(
    "target",
    [
        "torch.nn.Linear",
        "monai_mammo.networksx.Autoencoder",
        "Autoencoder",
        "",
        "monai_mammo.networks.Nothing",
        "monai_mammo.networks.nowhere.Nothing",
        "monai_mammo.networks.build",
        "monai_mammo.networks.__all__",
    ],
)
def test_only_networks_of_this_package_are_built(target):
    with pytest.raises(MammoError, match=f"network '{target}'"):
        build(target, {})


@pytest.mark.parametrize("arguments", [{"colour": 3}, {"latent_channels": 8}, {"channels": 3}, {"channels": [4]}])
def test_arguments_that_do_not_fit_are_refused_by_the_networks_name(arguments):
    with pytest.raises(MammoError, match="networks.Autoencoder"):
        build("monai_mammo.networks.Autoencoder", arguments)


def broken_states(state):
    name = "to_mu.weight"
    yield "missing", {k: v for k, v in state.items() if k != name}, f"1 tensors are missing.*{name}"
    yield "too many", {**state, "more": torch.zeros(1)}, "1 too many.*more"
    yield "shape", {**state, name: state[name][:2]}, rf"{name} is \(2, 24, 3, 3\), not \(4, 24, 3, 3\)"
    yield "nan", {**state, name: state[name] * float("nan")}, f"{name} holds numbers that are not finite"
    yield "infinite", {**state, name: state[name] / 0}, f"{name} holds numbers that are not finite"
    yield "nested", {"network": dict(state)}, "not a plain state dict"
    yield "a list", [1, 2], "not a plain state dict"


@pytest.mark.parametrize("fault", range(7))
def test_a_file_that_does_not_fit_copies_nothing(autoencoder, tmp_path, fault):
    before = {name: t.clone() for name, t in autoencoder.state_dict().items()}
    _, state, message = list(broken_states(autoencoder.state_dict()))[fault]
    if isinstance(state, dict) and "latent_mean" in state:
        state["latent_mean"] = state["latent_mean"] + 1
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(MammoError, match=f"weight file model.pt.*{message}"):
        load_weights(autoencoder, tmp_path / "model.pt")
    assert all(torch.equal(t, before[name]) for name, t in autoencoder.state_dict().items())


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "missing", "folder"])
def test_a_damaged_file_is_named(autoencoder, tmp_path, damage):
    path = half_file(autoencoder, tmp_path / "model.pt")
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes({"truncated": content[: len(content) // 2], "empty": b"", "text": b"no weights"}[damage])
    with pytest.raises(MammoError, match=r"weight file model\.pt"):
        load_weights(autoencoder, path)


class _Code:
    """What an evil pickle does: a call on loading."""

    def __reduce__(self):
        return (print, ("code of a weight file ran",))


def test_code_in_a_weight_file_does_not_run(autoencoder, tmp_path, capsys):
    torch.save({"to_mu.weight": _Code()}, tmp_path / "model.pt")
    with pytest.raises(MammoError, match=r"weight file model\.pt"):
        load_weights(autoencoder, tmp_path / "model.pt")
    assert "ran" not in capsys.readouterr().out


ADDED = ("lesion_shape", "lesion_margin", "subtlety", "n_findings")
SIZES = {"channels": [16, 24], "n_blocks": 1, "attention_scales": [1], "context_channels": 16}


@pytest.mark.parametrize("network_class", [DiffusionUNet, LayoutUNet, DetailUNet])
def test_a_grown_network_computes_the_same_where_what_is_new_is_not_given(network_class, awake, tmp_path):
    old = awake(network_class(**SIZES, more_attributes=["pathology"]))
    torch.save(old.state_dict(), tmp_path / "model.pt")
    grown = network_class(**SIZES, more_attributes=["pathology", *ADDED])
    with pytest.raises(MammoError, match="tensors are missing"):
        load_weights(grown, tmp_path / "model.pt")
    grown = load_weights(grown, tmp_path / "model.pt", grow=True).eval()
    attributes = torch.full((3, len(COLUMNS)), -1.0)
    attributes[1:, 4], attributes[1:, 10] = 0, 2
    generator = torch.Generator().manual_seed(0)
    n_planes = DetailUNet.N_PLANES if network_class is DetailUNet else 2
    x, spatial = torch.randn(3, 4, 8, 8, generator=generator), torch.rand(3, n_planes, 8, 8, generator=generator)
    inputs = (x, torch.tensor([0.1, 0.5, 0.9]), attributes, spatial)
    with torch.no_grad():
        before, after = old(*inputs), grown(*inputs)
    assert before.abs().max() > 0.01 and torch.equal(before, after)
    attributes[2, 12] = 1
    with torch.no_grad():
        grown.tokens.added["lesion_shape"].table.weight[2] = 1.0
        told = grown(*inputs)
    assert torch.equal(told[:2], before[:2]) and not torch.allclose(told[2], before[2])


def test_growing_takes_no_other_network(tmp_path):
    torch.save(DiffusionUNet(**SIZES).state_dict(), tmp_path / "model.pt")
    with pytest.raises(MammoError, match="tensors are missing"):
        load_weights(DiffusionUNet(**SIZES, more_attributes=["pathology"]), tmp_path / "model.pt", grow=True)
    torch.save(DiffusionUNet(**SIZES, more_attributes=["lesion_shape"]).state_dict(), tmp_path / "model.pt")
    with pytest.raises(MammoError, match="and 1 too many"):
        load_weights(DiffusionUNet(**SIZES), tmp_path / "model.pt", grow=True)


def test_a_network_grows_by_text(tmp_path):
    old = LayoutUNet(**SIZES)
    torch.save(old.state_dict(), tmp_path / "model.pt")
    grown = load_weights(LayoutUNet(**SIZES, text_channels=24), tmp_path / "model.pt", grow=True)
    assert all(torch.equal(grown.state_dict()[name], value) for name, value in old.state_dict().items())
