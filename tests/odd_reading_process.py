"""A reading process that misbehaves by the name of the file: what foreign decoders do on hostile bytes, on request.

Only tests start it, by a subclass of the reader; nothing in a file leads here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from monai_mammo.dicom.process import worker_process
from monai_mammo.dicom.process.worker import GuardedReader
from monai_mammo.dicom.process.worker_process import read_dicom

STARTED = Path("started")
"""File that shows that a program of a decoder runs."""


class Panic(BaseException):
    """What a Rust decoder raises; no `Exception`."""


def hang():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # only the reader's own clock is left
    while True:
        time.sleep(1)


def panic():
    raise Panic("value of a patient")


def garbage():
    os.write(ANSWERS[0], b"\xff" * 4096)
    time.sleep(60)


def half_an_answer():
    os.write(ANSWERS[0], b"\x02\0\0\0\0\0\0\0\0\0\0\0{")
    os._exit(0)


def stale_answer():
    old = b'{"number": 0, "kind": "skipped", "reason": "spot", "detail": ""}'
    os.write(ANSWERS[0], len(old).to_bytes(12, "little") + old)


def print_a_patient():
    print("DOE^JANE", flush=True)
    os.write(1, b"DOE^JANE")
    os.write(2, b"DOE^JANE")


def start_a_program():
    """What a decoder does that hands its work to another program, which outlasts it."""
    code = "import sys, time; print(flush=True); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", code, "started by a decoder"], stdout=open(STARTED, "w"))  # noqa: SIM115
    while not STARTED.read_text():
        time.sleep(0.01)
    os._exit(3)


ODD = {
    "start": start_a_program,
    "hang": hang,
    "slow": lambda: time.sleep(3),
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": os.abort,
    "leave": lambda: os._exit(3),
    "panic": panic,
    "exit": lambda: exit(0),
    "swell": lambda: np.ones(2**40),
    "garbage": garbage,
    "half": half_an_answer,
    "stale": stale_answer,
    "print": print_a_patient,
    "corrupt": lambda: STATE.append(1),
}
STATE: list[int] = []
ANSWERS: list[int] = []


def read(path: Path, **options):
    """As the real reader, after the deed that the file's name asks for."""
    if STATE:
        os.abort()  # the heap that the file before has spoilt
    if path.stem in ODD:
        ODD[path.stem]()
    return read_dicom(path, **options)


def main():
    """Entry of the process."""
    plain = worker_process.send
    worker_process.send = lambda file, *message: (ANSWERS.append(file.fileno()), plain(file, *message))[1]
    worker_process.main(read)


class OddReader(GuardedReader):
    """Reader whose process misbehaves."""

    _process_module = "odd_reading_process"
