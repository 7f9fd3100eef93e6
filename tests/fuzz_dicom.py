"""What reading does with hostile files: ``python tests/fuzz_dicom.py --mutants 20000`` prints the table.

Mutants are read by number, so that a run can be cut in shards and a file that failed made again:
``--write FOLDER`` keeps those that ended the reading process or were slow.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import os
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import dicom_corpus

from monai_mammo.dicom import Failed, GuardedReader, Skipped, SkipReason
from monai_mammo.study import Mammogram

SLOW_S = 10.0
MEMORY_BYTES = 3 * 2**30


@dataclasses.dataclass
class Findings:
    """What became of a number of files."""

    outcomes: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    uncaught: list = dataclasses.field(default_factory=list)
    crashed: list = dataclasses.field(default_factory=list)
    slow: list = dataclasses.field(default_factory=list)
    most_seconds: float = 0.0
    most_bytes: int = 0

    def add(self, name, result, seconds, n_bytes):
        """Count one file; time is that of its reading process on the processor, where the system tells it."""
        self.most_seconds, self.most_bytes = max(self.most_seconds, seconds), max(self.most_bytes, n_bytes)
        is_result = isinstance(result, (Mammogram, Skipped, Failed))
        code = "read" if isinstance(result, Mammogram) else result.reason.value if is_result else type(result).__name__
        self.outcomes[code] += 1
        if not is_result:
            self.uncaught.append((name, repr(result)))
        if code == SkipReason.DECODER_CRASHED:
            self.crashed.append((name, result.detail))
        if code == SkipReason.TIMEOUT or seconds > SLOW_S:
            self.slow.append((name, seconds))


def examine(files, folder, *, memory_bytes=MEMORY_BYTES, timeout_s=60.0, on_odd=None):
    """Findings on named bytes, each read as a file of its own in the folder."""
    findings, path = Findings(), Path(folder) / "hostile.dcm"
    with GuardedReader(memory_bytes=memory_bytes, timeout_s=timeout_s) as reader:
        for name, data in files:
            path.write_bytes(data)
            before, start = _spent(reader), time.monotonic()
            try:
                result = reader.read(path)
            except Exception as error:
                result = error
            after, wall = _spent(reader), time.monotonic() - start
            # a new process has spent its own start as well, which counts for the file here
            same = before is not None and after is not None and before[0] == after[0]
            seconds = after[1] - before[1] if same else min(wall, after[1] if after is not None else wall)
            n_odd = len(findings.crashed) + len(findings.slow) + len(findings.uncaught)
            findings.add(name, result, seconds, after[2] if after is not None else 0)
            if on_odd is not None and len(findings.crashed) + len(findings.slow) + len(findings.uncaught) > n_odd:
                on_odd(name, data)
    return findings


def _spent(reader):
    """Process number, seconds on the processor and largest address space of the reading process, on Linux."""
    process = reader._process
    if process is None:
        return None
    try:
        folder = Path(f"/proc/{process._popen.pid}")
        times = (folder / "stat").read_text().rpartition(")")[2].split()
        peak = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmPeak"))
    except (OSError, StopIteration):
        return None
    return process._popen.pid, (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"), 1024 * int(peak.split()[1])


def mutants(numbers):
    """Named mutants."""
    for number in numbers:
        seed, mutation, data = dicom_corpus.mutant(number)
        yield f"{number} {seed} {mutation}", data


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=20000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--write", type=Path, help="folder for the files that were odd")
    arguments = parser.parse_args()

    def keep(name, data):
        print("odd:", name, flush=True)
        if arguments.write is not None:
            arguments.write.mkdir(parents=True, exist_ok=True)
            (arguments.write / f"{name.split()[0]}.dcm").write_bytes(data)

    began = time.monotonic()
    numbers = range(arguments.start, arguments.start + arguments.mutants)
    with tempfile.TemporaryDirectory() as folder:
        findings = examine(mutants(numbers), folder, on_odd=keep)
    print(f"{arguments.mutants} mutants of {len(dicom_corpus.seeds())} seeds in {time.monotonic() - began:.0f} s")
    for code, count in findings.outcomes.most_common():
        print(f"  {count:6d}  {code}")
    print(f"uncaught {len(findings.uncaught)}, crashed {len(findings.crashed)}, over {SLOW_S:g} s {len(findings.slow)}")
    print(f"longest {findings.most_seconds:.2f} s, address space {findings.most_bytes / 2**30:.2f} of 3 GiB")
    for name, detail in [*findings.uncaught, *findings.crashed, *findings.slow]:
        print(f"  {name}: {detail}")
    return 1 if findings.uncaught or findings.slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
