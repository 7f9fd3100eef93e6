"""The command line from outside: sentences, exit codes, help."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monai_mammo import __version__
from monai_mammo.cli.main import main
from monai_mammo.terms import AcquisitionKind, Density, Finding, Laterality, View

ROOT = Path(__file__).parents[2]
ASKED = "--density C --view MLO --laterality L --finding mass --seed 7 --steps 2 --max-tries 1".split()


def test_generate_again_verify_and_a_fault(tmp_path, capsys):
    out = str(tmp_path / "run")
    assert main(["generate", *ASKED, "--count", "2", "--out", out]) == 0
    said = capsys.readouterr()
    assert "2 synthetic mammograms in" in said.out and "2 made now" in said.out
    assert "2 of 2 mammograms" in said.err
    before = {p: p.stat().st_mtime_ns for p in Path(out).rglob("*")}
    assert main(["generate", *ASKED, "--count", "2", "--out", out]) == 0
    assert "nothing was left to do" in capsys.readouterr().out
    assert {p: p.stat().st_mtime_ns for p in Path(out).rglob("*")} == before
    assert main(["verify", out]) == 0
    assert "is in order: 2 samples, 21 files" in capsys.readouterr().out
    (Path(out) / "sample_0001" / "lesion.png").write_bytes(b"other")
    assert main(["verify", out]) == 1
    said = capsys.readouterr()
    assert "lesion.png is not what the run wrote" in said.out
    assert said.err.splitlines()[-1].endswith("is not in order: 1 problem, listed above")
    assert main(["generate", *ASKED, "--count", "2", "--out", out]) == 1


def test_json_and_quiet(tmp_path, capsys):
    out = str(tmp_path / "run")
    assert main(["generate", *ASKED, "--out", out, "--json", "--quiet"]) == 0
    said = capsys.readouterr()
    values = json.loads(said.out)
    assert values["n_made"] == 1 and values["samples"][0]["conditions"]["density"] == "C"
    assert said.err == ""
    assert main(["verify", out, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["is_in_order"] is True
    assert main(["verify", out, "--quiet"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--density E", f"density 'E' is not one of {Density.allowed()}"),
        ("--view ML", f"view 'ML' is not one of {View.allowed()}"),
        ("--laterality B", f"laterality 'B' is not one of {Laterality.allowed()}"),
        ("--finding lump", f"finding 'lump' is not one of {Finding.allowed()}"),
        ("--kind xray", f"kind 'xray' is not one of {AcquisitionKind.allowed()}"),
        ("--birads 7", "birads '7' is not one of 0, 1, 2, 3, 4, 5, 6"),
        ("--box 0.5,0.5,1.5,0.9", "does not lie in the image"),
        ("--box 1,2,3", "must be four numbers"),
        ("--count 0", "count '0' is not a whole number from 1"),
        ("--seed seven", "seed 'seven' is not a whole number"),
        ("--steps 0", "steps '0' is not a whole number from 1 to 20"),
        ("--guidance much", "guidance 'much' is not a number"),
        ("--finding none --box 0.1,0.1,0.2,0.2", "a box is given with finding 'none'"),
        ("--device tpu", "device 'tpu' is not one of auto, cpu, cuda"),
        ("--bundle nowhere", "bundle 'nowhere' is neither a folder nor one of"),
        ("--kind contrast --density A", "no training image shows kind contrast, density A"),
        ("--like nothing.dcm", "nothing.dcm is not read"),
        ("--text elephant", "text 'elephant' was not understood (elephant)"),
        ("--text mass --finding none", "text states finding mass, but finding none is requested"),
        ("--mask nothing.png", "mask nothing.png: the file could not be read: No such file"),
        ("--conditions nothing.csv", "conditions file nothing.csv could not be read"),
        ("--format jpeg", "format 'jpeg' is not one of dicom, nifti, png"),
        ("--colour red", "unrecognized arguments: --colour red"),
        ("--count", "expected one argument"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_code_2(tmp_path, capsys, words, sentence):
    assert main(["generate", "--out", str(tmp_path / "run"), *words.split()]) == 2
    said = capsys.readouterr()
    assert sentence in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_generate_from_the_words_of_a_report(tmp_path, capsys):
    out = tmp_path / "run"
    words = ["--text", "irregular sparkling mass, upper outer quadrant, left breast, ACR C", "--view", "MLO"]
    assert main(["generate", *words, "--steps", "2", "--max-tries", "1", "--out", str(out)]) in (0, 1)
    said = capsys.readouterr()
    assert "warning: " in said.err and "of the text was not understood: sparkling" in said.err
    shown = json.loads((out / "sample_0000" / "conditions.json").read_text())
    assert (shown["finding"], shown["laterality"], shown["density"]) == ("mass", "L", "C")
    assert shown["box"][1] < 0.5 and shown["text"] == words[1]


def test_no_folder_no_command_and_no_run_are_wrong_requests(tmp_path, capsys):
    assert main(["generate"]) == 2
    assert main([]) == 2
    assert main(["paint"]) == 2
    assert main(["verify", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 4


def test_another_request_in_the_folder_is_refused(tmp_path, capsys):
    out = str(tmp_path / "run")
    assert main(["generate", *ASKED, "--out", out, "--quiet"]) == 0
    assert main(["generate", *ASKED, "--out", out, "--seed", "8"]) == 2
    assert "belongs to a run with another request" in capsys.readouterr().err


def test_missing_weights_end_with_exit_code_1(tmp_path, tiny_folder, monkeypatch, capsys):
    import shutil

    copied = shutil.copytree(tiny_folder, tmp_path / "bundles")
    (copied / "mammo_autoencoder" / "models" / "model.pt").unlink()
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(copied))
    assert main(["generate", *ASKED, "--out", str(tmp_path / "run")]) == 1
    assert "has no weights" in capsys.readouterr().err
    assert main(["bundles"]) == 1
    assert "mammo_autoencoder" in capsys.readouterr().out


def test_unsupported_alone_overrides(tmp_path, capsys):
    words = ["generate", "--kind", "contrast", "--view", "CC", "--steps", "1", "--max-tries", "1"]
    assert main([*words, "--unsupported", "--out", str(tmp_path / "run")]) == 0
    assert "warning: UNSUPPORTED: no training image shows" in capsys.readouterr().err


def test_settings_come_from_the_environment_and_flags_go_first(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MONAI_MAMMO_STEPS", "1")
    monkeypatch.setenv("MONAI_MAMMO_SEED", "5")
    monkeypatch.setenv("MONAI_MAMMO_OUT", str(tmp_path / "run"))
    assert main(["generate", "--seed", "6", "--max-tries", "1", "--json", "--quiet"]) == 0
    request = json.loads(capsys.readouterr().out)["request"]
    assert (request["steps"], request["seed"]) == (1, 6)


def test_reconstruct_and_prepare(tmp_path, capsys):
    import numpy as np
    from PIL import Image

    from monai_mammo.phantom import draw_mammogram

    (tmp_path / "in").mkdir()
    pixels = draw_mammogram(seed=1, shape=(128, 96)).pixels
    Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(tmp_path / "in" / "a.png")
    assert main(["reconstruct", str(tmp_path / "in" / "a.png"), "--out", str(tmp_path / "rec")]) == 0
    assert "a: PSNR" in capsys.readouterr().out
    (tmp_path / "b.dcm").write_bytes(b"x")
    assert main(["reconstruct", str(tmp_path / "b.dcm"), "--out", str(tmp_path / "rec")]) == 1
    assert "1 of 1 images were not read" in capsys.readouterr().err
    words = ["prepare", str(tmp_path / "in"), "--out", str(tmp_path / "prepared"), "--shape", "64x48"]
    assert main(words) == 0
    assert "1 read, 0 skipped, 0 failed" in capsys.readouterr().out
    assert main([*words[:-1], "64"]) == 2
    assert "must be ROWSxCOLUMNS" in capsys.readouterr().err


def test_bundles_are_listed(capsys, tiny_folder):
    assert main(["bundles", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mammo_diffusion"]["root"] == str(tiny_folder / "mammo_diffusion")
    assert len(rows["mammo_diffusion"]["weights_sha256"]) == 64


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0 and __version__ in capsys.readouterr().out


@pytest.mark.parametrize("command", ["generate", "verify", "reconstruct", "prepare", "bundles"])
def test_help_names_the_allowed_values_and_exits_with_0(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    if command == "generate":
        assert all(terms.allowed() in text for terms in (Density, View, Finding, Laterality, AcquisitionKind))


def test_help_imports_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "monai_mammo", "generate", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert loaded.isdisjoint({"torch", "monai", "numpy", "pydicom", "scipy", "PIL", "skimage"})


def test_generate_needs_no_monai_and_verify_no_torch(tmp_path):
    out = str(tmp_path / "run")
    code = (
        "import sys; from monai_mammo.cli.main import main; code = main(sys.argv[1:]);"
        "print(sorted({'torch', 'monai', 'ignite'} & {n.split('.')[0] for n in sys.modules})); sys.exit(code)"
    )

    def loaded(*words: str) -> str:
        command = [sys.executable, "-c", code, *words, "--quiet"]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()

    assert loaded("generate", *ASKED, "--out", out) == "['torch']"
    assert loaded("verify", out) == "[]"


def test_ctrl_c_says_that_the_same_command_goes_on(tmp_path):
    out = tmp_path / "run"
    words = [*ASKED[:-4], "--steps", "10", "--dice-threshold", "1", "--count", "2", "--out", str(out)]
    command = [sys.executable, "-m", "monai_mammo", "generate", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    while not (out / "manifest.json").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130, said
    assert "the same command completes it" in said and "Traceback" not in said
    assert not list(out.glob(".*"))
    assert main(["generate", *words, "--quiet"]) == 0
    assert main(["verify", str(out), "--quiet"]) == 0
