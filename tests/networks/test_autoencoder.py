"""The autoencoder starts as a bicubic shrink, keeps every pixel's place and learns on top."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn import functional

from monai_mammo.networks.autoencoder import Autoencoder


def small() -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder((16, 24), n_blocks=1).eval()


def picture(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    """Smooth blobs over fine grain, in [0, 1]; shape (1, 1, rows, columns)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 1, 5, 4, generator=generator)
    blobs = functional.interpolate(coarse, size=(rows, columns), mode="bicubic", align_corners=False)
    return (0.8 * blobs + 0.1 * torch.rand(1, 1, rows, columns, generator=generator)).clamp(0, 1)


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return -10 * math.log10((a - b).square().mean().item())


@settings(max_examples=12)
@given(rows=st.integers(1, 40), columns=st.integers(1, 40))
def test_any_size_is_padded_never_cropped(rows, columns):
    network, x = small(), picture(rows, columns)
    with torch.no_grad():
        reconstruction, mu, sigma = network(x)
    assert reconstruction.shape == x.shape
    assert mu.shape == sigma.shape == (1, 4, math.ceil(rows / 4), math.ceil(columns / 4))


def test_the_last_row_and_column_of_an_odd_size_are_seen():
    network = small()
    x = torch.zeros(1, 1, 33, 29)
    x[..., -1, :] = x[..., :, -1] = 1
    with torch.no_grad():
        reconstruction = network(x)[0]
    assert reconstruction[0, 0, -1].mean() > 0.5 and reconstruction[0, 0, :, -1].mean() > 0.5
    assert reconstruction[0, 0, :-4, :-4].abs().max() < 0.1


def test_untrained_it_is_the_bicubic_shrink_to_half_and_back():
    x = picture(64, 48)
    half = functional.interpolate(x, scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False)
    bicubic = functional.interpolate(half, scale_factor=2.0, mode="bicubic", align_corners=False)
    with torch.no_grad():
        reconstruction, mu, _ = small()(x)
    torch.testing.assert_close(reconstruction, bicubic, rtol=0, atol=1e-5)
    # the latent is the half-size image itself, in [-1, 1], folded: channel 1 holds the pixels right of channel 0's
    for channel, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        torch.testing.assert_close(mu[:, channel], 2 * half[:, 0, row::2, column::2] - 1, rtol=0, atol=1e-5)


def test_untrained_it_is_as_good_as_the_bicubic_of_another_library():
    """PSNR against Pillow's shrink and enlargement: its kernel, a = -0.5, differs from torch's -0.75 when enlarging."""
    x = picture(128, 96)
    pillow = Image.fromarray(x[0, 0].numpy(), mode="F").resize((48, 64), Image.Resampling.BICUBIC)
    pillow = np.asarray(pillow.resize((96, 128), Image.Resampling.BICUBIC))
    with torch.no_grad():
        reconstruction = small()(x)[0]
    assert psnr(reconstruction, x) == pytest.approx(psnr(torch.from_numpy(pillow.copy())[None, None], x), abs=0.3)


def test_brightness_stays_in_its_place():
    """A picture that is brighter below right is so in the reconstruction, and grey stays grey."""
    network = small()
    ramp = torch.linspace(0.1, 0.9, 48)[None, None, None] * torch.linspace(0.5, 1, 64)[None, None, :, None]
    with torch.no_grad():
        assert (network(ramp)[0] - ramp).abs().max() < 0.01
        torch.testing.assert_close(network(torch.full((1, 1, 20, 16), 0.3))[0], torch.full((1, 1, 20, 16), 0.3))


def test_in_training_the_latent_is_drawn_in_evaluation_it_is_the_mean(awake):
    network, x = awake(small()), picture(32, 24)
    with torch.no_grad():
        assert torch.equal(network(x)[0], network(x)[0])
        torch.testing.assert_close(network(x)[0], network.decode(network.encode(x)[0]))
        network.train()
        first, mu, sigma = network(x)
        assert not torch.equal(first, network(x)[0])
    assert (sigma > 0).all() and mu.shape == sigma.shape


def test_deviation_starts_small():
    with torch.no_grad():
        sigma = small()(picture(32, 24))[2]
    torch.testing.assert_close(sigma, torch.full_like(sigma, math.exp(-4)))


def test_scaled_latents_have_unit_deviation_and_come_back(awake):
    network, x = awake(small()), torch.cat([picture(64, 48, seed) for seed in range(4)])
    with torch.no_grad():
        mu = network.encode(x)[0]
        network.latent_mean.copy_(mu.mean(dim=(0, 2, 3), keepdim=True))
        network.latent_std.copy_(mu.std(dim=(0, 2, 3), keepdim=True))
        z = network.to_latent(x)
        torch.testing.assert_close(z.mean(dim=(0, 2, 3)), torch.zeros(4), rtol=0, atol=1e-5)
        torch.testing.assert_close(z.std(dim=(0, 2, 3)), torch.ones(4))
        torch.testing.assert_close(network.from_latent(z), network(x)[0].clamp(0, 1), rtol=0, atol=1e-5)
    assert {"latent_mean", "latent_std"} <= set(network.state_dict())


def test_from_latent_never_leaves_the_range_of_brightness():
    with torch.no_grad():
        image = small().from_latent(20 * torch.randn(1, 4, 8, 6, generator=torch.Generator().manual_seed(0)))
    assert image.min() == 0 and image.max() == 1


def test_every_weight_has_a_gradient(awake, silent):
    network, x = awake(small()).train(), picture(32, 24)
    reconstruction, _, sigma = network(x)
    assert silent(network, torch.cat([reconstruction.flatten(), sigma.flatten()])) == []


def test_training_starts_at_once_although_layers_start_at_zero(silent):
    """What starts at 0 gets a gradient in the first step, so that what lies behind it gets one in the second."""
    network = small().train()
    still = set(silent(network, network(picture(32, 24))[0]))
    assert not still & {"to_mu.weight", "to_mu.bias", "decoder.7.weight"}


def test_batch_and_order_change_no_picture(awake):
    network, x = awake(small()), torch.cat([picture(32, 24, seed) for seed in range(4)])
    with torch.no_grad():
        together = network(x)[0]
        alone = torch.cat([network(x[i : i + 1])[0] for i in (3, 1, 2, 0)])[[3, 1, 2, 0]]
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_bf16_autocast_keeps_latents_and_pictures_in_float32(awake):
    network, x = awake(small()), picture(32, 24)
    with torch.no_grad():
        exact = network(x)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(x)
    assert all(value.dtype == torch.float32 for value in rough)
    # bfloat16 has 8 bits: 0.4 % a layer, of residuals of about 1
    torch.testing.assert_close(rough[0], exact[0], rtol=0, atol=0.05)


def test_other_numbers_of_latent_channels_are_refused():
    with pytest.raises(ValueError, match="has 4"):
        Autoencoder((16, 24), latent_channels=8)
