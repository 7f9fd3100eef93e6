"""Time of several ways to do the same, taken in turn, so that a busy machine is as unkind to each."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["Times", "compare", "ratio", "verdict"]


class Times(NamedTuple):
    """Seconds of each round: on the clock, and on the processors by this process and all that it started."""

    wall_s: list[float]
    cpu_s: list[float]

    @property
    def wall_ms(self) -> float:
        """Median on the clock."""
        return 1000 * statistics.median(self.wall_s)

    @property
    def cpu_ms(self) -> float:
        """Median on the processors."""
        return 1000 * statistics.median(self.cpu_s)


def compare(ways: dict[str, Callable[[], object]], rounds: int, *, repeats: int = 1) -> dict[str, Times]:
    """Times of each way, one run of all in each round; a first round that warms up is not counted."""
    times = {name: Times([], []) for name in ways}
    for n_round in range(rounds + 1):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), cpu_seconds()
            for _ in range(repeats):
                way()
            if n_round:
                times[name].wall_s.append((time.perf_counter() - wall) / repeats)
                times[name].cpu_s.append((cpu_seconds() - cpu) / repeats)
    return times


def ratio(slow: Times, fast: Times, *, of: str = "cpu_s") -> float:
    """How many times longer the first takes: median of the ratios within a round."""
    return statistics.median(a / max(b, 1e-9) for a, b in zip(getattr(slow, of), getattr(fast, of), strict=True))


def verdict(value: float, target: float, *, at_most: bool = False) -> str:
    """Whether a figure is what was promised."""
    return "met" if (value <= target if at_most else value >= target) else "not met"


def cpu_seconds() -> float:
    """Processor time of this process and of those that it has started and that are still there (Linux)."""
    return time.process_time() + sum(map(_cpu_seconds_of, _children(os.getpid())))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_children(child)]
    return found


def _cpu_seconds_of(pid: int) -> float:
    """Of all its threads, those that have ended included: Linux's clock of another process (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)
