"""A suspected copy of a training image is drawn again, and said where every try is one."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest

from monai_mammo import bundle
from monai_mammo.bundle.fingerprint import COPY_RATIO, TrainingFingerprint
from monai_mammo.conditions import Conditions
from monai_mammo.generation.engine.check import SUSPECTED_COPY, best_of
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.engine.plan import plan_sample
from monai_mammo.generation.engine.settings import DrawSettings
from monai_mammo.generation.engine.source import Keep, Source
from monai_mammo.generation.generate_run import _copy_criterion
from monai_mammo.phantom import draw_mammogram

pytestmark = pytest.mark.usefixtures("tiny")

SHAPE = (64, 48)
NAMES = ("mammo_diffusion", "mammo_autoencoder", "mammo_lesion_segmentation")
LEFT = Conditions(laterality="L")
TRAINED = [draw_mammogram(LEFT, seed=seed, shape=SHAPE).pixels for seed in range(24)]
OTHERS = [draw_mammogram(LEFT, seed=100 + seed, shape=SHAPE).pixels for seed in range(4)]


def prints() -> TrainingFingerprint:
    return TrainingFingerprint.of(TRAINED, [hashlib.sha256(bytes([i])).hexdigest() for i in range(len(TRAINED))])


def tries(monkeypatch, pictures, *, fingerprint, source=None):
    """Checks of a sample whose tries are given pictures."""
    generator = Generator.load(*map(bundle.find, NAMES), device="cpu")
    drawn = lambda self, planned, settings, *, attempt, on_step: np.stack([pictures[attempt]] * len(planned))  # noqa: E731
    monkeypatch.setattr(Generator, "_sample", drawn)
    asked = Conditions(density="C", view="MLO", laterality="L", finding="none")
    table = bundle.find(NAMES[0]).support
    planned = plan_sample(asked, index=0, seed=0, table=table, shape=SHAPE, spacing_mm=1, refuse_unsupported=False)
    settings = DrawSettings(seed=0, steps=1, guidance=1.0, max_tries=len(pictures), source=source)
    return dataclasses.replace(generator, fingerprint=fingerprint).draw([planned], settings)[0]


def source_of(image) -> Source:
    nothing = np.zeros(SHAPE, bool)
    words = {"outline": nothing, "lesion": nothing, "shown": Conditions(), "keep": Keep.BREAST, "strength": 1.0}
    return Source(image=image, breast=image > 0, sha256="0" * 64, **words)


def test_a_copy_is_drawn_again(monkeypatch):
    found = tries(monkeypatch, [TRAINED[3] * np.float32(0.9), OTHERS[0]], fingerprint=prints())
    assert [result.defect for result in found] == [SUSPECTED_COPY, ""]
    assert best_of(found) is found[1]
    assert found[0].to_dict()["copy_ratio"] < COPY_RATIO < found[1].to_dict()["copy_ratio"]


def test_the_limit_is_that_of_the_fingerprint(monkeypatch):
    """An image that no copy is, under a limit that takes all for copies."""
    found = tries(monkeypatch, [OTHERS[0]], fingerprint=dataclasses.replace(prints(), copy_ratio=1.0))
    assert found[0].defect == SUSPECTED_COPY


def test_a_mirrored_copy_is_a_copy(monkeypatch):
    """Upside down the chest wall stays where it belongs, so no other check would see it."""
    found = tries(monkeypatch, [TRAINED[5][::-1], OTHERS[0]], fingerprint=prints())
    assert [result.defect for result in found] == [SUSPECTED_COPY, ""]


def test_where_every_try_is_a_copy_it_is_said(monkeypatch):
    found = tries(monkeypatch, [TRAINED[3], TRAINED[4]], fingerprint=prints())
    assert best_of(found).defect == SUSPECTED_COPY and not best_of(found).is_failure


def test_a_faulty_image_is_better_than_a_copy(monkeypatch):
    found = tries(monkeypatch, [OTHERS[2], TRAINED[3]], fingerprint=prints())
    faulty = dataclasses.replace(found[0], defect="Dice below the threshold", dice=0.0)
    assert best_of([dataclasses.replace(found[-1], defect=SUSPECTED_COPY, dice=1.0), faulty]) is faulty


def test_without_a_fingerprint_and_beside_a_source_nothing_is_looked_up(monkeypatch):
    for words in ({"fingerprint": None}, {"fingerprint": prints(), "source": source_of(TRAINED[3])}):
        found = tries(monkeypatch, [TRAINED[3]], **words)
        assert found[0].defect == "" and "copy_ratio" not in found[0].to_dict()


def test_the_limit_stands_in_what_decides_a_run(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "metadata.json").write_text('{"version": "1"}')
    folder = bundle.BundleFolder(tmp_path)
    assert _copy_criterion(folder, None) == {}
    prints().save(folder)
    assert _copy_criterion(folder, None) == {"copy_ratio": COPY_RATIO}
    dataclasses.replace(prints(), copy_ratio=0.4).save(folder)
    assert _copy_criterion(folder, None) == {"copy_ratio": 0.4}
    assert _copy_criterion(folder, source_of(TRAINED[0])) == {}
