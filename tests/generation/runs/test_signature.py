"""A run that is signed: whose it is, and that nobody changed it, whatever hashes were made anew."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from drawn_runs import draw_run

from monai_mammo.cli.main import main
from monai_mammo.errors import RequestError
from monai_mammo.generation import generate, verify
from monai_mammo.generation.runs.manifest_seal import sealed
from monai_mammo.generation.runs.signature import private_key, sign_manifest, signature_problem

SIGNATURE = "manifest.json.sig"


def write_pair(folder: Path, name: str, key=None, encryption=None) -> tuple[Path, Path]:
    key = key or Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}_public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Folder with the pairs of the group that signs and of somebody else."""
    folder = tmp_path_factory.mktemp("keys")
    write_pair(folder, "ours")
    write_pair(folder, "theirs")
    return folder


@pytest.fixture(scope="module")
def signed(tmp_path_factory, keys):
    """Two drawn mammograms, signed; not to be changed."""
    folder = tmp_path_factory.mktemp("signed") / "run"
    return draw_run(folder, sign=private_key(keys / "ours.pem")).folder


@pytest.fixture
def run(signed, tmp_path):
    return Path(shutil.copytree(signed, tmp_path / "run"))


def test_a_signed_run_is_by_its_key_and_by_no_other(signed, keys):
    assert len((signed / SIGNATURE).read_bytes()) == 64
    report = verify(signed, key=keys / "ours_public.pem")
    assert (report.problems, report.is_signed) == ((), True)
    other = verify(signed, key=keys / "theirs_public.pem")
    assert other.is_signed is False
    assert other.problems == (
        "manifest.json.sig is not a signature of manifest.json by this key: another key signed it, or it was changed",
    )
    unasked = verify(signed)
    assert (unasked.problems, unasked.is_signed) == ((), None)
    assert any("the run is signed" in note for note in unasked.notes)


def test_keys_and_signatures_are_those_of_the_standard(tmp_path):
    # RFC 8032, 7.1, test 2: secret key, public key and signature of the one byte 72
    secret = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    expected = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    pkcs8 = base64.b64encode(bytes.fromhex("302e020100300506032b657004220420") + secret).decode()
    private = tmp_path / "key.pem"
    private.write_text(f"-----BEGIN PRIVATE KEY-----\n{pkcs8}\n-----END PRIVATE KEY-----\n")
    (tmp_path / "manifest.json").write_bytes(b"r")
    key = private_key(private)
    sign_manifest(tmp_path, key)
    assert (tmp_path / SIGNATURE).read_bytes() == expected
    assert signature_problem(tmp_path, key.public_key()) is None
    (tmp_path / SIGNATURE).write_bytes(expected[:-1] + b"\x01")
    assert signature_problem(tmp_path, key.public_key()) is not None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl; the test above needs nothing")
def test_openssl_makes_the_keys_and_reads_the_signature_as_the_guide_says(tmp_path):
    private, public = tmp_path / "key.pem", tmp_path / "public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    run = draw_run(tmp_path / "run", count=1, sign=private_key(private)).folder
    assert verify(run, key=public).is_in_order
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin"]
    files = ["-in", run / "manifest.json", "-sigfile", run / SIGNATURE]
    assert subprocess.run([*words, *files], capture_output=True).returncode == 0
    (run / "manifest.json").write_bytes((run / "manifest.json").read_bytes() + b" ")
    assert subprocess.run([*words, *files], capture_output=True).returncode == 1


def test_an_edit_with_all_hashes_made_anew_fails_by_the_key_alone(run, keys):
    values = json.loads((run / "manifest.json").read_text())
    values["times"]["started"] = "2020-01-01T00:00:00+00:00"
    values["samples"][0]["seconds"] = 0.0
    (run / "manifest.json").write_text(json.dumps(sealed(values), indent=2))
    assert verify(run).is_in_order
    report = verify(run, key=keys / "ours_public.pem")
    assert report.is_signed is False
    assert len(report.problems) == 1


def test_a_file_that_changed_fails_though_the_signature_holds(run, keys):
    with open(run / "sample_0001" / "lesion.png", "ab") as stream:
        stream.write(b"\0")
    report = verify(run, key=keys / "ours_public.pem")
    assert report.is_signed is True
    assert not report.is_in_order


def test_what_the_signature_does_not_cover_is_a_problem_where_a_key_is_named(run, keys):
    (run / "sample_0009").mkdir()
    (run / "sample_0009" / "mammogram.dcm").write_bytes(b"another one")
    assert verify(run).is_in_order
    found = verify(run, key=keys / "ours_public.pem").problems
    assert found == ("sample_0009/mammogram.dcm does not belong to the run",)


def missing(path: Path) -> None:
    path.unlink()


def linked(path: Path) -> None:
    path.rename(path.parents[1] / "elsewhere.sig")
    path.symlink_to(path.parents[1] / "elsewhere.sig")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (missing, "the run is not signed: there is no manifest.json.sig"),
        (linked, "manifest.json.sig lies elsewhere: it is a symbolic link"),
        (a_pipe, "the signature manifest.json.sig could not be read: it is not a regular file"),
        (lambda path: path.write_bytes(bytes(64)), "is not a signature of manifest.json by this key"),
        (lambda path: path.write_bytes(path.read_bytes()[:63]), "is not a signature of manifest.json by this key"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\n"), "has more than 64 bytes"),
    ],
)
def test_a_signature_that_is_not_there_or_spoilt_is_one_sentence(run, keys, spoil, sentence):
    spoil(run / SIGNATURE)
    report = verify(run, key=keys / "ours_public.pem")
    assert report.is_signed is False
    assert sentence in report.problems[0]


def ours_encrypted(folder: Path) -> Path:
    return write_pair(folder, "locked", encryption=BestAvailableEncryption(b"password"))[0]


def of_another_type(folder: Path) -> tuple[Path, Path]:
    return write_pair(folder, "curve", key=generate_private_key(SECP256R1()))


def written(folder: Path, data: bytes) -> Path:
    (folder / "key.pem").write_bytes(data)
    return folder / "key.pem"


BAD_PRIVATE = {
    "no file": (lambda folder: folder / "nowhere.pem", "could not be read: No such file"),
    "a device": (lambda folder: Path("/dev/zero"), "it is not a regular file"),
    "a folder": (lambda folder: folder, "could not be read"),
    "encrypted": (ours_encrypted, "is locked by a password: name one without"),
    "another type": (lambda folder: of_another_type(folder)[0], "is not an Ed25519 key, which alone is allowed"),
    "a public key": (lambda folder: write_pair(folder, "pair")[1], "does not hold a private key in PEM"),
    "not PEM": (lambda folder: written(folder, b"\x30\x82" * 99), "does not hold a private key in PEM"),
    "large": (lambda folder: written(folder, bytes(2**17)), "has more than 65536 bytes"),
    "empty": (lambda folder: written(folder, b""), "does not hold a private key in PEM"),
}
BAD_PUBLIC = {
    "no file": (lambda folder: folder / "nowhere.pem", "could not be read: No such file"),
    "another type": (lambda folder: of_another_type(folder)[1], "is not an Ed25519 key, which alone is allowed"),
    "a private key": (lambda folder: write_pair(folder, "pair")[0], "does not hold a public key in PEM"),
    "not PEM": (lambda folder: written(folder, b"key"), "does not hold a public key in PEM"),
}


@pytest.mark.parametrize("case", BAD_PRIVATE)
def test_a_key_that_cannot_sign_is_refused_before_anything_is_drawn(tmp_path, case):
    make, sentence = BAD_PRIVATE[case]
    with pytest.raises(RequestError, match=sentence) as caught:
        generate(density="C", bundle="there is none of this name", sign=make(tmp_path), out=tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("case", BAD_PUBLIC)
def test_a_key_that_cannot_check_is_refused(signed, tmp_path, case):
    make, sentence = BAD_PUBLIC[case]
    with pytest.raises(RequestError, match=sentence):
        verify(signed, key=make(tmp_path))


def test_without_the_package_the_extra_is_named(signed, keys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(RequestError, match="signatures need the package cryptography, the extra `sign`"):
        verify(signed, key=keys / "ours_public.pem")
    assert verify(signed).is_in_order


def test_a_run_is_signed_once_and_completed_by_its_owner_alone(tmp_path, keys):
    ours, theirs = private_key(keys / "ours.pem"), private_key(keys / "theirs.pem")
    folder = draw_run(tmp_path / "run", count=1).folder
    assert not (folder / SIGNATURE).exists()
    assert draw_run(folder, count=1, sign=ours).n_made == 0
    first = (folder / SIGNATURE).read_bytes()
    assert draw_run(folder, count=1, sign=ours).n_made == 0
    assert draw_run(folder, count=1).n_made == 0
    with pytest.raises(RequestError, match="is not by the key that is to sign"):
        draw_run(folder, count=1, sign=theirs)
    with pytest.raises(RequestError, match="is signed: name the key that signed it to complete it"):
        draw_run(folder, count=2)
    with pytest.raises(RequestError, match="is not by the key that is to sign"):
        draw_run(folder, count=2, sign=theirs)
    assert (folder / SIGNATURE).read_bytes() == first
    assert draw_run(folder, count=2, sign=ours).n_made == 1
    assert verify(folder, key=keys / "ours_public.pem").is_in_order
    assert (folder / SIGNATURE).read_bytes() != first


def test_the_signature_is_not_written_through_a_link(tmp_path, keys):
    folder = draw_run(tmp_path / "run", count=1).folder
    (tmp_path / "mine").write_text("thesis")
    (folder / SIGNATURE).symlink_to(tmp_path / "mine")
    with pytest.raises(RequestError, match="is a symbolic link"):
        draw_run(folder, count=1, sign=private_key(keys / "ours.pem"))
    assert (tmp_path / "mine").read_text() == "thesis"


def test_the_command_says_whose_the_run_is(run, keys, capsys):
    assert main(["verify", str(run), "--key", str(keys / "ours_public.pem")]) == 0
    assert f"signed by {keys / 'ours_public.pem'}" in capsys.readouterr().out
    assert main(["verify", str(run), "--key", str(keys / "theirs_public.pem")]) == 1
    assert main(["verify", str(run), "--key", str(keys / "nowhere.pem")]) == 2
