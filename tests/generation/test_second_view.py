"""Both kinds of one breast: the second view is translated from the first, of the same person, and checked as it is."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image
from tiny_bundles import write_tiny_bundles, write_view_translator

import monai_mammo
from monai_mammo.bundle import find, seal
from monai_mammo.errors import RequestError
from monai_mammo.generation import Request
from monai_mammo.generation.second_view import NOT_MEASURED, kinds_of, notes_of_translator
from monai_mammo.terms import Modality

WORDS = {"density": "C", "view": "CC", "laterality": "R", "finding": "mass", "birads": 5, "seed": 3}
WORDS |= {"steps": 1, "max_tries": 1, "unsupported": "override"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("both_kinds")
    write_view_translator(write_tiny_bundles(folder)["mammo_diffusion"])
    return folder


@pytest.fixture
def bundles(home, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(home))


def picture(run, k):
    return np.asarray(Image.open(run.folder / f"sample_{k:04d}" / "mammogram.png"))


def test_each_breast_has_two_samples_of_one_person(bundles, tmp_path):
    run = monai_mammo.generate(kind="digital+contrast", count=2, out=tmp_path / "run", **WORDS)
    assert [one["conditions"]["kind"] for one in run.samples] == ["digital", "contrast"] * 2
    assert [one["breast"] for one in run.samples] == [0, 0, 1, 1]
    assert run.samples[0]["conditions"]["box"] == run.samples[1]["conditions"]["box"]
    masks = [np.asarray(Image.open(run.folder / f"sample_000{k}" / "lesion.png")) for k in range(4)]
    assert np.array_equal(masks[0], masks[1]) and not np.array_equal(masks[1], masks[2])
    assert not np.array_equal(picture(run, 0), picture(run, 1))
    assert NOT_MEASURED[Modality.CONTRAST] in run.samples[1]["warnings"]
    assert NOT_MEASURED[Modality.CONTRAST] not in run.samples[0]["warnings"]
    assert any(one["name"] == "mammo_diffusion translator" for one in run.manifest["weights"])
    datalist = json.loads((run.folder / "datalist.json").read_text())
    assert [one["person_id"] for one in datalist["training"]] == ["SYNTHETIC_sample_0000"] * 2 + [
        "SYNTHETIC_sample_0001"
    ] * 2
    import pydicom

    files = [pydicom.dcmread(run.folder / f"sample_000{k}" / "mammogram.dcm") for k in range(4)]
    assert files[0].PatientID == files[1].PatientID != files[2].PatientID
    assert files[0].StudyInstanceUID == files[1].StudyInstanceUID and files[0].SOPInstanceUID != files[1].SOPInstanceUID
    assert [one for one in monai_mammo.verify(run.folder).problems if "failed" not in one] == []


def test_the_first_view_is_that_of_a_plain_run_and_the_second_is_made_anew_alone(bundles, tmp_path):
    run = monai_mammo.generate(kind="digital+contrast", out=tmp_path / "both", format="png", **WORDS)
    plain = monai_mammo.generate(kind="digital", out=tmp_path / "plain", format="png", **WORDS)
    assert len(run) == 2 and np.array_equal(picture(run, 0), picture(plain, 0))
    was = (run.folder / "sample_0001" / "mammogram.png").read_bytes()
    (run.folder / "sample_0001" / "mammogram.png").unlink()
    again = monai_mammo.generate(kind="digital+contrast", out=tmp_path / "both", format="png", **WORDS)
    assert again.n_made == 1 and (run.folder / "sample_0001" / "mammogram.png").read_bytes() == was


def test_a_second_view_that_fails_its_check_is_translated_anew_from_other_noise(bundles, tmp_path, monkeypatch):
    from monai_mammo.generation.engine.generator import Generator
    from monai_mammo.generation.engine.translator import Translator

    drawn, translated = [], Translator.translated

    def noted(self, *image, noise_of, **words):
        drawn.append(noise_of)
        return translated(self, *image, noise_of=noise_of, **words)

    monkeypatch.setattr(Translator, "translated", noted)
    words = {**WORDS, "max_tries": 3, "format": "png", "mend": False}
    run = monai_mammo.generate(kind="digital+contrast", out=tmp_path / "run", dice_threshold=1.0, **words)
    assert drawn == [(3, "1", 0), (3, "1", 1), (3, "1", 2)] and len(run.samples[1]["tries"]) == 3
    drawn.clear()
    checked = Generator.checked
    monkeypatch.setattr(Generator, "checked", lambda *told: dataclasses.replace(checked(*told), defect=""))
    monai_mammo.generate(kind="digital+contrast", out=tmp_path / "at_once", **words)
    assert drawn == [(3, "1", 0)]


def test_kinds_that_no_pair_is_made_of(bundles, tmp_path):
    assert kinds_of("film") == ("film", None) and kinds_of(" Digital + contrast") == ("digital", "contrast")
    for kind, said in (
        ("digital+digital", "not one kind, or two of them"),
        ("digital+contrast+film", "not one kind, or two of them"),
        ("digital+x-ray", "not one of film, digital, contrast"),
        ("film+contrast", "and not of film"),
    ):
        with pytest.raises(RequestError, match=said):
            monai_mammo.generate(kind=kind, out=tmp_path / "none", **WORDS)
    assert notes_of_translator(find("mammo_diffusion")) == ()
    write_tiny_bundles(tmp_path / "noted")
    noted = seal(tmp_path / "noted" / "mammo_diffusion", translator_note="it learned little")
    assert notes_of_translator(noted) == ("it learned little",)
    with pytest.raises(RequestError, match="is odd"):
        Request(conditions=monai_mammo.Conditions(kind="digital"), also="contrast", count=3)
    with pytest.raises(RequestError, match="name both"):
        Request(also="contrast")
    with pytest.raises(RequestError, match="command translate"):
        Request(conditions=monai_mammo.Conditions(kind="digital"), also="contrast", like="view.png")
    assert "also" not in Request().to_dict()
