"""Tiny bundles in place of the shipped ones, and a run whose pictures are drawn."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tiny_bundles import write_tiny_bundles


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """Folder with the three tiny bundles."""
    folder = tmp_path_factory.mktemp("bundles")
    write_tiny_bundles(folder)
    return folder


@pytest.fixture
def tiny(tiny_folder, monkeypatch):
    """The tiny bundles found by the names of the shipped ones."""
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tiny_folder))
    return tiny_folder


class DrawnGenerator:
    """Phantoms in place of generated pictures: untrained networks draw no breast, and sides need one."""

    batch_size = 1
    device = SimpleNamespace(type="cpu")

    def n_evaluations(self, steps):
        return steps

    def draw(self, planned, settings, *, on_step=None):
        from monai_mammo.generation.engine.check import check_image
        from monai_mammo.phantom import draw_mammogram
        from monai_mammo.prepare.array import prepare_mammogram

        out = []
        for sample in planned:
            shown = sample.conditions.replace(laterality="L", box=None)
            drawn = draw_mammogram(shown, seed=settings.seed + sample.index, shape=(192, 144))
            prepared = prepare_mammogram(drawn, shape=sample.lesion.mask.shape)
            lesion = prepared.lesion_mask if sample.lesion.mask.any() else np.zeros_like(prepared.breast)
            out.append(
                [
                    check_image(
                        prepared.image,
                        lesion,
                        {},
                        requested=sample.lesion.mask,
                        breast=prepared.breast,
                        dice_threshold=0,
                    )
                ]
            )
        return out


@pytest.fixture(scope="session")
def drawn_generator():
    """Generator whose pictures are drawn, so that their side can be read."""
    return DrawnGenerator()
