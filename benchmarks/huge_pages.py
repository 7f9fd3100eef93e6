"""A U-Net's forward and backward pass with huge pages and without, by processes that take turns.

    python benchmarks/huge_pages.py [--rounds N] [--seconds S] [--json]

Each process is started anew, because glibc reads GLIBC_TUNABLES when a process starts; one thread each. Ratios are
medians of the ratios within a round, of processor time and on the clock; it says how busy the machine was.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from monai_mammo import machine

CODE = """\
import sys
from monai_mammo.training import images_per_second
print(*images_per_second(float(sys.argv[1]), batch_size=int(sys.argv[2])))
"""
ROOT = Path(__file__).resolve().parents[1]


def images_per_second(tunables: str, seconds: float, batch_size: int) -> tuple[float, float]:
    """Images a second on the clock and of processor time, in a process of its own."""
    environment = {**os.environ, "GLIBC_TUNABLES": tunables, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", CODE, str(seconds), str(batch_size)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    wall, cpu = map(float, done.stdout.split()[-2:])
    return wall, cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    ways = {"without": "", "with": machine.TUNABLE}
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, tunables in ways.items():
            seen[name].append(images_per_second(tunables, arguments.seconds, arguments.batch_size))
    pairs = list(zip(seen["with"], seen["without"], strict=True))
    values = {
        "ratio_cpu": statistics.median(fast[1] / slow[1] for fast, slow in pairs),
        "ratio_clock": statistics.median(fast[0] / slow[0] for fast, slow in pairs),
        "per_cpu_second": {name: [round(cpu, 1) for _, cpu in rows] for name, rows in seen.items()},
        "per_second": {name: [round(wall, 1) for wall, _ in rows] for name, rows in seen.items()},
        "load_average": os.getloadavg()[0],
        "machine": machine.describe()[:2],
    }
    print(json.dumps(values, indent=2) if arguments.json else "\n".join(f"{k}: {v}" for k, v in values.items()))


if __name__ == "__main__":
    main()
