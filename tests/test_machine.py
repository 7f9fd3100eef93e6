"""Huge pages are recognised and asked for once, by the command alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monai_mammo import machine
from monai_mammo.machine import HugePages, huge_pages

ROOT = Path(machine.__file__).resolve().parents[1]
GLIBC, MADVISE = ("glibc", "2.36"), "always [madvise] never\n"
PROGRAM = """\
import json, os, sys
{before}
from monai_mammo import machine
machine.restart_with_huge_pages()
print(json.dumps({{
    "words": sys.argv[1:],
    "tunables": os.environ.get("GLIBC_TUNABLES", ""),
    "restarted": os.environ.get("MONAI_MAMMO_RESTARTED") == str(os.getpid()),
    "pages": machine.huge_pages().name,
    "folder": os.getcwd(),
}}))
"""
OF_NETWORKS = ("reconstruction", "spots", "texture", "lesions", "examiners", "calibrate", "sheet")
offered = pytest.mark.skipif(huge_pages({}) is HugePages.NOT_OFFERED, reason="this system offers no huge pages")


@pytest.mark.parametrize(
    ("tunables", "libc", "setting", "state"),
    [
        ("", GLIBC, MADVISE, HugePages.NOT_REQUESTED),
        ("", GLIBC, "[always] madvise never", HugePages.NOT_REQUESTED),
        ("", ("glibc", "2.35"), MADVISE, HugePages.NOT_REQUESTED),
        ("", ("glibc", "3.0"), MADVISE, HugePages.NOT_REQUESTED),
        ("glibc.malloc.hugetlb=1", GLIBC, MADVISE, HugePages.IN_USE),
        ("glibc.malloc.check=1:glibc.malloc.hugetlb=1", GLIBC, MADVISE, HugePages.IN_USE),
        ("glibc.malloc.hugetlb=0", GLIBC, MADVISE, HugePages.REFUSED),
        ("glibc.malloc.hugetlb=2", GLIBC, MADVISE, HugePages.REFUSED),
        ("glibc.malloc.check=1", GLIBC, MADVISE, HugePages.NOT_REQUESTED),
        ("glibc.malloc.hugetlb=1", GLIBC, "always madvise [never]", HugePages.NOT_OFFERED),
        ("", GLIBC, "", HugePages.NOT_OFFERED),
        ("", ("glibc", "2.34"), MADVISE, HugePages.NOT_OFFERED),
        ("", ("glibc", "2.9"), MADVISE, HugePages.NOT_OFFERED),
        ("", ("", ""), MADVISE, HugePages.NOT_OFFERED),
    ],
)
def test_state(tunables, libc, setting, state):
    assert huge_pages({"GLIBC_TUNABLES": tunables}, libc=libc, system_setting=setting) is state


def test_a_variable_set_after_the_start_is_none(monkeypatch):
    before = huge_pages()
    monkeypatch.setenv("GLIBC_TUNABLES", machine.TUNABLE)
    assert huge_pages() is before


def started(folder: Path, *words: str, name: str = "monai-mammo", before: str = "", **environment: str) -> dict:
    """What a program that calls `restart_with_huge_pages` says of itself."""
    program = folder / name
    program.write_text(PROGRAM.format(before=before), encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if k not in ("GLIBC_TUNABLES", machine.OPT_OUT)}
    done = subprocess.run(
        [sys.executable, str(program), *words],
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("\n") == 1, "the program ran once, and said so once"
    return json.loads(done.stdout)


@offered
def test_the_command_starts_anew_once_and_keeps_its_words(tmp_path):
    words = ("generate", "two words", "", "--out=é", "$HOME", "--", "*")
    said = started(tmp_path, *words)
    assert said["restarted"] and said["pages"] == "IN_USE"
    assert said["tunables"] == "glibc.malloc.hugetlb=1"
    assert tuple(said["words"]) == words and said["folder"] == str(tmp_path)


@offered
def test_other_tunables_stay(tmp_path):
    said = started(tmp_path, GLIBC_TUNABLES="glibc.malloc.tcache_count=7")
    assert said["restarted"] and said["tunables"] == "glibc.malloc.tcache_count=7:glibc.malloc.hugetlb=1"


@offered
@pytest.mark.parametrize(
    ("settings", "pages"),
    [
        ({"MONAI_MAMMO_HUGE_PAGES": "no"}, "NOT_REQUESTED"),
        ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}, "REFUSED"),
        ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, "IN_USE"),
        ({"name": "mine.py"}, "NOT_REQUESTED"),
        ({"before": "import pytest"}, "NOT_REQUESTED"),
        ({"before": "sys.modules['torch'] = sys"}, "NOT_REQUESTED"),
        ({"before": "sys.argv.append('--more')"}, "NOT_REQUESTED"),
        ({"before": "os.environ['MONAI_MAMMO_RESTARTED'] = str(os.getpid())"}, "NOT_REQUESTED"),
    ],
)
def test_it_stays_as_it_was_started(tmp_path, settings, pages):
    said = started(tmp_path, **settings)
    assert said["pages"] == pages
    assert said["restarted"] == ("RESTARTED" in str(settings))


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ("generate --out run --count 0", True),
        ("reconstruct nothing.png --out run", True),
        ("train nothing", True),
        ("doctor --machine", True),
        *((f"evaluate {one} --datalist nothing --out figures", True) for one in OF_NETWORKS),
        ("evaluate adherence run --datalist nothing --out figures", True),
        ("evaluate realism run --reference nothing", True),
        ("evaluate requests --datalist nothing --out figures", False),
        ("evaluate memorisation run --datalist nothing --out figures", False),
        ("evaluate fingerprint --datalist nothing --bundle nothing", False),
        ("evaluate card nothing nothing", False),
        ("verify nothing", False),
        ("bundles --json", False),
    ],
)
def test_commands_that_run_networks_ask(tmp_path, words, asks):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), machine.OPT_OUT: "perhaps"}
    command = [sys.executable, "-m", "monai_mammo", *words.split()]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    sentence = "MONAI_MAMMO_HUGE_PAGES 'perhaps' is not one of"
    assert (sentence in done.stderr) == asks
    assert (done.returncode == 2) or not asks


def test_what_is_found_is_said():
    lines = machine.describe()
    assert [line.partition(":")[0] for line in lines] == ["processor", "instructions", "huge pages", "threads"]
    assert f"of {machine.n_cores()} cores" in lines[-1]
