"""Which planted faults the tests see: ``python tests/mutation_run.py`` prints a table and "caught N of M".

Each fault of `mutation_faults.py` is planted alone, in a copy of the working tree, and the tests that should see it are
run there until one is red. Those that were red are run unharmed in the end, and must be green. The exit code is 1 where
less than 95 % are caught, where a fault has gone stale (its text does not stand once in its file, or a test of it is
gone), where the test that saw it is red unharmed, or where a room has no fault.

Tests run in processes that are forked from one that has torch, MONAI and the like imported already, and never our own
package: most of a short test's time is theirs.
"""

from __future__ import annotations

import argparse
import configparser
import contextlib
import multiprocessing
import os
import queue
import re
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from mutation_faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[1]
LEAST_SHARE = 0.95
TIMEOUT_S = 900.0
_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "venv", "build", "dist", "site", "work")
_HIDDEN = (".ci", ".github", ".gitignore", ".gitattributes")  # which tests of the documents read
_IMPORTED = "scipy.ndimage scipy.optimize scipy.stats skimage torch monai.bundle monai.engines monai.transforms ignite"
_IMPORTED += " pydicom highdicom nibabel imagecodecs openpyxl hypothesis.extra.numpy pytest"
_NOT_FOUND, _NO_TESTS = 4, 5  # exit codes of pytest
_NOT_GREEN = re.compile(r"^(?:FAILED|ERROR) tests/(.+?)(?: - .*)?$", re.MULTILINE)


class Finding(NamedTuple):
    """What became of a fault: a word, and the test that saw it."""

    word: str
    seen_by: str = ""
    seconds: float = 0.0

    def tests_to_check(self, fault: Fault) -> list[str]:
        """Tests that must be green unharmed: the one that saw the fault, or all where pytest names none."""
        return [self.seen_by] if self.seen_by.partition("::")[0].endswith(".py") else list(fault.tests)


def copied_tree(folder: Path) -> Path:
    """Copy of the working tree in a folder, with what stands beside it for tests that read it."""
    tree = folder / ROOT.name
    shutil.copytree(ROOT, tree, ignore=_NOT_COPIED, symlinks=True)
    for source in (ROOT / name for name in _HIDDEN):
        if source.is_dir():
            shutil.copytree(source, tree / source.name)
        elif source.is_file():
            shutil.copy(source, tree / source.name)
    if (ROOT.parent / "shared").exists():
        (folder / "shared").symlink_to((ROOT.parent / "shared").resolve())
    return tree


def run_tests(tree: Path, tests: list[str], *options: str) -> tuple[int | None, list[str]]:
    """Exit code of pytest in a tree, `None` where it had to be ended, and the tests that were not green."""
    context = multiprocessing.get_context("forkserver")
    said = tree.parent / "said.txt"
    process = context.Process(target=_test_in, args=(tree, [*options, *(f"tests/{t}" for t in tests)], said))
    process.start()
    process.join(TIMEOUT_S * max(1, len(tests)))
    is_endless = process.exitcode is None
    with contextlib.suppress(ProcessLookupError):  # what the tests started ends with them
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
    not_green = _NOT_GREEN.findall(said.read_text(errors="replace"))
    return None if is_endless else process.exitcode, not_green


def _test_in(tree: Path, words: list[str], said: Path) -> None:
    """Run pytest in a forked process that imports the package of the tree."""
    import pytest

    os.setsid()
    with open(said, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(tree)
    # without bytecode: a module that changes twice in a second, and keeps its size, would be taken for the old one
    sys.dont_write_bytecode = True
    os.environ |= {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    own = (ROOT, ROOT / "tests")  # not all below ROOT: the environment may lie there
    sys.path[:] = [str(tree), *(place for place in sys.path if Path(place or ".").resolve() not in own)]
    import monai_mammo

    assert Path(monai_mammo.__file__).is_relative_to(tree), monai_mammo.__file__
    code = pytest.main(["-q", "-rfE", "--no-header", "--tb=no", "-p", "no:cacheprovider", *words])
    sys.stdout.flush()
    os._exit(code)


@contextlib.contextmanager
def planted(fault: Fault, tree: Path):
    """The fault in its file, which is restored in the end."""
    path = tree / "monai_mammo" / fault.file
    whole = path.read_bytes()
    path.write_bytes(whole.replace(fault.old.encode(), fault.new.encode()))
    try:
        yield
    finally:
        path.write_bytes(whole)


def is_stale(fault: Fault) -> bool:
    """Whether the text of a fault does not stand once in its file, or a file of its tests is not there."""
    path = ROOT / "monai_mammo" / fault.file
    tests = [ROOT / "tests" / test.partition("::")[0] for test in fault.tests]
    return not all(file.exists() for file in (path, *tests)) or path.read_text(encoding="utf-8").count(fault.old) != 1


def examine(fault: Fault, tree: Path) -> Finding:
    """Plant a fault and run its tests until one is red."""
    start = time.monotonic()
    with planted(fault, tree):
        code, not_green = run_tests(tree, list(fault.tests), "-x")
    seconds = time.monotonic() - start
    if code == _NOT_FOUND:
        return Finding("STALE", "", seconds)
    if code in (0, _NO_TESTS):
        return Finding("MISSED", "", seconds)
    if not not_green and code is not None:
        return Finding("BROKEN OFF", f"exit code {code}", seconds)
    return Finding("caught", (not_green or ["no end"])[0], seconds)


def red_unharmed(tests: list[str], tree: Path) -> set[str]:
    """Those of some tests that are red without any fault; all of them where they cannot be run."""
    code, not_green = run_tests(tree, tests)
    return set(not_green) if code in (0, 1) else set(tests)


def rooms_without_a_fault() -> list[str]:
    """Rooms of `setup.cfg` that hold code and in which no fault is planted."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    packages = [name for name in config["options"]["packages"].split() if not name.endswith("._bundles")]
    rooms = [name.removeprefix("monai_mammo").lstrip(".").replace(".", "/") or "." for name in packages]
    return sorted(set(rooms) - {fault.room for fault in FAULTS})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="SUBSTR", default="", help="faults whose file, tests, harm or topic holds it")
    parser.add_argument("--numbers", metavar="A-B", default=f"1-{len(FAULTS)}", help="faults A to B of the table")
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="copies of the tree that are worked in")
    arguments = parser.parse_args()
    first, _, last = arguments.numbers.partition("-")
    chosen = [
        (number, fault)
        for number, fault in enumerate(FAULTS, start=1)
        if int(first) <= number <= int(last or first)
        and arguments.only in "\n".join((fault.file, *fault.tests, fault.harm, fault.let_through))
    ]
    findings = {number: Finding("STALE") for number, fault in chosen if is_stale(fault)}
    started = time.monotonic()
    os.environ["OMP_NUM_THREADS"] = "1"
    multiprocessing.get_context("forkserver").set_forkserver_preload(_IMPORTED.split())
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.workers) as pool:
        trees: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(arguments.workers):
            place = Path(folder) / str(number)
            place.mkdir()
            trees.put(copied_tree(place))

        def in_a_tree(work, what):
            tree = trees.get()
            try:
                return work(what, tree)
            finally:
                trees.put(tree)

        def finding(numbered: tuple[int, Fault]) -> tuple[int, Finding]:
            number, fault = numbered
            found = in_a_tree(examine, fault)
            print(f"{number:4d}  {found.word:8s} {found.seconds:4.0f} s  {fault.file}: {fault.harm}", flush=True)
            return number, found

        findings |= dict(pool.map(finding, [pair for pair in chosen if pair[0] not in findings]))
        seen_by = {n: findings[n].tests_to_check(fault) for n, fault in chosen if findings[n].word == "caught"}
        tests = sorted({test for some in seen_by.values() for test in some})
        shares = [share for i in range(arguments.workers) if (share := tests[i :: arguments.workers])]
        red = set().union(*pool.map(lambda share: in_a_tree(red_unharmed, share), shares))
    for number, some in seen_by.items():
        if any(name.startswith(test) for name in red for test in some):
            findings[number] = findings[number]._replace(word="RED UNHARMED")
    print()
    for number, fault in chosen:
        found = findings[number]
        print(f"| {number} | {fault.file} | {fault.harm} | {found.word} | {found.seen_by} |")
    n_caught = sum(found.word == "caught" for found in findings.values())
    bare = [] if len(chosen) < len(FAULTS) else rooms_without_a_fault()
    if bare:
        print(f"no fault is planted in {', '.join(bare)}")
    others = [number for number, found in sorted(findings.items()) if found.word not in ("caught", "MISSED")]
    if others:
        print(f"stale, broken off, or red unharmed: {', '.join(map(str, others))}")
    print(f"caught {n_caught} of {len(chosen)} in {time.monotonic() - started:.0f} s")
    return 0 if n_caught >= LEAST_SHARE * len(chosen) and not others and not bare else 1


if __name__ == "__main__":
    raise SystemExit(main())
