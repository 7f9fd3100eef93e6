"""A generated study goes into Debian's Orthanc and comes back equal: by DICOMweb, by C-STORE, by its own interface."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_tools import errors_between, lines_of, needs

from monai_mammo.dicom import (
    ReportedFinding,
    complete,
    read_segmentation,
    write_mammogram,
    write_report,
    write_segmentation,
)
from monai_mammo.dicom.writing.store import dataset_bytes
from monai_mammo.generation import generate
from monai_mammo.study import Annotation
from monai_mammo.terms import Density, Finding, FindingCategory

pytestmark = pytest.mark.slow
DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


class Archive:
    """Orthanc on loopback, with free ports and a folder of its own."""

    def __init__(self, folder):
        self.http, self.dimse = _free_port(), _free_port()
        settings = {
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "HttpPort": self.http,
            "DicomPort": self.dimse,
            "DicomAet": "ARCHIVE",
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomAlwaysAllowStore": True,
            "Plugins": [str(DICOMWEB)] if DICOMWEB.exists() else [],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self.log = folder / "orthanc.log"
        with self.log.open("wb") as log:
            command = [shutil.which("Orthanc"), str(folder / "orthanc.json")]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)

    def wait(self, timeout_s=120):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            try:
                return self.ask("/system")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        raise AssertionError(f"Orthanc does not answer: {self.log.read_text()[-2000:]}")

    def ask(self, path, data=None, **headers):
        """Body and content type of an answer."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data=data, headers=fields)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read(), answer.headers["Content-Type"]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def archive(tmp_path):
    needs("Orthanc")
    server = Archive(tmp_path)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


MASK = np.zeros((96, 64), dtype=bool)
MASK[40:50, 20:31] = True


@pytest.fixture(params=["run", "jpeg-ls", "native"])
def study(request, tmp_path, make_mammogram, identity, provenance):
    """Files of a generated study: mammogram, masks, report; of a run by the shipped weights, or written one by one."""
    folder = tmp_path / "run" / "sample_0000" if request.param == "run" else tmp_path
    paths = [folder / name for name in ("mammogram.dcm", "lesion.seg.dcm", "report.dcm")]
    if request.param == "run":
        asked = {"finding": "mass", "view": "MLO", "laterality": "R", "birads": 5, "seed": 7}
        generate(**asked, max_tries=1, count=1, out=tmp_path / "run")
        return paths
    options = {"identity": identity, "provenance": provenance, "transfer_syntax": request.param}
    mammogram = write_mammogram(make_mammogram(), paths[0], **options)
    masks = {"requested": MASK, "found": np.roll(MASK, 3, axis=0)}
    segmentation = write_segmentation(mammogram, masks, paths[1], finding=Finding.MASS, provenance=provenance)
    annotation = Annotation(categories=(FindingCategory.MASS,), birads=4, birads_letter="c")
    findings = [ReportedFinding(name=name, annotation=annotation, made_by=provenance.weights[0]) for name in masks]
    write_report(mammogram, segmentation, findings, paths[2], provenance=provenance, density=Density.B)
    return paths


def stored_by_dicomweb(archive, paths):
    if not DICOMWEB.exists():
        pytest.skip("Orthanc's DICOMweb plugin is not installed")
    boundary = uuid.uuid4().hex
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    parts = [head + path.read_bytes() + b"\r\n" for path in paths]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
    answer, _ = archive.ask("/dicom-web/studies", body, Content_Type=kind, Accept="application/dicom+json")
    assert len(json.loads(answer)["00081199"]["Value"]) == len(paths)


def stored_by_c_store(archive, paths):
    for path in paths:
        syntax = pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
        option = "-xt" if syntax.is_compressed else "-xe"  # propose JPEG-LS lossless, or explicit little endian
        # -R: propose the file's own class, as segmentations are not among the usual ones
        said = lines_of(["storescu", "-v", "-R", option, "-aec", "ARCHIVE", "127.0.0.1", archive.dimse, path])
        assert any("Received Store Response (Success)" in line for line in said), said


def stored_by_its_own_interface(archive, paths):
    for path in paths:
        answer, _ = archive.ask("/instances", path.read_bytes(), Content_Type="application/dicom")
        assert json.loads(answer)["Status"] == "Success"


def fetched_by_dicomweb(archive, study_uid):
    if not DICOMWEB.exists():
        return []
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    body, kind = archive.ask(f"/dicom-web/studies/{study_uid}", Accept=accept)
    boundary = kind.partition("boundary=")[2].partition(";")[0].strip('"').encode()
    parts = [part for part in body.split(b"--" + boundary) if b"DICM" in part]
    return [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]


def fetched_by_its_own_interface(archive):
    names = json.loads(archive.ask("/instances")[0])
    return [archive.ask(f"/instances/{name}/file")[0] for name in names]


@pytest.mark.parametrize("store", [stored_by_dicomweb, stored_by_c_store, stored_by_its_own_interface])
def test_the_archive_gives_a_study_back_equal(archive, study, store, tmp_path):
    assert errors_between(*study) == []
    sent = {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, study)}
    store(archive, study)
    (study_uid,) = {dataset.StudyInstanceUID for dataset in sent.values()}
    answers = [fetched_by_its_own_interface(archive)]
    if DICOMWEB.exists():
        answers.append(fetched_by_dicomweb(archive, study_uid))
    for files in answers:
        came = {dataset.SOPInstanceUID: dataset for dataset in (pydicom.dcmread(BytesIO(file)) for file in files)}
        assert set(came) == set(sent)
        for name, dataset in came.items():
            assert dataset == sent[name]  # every element, pixels included, in sequences too
            assert dataset.file_meta.TransferSyntaxUID == sent[name].file_meta.TransferSyntaxUID
            assert dataset.SeriesInstanceUID == sent[name].SeriesInstanceUID
            assert complete(dataset) == []
            if "PixelData" in dataset:
                np.testing.assert_array_equal(dataset.pixel_array, sent[name].pixel_array)
            if dataset.Modality == "SEG":
                (tmp_path / "back.dcm").write_bytes(dataset_bytes(dataset))
                there, back = read_segmentation(study[1]), read_segmentation(tmp_path / "back.dcm")
                assert there["requested"].any() and all(np.array_equal(there[key], back[key]) for key in there)
    tree = json.loads(archive.ask("/studies?expand")[0])
    assert [len(study["Series"]) for study in tree] == [3]
    assert "SYNTHETIC" in tree[0]["PatientMainDicomTags"]["PatientName"]


def test_a_study_sent_twice_is_one_study(archive, study):
    """UIDs are stable, so that a repeated request adds nothing to an archive."""
    stored_by_its_own_interface(archive, study)
    for path in study:
        answer, _ = archive.ask("/instances", path.read_bytes(), Content_Type="application/dicom")
        assert json.loads(answer)["Status"] == "AlreadyStored"
    assert len(json.loads(archive.ask("/instances")[0])) == 3
