"""The table of planted faults follows the code: each text stands once, and each test that should see it is there.

Planting them is `mutation_run.py`'s, which takes an hour; a fault whose line or test has moved is told here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from mutation_faults import FAULTS

import monai_mammo

PACKAGE = Path(monai_mammo.__file__).parent
TESTS = Path(__file__).parent


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.file}: {fault.harm}")
def test_a_fault_can_be_planted_and_its_tests_are_there(fault):
    text = (PACKAGE / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.old) == 1 and fault.new != fault.old
    for name in fault.tests:
        file, _, function = name.partition("::")
        assert (TESTS / file).exists(), name
        if function:
            function_name = function.partition("[")[0].rpartition("::")[2]
            assert f"def {function_name}(" in (TESTS / file).read_text(encoding="utf-8"), name
