"""Which planted faults the tests see: ``python tests/mutation_run.py`` prints a table and "caught N of M".

Each fault of `mutation_faults.py` is planted alone, in a copy of the working tree, and the tests that should see it are
run there. They are first run unharmed. The exit code is 1 where less than 95 % are caught, where a fault has gone stale
(its text does not stand once in its file), where its tests fail unharmed, or where a room has no fault.
"""

from __future__ import annotations

import argparse
import configparser
import contextlib
import os
import queue
import re
import shutil
import subprocess
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
_NO_TESTS = 5  # exit code of pytest
_NOT_GREEN = re.compile(r"^(?:FAILED|ERROR) tests/(\S+)", re.MULTILINE)


class Finding(NamedTuple):
    """What became of a fault: a word, and the test that saw it."""

    word: str
    seen_by: str = ""
    seconds: float = 0.0


def copied_tree(folder: Path) -> Path:
    """Copy of the working tree in a folder, with what stands beside it for tests that read it."""
    tree = folder / ROOT.name
    shutil.copytree(ROOT, tree, ignore=_NOT_COPIED, symlinks=True)
    for hidden in (".ci", ".github", ".gitignore"):  # which tests of the documents read
        source = ROOT / hidden
        if source.is_dir():
            shutil.copytree(source, tree / hidden)
        elif source.is_file():
            shutil.copy(source, tree / hidden)
    if (ROOT.parent / "shared").exists():
        (folder / "shared").symlink_to((ROOT.parent / "shared").resolve())
    return tree


def run_tests(tree: Path, tests: list[str], *options: str) -> tuple[int | None, list[str]]:
    """Exit code of pytest in a tree, `None` where it had to be ended, and names of the tests that were not green."""
    words = ["-q", "-rfE", "--no-header", "--tb=no", "-p", "no:cacheprovider", *options]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *(f"tests/{test}" for test in tests)],
            cwd=tree,
            env=_environment(tree),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S * max(1, len(tests)),
        )
    except subprocess.TimeoutExpired:
        return None, []
    return done.returncode, _NOT_GREEN.findall(done.stdout)


def _environment(tree: Path) -> dict[str, str]:
    # without bytecode: a module that changes twice in a second, and keeps its size, would be taken for the old one
    return {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}


def check_import(tree: Path) -> None:
    """End the run where Python would take the package from elsewhere than the tree, so that no fault could show."""
    command = [sys.executable, "-c", "import monai_mammo; print(monai_mammo.__file__)"]
    found = subprocess.run(command, cwd=tree, env=_environment(tree), capture_output=True, text=True).stdout.strip()
    if not Path(found).is_relative_to(tree):
        raise SystemExit(f"tests in {tree} would import {found or 'no monai_mammo'}")


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
    """Whether the text of a fault does not stand once in its file."""
    path = ROOT / "monai_mammo" / fault.file
    return not path.is_file() or path.read_text(encoding="utf-8").count(fault.old) != 1


def examine(fault: Fault, tree: Path) -> Finding:
    """Plant a fault and run its tests."""
    start = time.monotonic()
    with planted(fault, tree):
        code, not_green = run_tests(tree, list(fault.tests), "-x")
    seconds = time.monotonic() - start
    if code in (0, _NO_TESTS):
        return Finding("MISSED", "", seconds)
    return Finding("caught", (not_green or ["it did not end" if code is None else f"exit code {code}"])[0], seconds)


def not_green_unharmed(tests: list[str], tree: Path) -> list[str]:
    """Names of tests that fail without any fault, or all of them where they cannot be run."""
    code, not_green = run_tests(tree, tests)
    return not_green if code in (0, 1) else [*not_green, *tests]


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
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="copies of the tree that are worked in")
    arguments = parser.parse_args()
    chosen = [
        (number, fault)
        for number, fault in enumerate(FAULTS, start=1)
        if arguments.only in " ".join((f"{number}", fault.file, *fault.tests, fault.harm, fault.let_through))
    ]
    findings = {number: Finding("STALE") for number, fault in chosen if is_stale(fault)}
    to_do = [(number, fault) for number, fault in chosen if number not in findings]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.workers) as pool:
        trees: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(arguments.workers):
            (Path(folder) / str(number)).mkdir()
            trees.put(tree := copied_tree(Path(folder) / str(number)))
            check_import(tree)

        def in_a_tree(work, what):
            tree = trees.get()
            try:
                return work(what, tree)
            finally:
                trees.put(tree)

        tests = sorted({test for _, fault in to_do for test in fault.tests})
        shares = [share for i in range(arguments.workers) if (share := tests[i :: arguments.workers])]
        red = [name for names in pool.map(lambda share: in_a_tree(not_green_unharmed, share), shares) for name in names]
        print(f"{len(tests)} test files unharmed: {', '.join(red) or 'all green'}", flush=True)

        def finding(numbered):
            number, fault = numbered
            is_red = any(name.startswith(test) for name in red for test in fault.tests)
            found = Finding("RED UNHARMED") if is_red else in_a_tree(examine, fault)
            print(f"{number:4d}  {found.word:12s} {found.seconds:4.0f} s  {fault.file}: {fault.harm}", flush=True)
            return number, found

        findings |= dict(pool.map(finding, to_do))
    print()
    for number, fault in chosen:
        found = findings[number]
        print(f"| {number} | {fault.file} | {fault.harm} | {found.word} | {found.seen_by.partition('::')[2]} |")
    n_caught = sum(found.word == "caught" for found in findings.values())
    bare = [] if arguments.only else rooms_without_a_fault()
    if bare:
        print(f"no fault is planted in {', '.join(bare)}")
    others = [number for number, found in sorted(findings.items()) if found.word not in ("caught", "MISSED")]
    if others:
        print(f"stale, or red unharmed: {', '.join(map(str, others))}")
    print(f"caught {n_caught} of {len(chosen)} in {time.monotonic() - started:.0f} s")
    return 0 if n_caught >= LEAST_SHARE * len(chosen) and not others and not bare else 1


if __name__ == "__main__":
    raise SystemExit(main())
