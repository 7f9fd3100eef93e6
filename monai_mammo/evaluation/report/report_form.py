"""The form of ``report.json``, as a JSON schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

__all__ = ["report_schema"]


def report_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a report.

    Returns
    -------
    dict
    """
    text = files("monai_mammo.evaluation.report").joinpath("report_schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
