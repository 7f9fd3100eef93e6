"""The command line: one file a command, each parses, calls one public function and prints."""

from __future__ import annotations

from monai_mammo.cli import main

__all__ = ["main"]
