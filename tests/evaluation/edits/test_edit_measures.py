"""Measures of edited places on pictures in which the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_mammo.evaluation.edits.alike import alike
from monai_mammo.evaluation.edits.edit_figures import _trends
from monai_mammo.evaluation.edits.localisation import difference_map, located
from monai_mammo.evaluation.edits.measured_place import OnGrid, Place, measured_place
from monai_mammo.evaluation.edits.painted_seam import seam_shares
from monai_mammo.evaluation.edits.seen_picture import SeenPicture
from monai_mammo.evaluation.intervals import ratio_of_medians
from monai_mammo.networks.probable_regions import place_score


def tissue(seed=0, shape=(240, 240)):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 3)
    return (0.5 + 0.05 * noise / noise.std()).astype(np.float32)


def disc(row, column, radius, shape=(240, 240)):
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(y - row, x - column) <= radius


def seen(pixels):
    everywhere = np.ones(pixels.shape, dtype=bool)
    item = {"image": np.rint(np.clip(pixels, 0, 1) * 65535).astype(np.uint16), "breast": everywhere}
    return SeenPicture.of_item(item)


def place(**changes):
    values = {"name": "a", "person": "p", "kind": "film", "density": "B", "size_px": 40, "size_share": 0.1}
    values |= {"crops": {}, "contrast": None, "seam": {}, "powers": {}, "lines": None, "on_grid": None}
    return Place(**(values | changes))


def test_a_step_at_the_edge_is_a_seam_and_untouched_tissue_is_none():
    region = disc(120, 120, 30)
    elsewhere = ~disc(120, 120, 40)
    plain = [seam_shares(tissue(s), region, elsewhere, np.random.default_rng(s)) for s in range(12)]
    stepped = [seam_shares(tissue(s) + 0.06 * region, region, elsewhere, np.random.default_rng(s)) for s in range(12)]
    for name in ("across", "across over along"):
        assert 0.3 < np.mean([one[name] for one in plain]) < 0.7
        assert np.mean([one[name] for one in stepped]) > 0.95
    # busier tissue raises what goes across an edge, and not what goes across it over what goes along it
    busy = [
        seam_shares(
            np.where(disc(120, 120, 45), 0.5 + 2 * (tissue(s) - 0.5), tissue(s)),
            region,
            elsewhere,
            np.random.default_rng(s),
        )
        for s in range(12)
    ]
    assert np.mean([one["across"] for one in busy]) > 0.95
    assert np.mean([one["across over along"] for one in busy]) < 0.75
    assert seam_shares(tissue(), region, np.zeros_like(region), np.random.default_rng(0)) == {}


def test_a_place_knows_its_crops_contrast_and_power():
    mask = disc(110, 130, 25)
    picture = tissue() + 0.1 * mask
    found = measured_place(seen(picture), mask, of={"name": "a", "person": "p", "kind": "film", "density": None})
    assert np.array_equal(found.crops[64], np.rint(picture * 65535)[78:142, 98:162].astype(np.float32) / 65535)
    assert found.crops[128].shape == (128, 128) and found.size_px == 51
    assert found.contrast == pytest.approx(0.1, abs=0.03)
    noisy = picture + np.random.default_rng(3).normal(0, 0.02, picture.shape)
    more = measured_place(seen(noisy), mask, of={"name": "a", "person": "p", "kind": "film", "density": None})
    assert more.powers["1/4 to 1/2"] > found.powers["1/4 to 1/2"] + 3
    assert more.powers["1/4 to 1/2"] == pytest.approx(10 * np.log10(0.02**2), abs=1.5)
    at_edge = measured_place(
        seen(picture), disc(20, 130, 10), of={"name": "a", "person": "p", "kind": None, "density": None}
    )
    assert set(at_edge.crops) == {64}, "a crop is not moved further than a quarter of its side"


def test_maps_point_at_a_lesion_or_away_from_it():
    before, mask = np.full((96, 72), 0.4, np.float32), disc(40, 30, 6, (96, 72))
    right = located(difference_map(before, before + 0.2 * mask), mask)
    assert right["hit"] == 1 and right["iou"] > 0.7
    assert located(difference_map(before, before + 0.2 * disc(70, 50, 6, (96, 72))), mask) == {"hit": 0, "iou": 0}
    assert located(np.zeros((96, 72)), mask) == {"hit": 0, "iou": 0}
    probability = np.zeros((96, 72))
    probability[48, 30] = 0.7
    assert place_score(probability, mask) == 0.7, "two pixels round the place count"
    probability[48, 30], probability[49, 30] = 0, 0.7
    assert place_score(probability, mask) == 0


def test_partners_are_of_the_kind_and_alike_in_size_and_density():
    real = [place(size_share=0.05), place(size_share=0.2), place(size_share=0.2, density="C"), place(kind="digital")]
    ours = [place(size_share=0.19, density="C"), place(size_share=0.06), place(kind="digital"), place(kind="contrast")]
    assert alike(ours, real) == [2, 0, 3, -1]
    assert len(set(alike([place(size_share=0.1)] * 3, real))) == 3, "a lesion is taken again when others are far off"
    faint, clear = place(size_share=0.1, contrast=0.02), place(size_share=0.12, contrast=0.15)
    ours = [place(size_share=0.1, contrast=0.15), place(size_share=0.12, contrast=0.02)]
    assert alike(ours, [faint, clear]) == [0, 1] and alike(ours, [faint, clear], with_contrast=True) == [1, 0]
    unknown = place(size_share=0.1, contrast=None)
    assert alike(ours[:1], [unknown, clear], with_contrast=True) == [1]


def test_trends_of_places_whose_score_follows_size_and_falls_with_density():
    """The score is planted: it rises with the size, falls with the density, and knows nothing of the contrast."""
    rng = np.random.default_rng(0)
    mask = disc(16, 12, 4, (32, 24))
    on_grid = OnGrid(image=np.zeros(mask.shape, np.float32), breast=np.ones(mask.shape, bool), mask=mask)
    sizes, densities = rng.uniform(0.05, 0.2, 60), rng.integers(0, 4, 60)
    places = [
        place(person=f"p{i}", size_share=size, density="ABCD"[dense], contrast=rng.normal(), on_grid=on_grid)
        for i, (size, dense) in enumerate(zip(sizes, densities, strict=True))
    ]
    maps = [(0.3 + size - 0.05 * dense) * mask for size, dense in zip(sizes, densities, strict=True)]
    verdicts = {row["property"]: row["verdict"] for row in _trends(places, maps)}
    assert verdicts == {"density": "holds", "size": "holds", "contrast": "unclear"}
    turned = {row["property"]: row["verdict"] for row in _trends(places, [mask - one for one in maps])}
    assert turned["size"] == "against"
    few = _trends([*places[:19], place(), place(on_grid=on_grid, density=None)], [*maps[:19], None, maps[0]])
    assert [row["verdict"] for row in few] == ["too few", "unclear", "too few"], "what is not known does not count"


def test_the_ratio_of_medians_has_an_interval_over_persons():
    persons = [f"p{i // 2}" for i in range(40)]
    values = np.linspace(1, 3, 40)
    found = ratio_of_medians(values, values / 2, persons=persons, reference_persons=persons)
    assert found["mean"] == 2 and found["low"] < 2 < found["high"]
    assert ratio_of_medians([1.0], [2.0], persons=["a"], reference_persons=["b"]) == {
        "mean": 0.5,
        "low": None,
        "high": None,
    }
    assert ratio_of_medians([1.0], [0.0], persons=["a"], reference_persons=["b"]) is None
