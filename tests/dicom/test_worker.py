"""The reading process: equal results, one file lost a crash, nothing left over."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import gc
import hashlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import dicom_encoders
import numpy as np
import pytest
from odd_reading_process import OddReader
from pydicom import uid

from monai_mammo.dicom import GuardedReader, Limits, SkipReason, read_guarded, read_mammogram
from monai_mammo.dicom.process import worker_process
from monai_mammo.dicom.reading.stored_pixels import read_stored_pixels
from monai_mammo.errors import RequestError
from monai_mammo.study import Mammogram

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A good file, and copies of it under the names that the odd process knows."""
    folder = tmp_path_factory.mktemp("files")
    data = dicom_encoders.encode(
        dicom_encoders.ramp(12),
        syntax=uid.JPEGLSLossless,
        ImageLaterality="L",
        ViewPosition="MLO",
        PatientAge="061Y",
        PatientID="4711",
        ImagerPixelSpacing=[0.07, 0.08],
        BurnedInAnnotation="NO",
        WindowCenter=["2000", "1000"],
        WindowWidth=["3000", "500"],
    )
    names = ("good", "hang", "slow", "segfault", "abort", "leave", "panic", "exit", "swell")
    for name in (*names, "garbage", "half", "stale", "print", "corrupt", "start"):
        (folder / f"{name}.dcm").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def reader():
    with GuardedReader() as reader:
        yield reader


def pid_of(reader):
    return reader._process._popen.pid


def is_there(pid):
    """Whether a process is on the system's list, be it as a zombie."""
    return Path(f"/proc/{pid}").exists() if Path("/proc/self").exists() else _answers_signals(pid)


def _answers_signals(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def soon(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def same(one, other):
    """All fields equal, arrays by value and type."""
    assert type(one) is type(other)
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype and np.array_equal(a, b), field.name
        else:
            assert a == b and type(a) is type(b), field.name
    return True


def test_the_result_is_that_of_reading_in_process(reader, folder, write):
    files = [
        folder / "good.dcm",
        write(dicom_encoders.encode(dicom_encoders.ramp(16, signed=True), bits=16, signed=True), "signed.dcm"),
        write(dicom_encoders.encode(dicom_encoders.ramp(8), bits=8, SeriesDescription="L CC"), "plain.dcm"),
        write(dicom_encoders.encode(dicom_encoders.ramp(12), NumberOfFrames=2), "frames.dcm"),
        write(b"no DICOM", "text.dcm"),
        folder / "missing.dcm",
    ]
    assert all(same(reader.read(path), read_mammogram(path)) for path in files)
    good = reader.read(files[0])
    assert isinstance(good, Mammogram) and not good.pixels.flags.writeable
    assert good.source_sha256 == hashlib.sha256(files[0].read_bytes()).hexdigest()


@pytest.mark.parametrize("bits", [8, 16])
def test_stored_pixels_are_those_of_reading_in_process(write, bits):
    paths = [
        write(dicom_encoders.encode(dicom_encoders.ramp(bits), bits=bits, syntax=syntax), f"{syntax}.dcm")
        for syntax in (uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.RLELossless, uid.JPEGLSLossless)
    ]
    with GuardedReader() as reader:
        found = [reader.read_stored(path) for path in paths]
        assert all(same(one, read_stored_pixels(path)) for one, path in zip(found, paths, strict=True))
        assert all(same(reader.read(path), read_mammogram(path)) for path in paths)
        assert reader.read_stored(Path(__file__)).reason is SkipReason.NOT_DICOM
    assert all(np.array_equal(one.pixels, dicom_encoders.ramp(bits)) for one in found)


def test_options_reach_the_reader(reader, folder):
    voi, raw = (reader.read(folder / "good.dcm", mode=mode) for mode in ("voi", "raw"))
    assert same(raw, read_mammogram(folder / "good.dcm", mode="raw")) and not np.array_equal(voi.pixels, raw.pixels)
    with pytest.raises(RequestError, match="negative"):
        reader.read(folder / "good.dcm", mode="negative")
    magnified = folder / "magnified.dcm"
    data = dicom_encoders.encode(dicom_encoders.ramp(12), EstimatedRadiographicMagnificationFactor="1.8")
    magnified.write_bytes(data)
    assert reader.read(magnified).reason is SkipReason.MAGNIFICATION
    assert isinstance(reader.read(magnified, accept={SkipReason.MAGNIFICATION}), Mammogram)
    with pytest.raises(RequestError, match="damaged"):
        reader.read(magnified, accept=[SkipReason.DAMAGED])


def test_a_path_is_that_of_the_caller(reader, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert isinstance(reader.read("good.dcm"), Mammogram)
    odd = os.fsdecode(b"b\xff\n'\".dcm")
    assert reader.read(odd).reason is SkipReason.UNREADABLE
    Path(odd).write_bytes(Path("good.dcm").read_bytes())
    assert reader.read(odd).source == odd


def test_the_process_is_bounded_and_light(reader, folder):
    reader.read(folder / "good.dcm")
    limits = Path(f"/proc/{pid_of(reader)}/limits")
    if not limits.exists():
        pytest.skip("no /proc on this system")
    rows = {line[:26].strip(): line[26:].split()[:2] for line in limits.read_text().splitlines()}
    assert rows["Max address space"] == [str(3 * 2**30)] * 2
    assert rows["Max core file size"] == ["0", "0"]
    maps = Path(f"/proc/{pid_of(reader)}/maps").read_text()
    assert "imagecodecs" in maps and not any(name in maps for name in ("torch", "SimpleITK"))


@pytest.mark.parametrize(
    "deeds",
    [
        [("segfault", "SIGSEGV"), ("garbage", "an answer that cannot be read")],
        pytest.param(
            [
                ("abort", "SIGABRT"),
                ("leave", "exit code 3"),
                ("half", "exit code 0"),
                ("stale", "an answer that cannot be read"),
            ],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_ends_the_process_costs_one_file(folder, deeds):
    # each is the first file of its process, so that it is tried once
    with OddReader(memory_bytes=2**30, timeout_s=30) as reader:
        for name, how in deeds:
            result = reader.read(folder / f"{name}.dcm")
            assert (result.reason, result.path.stem) == (SkipReason.DECODER_CRASHED, name)
            assert how in result.detail
        assert same(reader.read(folder / "good.dcm"), read_mammogram(folder / "good.dcm"))


def test_what_can_be_caught_costs_no_process(folder, capfd):
    with OddReader(memory_bytes=2**30) as reader:
        reader.read(folder / "good.dcm")
        first = pid_of(reader)
        results = {name: reader.read(folder / f"{name}.dcm") for name in ("panic", "exit", "swell", "print", "good")}
        assert pid_of(reader) == first
    reasons = {name: result.reason for name, result in results.items() if not isinstance(result, Mammogram)}
    assert reasons == {"panic": SkipReason.DAMAGED, "exit": SkipReason.DAMAGED, "swell": SkipReason.TOO_LARGE}
    assert results["panic"].detail == "reading failed (Panic)"  # nothing of what it says
    assert "DOE" not in "".join(capfd.readouterr())


def test_a_hang_ends_in_time(folder):
    with OddReader(timeout_s=1.5) as reader:
        reader.read(folder / "good.dcm")
        start = time.monotonic()
        result = reader.read(folder / "hang.dcm")
        assert result.reason is SkipReason.TIMEOUT and result.detail == "reading it took longer than 1.5 s"
        assert time.monotonic() - start > 1.4
        assert isinstance(reader.read(folder / "good.dcm"), Mammogram)


def test_a_file_is_not_blamed_for_the_one_before(folder):
    with OddReader() as reader:
        assert isinstance(reader.read(folder / "corrupt.dcm"), Mammogram)
        assert isinstance(reader.read(folder / "good.dcm"), Mammogram)


def test_killed_from_outside(folder):
    with OddReader() as reader:
        reader.read(folder / "good.dcm")
        os.kill(pid_of(reader), signal.SIGKILL)  # between two files: nobody's fault
        first = reader._process
        assert soon(lambda: not first.is_alive)
        results = []
        thread = threading.Thread(target=lambda: results.append(reader.read(folder / "slow.dcm")))
        thread.start()
        assert soon(lambda: reader._process not in (None, first) and reader._process.n_requests == 1)
        os.kill(pid_of(reader), signal.SIGKILL)  # in the middle of one
        thread.join(20)
        assert results[0].reason is SkipReason.DECODER_CRASHED and "SIGKILL" in results[0].detail
        assert isinstance(reader.read(folder / "good.dcm"), Mammogram)


def test_nothing_is_left_over(folder):
    gc.collect()  # what tests before this one have left
    threads, files = threading.active_count(), len(os.listdir("/dev/fd"))
    reader = GuardedReader(files_per_process=2)
    pids = []
    for _ in range(2):
        reader.read(folder / "good.dcm")
        pids.append(pid_of(reader))
        reader.read(folder / "good.dcm")
    assert len(set(pids)) == 2  # renewed after two files
    reader.read(folder / "good.dcm")
    pids.append(pid_of(reader))
    del reader
    gc.collect()
    assert not any(is_there(pid) for pid in pids)
    assert (threading.active_count(), len(os.listdir("/dev/fd"))) == (threads, files)


def run_script(text, folder, *, send=None):
    """Output of a script that comes over standard input, run from another folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    process = subprocess.Popen(
        [sys.executable, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=folder, env=environment, text=True,
    )  # fmt: skip
    process.stdin.write(text)
    process.stdin.close()
    first = process.stdout.readline()
    if send is not None:
        process.send_signal(send)
    out, err = process.stdout.read(), process.stderr.read()
    process.stdout.close(), process.stderr.close()
    return first, out, err, process.wait(60)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are told by /proc")
def test_what_a_decoder_has_started_ends_with_its_process(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with OddReader() as reader:
        assert reader.read(folder / "start.dcm").reason is SkipReason.DECODER_CRASHED
    assert (folder / "started").exists()
    for _ in range(500):  # the system takes a killed process off its list in its own time
        if not _programs("started by a decoder"):
            break
        time.sleep(0.01)
    assert not _programs("started by a decoder")


def _programs(word: str) -> list[str]:
    """Numbers of the processes that have a word in their command and still run."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_dead = (place / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if word.encode() in (place / "cmdline").read_bytes() and not is_dead:
                found.append(place.name)
    return found


START = """
import os, threading, time
from odd_reading_process import OddReader
reader = OddReader()
reader.read("good.dcm")
"""
TELL = "print(reader._process._popen.pid, flush=True)"
SCRIPT = f"{START}{TELL}\n"
TELL_WHEN_ASKED_AGAIN = f"""
def tell():
    while reader._process.n_requests < 2:
        time.sleep(0.01)
    {TELL}
threading.Thread(target=tell).start()
"""


def test_a_script_without_main_guard_that_closes_nothing(folder):
    first, out, err, code = run_script(SCRIPT + "print(type(reader.read('good.dcm')).__name__)", folder)
    assert (out, err, code) == ("Mammogram\n", "", 0)
    assert soon(lambda: not is_there(int(first)))


def test_ctrl_c_ends_the_process_and_goes_on_to_the_caller(folder):
    text = START + TELL_WHEN_ASKED_AGAIN
    text += "try:\n    reader.read('slow.dcm')\nexcept KeyboardInterrupt:\n    print(reader._process)\n"
    first, out, err, code = run_script(text, folder, send=signal.SIGINT)
    assert (out, err, code) == ("None\n", "", 0)
    assert soon(lambda: not is_there(int(first)))


@pytest.mark.slow
def test_a_killed_reader_takes_its_process_along(folder):
    first, *_, code = run_script(SCRIPT + "reader.read('slow.dcm')", folder, send=signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert soon(lambda: not is_there(int(first)))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_reads_by_a_process_of_its_own(folder):
    text = f"""{SCRIPT}
child = os.fork()
if not child:
    ok = reader.read("good.dcm").shape == (48, 64) and reader._process._popen.pid != {{}}
    reader.close()
    os._exit(0 if ok else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), reader._process.is_alive)
print(type(reader.read("good.dcm")).__name__, reader._process.n_requests)
"""
    _, out, err, code = run_script(text.replace("{}", "int(os.getpid())"), folder)
    assert (out, err, code) == ("0 True\nMammogram 2\n", "", 0)


@pytest.mark.slow
def test_in_a_spawned_pool(folder):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (result,) = pool.map(read_guarded, [folder / "good.dcm"])
    assert same(result, read_mammogram(folder / "good.dcm"))


def test_copies_of_a_reader_have_its_bounds_and_no_process(reader):
    for twin in (pickle.loads(pickle.dumps(reader)), copy.deepcopy(reader)):
        assert twin._settings == reader._settings and twin._process is None


def test_limits_reach_the_process(folder):
    with GuardedReader(limits=Limits(pixels=1000)) as reader:
        assert reader.read(folder / "good.dcm").reason is SkipReason.TOO_LARGE


@pytest.mark.parametrize("bound", [{"memory_bytes": 2**20}, {"timeout_s": 0}, {"timeout_s": float("inf")}])
def test_bounds_that_are_none(bound):
    with pytest.raises(RequestError, match=next(iter(bound))):
        GuardedReader(**bound)


def test_a_system_without_resource_limits(monkeypatch):
    monkeypatch.setattr(worker_process, "resource", None)
    worker_process._bound_memory(2**30)  # would end this process's memory if it were applied
