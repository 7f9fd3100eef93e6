"""Counterfactuals: searched from weak to strong, confirmed or refused by a judge that took no part."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from dicom_tools import errors_between, errors_of
from PIL import Image
from scipy import ndimage
from tiny_bundles import SHAPE, write_stages, write_tiny_bundles

import monai_mammo
from monai_mammo import networks
from monai_mammo.bundle import BundleFolder, seal
from monai_mammo.cli.main import main
from monai_mammo.conditions import Box
from monai_mammo.editing.counterfactual_edit import _Changer, _doubt, _Edit, _laid_over
from monai_mammo.editing.counterfactual_search import STEERING, STRENGTHS, searched
from monai_mammo.editing.edit_request import EditRequest
from monai_mammo.editing.examiner import MAIN, Examiner, _smooth
from monai_mammo.editing.reading_target import ReadingTarget
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation.run_bundles import RunBundles
from monai_mammo.prepare.array import prepare_mammogram

SHIPPED = Path(__file__).parents[2] / "bundles" / "mammo_lesion_segmentation"
WORDS = {"set": "density=B", "seed": 5, "steps": 2}


def put_score(home, image, name, *, above):
    """Weights of the tiny lesion network over the pretrained encoder, so that pictures move it, whose score of density
    of an image is so far above the cut between B and C."""
    network = networks.LesionNetwork(channels=[8, 8, 8]).eval()
    state = torch.load(home / "models" / "model.pt", weights_only=True)
    network.load_state_dict({key: one.float() if one.is_floating_point() else one for key, one in state.items()})
    network.encoder.load_state_dict(networks.load_encoder(BundleFolder(SHIPPED)).state_dict())
    head, scores = network.heads.heads["density"], []
    with torch.no_grad():
        hook = head.score.register_forward_hook(lambda module, _, output: scores.append(output[0, 0]))
        network(torch.from_numpy(image)[None, None])
        hook.remove()
        head.score.bias += head.lowest + torch.nn.functional.softplus(head.steps)[0] + above - scores[0]
    torch.save(network.state_dict(), home / "models" / name)


@pytest.fixture(scope="session")
def folders(tmp_path_factory, drawn):
    """Tiny bundles in two stages: a judge that reads as the lesion network does, and one that reads density D alone."""
    out = {}
    stored = drawn.replace(pixels=(np.round(drawn.pixels * 4095) / 4095).astype(np.float32))
    image = prepare_mammogram(stored, shape=SHAPE).image
    for name, above in (("agreeing", 0.01), ("contradicting", 1000.0)):
        folder = tmp_path_factory.mktemp(name)
        bundles = write_tiny_bundles(folder)
        write_stages(bundles["mammo_diffusion"])
        home = bundles["mammo_lesion_segmentation"]
        put_score(home, image, "judge.pt", above=above)
        put_score(home, image, "model.pt", above=0.011)
        path = home / "configs" / "inference.json"
        definition = json.loads(path.read_text())
        path.write_text(json.dumps({**definition, "judge_def": definition["network_def"]}))
        seal(home)
        out[name] = folder
    return out


@pytest.fixture
def agreeing(folders, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(folders["agreeing"]))
    return folders["agreeing"]


@pytest.fixture
def contradicting(folders, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(folders["contradicting"]))
    return folders["contradicting"]


def values_of(path):
    return np.asarray(Image.open(path)) if path.suffix == ".png" else pydicom.dcmread(path).pixel_array


def test_a_dicom_file_is_changed_until_it_is_read_otherwise(agreeing, scanned, tmp_path):
    source = scanned()
    run = monai_mammo.counterfactual(source, out=tmp_path / "run", **WORDS)
    about, folder = run.samples[0]["counterfactual"], run.folder / "sample_0000"
    read = {
        when: max((v, k) for k, v in about[when]["lesion_network"]["density"].items())[1]
        for when in ("before", "after")
    }
    assert read == {"before": "C", "after": "B"}
    assert about["is_confirmed"] and run.failures == () and run.samples[0]["outcome"] == "passed"
    before, after = values_of(source), values_of(folder / "edited.dcm")
    assert np.array_equal(before != after, values_of(folder / "changed.png") > 0)
    assert (before != after).sum() > 0 and (before == after).mean() > 0.1
    assert about["trials"][-1]["strength"] == about["strength"]
    edited = pydicom.dcmread(folder / "edited.dcm")
    assert edited.DerivationCodeSequence[0].CodeValue == "reading_changed"
    assert edited.SyntheticData == "YES" and list(edited.ImageType)[0] == "DERIVED"
    assert errors_of(folder / "edited.dcm", kind="MammographyImage") == []
    assert errors_between(source, folder / "edited.dcm", folder / "lesion.seg.dcm") == []
    assert json.loads((folder / "conditions.json").read_text())["density"] == "B"
    assert json.loads((run.folder / "counterfactual.json").read_text())["after"] == about["after"]
    assert monai_mammo.verify(run.folder).problems == ()


def test_the_judge_takes_no_part(agreeing, contradicting, folders, monkeypatch, scanned, tmp_path):
    source = scanned()
    found = {}
    for name, folder in folders.items():
        monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(folder))
        run = monai_mammo.counterfactual(source, out=tmp_path / name, **WORDS)
        found[name] = hashlib.sha256(values_of(run.folder / "sample_0000" / "edited.dcm").tobytes()).hexdigest()
        judge = run.samples[0]["counterfactual"]["judge"]["sha256"]
        assert judge not in {one["sha256"] for one in run.manifest["weights"]}
    assert found["agreeing"] == found["contradicting"]


def test_what_the_judge_does_not_read_is_no_counterfactual(contradicting, scanned, tmp_path, capsys):
    words = ["--set", "density=B", "--seed", "5", "--steps", "2", "--out", str(tmp_path / "run")]
    command = ["counterfactual", str(scanned()), *words]
    assert main(command) == 1
    assert main(command) == 1  # nothing is made anew, and it is none still
    said = capsys.readouterr().err
    assert "not a counterfactual: the judge reads density D" in said and "Traceback" not in said
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["samples"][0]["is_failure"] and not manifest["samples"][0]["counterfactual"]["is_confirmed"]
    assert "density" not in manifest["samples"][0]["conditions"]
    assert any("not a counterfactual" in one for one in monai_mammo.verify(tmp_path / "run").problems)


def test_the_same_seed_gives_the_same_bytes(agreeing, scanned, tmp_path):
    source = scanned()
    runs = [monai_mammo.counterfactual(source, out=tmp_path / name, **WORDS) for name in "ab"]
    assert runs[0].samples[0]["files"] == runs[1].samples[0]["files"]
    assert monai_mammo.counterfactual(source, out=tmp_path / "a", **WORDS).n_made == 0


def test_where_no_change_reaches_nothing_is_written(agreeing, scanned, tmp_path):
    source = scanned()
    with pytest.raises(MammoError, match="no change makes the lesion network read finding mass") as refused:
        monai_mammo.counterfactual(
            source, set="finding=mass", box="0.1,0.4,0.3,0.5", out=tmp_path / "run", seed=5, steps=1
        )
    assert f"of {len(STRENGTHS) * len(STEERING)} that were tried" in str(refused.value)
    assert not (tmp_path / "run" / "sample_0000").exists()


@pytest.mark.parametrize("asked", ["finding=mass", "density=B"])
def test_what_is_said_of_a_lesion_changes_in_its_region_alone(agreeing, scanned, asked):
    target, box = ReadingTarget.parse(asked), Box.parse("0.1,0.4,0.3,0.5") if asked == "finding=mass" else None
    request = EditRequest(command="counterfactual", images=(str(scanned()),), target=target, box=box, steps=2)
    bundles = RunBundles.find(request.bundle, request.autoencoder, request.lesion_network)
    edit = _Edit.loaded(request, target, bundles, device="cpu")
    region, _ = edit._region()
    changer = _Changer.of(edit, region, edit.network.readings(edit.prepared.image))
    pixels, size = changer.changed(0.8, 0.0)
    rows, columns = np.nonzero(pixels != edit.source.stored)
    height, width = pixels.shape
    assert size > 0 and len(rows)
    if box is None:
        assert np.ptp(rows) > 0.6 * height
    else:
        # one of 64 rows is drawn anew round the region, two more are the seam, and enlarging spreads over three
        reach = 6 / 64
        assert box.y0 - reach < rows.min() / height and rows.max() / height < box.y1 + reach
        assert columns.max() / width < box.x1 + reach * height / width


@pytest.mark.parametrize("asked", ["density=B", "finding=mass"])
def test_the_density_is_steered_by_what_is_read_of_the_file(agreeing, scanned, monkeypatch, asked):
    target, box = ReadingTarget.parse(asked), None if asked == "density=B" else Box.parse("0.1,0.4,0.3,0.5")
    request = EditRequest(command="counterfactual", images=(str(scanned()),), target=target, box=box, steps=2)
    bundles = RunBundles.find(request.bundle, request.autoencoder, request.lesion_network)
    edit = _Edit.loaded(request, target, bundles, device="cpu")
    changer = _Changer.of(edit, edit._region()[0], edit.network.readings(edit.prepared.image))
    told = []

    def steering(self, autoencoder, target, weight, **how):
        told.append(how)
        return lambda latent: latent

    monkeypatch.setattr(Examiner, "steering", steering)
    changer.changed(0.5, 0.01)
    assert [set(how) for how in told] == [{"seen_of"} if box is None else set()]
    for how in told:
        own = torch.from_numpy(changer._as_it_is(0.5))[None, None]
        assert np.allclose(
            how.get("seen_of", lambda image: image)(own)[0, 0], edit.prepared.image if how else own[0, 0]
        )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"set": "density"}, "is not NAME=VALUE with a name of finding, birads, density, pathology"),
        ({"set": "view=CC"}, "set 'view' is not one of finding, birads, density, pathology"),
        ({"set": "density=E"}, "density 'E' is not one of A, B, C, D"),
        ({"set": "density=C"}, "reads density C in .* as it is"),
        ({"set": "density=D"}, "no training image shows kind digital, density D"),
        ({"set": "density=B", "box": "0.1,0.1,0.2,0.2"}, "said of the whole breast: give no box or mask"),
        ({"set": "density=B", "steps": 0}, "steps"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(agreeing, scanned, tmp_path, words, sentence):
    with pytest.raises(RequestError, match=sentence):
        monai_mammo.counterfactual(scanned(), out=tmp_path / "run", **{"steps": 2, **words})


def test_a_picture_of_unknown_kind_is_refused(agreeing, picture, tmp_path):
    with pytest.raises(RequestError, match="does not state its kind"):
        monai_mammo.counterfactual(picture, out=tmp_path / "run", **WORDS)


@pytest.mark.parametrize("who", ["lesion network", "judge"])
def test_a_head_that_a_network_is_not_shown_to_read_cannot_be_asked(agreeing, scanned, tmp_path, monkeypatch, who):
    home = BundleFolder(agreeing / "mammo_lesion_segmentation")
    path = home.root / "configs" / "metadata.json"
    kept = path.read_text()
    path.write_text(json.dumps({**json.loads(kept), "unread_heads": {who: ["density"]}}))
    try:
        with pytest.raises(RequestError, match=f"density cannot be asked: the {who} of bundle"):
            monai_mammo.counterfactual(scanned(), out=tmp_path / "run", **WORDS)
    finally:
        path.write_text(kept)
    assert not (tmp_path / "run").exists()


def test_the_gradient_helps_only_where_conditions_do_not_reach_and_the_weakest_change_is_taken():
    target, tried = ReadingTarget.parse("density=C"), []

    def changed(strength, steering):
        tried.append((strength, steering))
        return np.full((2, 2), len(tried)), strength

    def readings(reached):
        return lambda pixels: {"density": {"B": 0.5, "C": 0.6 if tried[-1] in reached else 0.4}}

    found = searched(target, changed, readings({(0.5, 0.0), (0.6, 0.0), (0.2, STEERING[1])}))
    assert tried == [(strength, 0.0) for strength in STRENGTHS[:4]]
    assert (found.trials[-1].strength, found.trials[-1].steering) == (0.5, 0.0) and found.pixels is not None
    tried.clear()
    found = searched(target, changed, readings({(0.3, STEERING[1])}))
    assert tried[: len(STRENGTHS)] == [(strength, 0.0) for strength in STRENGTHS]
    assert tried[len(STRENGTHS) :] == [(0.2, STEERING[1]), (0.3, STEERING[1])]
    tried.clear()
    found = searched(target, changed, readings(set()))
    assert found.pixels is None and len(found.trials) == len(STRENGTHS) * len(STEERING)


def test_a_judge_that_read_it_before_confirms_nothing():
    target = ReadingTarget.parse("birads=2")
    other, asked = {"birads": {"2": 0.2, "4": 0.8}}, {"birads": {"2": 0.7, "4": 0.3}}
    assert _doubt(target, other, asked) == ""
    assert "before the change too" in _doubt(target, asked, asked)
    assert "reads birads 4 (0.80) and not 2" in _doubt(target, other, other)


class Plain(torch.nn.Module):
    """An autoencoder that loses nothing: its latent is the picture."""

    def from_latent(self, latent):
        return latent.clamp(0, 1)

    def to_latent(self, image):
        return image


def test_steering_moves_brightness_smoothly_towards_what_is_asked(agreeing, drawn):
    home = BundleFolder(agreeing / "mammo_lesion_segmentation")
    examiner = Examiner.load(home, MAIN, (), device="cpu")
    picture = prepare_mammogram(drawn, shape=SHAPE).image
    latent = torch.from_numpy(picture)[None, None]
    for value in ("A", "D"):
        steer = examiner.steering(Plain(), ReadingTarget.parse(f"density={value}"), 0.002)
        moved = steer(latent)
        shares = [examiner.readings(one[0, 0].numpy())["density"][value] for one in (latent, moved)]
        assert shares[1] > shares[0]
        move = (moved - latent)[0, 0].numpy()
        assert np.sqrt(np.mean(move**2)) == pytest.approx(0.002, rel=0.05)  # clamped at white here and there
        assert not move[picture == 0].any()
        inside = ndimage.binary_erosion(picture > 0)
        finer = move - ndimage.uniform_filter(move, 3)
        assert np.abs(finer[inside]).mean() < 0.2 * np.abs(move[inside]).mean()


@pytest.mark.parametrize("sign", [1, -1])
def test_steering_goes_by_the_file_with_what_is_drawn_and_not_by_the_drawn_picture(agreeing, drawn, sign):
    """A file that follows what is drawn, and one that goes against it: both are read more as asked after the move."""
    home = BundleFolder(agreeing / "mammo_lesion_segmentation")
    examiner = Examiner.load(home, MAIN, (), device="cpu")
    picture = torch.from_numpy(prepare_mammogram(drawn, shape=SHAPE).image)[None, None]
    base, target = 0.8 * picture, ReadingTarget.parse("density=D")

    def seen_of(image):
        return (base + sign * (image - picture)).clamp(0, 1)

    moved = examiner.steering(Plain(), target, 0.002, seen_of=seen_of)(picture)
    shares = [examiner.readings(seen_of(one)[0, 0].numpy())["density"]["D"] for one in (picture, moved)]
    assert shares[1] > shares[0]


def test_what_is_laid_over_a_file_is_what_the_edit_adds_to_it():
    """In the region the file and the change, outside it the file, whatever was drawn; a padded picture is cut."""
    rng = torch.Generator().manual_seed(0)
    base, own, image = (0.2 + 0.4 * torch.rand(size, generator=rng) for size in ((8, 6), (8, 6), (1, 1, 12, 8)))
    soft = torch.zeros(8, 6)
    soft[2:5, 1:4] = 1
    seen = _laid_over(base, own, soft)(image)[0, 0]
    assert (
        torch.allclose(seen, base + (image[0, 0, :8, :6] - own) * soft) and (seen[soft == 0] == base[soft == 0]).all()
    )


@pytest.mark.parametrize("axis", [2, 3])
def test_no_stripes_of_a_gradient_come_through(axis):
    across = torch.cos(2 * torch.pi / 11 * torch.arange(121.0)).reshape([-1 if k == axis else 1 for k in range(4)])
    smooth = _smooth(across.expand(1, 1, 121, 121))[0, 0, 40:-40, 40:-40]
    assert smooth.abs().max() < 0.01  # 0.04 of a square of 17 pixels that is averaged twice
    assert _smooth(torch.ones(1, 1, 121, 121))[0, 0, 60, 60] == pytest.approx(1, abs=1e-5)
