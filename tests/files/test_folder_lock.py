"""One process at a time in a run's folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from monai_mammo.errors import MammoError
from monai_mammo.files.folder_lock import LOCK, folder_lock

HOLD = """
import sys, time
from pathlib import Path
from monai_mammo.files.folder_lock import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_process_says_who_works_there_and_a_killed_one_keeps_nobody_out(tmp_path, other):
    sentence = f"is being written by process {other.pid} on {socket.gethostname()}"
    with pytest.raises(MammoError, match=sentence), folder_lock(tmp_path):
        pass
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert (tmp_path / LOCK).exists()
    with folder_lock(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert not (tmp_path / LOCK).exists()


def test_a_file_that_was_left_behind_is_taken_over(tmp_path):
    (tmp_path / LOCK).write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
    with folder_lock(tmp_path), pytest.raises(MammoError, match="is being written by process"), folder_lock(tmp_path):
        pass


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("thesis")
    (tmp_path / LOCK).symlink_to(tmp_path / "mine")
    with pytest.raises(MammoError, match="could not be written"), folder_lock(tmp_path):
        pass
    assert (tmp_path / "mine").read_text() == "thesis"
