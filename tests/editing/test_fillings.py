"""Of several ways to fill a region the one at whose place the lesion network sees least is kept, and stated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import monai_mammo
from monai_mammo.bundle import find
from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.editing.edit_request import EditMethod, EditRequest
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.found_region import FoundRegion
from monai_mammo.errors import RequestError
from monai_mammo.files.picture import read_brightness
from monai_mammo.lesions.painter_crops import region_round
from monai_mammo.networks.probable_regions import MIN_SCORE, smoothed
from monai_mammo.painting import LesionPainter, local_edit
from monai_mammo.painting.filling import FILLINGS, filling_of
from monai_mammo.painting.local_edit import paint_region, region_in_picture
from monai_mammo.terms import AcquisitionKind

PLACE = {"box": "0.1,0.4,0.4,0.6", "seed": 5, "steps": 2}


def stated_of(run):
    return run.samples[0]["filling"]


def test_the_filling_with_the_least_of_a_lesion_is_kept(tiny, picture, tmp_path, monkeypatch):
    scores = []

    def brightness(_, source, shown, place):
        scores.append(float(shown[place].mean()))
        return scores[-1]

    monkeypatch.setattr(FoundRegion, "score", brightness)
    run = monai_mammo.remove(picture, out=tmp_path / "run", max_tries=3, **PLACE)
    first, before, *others = scores
    drawn, stated = [first, *others], stated_of(run)
    kept = int(np.argmin(drawn))
    assert len(set(drawn)) == 3 and kept > 0, "the first is the darkest, and the test shows nothing"
    assert (stated["attempts"], stated["kept"]) == (3, kept)
    assert (stated["score"], stated["score_before"]) == pytest.approx((drawn[kept], before), abs=1e-4)
    assert (stated["rim_share"], stated["texture"]) == (FILLINGS[kept].rim_share, FILLINGS[kept].texture)
    folder = run.folder / "sample_0000"
    edited, place = read_brightness(folder / "edited.png"), read_brightness(folder / "requested.png") > 0.5
    scale = EditSource.read(picture).mammogram.pixels.max() / read_brightness(picture).max()
    assert edited[place].mean() * scale == pytest.approx(drawn[kept], abs=2e-3)


def test_the_score_is_the_highest_probability_at_the_place(tiny, picture):
    source, finder = EditSource.read(picture), FoundRegion(find("mammo_lesion_segmentation"))
    prepared = source.on_grid(source.mammogram.pixels, finder.home.prepared_shape)
    highest = smoothed(finder._probability(prepared), within=prepared.breast).max()
    assert finder.score(source, source.mammogram.pixels, source.breast) == pytest.approx(float(highest))
    assert finder.score(source, source.mammogram.pixels, np.zeros_like(source.breast)) == 0


def test_no_more_is_drawn_where_nothing_is_seen_but_more_than_was_there_is_not_kept(
    tiny, picture, tmp_path, monkeypatch
):
    seen = iter([MIN_SCORE / 2, 1.0])  # the first filling, then what was there
    monkeypatch.setattr(FoundRegion, "score", lambda *_: next(seen))
    assert stated_of(monai_mammo.remove(picture, out=tmp_path / "a", **PLACE))["attempts"] == 1
    seen = iter([MIN_SCORE / 2, 0.001, 0.02, 0.001])
    found = stated_of(monai_mammo.remove(picture, out=tmp_path / "b", **PLACE))
    assert (found["attempts"], found["kept"]) == (3, 2), "it had seen less there before"


def test_a_faint_texture_is_for_contrast_views_alone():
    fillings = {kind: [filling_of(n, kind=kind).texture for n in range(8)] for kind in (None, *AcquisitionKind)}
    assert fillings.pop(AcquisitionKind.CONTRAST) == [1, 1, 0.5, 0.3] * 2
    assert all(textures == [1, 1, 0.5, 1, 1, 0.5, 1, 1] for textures in fillings.values())


def test_a_rim_that_does_not_fit_is_a_narrow_one(tiny, picture, tmp_path):
    words = PLACE | {"box": "0.05,0.33,0.5,0.67"}
    found = stated_of(monai_mammo.remove(picture, out=tmp_path / "run", max_tries=4, **words))
    assert found["attempts"] == 4 and found["rim_share"] == 0.18


def test_a_part_of_a_breast_is_filled_once(tiny, scanned, tmp_path):
    run = monai_mammo.remove(scanned(), out=tmp_path / "run", **PLACE)
    assert "filling" not in run.samples[0], "the file is 64 mm high"


def test_tries_are_checked_and_carried_through(tiny, picture, tmp_path):
    with pytest.raises(RequestError, match="max_tries"):
        monai_mammo.remove(picture, out=tmp_path / "a", max_tries=17, **PLACE)
    words = ["--box", PLACE["box"], "--steps", "2", "--max-tries", "2", "--quiet", "--out", str(tmp_path / "b")]
    assert main(["remove", str(picture), *words]) == 0
    assert '"max_tries": 2' in (tmp_path / "b" / "manifest.json").read_text()
    assert EditRequest(command="remove", images=("a.png",)).max_tries == 8
    assert EditRequest(command="remove", images=("a.png",), method=EditMethod.GAN).max_tries == 1
    assert "max_tries" not in EditRequest(command="insert", images=("a.png",)).to_dict()


def test_of_the_texture_comes_what_is_asked_and_no_more_than_what_lies_round_the_region(tiny, drawn, monkeypatch):
    painter = LesionPainter.load(find("mammo_diffusion"), find("mammo_autoencoder"))
    outline = np.zeros(drawn.pixels.shape, dtype=bool)
    outline[140:170, 40:70] = True
    how = {"spacing_mm": None, "may_change": drawn.pixels > 0, "noise_of": (5, "a", 0), "steps": 2}
    region, nothing = region_in_picture(outline), np.zeros_like(outline)
    within = ndimage.binary_erosion(region, iterations=8)  # in the band texture is mixed by its power

    def added(texture, most):
        monkeypatch.setattr(local_edit, "texture_share", lambda *_: most)
        monkeypatch.setattr(local_edit, "borrowed_texture", lambda residual, *_, **__: 0 * residual)
        shown = Conditions(finding="none")
        change = paint_region(painter, drawn.pixels, region, nothing, shown, texture=texture, **how)
        return change.added[within[change.window]].astype(float)

    none, half, full = (added(texture, most=1.0) for texture in (0, 0.5, 1))
    assert np.abs(full - none).max() > 0.01
    assert np.abs(half - (none + full) / 2).max() < 1e-5
    assert np.array_equal(added(1, most=0.5), half) and np.array_equal(added(0.5, most=0.8), half)


@pytest.mark.parametrize("rim_share", [0.18, 0.4])
def test_a_wide_rim_is_not_cut(rim_share):
    outline = np.zeros((300, 300), dtype=bool)
    outline[100:160, 100:160] = True
    region = region_in_picture(outline, rim_share=rim_share)
    assert np.array_equal(region, region_round(outline, rim_share=rim_share))
