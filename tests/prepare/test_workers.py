"""Work in processes that are killed, interrupted or in the way, and what the prepared folder holds after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare.workers import spread

N_FILES = 16
COMMAND = [sys.executable, "-m", "monai_mammo", "prepare", "--shape", "64x48", "--full-size", "--quiet"]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Pictures that take long enough to be interrupted half-way."""
    top = tmp_path_factory.mktemp("source")
    picture = draw_mammogram(Conditions(kind="film"), seed=1, shape=(600, 450)).pixels
    for i in range(N_FILES):
        Image.fromarray(np.round(picture * (250 - i)).astype(np.uint8)).save(top / f"{i:02d}.png")
    return top


@pytest.fixture(scope="module")
def clean(source: Path, tmp_path_factory) -> dict[str, bytes]:
    """Content of the folder where nothing came in between."""
    out = tmp_path_factory.mktemp("clean") / "out"
    assert subprocess.run([*COMMAND, str(source), "--out", str(out)]).returncode == 0
    return files_of(out)


def files_of(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def start(source: Path, out: Path, workers: int = 2) -> subprocess.Popen:
    """A command that has done some of its work, and not all."""
    words = [*COMMAND, str(source), "--out", str(out), "--workers", str(workers)]
    process = subprocess.Popen(words, start_new_session=True, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: len(list((out / "items").glob("[!.]*.json"))) >= 3 if (out / "items").is_dir() else False)
    assert process.poll() is None
    return process


def wait_for(happens, timeout_s: float = 60.0) -> None:
    """Until something happens; a loaded machine has time for it."""
    end = time.monotonic() + timeout_s
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, and those that they have."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_each_item_gives_its_result_and_a_dying_process_costs_its_own():
    fatal = "__import__('os')._exit(3)"
    items = ["1 + 1", fatal, *(f"{i} * {i}" for i in range(6)), fatal]
    assert dict(spread(eval, items, workers=2)) == {0: 2, 1: None, **{i + 2: i * i for i in range(6)}, 8: None}


def test_an_error_of_the_work_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(spread(eval, ["1", "1 / 0", "1"], workers=1))


def test_workers_load_neither_torch_nor_monai():
    loaded = "{'torch', 'monai', 'scipy'} & set(__import__('sys').modules)"
    words = f"__import__('monai_mammo.prepare.preparation') and {loaded}"
    assert dict(spread(eval, [words], workers=1)) == {0: {"scipy"}}


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(source, clean, tmp_path):
    out = tmp_path / "out"
    process = start(source, out)
    os.kill(next(pid for pid in descendants(process.pid) if b"spawn_main" in cmdline(pid)), signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0 and not said
    assert files_of(out) == clean


def test_a_killed_parent_takes_all_along_and_the_same_command_completes_it(source, clean, tmp_path):
    out = tmp_path / "out"
    process = start(source, out)
    started = descendants(process.pid)
    assert len(started) >= 4  # two workers, a reading process each
    process.kill()
    process.wait()
    try:
        wait_for(lambda: not any(map(is_there, started)), timeout_s=20)
    finally:
        for pid in filter(is_there, started):
            os.kill(pid, signal.SIGKILL)
    assert not (out / "datalist.json").is_file()
    (out / "images" / ".00.npy.4194305.part").write_bytes(b"half")  # as a process leaves it that is killed in a write
    assert len(files_of(out)) < len(clean)
    assert subprocess.run([*COMMAND, str(source), "--out", str(out)]).returncode == 0
    assert files_of(out) == clean


@pytest.mark.slow
def test_ctrl_c_leaves_a_folder_that_the_same_command_completes(source, clean, tmp_path):
    out = tmp_path / "out"
    process = start(source, out)
    started = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "monai-mammo: stopped; what is finished stays, and the same command completes it\n"
    wait_for(lambda: not any(map(is_there, started)), timeout_s=20)
    assert subprocess.run([*COMMAND, str(source), "--out", str(out), "--workers", "2"]).returncode == 0
    assert files_of(out) == clean


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
