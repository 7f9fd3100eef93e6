"""The phantom against the laws it is drawn by: masks, sides, density, spectrum, air."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.phantom import MassShape, draw_layers, draw_mammogram, draw_study
from monai_mammo.phantom.outline import draw_outline
from monai_mammo.phantom.stream import stream
from monai_mammo.phantom.tissue import TISSUE_BRIGHTNESS, draw_tissue, power_law_field
from monai_mammo.study import Mammogram
from monai_mammo.terms import AcquisitionKind, ChestWall, Density, Finding, Laterality, View

SMALL = (128, 96)
KINDS = list(AcquisitionKind)
LESIONS = [finding for finding in Finding if finding is not Finding.NONE]


def spectrum_slope(square: np.ndarray) -> float:
    """Exponent of the radial power spectrum between 4 periods a side and half of Nyquist."""
    n = len(square)
    window = np.outer(np.hanning(n), np.hanning(n))
    power = np.abs(np.fft.rfft2((square - np.average(square, weights=window)) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None, :])
    rings = np.digitize(radius, np.geomspace(4 / n, 0.25, 10))
    x = [np.log(radius[rings == ring].mean()) for ring in range(1, 10)]
    y = [np.log(power[rings == ring].mean()) for ring in range(1, 10)]
    return -float(np.polyfit(x, y, 1)[0])


def bounds(mask: np.ndarray) -> np.ndarray:
    """Box of a mask, as fractions x0, y0, x1, y1."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    width, height = mask.shape[1], mask.shape[0]
    return np.array([columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height])


@pytest.mark.parametrize("finding", LESIONS)
def test_mask_is_where_brightness_was_added(finding: Finding):
    for seed, kind in enumerate(KINDS):
        base = Conditions(kind=kind, view=View.MLO, laterality=Laterality.R, density=Density.C)
        with_lesion = draw_mammogram(base.replace(finding=finding), seed=seed, shape=SMALL)
        without = draw_mammogram(base.replace(finding=Finding.NONE), seed=seed, shape=SMALL)
        added = with_lesion.pixels - without.pixels
        assert without.lesion_mask is None and without.conditions.box is None
        assert np.array_equal(added != 0, with_lesion.lesion_mask)
        assert added[with_lesion.lesion_mask].min() > 0.02
        assert np.allclose(tuple(with_lesion.conditions.box), bounds(with_lesion.lesion_mask))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    kind=st.sampled_from([None, *KINDS]),
    view=st.sampled_from([None, *View]),
    side=st.sampled_from([None, *Laterality]),
    finding=st.sampled_from([None, *Finding]),
    shape=st.tuples(st.integers(48, 130), st.integers(40, 110)),
)
def test_any_request_gives_a_complete_mammogram(seed, kind, view, side, finding, shape):
    asked = Conditions(kind=kind, view=view, laterality=side, finding=finding)
    layers = draw_layers(asked, seed=seed, shape=shape)
    drawn = layers.mammogram
    assert isinstance(drawn, Mammogram) and drawn.shape == shape
    shown = drawn.conditions
    for name, value in asked.to_dict().items():
        assert getattr(shown, name) == value
    open_names = {"text", "box"} if shown.finding is Finding.NONE else {"text"}
    published_only = {"lesion_shape", "lesion_margin", "subtlety", "n_findings", "calc_type", "calc_distribution"}
    left_open = {name for name in Conditions.__slots__ if getattr(shown, name) is None}
    assert left_open - published_only == open_names
    assert 0.15 < layers.breast.mean() < 0.9
    if drawn.lesion_mask is not None:
        assert drawn.lesion_mask.any() and not (drawn.lesion_mask & ~layers.breast).any()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = (draw_mammogram(seed=seed, shape=SMALL) for seed in (3, 3, 4))
    assert first.pixels.tobytes() == again.pixels.tobytes() and first.conditions == again.conditions
    assert first.source_sha256 == again.source_sha256 != other.source_sha256


@pytest.mark.parametrize("view", list(View))
def test_chest_wall_is_left_for_a_left_breast_and_right_for_a_right_one(view: View):
    for side, wall, edge in ((Laterality.L, ChestWall.LEFT, 0), (Laterality.R, ChestWall.RIGHT, -1)):
        layers = draw_layers(Conditions(view=view, laterality=side, kind="digital"), seed=5, shape=SMALL)
        assert layers.mammogram.chest_wall is wall and not layers.mammogram.is_mirrored
        assert layers.breast[:, edge].mean() > 0.6 and not layers.breast[:, -1 - edge].any()


def test_muscle_is_a_bright_triangle_in_the_upper_corner_of_mlo_only():
    for kind in KINDS:
        asked = Conditions(view="MLO", laterality="R", kind=kind, density="A", finding="none")
        layers = draw_layers(asked, seed=1, shape=SMALL, film_labels=False)
        pixels, muscle = layers.mammogram.pixels, layers.pectoral
        assert muscle[0, -1] and not muscle[-1].any() and 0.04 < muscle.mean() < 0.25
        assert np.all(np.diff(muscle.sum(axis=1)) <= 0) and muscle[:, -1].mean() > muscle[0].mean()
        fat = layers.breast & ~muscle & ~layers.glands
        assert np.median(pixels[muscle]) > np.median(pixels[fat]) + 0.5 * TISSUE_BRIGHTNESS[kind].muscle
        assert not draw_layers(asked.replace(view=View.CC), seed=1, shape=SMALL).pectoral.any()


def test_an_mlo_breast_reaches_the_upper_edge_and_is_widest_below_the_middle():
    for seed in range(5):
        mlo = draw_layers(Conditions(view="MLO", laterality="L"), seed=seed, shape=SMALL).breast
        cc = draw_layers(Conditions(view="CC", laterality="L"), seed=seed, shape=SMALL).breast
        assert mlo[0].any() and not cc[0].any() and not cc[-1].any()
        assert 0.52 < np.argmax(mlo.sum(axis=1)) / SMALL[0] < 0.8
        assert 0.35 < np.argmax(cc.sum(axis=1)) / SMALL[0] < 0.65


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("view", list(View))
def test_glandular_area_grows_from_a_to_d(kind: AcquisitionKind, view: View):
    level = TISSUE_BRIGHTNESS[kind]
    for seed in range(4):
        areas = []
        for density in Density:
            asked = Conditions(kind=kind, view=view, density=density, laterality="L", finding="none")
            layers = draw_layers(asked, seed=seed, shape=SMALL, film_labels=False)
            tissue = layers.breast & ~layers.pectoral
            areas.append((layers.mammogram.pixels[tissue] > level.fat + level.glands / 2).mean())
        assert np.all(np.diff(areas) > 0.08), areas


@pytest.mark.parametrize("kind", KINDS)
def test_texture_has_a_power_law_spectrum_of_slope_near_3(kind: AcquisitionKind):
    # the field itself has slope 3.0; glands, margin and noise move one picture by up to 0.4
    slopes = []
    for seed in range(6):
        asked = Conditions(kind=kind, view="CC", laterality="L", density="BC"[seed % 2], finding="none")
        pixels = draw_mammogram(asked, seed=seed, film_labels=False).pixels
        slopes.append(spectrum_slope(pixels[192:320, 20:148]))
    assert abs(np.mean(slopes) - 3.0) < 0.25, slopes
    assert max(abs(slope - 3.0) for slope in slopes) < 0.5, slopes


@pytest.mark.parametrize("kind", list(AcquisitionKind))
def test_fat_is_as_uneven_as_its_kind_says(kind: AcquisitionKind):
    """Deep inside, at full thickness: over 40 draws a field varies by 1, give or take a quarter."""
    outline = draw_outline(View.CC, stream(0, "outline"), shape=(96, 72))
    no_glands, deep = np.zeros(outline.breast.shape, np.float32), outline.skin_distance > 0.15
    draws = np.stack([draw_tissue(outline, no_glands, kind, stream(seed, "texture"))[deep] for seed in range(40)])
    level = TISSUE_BRIGHTNESS[kind]
    assert draws.std(axis=0).mean() == pytest.approx(level.texture, rel=0.25)
    assert draws.mean() == pytest.approx(level.fat, abs=0.02)


@pytest.mark.parametrize("slope", [2.0, 3.0, 4.0])
def test_a_field_has_the_slope_asked_for(slope: float):
    rng = np.random.Generator(np.random.PCG64(0))
    found = np.mean([spectrum_slope(power_law_field((128, 128), rng, slope=slope)) for _ in range(8)])
    assert abs(found - slope) < 0.15  # three standard deviations of a mean of 8 fits, measured over 60


def test_air_is_exactly_0_but_on_film():
    for kind in KINDS:
        layers = draw_layers(Conditions(kind=kind), seed=2, shape=SMALL)
        air, inside = layers.mammogram.pixels[~layers.breast], layers.mammogram.pixels[layers.breast]
        assert inside.min() > 0.01
        if kind is AcquisitionKind.FILM:
            assert air.min() > 0 and 0.005 < np.median(air) < 0.08 and air.std() > 0
        else:
            assert np.all(air == 0)


def test_film_labels_are_bright_off_the_breast_and_read_left_to_right():
    for side, view in (("L", "MLO"), ("R", "CC")):
        asked = Conditions(kind="film", laterality=side, view=view)
        marked = draw_layers(asked, seed=9)
        plain = draw_layers(asked, seed=9, film_labels=False)
        marks = marked.mammogram.pixels != plain.mammogram.pixels
        assert marks.any() and not (marks & marked.breast).any()
        assert marked.mammogram.pixels[marks].min() > 0.6
        rows, columns = marks.shape
        far = marks[:, columns // 2 :] if side == "L" else marks[:, : columns // 2]
        parts, n_parts = label(far[: rows // 3], np.ones((3, 3)))
        boxes = [np.argwhere(parts == part) for part in range(1, n_parts + 1)]
        heights = [np.ptp(pixels[:, 0]) + 1 for pixels in boxes]
        letters = [pixels for pixels, height in zip(boxes, heights, strict=True) if height == 7 * (rows // 110)]
        assert len(letters) == 1 + len(view)
        first = min(letters, key=lambda pixels: pixels[:, 1].min())
        glyph = np.zeros(np.ptp(first, axis=0) + 1, bool)
        glyph[tuple((first - first.min(axis=0)).T)] = True
        assert glyph[:, 0].all() and not glyph[:, -1].all()  # L and R begin with a full stroke at the left


@pytest.mark.parametrize("side", list(Laterality))
def test_the_white_edge_of_a_film_is_never_that_of_the_chest_wall(side: Laterality):
    """Looked at in the air above a CC breast, below what an upper edge may take."""
    asked = Conditions(kind="film", view="CC", laterality=side, density="B", finding="none")
    walls, far = [], []
    for seed in range(12):
        air = draw_mammogram(asked, seed=seed, shape=(200, 150)).pixels[5:8]
        air = air if side is Laterality.L else air[:, ::-1]
        walls.append(air[:, 0].max())
        far.append(air[:, -1].max())
    assert max(walls) < 0.2 and max(far) > 0.8


def test_a_box_is_filled_by_the_lesion_where_it_was_asked():
    for side, x0 in (("L", 0.2), ("R", 0.55)):
        for finding in (Finding.MASS, Finding.CALCIFICATION, Finding.ASYMMETRY):
            box = Box(x0, 0.45, x0 + 0.2, 0.6)
            drawn = draw_mammogram(
                Conditions(laterality=side, view="CC", box=box, finding=finding), seed=4, shape=(256, 192)
            )
            assert np.abs(np.subtract(tuple(drawn.conditions.box), tuple(box))).max() < 2.1 / 192
    assert draw_mammogram(Conditions(box=(0.2, 0.4, 0.3, 0.5), laterality="L"), seed=1).lesion_mask is not None


def test_mass_shapes_differ_in_compactness():
    def fill(form: MassShape) -> float:
        asked = Conditions(finding="mass", view="CC", laterality="L", box=(0.2, 0.4, 0.5, 0.625))
        mask = draw_mammogram(asked, seed=7, mass_shape=form).lesion_mask
        return mask.sum() / (bounds(mask)[2:] - bounds(mask)[:2]).prod() / mask.size

    round_, irregular, spiculated = (fill(form) for form in (MassShape.ROUND, MassShape.IRREGULAR, "spiculated"))
    assert abs(round_ - np.pi / 4) < 0.02
    assert round_ > irregular > spiculated + 0.1


def test_calcifications_are_several_small_parts():
    drawn = draw_mammogram(Conditions(finding="calcification", view="CC"), seed=2)
    parts, n_parts = label(drawn.lesion_mask)
    assert n_parts >= 5 and np.bincount(parts.ravel())[1:].max() < 60


def test_a_study_has_four_views_and_one_lesion_in_both_views_of_a_side():
    study = draw_study(11, shape=SMALL, laterality=Laterality.R)
    views = {(m.conditions.laterality.value, m.conditions.view.value) for m in study}
    assert views == {("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO")} and len(study) == 4
    assert len({m.person_id for m in study}) == 1 and len({m.source for m in study}) == 4
    assert len({(m.conditions.density, m.conditions.kind) for m in study}) == 1
    with_lesion = [m for m in study if m.lesion_mask is not None]
    assert {m.conditions.laterality.value for m in with_lesion} == {"R"} and len(with_lesion) == 2
    depths = [1 - m.conditions.box.center[0] for m in with_lesion]  # right breast: chest wall at the right
    sizes = [m.conditions.box.height_fraction for m in with_lesion]
    assert abs(np.diff(sizes)) <= 2 / SMALL[0] and abs(np.diff(depths)) < 0.1
    assert all(m.conditions.finding is Finding.NONE for m in study if m.lesion_mask is None)


def test_unusable_requests_are_one_sentence():
    with pytest.raises(RequestError, match="off the drawn breast"):
        draw_mammogram(Conditions(box=(0.95, 0.9, 1.0, 1.0), laterality="L"), seed=1, shape=SMALL)
    with pytest.raises(RequestError, match="seed -1"):
        draw_mammogram(seed=-1)
    with pytest.raises(RequestError, match="shape"):
        draw_mammogram(seed=1, shape=(8, 8))
