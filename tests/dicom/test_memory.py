"""Memory that a process keeps: the second large array costs no fresh pages."""

from __future__ import annotations

import subprocess
import sys

import pytest

ARRAYS = """
import resource
import numpy as np
from monai_mammo.dicom.process.memory import keep_freed_memory
print(int({keeps} and keep_freed_memory()))
for _ in range(4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    array = np.empty(40_000_000, np.uint8)
    array[::4096] = 1
    del array
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator is on Linux")
def test_freed_memory_is_used_again():
    commands = ([sys.executable, "-c", ARRAYS.format(keeps=keeps)] for keeps in (True, False))
    said = (subprocess.run(command, capture_output=True, check=True).stdout for command in commands)
    kept, fresh = (list(map(int, words.split())) for words in said)
    if kept[0] == 0:
        pytest.skip("this C library has no such setting")
    assert kept[1] == 0 and fresh[1] >= 15  # huge pages of 2 MB, or many small ones
