"""The errors that a caller of monai_mammo can cause, as one small tree."""

from __future__ import annotations

__all__ = ["MammoError", "RequestError"]


class MammoError(Exception):
    """Work that failed or is incomplete; the command line ends with exit code 1."""


class RequestError(MammoError):
    """A request that is wrong as it stands; the command line ends with exit code 2."""
