"""The prepared grid where none is asked for; light, so that a command's help can state it."""

from __future__ import annotations

__all__ = ["DEFAULT_SHAPE"]

DEFAULT_SHAPE = (384, 288)
"""Rows and columns."""
