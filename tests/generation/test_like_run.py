"""Runs in which something of a real mammogram is kept."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from tiny_bundles import write_stages

from monai_mammo import bundle
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation import Request, generate, verify
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.engine.source import Keep
from monai_mammo.generation.like import prepared_image, source_of_image
from monai_mammo.generation.runs.manifest_seal import sealed
from monai_mammo.phantom import draw_mammogram

QUICK = {"seed": 3, "steps": 3, "max_tries": 1}
SHAPE = (64, 48)


@pytest.fixture(scope="module")
def staged(tmp_path_factory, tiny_folder):
    """The tiny bundles, the generator's with two stages."""
    folder = tmp_path_factory.mktemp("staged") / "bundles"
    shutil.copytree(tiny_folder, folder)
    write_stages(folder / "mammo_diffusion")
    return folder


@pytest.fixture(autouse=True)
def found(staged, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(staged))


def write_picture(folder, *, laterality="L", with_mask=False, shape=(256, 192), seed=2, **changes):
    """A drawn mammogram as a picture, and a JSON file with what it shows."""
    asked = Conditions(kind="film", view="MLO", laterality=laterality, density="A", finding="mass", birads=5)
    drawn = draw_mammogram(asked, seed=seed, shape=(256, 192), film_labels=False)
    folder.mkdir(exist_ok=True)
    path = folder / "one.png"
    picture = Image.fromarray(np.rint(drawn.pixels * 255).astype(np.uint8))
    picture.resize(shape[::-1]).save(path)
    about = json.loads(drawn.conditions.replace(**changes).to_json())
    if with_mask:
        Image.fromarray(drawn.lesion_mask.astype(np.uint8) * 255).save(folder / "one_mask.png")
        about["lesion_mask"] = "one_mask.png"
    path.with_suffix(".json").write_text(json.dumps(about))
    return path


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    return write_picture(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def reconstruction(picture, staged):
    """What the tiny autoencoder keeps of the picture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(staged))
        folders = [bundle.find(name) for name in bundle.DEFAULT_BUNDLES]
        generator = Generator.load(*folders, device="cpu")
        return generator.reconstruction(prepared_image(picture, shape=SHAPE).image)


def prepared_of(run, index=0):
    return np.load(run.folder / f"sample_{index:04d}" / "prepared.npy").astype(np.float32) / 65535


@pytest.fixture(scope="module")
def kept(tmp_path_factory, picture, staged):
    """A run that keeps all but the lesion."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(staged))
        return generate(like=picture, keep="all-but-lesion", count=2, out=tmp_path_factory.mktemp("r") / "run", **QUICK)


def test_outside_the_lesion_it_is_the_reconstruction_and_inside_it_is_not(kept, picture, reconstruction):
    source = source_of_image(picture, shape=SHAPE, keep=Keep.ALL_BUT_LESION, strength=1.0)
    requested = np.load(kept.folder / "sample_0000" / "prepared_lesion.npy") > 0
    away = np.ones(SHAPE, dtype=bool)
    rows, columns = np.nonzero(source.lesion | requested)
    away[max(0, rows.min() - 4) : rows.max() + 5, max(0, columns.min() - 4) : columns.max() + 5] = False
    for index in range(2):
        written = prepared_of(kept, index)
        difference = np.abs(written - reconstruction)
        assert difference[away & (written > 0)].max() < 1e-5  # air is set to 0; half a step of 16 bits is 8e-6
        assert difference[source.lesion].mean() > 0.02
    assert not np.array_equal(prepared_of(kept, 0), prepared_of(kept, 1))


def test_the_manifest_names_the_image_and_what_was_kept_and_every_sample_says_so(kept, picture):
    import hashlib

    sha256 = hashlib.sha256(picture.read_bytes()).hexdigest()
    beside = hashlib.sha256(picture.with_suffix(".json").read_bytes()).hexdigest()
    stated = {"like_sha256": sha256, "beside_sha256": [beside], "keep": "all-but-lesion", "strength": 1.0}
    assert kept.manifest["source"] == stated
    assert stated.items() <= kept.manifest["identity"].items()
    for entry in kept.samples:
        assert any(sha256[:12] in sentence and "reconstruction" in sentence for sentence in entry["warnings"])


def test_the_run_is_in_order_but_for_what_the_network_did_not_find(kept):
    assert verify(kept.folder).problems == ()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"keep": "breast"}, "source is not the real mammogram of its identity"),
        ({"strength": 0.5}, "source is not the real mammogram of its identity"),
        ({"like_sha256": "0" * 64}, "source is not the real mammogram of its identity"),
        (None, "source is not the real mammogram of its identity"),
    ],
)
def test_a_manifest_that_says_something_else_of_its_source_is_noticed(kept, tmp_path, change, found):
    folder = shutil.copytree(kept.folder, tmp_path / "copy")
    manifest = json.loads((folder / "manifest.json").read_text())
    if change is None:
        del manifest["source"]
    else:
        manifest["source"] |= change
    (folder / "manifest.json").write_text(json.dumps(sealed(manifest)))
    assert any(found in problem for problem in verify(folder).problems)


def test_a_sample_that_hides_its_source_is_noticed(kept, tmp_path):
    folder = shutil.copytree(kept.folder, tmp_path / "copy")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["samples"][1]["warnings"] = []
    (folder / "manifest.json").write_text(json.dumps(sealed(manifest)))
    assert "sample_0001 does not say what of a real mammogram it shows" in verify(folder).problems


def test_the_same_call_completes_a_run_and_changes_nothing(kept, picture, tmp_path):
    folder = shutil.copytree(kept.folder, tmp_path / "copy")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    shutil.rmtree(folder / "sample_0001")
    again = generate(like=picture, keep="all-but-lesion", count=2, out=folder, **QUICK)
    assert again.n_made == 1
    assert all(path.read_bytes() == data for path, data in before.items() if path.parent.name == "sample_0001")


@pytest.mark.parametrize("change", [{"strength": 0.5}, {"keep": "breast"}, {"like": "other"}])
def test_a_folder_of_another_source_is_refused(kept, picture, tmp_path, change):
    words = {"like": picture, "keep": "all-but-lesion"} | change
    if words["like"] == "other":
        words["like"] = write_picture(tmp_path / "pictures", seed=5)
    with pytest.raises(RequestError, match="another request"):
        generate(**words, count=2, out=kept.folder, **QUICK)


def test_strength_0_is_the_reconstruction(picture, tmp_path, reconstruction):
    run = generate(like=picture, strength=0, out=tmp_path / "run", **QUICK)
    written = prepared_of(run)
    assert np.abs(written - reconstruction)[written > 0].max() < 1e-4
    assert run.manifest["source"]["keep"] == "nothing"
    assert any("varied at strength 0 " in sentence for sentence in run.warnings)


def test_the_higher_the_strength_the_farther_from_the_image(picture, tmp_path, reconstruction):
    distances = []
    for strength in (0.1, 0.5, 1.0):
        run = generate(like=picture, strength=strength, out=tmp_path / f"{strength}", **QUICK)
        distances.append(np.abs(prepared_of(run) - reconstruction).mean())
    assert distances == sorted(distances) and distances[0] < 0.5 * distances[2]


def test_what_is_seen_of_the_breast_reaches_the_pixels(picture, tmp_path):
    seen = generate(like=picture, keep="breast", out=tmp_path / "breast", **QUICK)
    unseen = generate(like=picture, out=tmp_path / "labels", **QUICK)
    assert not np.array_equal(prepared_of(seen), prepared_of(unseen))
    assert any("outline and large structures follow" in sentence for sentence in seen.warnings)


def test_conditions_alone_are_as_before_and_name_no_source(picture, tmp_path):
    plain = generate(like=picture, out=tmp_path / "plain", **QUICK)
    named = generate(like=picture, keep="nothing", out=tmp_path / "nothing", **QUICK)
    assert "source" not in plain.manifest and "keep" not in plain.manifest["identity"]
    assert np.array_equal(prepared_of(plain), prepared_of(named))  # the picture has no outline that could be taken
    assert not any("acquired mammogram" in sentence for sentence in named.warnings)


@pytest.mark.parametrize("laterality", ["L", "R"])
def test_keeping_nothing_takes_the_outline_of_the_lesion(tmp_path, laterality):
    path = write_picture(tmp_path / "pictures", laterality=laterality, with_mask=True)
    run = generate(like=path, keep="nothing", out=tmp_path / "run", **QUICK)
    source = source_of_image(path, shape=SHAPE, keep=Keep.NOTHING, strength=1.0)
    requested = np.load(run.folder / "sample_0000" / "prepared_lesion.npy") > 0
    assert run.samples[0]["lesion"] == "the requested mask"
    # as far as it lies in the drawn breast
    assert requested.any() and not (requested & ~source.outline).any()
    moved = generate(like=path, keep="nothing", box="0.3,0.3,0.5,0.5", out=tmp_path / "moved", **QUICK)
    assert moved.samples[0]["lesion"].startswith("real outline")


def test_without_a_lesion_only_the_shown_one_is_drawn_over(picture, tmp_path, reconstruction):
    run = generate(like=picture, keep="all-but-lesion", finding="none", out=tmp_path / "run", **QUICK)
    source = source_of_image(picture, shape=SHAPE, keep=Keep.ALL_BUT_LESION, strength=1.0)
    difference = np.abs(prepared_of(run) - reconstruction)
    assert difference[source.lesion].mean() > 0.02
    assert run.samples[0]["conditions"].get("birads") is None


def test_a_lesion_without_a_requested_place_lies_in_the_breast_that_is_kept(tmp_path):
    path = write_picture(tmp_path / "pictures", box=None)
    run = generate(like=path, keep="breast", count=4, out=tmp_path / "run", **QUICK)
    source = source_of_image(path, shape=SHAPE, keep=Keep.BREAST, strength=1.0)
    for index in range(4):
        lesion = np.load(run.folder / f"sample_{index:04d}" / "prepared_lesion.npy") > 0
        assert not (lesion & ~source.breast).any()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"keep": "breast", "kind": "digital"}, "kind digital is requested: with keep breast they must agree"),
        ({"strength": 0.4, "view": "CC"}, "shows view MLO, and view CC is requested: with strength 0.4"),
        ({"keep": "breast", "laterality": "R"}, "shows laterality L, and laterality R is requested"),
        ({"keep": "all-but-lesion", "density": "D"}, "shows density A, and density D is requested"),
        ({"keep": "breast", "box": "0.85,0.02,0.98,0.1"}, "outside the breast of|lies where none of"),
        ({"keep": "all"}, "keep 'all' is not one of breast, all-but-lesion, nothing"),
        ({"strength": 1.5}, "strength '1.5' is not a number from 0 to 1"),
    ],
)
def test_what_contradicts_the_image_is_one_sentence(picture, tmp_path, words, sentence):
    with pytest.raises(RequestError, match=sentence) as caught:
        generate(like=picture, out=tmp_path / "run", **words, **QUICK)
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_an_image_that_says_nothing_needs_kind_view_and_side_by_name(picture, tmp_path):
    path = shutil.copy(picture, tmp_path / "bare.png")
    named = {"kind": "film", "view": "MLO", "laterality": "L"}
    for name in named:
        words = {key: value for key, value in named.items() if key != name}
        with pytest.raises(RequestError, match=f"does not state its {name}, which keep breast needs"):
            generate(like=path, keep="breast", out=tmp_path / "run", **words, **QUICK)
    run = generate(like=path, keep="breast", **named, finding="none", out=tmp_path / "run", **QUICK)
    assert len(run) == 1


def test_nothing_to_be_drawn_is_one_sentence(tmp_path):
    path = write_picture(tmp_path / "pictures", box=None, finding="none", birads=None)
    with pytest.raises(RequestError, match="shows no lesion that is known and none is requested"):
        generate(like=path, keep="all-but-lesion", out=tmp_path / "run", **QUICK)


def test_an_image_of_few_pixels_is_refused(tmp_path):
    path = write_picture(tmp_path / "pictures", shape=(28, 21))
    with pytest.raises(RequestError, match="too few to be kept on the bundle's 64 x 48"):
        generate(like=path, keep="breast", out=tmp_path / "run", **QUICK)


@pytest.mark.parametrize("word", [{"keep": "breast"}, {"strength": 0.3}])
def test_without_an_image_nothing_can_be_kept(tmp_path, word):
    with pytest.raises(RequestError, match="name one with like"):
        generate(out=tmp_path / "run", **word, **QUICK)
    with pytest.raises(RequestError, match="name one with like"):
        Request(**word)


def test_a_bundle_of_one_stage_keeps_nothing(picture, tmp_path, tiny_folder, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tiny_folder))
    with pytest.raises(RequestError, match="draws in one stage and keeps nothing"):
        generate(like=picture, keep="breast", out=tmp_path / "run", **QUICK)
    assert len(generate(like=picture, keep="nothing", out=tmp_path / "run", **QUICK)) == 1


def test_an_image_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(RequestError, match="missing.png"):
        generate(like=tmp_path / "missing.png", keep="breast", out=tmp_path / "run", **QUICK)
