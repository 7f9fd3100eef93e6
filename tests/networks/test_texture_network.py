"""Texture is drawn between pixels of one block and moves nothing."""

from __future__ import annotations

import pytest
import tiny_bundles
import torch
from torch.nn import functional

from monai_mammo import networks
from monai_mammo.bundle import BundleFolder
from monai_mammo.errors import MammoError


def trained(channels=8, n_blocks=2, seed=0):
    """Network that draws something."""
    torch.manual_seed(seed)
    network = networks.TextureNetwork(channels, n_blocks=n_blocks)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network.eval()


@pytest.mark.parametrize("shape", [(64, 48), (63, 47), (2, 2), (7, 9)])
def test_an_untrained_network_is_the_identity_at_any_size(shape):
    x = torch.rand(2, 1, *shape)
    assert torch.equal(networks.TextureNetwork(8, n_blocks=2)(x), x)
    assert trained()(x).shape == x.shape and not torch.equal(trained()(x), x)


def test_the_mean_of_each_block_stays():
    x = torch.rand(2, 1, 32, 24)
    with torch.no_grad():
        change = trained()(x) - x
    assert change.abs().max() > 0.05
    assert functional.avg_pool2d(change, 2).abs().max() < 1e-6


def test_texture_depends_on_what_is_near_alone():
    """Nothing is normalised over the picture: air at the other end changes no pixel."""
    x = torch.rand(1, 1, 96, 64)
    other = x.clone()
    other[..., 72:, :] = 0
    with torch.no_grad():
        a, b = trained()(x), trained()(other)
    assert torch.equal(a[..., :48, :], b[..., :48, :]) and not torch.equal(a, b)


def test_nothing_is_drawn_beside_air_and_dark_spots_are_none():
    x = torch.full((1, 1, 96, 64), 0.5) + 0.1 * torch.rand(1, 1, 96, 64)
    x[..., :24, :] = 0
    x[..., 80:84, 30:34] = 0
    with torch.no_grad():
        change = (trained()(x) - x).abs()[0, 0].amax(dim=1)
    assert (change[:32] == 0).all()
    assert (change[42:] > 1e-3).all()  # at full strength, beside the dark spot as well


def test_a_picture_of_a_latent_is_textured_and_clamped():
    torch.manual_seed(0)
    autoencoder, texture = networks.Autoencoder((8, 8), n_blocks=1).eval(), trained()
    z = torch.randn(1, 4, 8, 6)
    with torch.no_grad():
        smooth = networks.picture_of_latent(autoencoder, z)
        fine = networks.picture_of_latent(autoencoder, z, texture)
        assert torch.equal(smooth, autoencoder.from_latent(z))
        assert torch.equal(fine, texture(smooth).clamp(0, 1)) and not torch.equal(fine, smooth)


def test_a_bundle_may_have_a_texture_network(tmp_path):
    root = tiny_bundles.write_tiny_bundles(tmp_path)["mammo_autoencoder"]
    assert networks.load_texture(BundleFolder(root)) is None
    tiny_bundles.write_texture(root)
    found = networks.load_texture(BundleFolder(root))
    assert isinstance(found, networks.TextureNetwork) and not found.training
    assert all(not p.requires_grad for p in found.parameters())
    (root / "models" / "texture.pt").unlink()
    with pytest.raises(MammoError, match="texture.pt is missing"):
        networks.load_texture(BundleFolder(root))
