"""Runs with guidance by group, in an interval and away from a weaker network, and checked by places with scores."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from tiny_bundles import write_stages

from monai_mammo.bundle import find, seal
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation import generate, verify

ASKED = {"density": "C", "view": "MLO", "laterality": "R", "finding": "mass"}
QUICK = {"seed": 7, "steps": 3, "max_tries": 1}


@pytest.fixture
def own(tmp_path, tiny_folder, monkeypatch):
    """Tiny bundles that may be written to, the generator's with two stages."""
    folder = shutil.copytree(tiny_folder, tmp_path / "bundles")
    write_stages(folder / "mammo_diffusion")
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(folder))
    return folder


def pixels(run):
    return np.load(run.folder / "sample_0000" / "prepared.npy").astype(np.float32) / 65535


def test_a_group_of_conditions_has_a_weight_of_its_own(own, tmp_path):
    run = generate(**ASKED, **QUICK, guidance="mask=3,others=1", out=tmp_path / "mask")
    plain = generate(**ASKED, **QUICK, guidance=1, out=tmp_path / "plain")
    assert run.manifest["guidance"] == {"all": 1.0, "mask": 3.0} and plain.manifest["guidance"] == 1.0
    assert not np.array_equal(pixels(run), pixels(plain))
    assert not [problem for problem in verify(run.folder).problems if "manifest" in problem]
    assert generate(**ASKED, **QUICK, guidance={"mask": 3, "all": 1}, out=run.folder).n_made == 0
    alike = generate(**ASKED, **QUICK, guidance="mask=3,density=3,others=3", out=tmp_path / "alike")
    three = generate(**ASKED, **QUICK, guidance=3, out=tmp_path / "three")
    assert np.array_equal(pixels(alike), pixels(three))


def test_what_is_not_named_has_the_weight_of_the_bundle(own, tmp_path):
    seal(own / "mammo_diffusion", guidance=1.5, guidance_interval=[0.1, 4.0])
    run = generate(**ASKED, **QUICK, guidance="density=2", out=tmp_path / "run")
    assert run.manifest["guidance"] == {"all": 1.5, "density": 2.0, "interval": [0.1, 4.0]}
    stated = generate(**ASKED, **QUICK, guidance_interval="0.2,5", out=tmp_path / "stated")
    assert stated.manifest["guidance"] == {"all": 1.5, "interval": [0.2, 5.0]}
    assert not np.array_equal(pixels(run), pixels(stated))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"guidance": "age_years=2"}, "guidance of 'age_years' does nothing: bundle mammo_diffusion is told of kind"),
        ({"guidance": "text=2"}, "guidance of 'text' does nothing"),
        ({"guidance": "colour=2"}, "guidance of 'colour' is not one of"),
        ({"guidance_interval": "5,1"}, "guidance_interval '5,1' is not two rising noise levels"),
    ],
)
def test_a_group_that_does_nothing_is_refused(own, tmp_path, words, sentence):
    with pytest.raises(RequestError, match=sentence):
        generate(**ASKED, **QUICK, **words, out=tmp_path / "run")


def test_a_weaker_network_is_pushed_away_from_and_its_weights_decide_pixels(own, tmp_path):
    root = own / "mammo_diffusion"
    plain = generate(**ASKED, **QUICK, guidance=2, out=tmp_path / "plain")
    path = root / "configs" / "inference.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "guide_def": config["network_def"]}))
    state = torch.load(root / "models" / "model.pt", weights_only=True)
    torch.save(state, root / "models" / "guide.pt")
    seal(root)
    same = generate(**ASKED, **QUICK, guidance=2, out=tmp_path / "same")
    # a guide as good as the network itself pushes it nowhere
    np.testing.assert_allclose(pixels(same), pixels(plain), atol=1e-3)
    torch.save({key: value * 0.9 for key, value in state.items()}, root / "models" / "guide.pt")
    seal(root, layout_guidance=2.0)
    weaker = generate(**ASKED, **QUICK, guidance=2, out=tmp_path / "weaker")
    assert not np.allclose(pixels(weaker), pixels(plain), atol=1e-3)
    seal(root, layout_guidance=1.0)
    unweighted = generate(**ASKED, **QUICK, guidance=2, out=tmp_path / "unweighted")
    np.testing.assert_allclose(pixels(unweighted), pixels(plain), atol=1e-3)
    assert [reference["name"] for reference in same.manifest["weights"]][1:3] == [
        "mammo_diffusion detail",
        "mammo_diffusion guide",
    ]
    (root / "models" / "guide.pt").write_bytes(b"")
    with pytest.raises(MammoError, match="guide.pt is empty"):
        generate(**ASKED, **QUICK, out=tmp_path / "broken")


@pytest.mark.parametrize("stated", [[1, 0], [0], "wide", [True, 2], [3, 3]])
def test_a_range_of_layouts_that_does_not_rise_is_refused(own, tmp_path, stated):
    seal(own / "mammo_diffusion", layout_range=stated)
    with pytest.raises(MammoError, match=r"layout_range .* is not two rising numbers"):
        generate(**ASKED, **QUICK, out=tmp_path / "run")


def test_limits_of_the_lesion_bundle_check_each_try_and_belong_to_the_run(own, tmp_path):
    limits = {"lesion": 0.9, "other": 0.95, "clear": 0.5, "presence": 0.5}
    seal(own / "mammo_lesion_segmentation", region_scores=limits)
    run = generate(**ASKED, **{**QUICK, "max_tries": 2}, dice_threshold=0, out=tmp_path / "run")
    assert run.manifest["criteria"] == limits
    entry = run.samples[0]
    assert len(entry["tries"]) == 2  # no network that is not trained is as sure of a lesion
    assert all(one["defect"] for one in entry["tries"])
    assert set(entry["tries"][0]) >= {"score", "other_score", "defect", "dice"}
    assert entry["found"]["score"] == entry["tries"][entry["kept_try"]]["score"]
    assert isinstance(entry["found"]["regions"], list)
    assert not [problem for problem in verify(run.folder).problems if "manifest" in problem]
    seal(own / "mammo_lesion_segmentation", region_scores={**limits, "lesion": 0.1})
    with pytest.raises(RequestError, match="another request or other weights"):
        generate(**ASKED, **{**QUICK, "max_tries": 2}, dice_threshold=0, out=tmp_path / "run")
    seal(own / "mammo_lesion_segmentation", region_scores={"lesion": 2})
    with pytest.raises(MammoError, match="region_scores"):
        _ = find("mammo_lesion_segmentation").region_scores


def test_the_probability_of_any_lesion_is_asked_only_of_kinds_without_a_lesion_in_acquired_images(own, tmp_path):
    seal(
        own / "mammo_lesion_segmentation",
        region_scores={"clear": 1.0, "presence": 0.0},
        presence_kinds=["digital", "contrast"],
    )
    of_kind = {}
    for kind in ("film", "digital"):
        asked = {**ASKED, "kind": kind, "finding": "none", "unsupported": "override"}
        run = generate(**asked, **QUICK, out=tmp_path / kind)
        of_kind[kind] = run.samples[0]["tries"][0]["defect"]
    assert of_kind["digital"] == "more of a lesion is seen than in acquired images without one" != of_kind["film"]
    seal(own / "mammo_lesion_segmentation", presence_kinds="film")
    with pytest.raises(MammoError, match=r"presence_kinds .* list of acquisition kinds"):
        _ = find("mammo_lesion_segmentation").presence_kinds
