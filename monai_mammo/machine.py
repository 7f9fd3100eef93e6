"""What this machine offers to a network, and a start of the process with huge pages.

On virtual machines with pages of 4 KiB a training spends most of its time on fresh memory. glibc 2.35 and newer asks
the system for huge pages when ``GLIBC_TUNABLES`` says so, and reads that variable once, when a process starts; so a
command starts itself anew with it (`restart_with_huge_pages`), and a training that runs without it says so.
"""

from __future__ import annotations

import enum
import logging
import os
import platform
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from monai_mammo.switches import parse_switch

__all__ = ["OPT_OUT", "TUNABLE", "HugePages", "describe", "huge_pages", "n_cores", "restart_with_huge_pages"]

OPT_OUT = "MONAI_MAMMO_HUGE_PAGES"
"""Environment variable that keeps commands from asking for huge pages where it says no."""

TUNABLE = "glibc.malloc.hugetlb=1"
"""What ``GLIBC_TUNABLES`` must hold when the process starts: malloc asks for huge pages by madvise."""

_VARIABLE = "GLIBC_TUNABLES"
_RESTARTED = "MONAI_MAMMO_RESTARTED"
_FIRST_GLIBC = (2, 35)
_SYSTEM_SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_CPU_INFO = Path("/proc/cpuinfo")
_AT_START = Path("/proc/self/environ")
_LOGGER = logging.getLogger(__name__)


class HugePages(enum.Enum):
    """Whether malloc of this process asks for huge pages."""

    IN_USE = "in use"
    NOT_REQUESTED = "not in use, though this system offers them"
    REFUSED = "not in use: GLIBC_TUNABLES sets glibc.malloc.hugetlb otherwise"
    NOT_OFFERED = "not offered by this system"


def huge_pages(
    environ: Mapping[str, str] | None = None,
    *,
    libc: tuple[str, str] | None = None,
    system_setting: str | None = None,
) -> HugePages:
    """Whether huge pages are in use, could be, or cannot.

    Parameters
    ----------
    environ : mapping of str to str or None
        Environment that the process was started with; `None` reads it from the system.
    libc : tuple of str or None
        Name and version of the C library, as `platform.libc_ver` gives them.
    system_setting : str or None
        Content of ``/sys/kernel/mm/transparent_hugepage/enabled``, the setting in force in brackets.

    Returns
    -------
    HugePages
    """
    name, version = platform.libc_ver() if libc is None else libc
    setting = _text(_SYSTEM_SETTING) if system_setting is None else system_setting
    in_force = re.search(r"\[(\w+)\]", setting)
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if name != "glibc" or numbers < _FIRST_GLIBC or in_force is None or in_force[1] not in ("madvise", "always"):
        return HugePages.NOT_OFFERED
    tunables = (_environment_at_start() if environ is None else environ).get(_VARIABLE, "").split(":")
    if TUNABLE in tunables:
        return HugePages.IN_USE
    is_otherwise = any(tunable.startswith(TUNABLE.partition("=")[0] + "=") for tunable in tunables)
    return HugePages.REFUSED if is_otherwise else HugePages.NOT_REQUESTED


def restart_with_huge_pages() -> None:
    """Start the running ``monai-mammo`` command anew with huge pages, where they are offered and not yet in use.

    Does nothing, and returns, in a library, a notebook or a test; where torch is imported already; where this very
    process was started anew before; and where ``MONAI_MAMMO_HUGE_PAGES`` says no. Else it does not return: the
    process keeps its id, its words, its folder and its streams.

    Raises
    ------
    RequestError
        ``MONAI_MAMMO_HUGE_PAGES`` is neither a yes nor a no.
    """
    if not parse_switch(os.environ.get(OPT_OUT) or True, name=OPT_OUT):
        return
    is_restarted = os.environ.get(_RESTARTED) == str(os.getpid())
    if not _is_command() or is_restarted or huge_pages() is not HugePages.NOT_REQUESTED:
        return
    tunables = ":".join(part for part in (os.environ.get(_VARIABLE), TUNABLE) if part)
    environment = {**os.environ, _VARIABLE: tunables, _RESTARTED: str(os.getpid())}
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    except OSError as error:
        _LOGGER.warning("huge pages are not in use: %s cannot be started anew: %s", sys.executable, error.strerror)


def n_cores() -> int:
    """Cores that this process may use.

    Returns
    -------
    int
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> tuple[str, ...]:
    """Lines on the processor, the memory pages and the threads of this process.

    Returns
    -------
    tuple of str
    """
    flags = set(_cpu_line("flags").split()) | set(_cpu_line("Features").split())
    has = {
        "AVX-512": "avx512f" in flags,
        "AMX": "amx_tile" in flags,
        "bfloat16": bool(flags & {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"}),
    }
    instructions = ", ".join(f"{name} {'yes' if is_there else 'no'}" for name, is_there in has.items())
    pages = huge_pages()
    how = f" ({_VARIABLE}={TUNABLE})" if pages is HugePages.IN_USE else ""
    return (
        f"processor: {_cpu_line('model name') or platform.processor() or platform.machine()}, {n_cores()} cores",
        f"instructions: {instructions}",
        f"huge pages: {pages.value}{how}",
        f"threads: {_n_threads()} of {n_cores()} cores",
    )


def _is_command() -> bool:
    program = Path(sys.argv[0])
    is_ours = program.name == "monai-mammo" or program.parts[-2:] == ("monai_mammo", "__main__.py")
    words = sys.argv[1:]
    is_whole = sys.orig_argv[len(sys.orig_argv) - len(words) :] == words
    return is_ours and is_whole and not {"torch", "pytest"} & set(sys.modules) and threading.active_count() == 1


def _environment_at_start() -> dict[str, str]:
    pairs = (pair.partition("=") for pair in _text(_AT_START).split("\0") if pair)
    return {name: value for name, _, value in pairs} or dict(os.environ)


def _n_threads() -> int:
    if (torch := sys.modules.get("torch")) is not None:
        return int(torch.get_num_threads())
    named = os.environ.get("OMP_NUM_THREADS", "")
    return int(named) if named.isdecimal() and int(named) else n_cores()


def _cpu_line(name: str) -> str:
    found = re.search(rf"^{name}\s*: (.*)$", _text(_CPU_INFO), re.MULTILINE)
    return found[1].strip() if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
