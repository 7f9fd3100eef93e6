"""Weights of a larger grid draw it by tiles of the detail stage."""

from __future__ import annotations

from tiny_bundles import write_stages, write_tiny_bundles

from monai_mammo.bundle import seal
from monai_mammo.generation import generate
from monai_mammo.networks import DetailUNet


def test_an_image_beyond_a_tile_is_drawn_by_tiles(tmp_path, monkeypatch):
    home = tmp_path / "bundles"
    write_tiny_bundles(home)
    write_stages(home / "mammo_diffusion")
    for root in home.iterdir():
        seal(root, prepared_shape=[416, 312])
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(home))
    forward, seen = DetailUNet.forward, []

    def noted(self, x, *arguments, **words):
        seen.append(tuple(x.shape[-2:]))
        return forward(self, x, *arguments, **words)

    monkeypatch.setattr(DetailUNet, "forward", noted)
    run = generate(density="C", view="MLO", laterality="L", finding="mass", steps=2, max_tries=1, out=tmp_path / "run")
    assert list(run.manifest["shape"]) == [416, 312]
    assert seen == [(96, 78)] * 2, "104 x 78 positions are two tiles of one evaluation"
