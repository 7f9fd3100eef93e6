"""A yes or no that came as text means what it says."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.errors import RequestError
from monai_mammo.switches import parse_switch


@pytest.mark.parametrize("value", [True, 1, np.True_, "true", "True", "YES", "on", "1", " true "])
def test_yes(value):
    assert parse_switch(value, name="resume") is True


@pytest.mark.parametrize("value", [False, 0, np.False_, "false", "False", "NO", "off", "0", " false "])
def test_no(value):
    assert parse_switch(value, name="resume") is False


@pytest.mark.parametrize("value", [None, "", "maybe", "2", 2, 0.5, [], [False], {}, "truefalse", "nein"])
def test_anything_else_is_refused_by_name(value):
    with pytest.raises(RequestError, match=r"^resume .* is not one of true, yes, on, 1, false, no, off, 0$"):
        parse_switch(value, name="resume")
