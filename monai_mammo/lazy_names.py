"""Names of a package that are imported when they are first used (PEP 562), so that none costs what it does not need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    package: str, modules: Mapping[str, str], *, names: Iterable[str] | None = None, submodules: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """What a package calls ``__getattr__`` and ``__dir__``.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    modules : mapping of str to str
        Module of each name, within the package, or anywhere below the same top-level package by its full name.
    names : iterable of str, optional
        All public names of the package, those that it imports at once among them; by default those of `modules`.
    submodules : iterable of str
        Modules of the package that are imported when they are asked for as attributes.

    Returns
    -------
    get_attribute : callable
        Takes a name; raises `AttributeError` for one that is not of `modules` or `submodules`.
    list_names : callable
        Gives the public names in their order.
    """
    top = f"{package.partition('.')[0]}."
    public = sorted(modules) if names is None else list(names)
    loaded_on_demand = frozenset(submodules)

    def get_attribute(name: str) -> Any:
        if name in modules:
            module = modules[name]
            return getattr(import_module(module if module.startswith(top) else f"{package}.{module}"), name)
        if name in loaded_on_demand:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def list_names() -> list[str]:
        return list(public)

    return get_attribute, list_names
