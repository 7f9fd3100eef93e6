"""What a data set hides: each picture is looked at once, then small checks go over all of them.

`monai_mammo.prepare.doctor` is the door. A check is a function from `Seen` pictures to `Issue`; which there are stands
in `checks.CHECKS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "CHECKS": "checks",
    "DoctorReport": "report",
    "Issue": "issue",
    "IssueKind": "issue",
    "Seen": "seen",
    "Severity": "issue",
    "doctor": "examine",
    "ground_darkness": "polarity",
    "report_page": "page",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
