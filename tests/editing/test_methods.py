"""Edits by the methods that the painter is compared with: the same commands, files and promises."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image
from tiny_bundles import write_painter, write_stages, write_tiny_bundles, write_translator

import monai_mammo
from monai_mammo.bundle import find
from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.editing.edit_method import EditedPlace
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.redrawing import Redrawing
from monai_mammo.editing.translation import CropTranslation
from monai_mammo.errors import RequestError
from monai_mammo.painting.local_edit import window_round

METHODS = ("sdedit", "inversion", "gan")
PLACE = {"box": "0.1,0.4,0.4,0.6", "seed": 5, "steps": 2}


@pytest.fixture(scope="session")
def methods_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("methods_bundles")
    root = write_tiny_bundles(folder)["mammo_diffusion"]
    write_stages(root)
    write_painter(root)
    write_translator(root)
    return folder


@pytest.fixture
def tiny(methods_folder, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(methods_folder))
    return methods_folder


def values_of(path):
    return np.asarray(Image.open(path)) if path.suffix == ".png" else pydicom.dcmread(path).pixel_array


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("command", ["insert", "remove"])
def test_pixels_away_from_the_place_stay_and_the_files_say_how_it_was_done(tiny, scanned, tmp_path, command, method):
    source = scanned()
    run = getattr(monai_mammo, command)(source, out=tmp_path / "run", method=method, **PLACE)
    folder, before = run.folder / "sample_0000", values_of(source)
    after = values_of(folder / "edited.dcm")
    assert np.array_equal(after != before, values_of(folder / "changed.png") > 0)
    assert 0 < (after != before).sum() <= run.samples[0]["n_reach"] < before.size / 4
    assert monai_mammo.verify(run.folder).problems == ()
    said = pydicom.dcmread(folder / "edited.dcm").DerivationDescription
    assert {"sdedit": "SDEdit", "inversion": "DDIM inversion", "gan": "CycleGAN"}[method] in said
    weights = {one["name"] for one in run.manifest["weights"]}
    assert weights == {
        "mammo_autoencoder",
        "mammo_lesion_segmentation",  # looks at what came out
        *({"mammo_diffusion gan"} if method == "gan" else {"mammo_diffusion", "mammo_diffusion detail"}),
    }
    assert run.manifest["request"]["method"]["name"] == method


def test_methods_differ_and_each_gives_the_same_bytes_again(tiny, picture, tmp_path):
    words = {"kind": "digital", **PLACE}
    made = {
        name: values_of(
            monai_mammo.insert(picture, out=tmp_path / name, method=method, **words).folder
            / "sample_0000"
            / "edited.png"
        )
        for name, method in (("painter", "painter"), *((one, one) for one in METHODS), ("again", "inversion"))
    }
    assert np.array_equal(made["inversion"], made.pop("again"))
    assert all((made[one] != made[other]).any() for one in made for other in made if one < other)


def test_the_painter_is_the_default_and_its_requests_are_what_they_were(tiny, picture, tmp_path):
    run = monai_mammo.insert(picture, out=tmp_path / "run", **PLACE)
    assert not {"method", "strength"} & set(run.manifest["request"])
    assert monai_mammo.insert(picture, out=tmp_path / "run", method="Painter", **PLACE).n_made == 0
    with pytest.raises(RequestError, match="another run|other request|holds a run"):
        monai_mammo.insert(picture, out=tmp_path / "run", method="gan", **PLACE)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"method": "magic"}, "method 'magic' is not one of painter, sdedit, inversion, gan"),
        ({"method": "gan", "strength": 0.5}, "strength says how far sdedit and inversion go"),
        ({"method": "sdedit", "strength": 0.01}, "strength"),
        ({"method": "sdedit"}, "does not state its kind"),
        ({"method": "sdedit", "kind": "digital", "finding": "duct"}, "no training image shows"),
    ],
)
def test_bad_requests_are_one_sentence_and_leave_no_sample(tiny, picture, tmp_path, words, sentence):
    with pytest.raises(RequestError, match=sentence):
        monai_mammo.insert(picture, out=tmp_path / "run", **PLACE, **words)
    assert not list(tmp_path.glob("run/sample*"))


def test_a_bundle_without_the_networks_says_so(tmp_path, picture, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tmp_path))
    write_tiny_bundles(tmp_path)
    with pytest.raises(RequestError, match=r"no weights of a translation network \(models/gan.pt\)"):
        monai_mammo.insert(picture, out=tmp_path / "a", method="gan")
    with pytest.raises(RequestError, match="draws a layout first"):
        monai_mammo.insert(picture, out=tmp_path / "b", method="sdedit", kind="digital", **PLACE)


def place_of(picture, finding):
    source = EditSource.read(picture, shown=Conditions(kind="digital"))
    region = np.zeros(source.stored.shape, dtype=bool)
    region[120:170, 30:80] = True
    outline = np.zeros_like(region)
    outline[130:160, 40:70] = finding != "none"
    shown = source.conditions.replace(finding=finding)
    return EditedPlace(source, source.mammogram.pixels, region, outline, shown, (5, "place", 0))


def test_an_inversion_comes_back_to_what_was_there_where_nothing_else_is_asked(tiny, picture):
    """Asked for what is there, from its own noise the picture stays; from other noise it does not."""
    place = place_of(picture, "none")
    changes = {}
    for is_inverted in (True, False):
        words = {"device": "cpu", "strength": 0.5, "steps": 48, "guidance": 1.0, "is_inverted": is_inverted}
        edit = Redrawing.load(find("mammo_diffusion"), find("mammo_autoencoder"), **words)
        sought, own = edit._conditions(place, place.region, place.outline)
        assert own.finding is None and own.box is not None and sought.box is None
        generator, nothing = edit.generator, np.zeros(edit.generator.shape, dtype=bool)
        latent = generator.latent(place.source.located.on_grid(generator.shape).image)
        told = {"strength": 0.5, "noise_of": (5, "a"), "steps": 48}
        drawn = generator.drawn(
            latent, sought, nothing, inverted_from=(sought, nothing) if is_inverted else None, **told
        )
        changes[is_inverted] = np.abs(drawn - generator.image(latent)).mean()
    assert changes[True] < 0.5 * changes[False]


def test_the_gan_takes_the_way_that_is_asked_and_changes_the_region_alone(tiny, picture):
    edit = CropTranslation.load(find("mammo_diffusion"), find("mammo_autoencoder"))
    made, taken = edit.change(place_of(picture, "mass")), edit.change(place_of(picture, "none"))
    assert made.window == taken.window == window_round(place_of(picture, "none").region)
    assert (made.added != taken.added).any() and np.array_equal(made.reach, taken.reach)
    assert not made.added[~made.reach].any() and 0 < made.reach.sum() < made.reach.size / 2
    with torch.no_grad():
        for parameter in edit.network.to_healthy.parameters():
            parameter.zero_()
    assert np.array_equal(edit.change(place_of(picture, "mass")).added, made.added)
    assert (edit.change(place_of(picture, "none")).added != taken.added).any()


def test_the_gan_sees_no_white_edge_of_a_film(tiny, picture, monkeypatch):
    place, seen = place_of(picture, "mass"), []
    edit, added = CropTranslation.load(find("mammo_diffusion"), find("mammo_autoencoder")), CropTranslation.added

    def spied(self, crop, region, outline):
        seen.append(crop)
        return added(self, crop, region, outline)

    monkeypatch.setattr(CropTranslation, "added", spied)
    white = place.picture.copy()
    white[:, :12] = 1  # at the chest wall
    breast = place.source.breast.copy()
    breast[:, :12] = False
    edited = dataclasses.replace(place.source, located=dataclasses.replace(place.source.located, mask=breast))
    edit.change(place._replace(source=edited, picture=white))
    rows, columns = window_round(place.region)
    assert white[rows, columns].max() == 1
    assert seen[0].max() < 0.95 * white.max()


def test_the_commands_carry_the_method_through(tiny, picture, tmp_path, capsys):
    words = ["--box", PLACE["box"], "--steps", "2", "--kind", "digital", "--quiet"]
    out = tmp_path / "run"
    assert main(["remove", str(picture), "--out", str(out), "--method", "sdedit", "--strength", "0.4", *words]) == 0
    request = json.loads((out / "manifest.json").read_text())["request"]
    assert request["method"] == {"name": "sdedit", "strength": 0.4}
    assert main(["insert", str(picture), "--out", str(tmp_path / "b"), "--method", "gane", *words]) == 2
    assert "'gane' is not one of" in capsys.readouterr().err
