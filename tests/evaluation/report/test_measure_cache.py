"""What was measured is found again by content, and only by the same content."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from monai_mammo.bundle.fingerprint import Nearest
from monai_mammo.evaluation.lesion_readings import Reading
from monai_mammo.evaluation.realism.compared_images import synthetic_items
from monai_mammo.evaluation.report.kept_breasts import KeptBreasts
from monai_mammo.evaluation.report.kept_figures import KeptFigures
from monai_mammo.evaluation.report.measure_cache import (
    BREAST,
    EXAMINED,
    NEAREST,
    READING,
    VECTOR,
    MeasureCache,
    content_digest,
    stated_digest,
)

PIXELS = np.random.default_rng(0).integers(0, 65535, (12, 9)).astype(np.uint16)
MASK = PIXELS > 30000


def item(**changes):
    return {"image": PIXELS, "breast": MASK, "label": MASK, "mask_kind": "contour", "boxes": []} | {
        "conditions": {"density": "C"},
        **changes,
    }


def test_the_same_pixels_have_one_digest_whatever_file_they_stand_in(tmp_path):
    np.save(tmp_path / "a.npy", PIXELS)
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    digests = {
        content_digest(item(image=image)) for image in (PIXELS, str(tmp_path / "a.npy"), str(tmp_path / "a.png"))
    }
    assert len(digests) == 1
    other = PIXELS.copy()
    other[0, 0] ^= 1
    for changed in (other, PIXELS.reshape(9, 12)):
        assert content_digest(item(image=changed)) not in digests


@pytest.mark.parametrize(
    "change",
    [
        {"conditions": {"density": "B"}},
        {"mask_kind": "box"},
        {"boxes": [[0, 0, 0.5, 0.5]]},
        {"label": ~MASK},
        {"breast": np.ones_like(MASK)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_reading_is_of_what_is_stated_too(change):
    assert stated_digest(item(), "d", "w") != stated_digest(item(**change), "d", "w")
    assert stated_digest(item(), "d", "w") != stated_digest(item(), "d", "v")
    assert stated_digest(item(), "d", "w") == stated_digest(item(person_id="other"), "d", "w")


def test_what_is_kept_comes_back_and_damaged_files_count_as_none(tmp_path):
    cache = MeasureCache(tmp_path)
    features = {"full": {"radiomic": np.arange(3.0)}, "half": {"radiomic": np.arange(3.0) / 7}}
    assert cache.get(EXAMINED, "d", "") is None and not cache.has(EXAMINED, "d", "")
    cache.put(EXAMINED, ({"ridge length": 1 / 3}, features), "d", "")
    measures, found = cache.get(EXAMINED, "d", "")
    assert measures == {"ridge length": 1 / 3}
    assert all((found[size]["radiomic"] == features[size]["radiomic"]).all() for size in features)
    assert cache.get(EXAMINED, "d", "another encoder") is None and cache.get(EXAMINED, "e", "") is None
    assert cache.has(EXAMINED, "d", "") and not cache.has(VECTOR, "d", ""), "sorts lie apart"
    reading = Reading(
        kind="film",
        person_id="p",
        mask_kind="contour",
        dice=1 / 3,
        iou=None,
        is_clear=False,
        labels={"view": 1},
        found={},
    )
    cache.put(READING, reading, "k")
    kept = cache.get(READING, "k")
    assert kept.dice == 1 / 3 and kept.labels == {"view": 1} and kept.person_id == "", "without whose it is"
    for path in tmp_path.rglob("*.*"):
        path.write_bytes(b"damaged")
    assert cache.get(EXAMINED, "d", "") is None and cache.get(READING, "k") is None


def test_breasts_and_closest_images_come_back_as_they_were(tmp_path):
    cache, near = MeasureCache(tmp_path), Nearest(position=3, similarity=1 / 3, ratio=2 / 7)
    assert cache.get(BREAST, "d") is None and not cache.has(BREAST, "d") and cache.get(NEAREST, "d") is None
    cache.put(BREAST, MASK, "d")
    cache.put(NEAREST, near, "d")
    assert (cache.get(BREAST, "d") == MASK).all() and cache.has(BREAST, "d") and cache.get(BREAST, "e") is None
    assert cache.get(NEAREST, "d") == near and cache.get(NEAREST, "e") is None
    for path in tmp_path.rglob("*.*"):
        path.write_bytes(b"damaged")
    assert cache.get(BREAST, "d") is None and cache.get(NEAREST, "d") is None


@pytest.mark.parametrize("is_run", [True, False], ids=["run", "pictures"])
def test_breasts_of_what_is_examined_are_looked_for_once(make_run, tmp_path, monkeypatch, is_run):
    """Of either side, from the pixels alone, and of a picture without a breast."""
    rows, columns = np.mgrid[:64, :48]
    breast = (columns / 40) ** 2 + ((rows - 32) / 28) ** 2 < 1
    image = np.where(breast, 0.3 + 0.4 * columns / 48, 0).astype(np.float32)
    none, lesion = np.zeros_like(image), (rows - 32) ** 2 + (columns - 15) ** 2 < 16
    if is_run:
        folder = make_run([("L", image, lesion), ("R", image, lesion), ("L", none, np.zeros_like(breast))])
    else:
        folder = tmp_path / "pictures"
        folder.mkdir()
        for name, pixels in (("left", image), ("right", image[:, ::-1]), ("none", none)):
            Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(folder / f"{name}.png")

    def found(cache=None):
        items = synthetic_items(folder, breast_of=KeptBreasts(cache))
        return {
            item["image_id"]: [item["image"].tolist(), np.asarray(item.get("breast", 0)).tolist()] for item in items
        }

    def refuse(_):
        raise AssertionError("a breast was looked for anew")

    cache = MeasureCache(tmp_path / "cache")
    first = found()
    assert found(cache) == first
    assert len({json.dumps(pixels) for pixels, _ in first.values()}) == 2, "chest wall left, of both sides"
    monkeypatch.setattr("monai_mammo.evaluation.found_breast.seen_breast", refuse)
    assert found(cache) == first
    with pytest.raises(AssertionError, match="anew"):
        found()


def mean_of(*arrays, power=1):
    _called.append(power)
    return {"mean": float(np.mean([np.mean(array**power) for array in arrays])), "pair": (1, 2)}


_called: list[int] = []


def test_figures_are_kept_of_the_same_sets_words_and_code_alone(tmp_path, monkeypatch):
    kept, some, others = KeptFigures(MeasureCache(tmp_path)), np.arange(6.0).reshape(2, 3), np.ones(3)
    _called.clear()
    first = kept(mean_of, some, others, power=2)
    assert first == {"mean": mean_of(some, others, power=2)["mean"], "pair": [1, 2]}, "as JSON has it at once"
    _called.clear()
    assert kept(mean_of, some.copy(), others, power=2) == first and not _called
    for arrays, power in (
        ((some, others), 1),
        ((others, some), 2),
        ((some,), 2),
        ((some.reshape(3, 2), others), 2),
        ((some.astype(np.float32), others), 2),
        ((some + 1e-12, others), 2),
    ):
        _called.clear()
        kept(mean_of, *arrays, power=power)
        assert _called == [power]
    _called.clear()
    monkeypatch.setattr("monai_mammo.evaluation.report.kept_figures._source_sha256", lambda: "of another version")
    assert kept(mean_of, some, others, power=2) == first and _called == [2]
