"""A package that is called as the function of its name, where a room and a command share a word."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["make_callable"]


def make_callable(package: str, module: str) -> None:
    """Let a package be called as the function that has its name.

    Parameters
    ----------
    package : str
        Its ``__name__``, such as ``monai_mammo.prepare``.
    module : str
        Module within the package that holds the function; it is imported by the first call.
    """
    name = package.rpartition(".")[2]

    class CallablePackage(ModuleType):
        """Package that passes a call on to its function."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self._function()(*args, **kwargs)

        @property
        def __signature__(self) -> inspect.Signature:
            return inspect.signature(self._function())

        def _function(self) -> Any:
            return getattr(import_module(f"{package}.{module}"), name)

    sys.modules[package].__class__ = CallablePackage
