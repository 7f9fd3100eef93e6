"""The process that reads files for `monai_mammo.dicom.process.worker`: bounded, silent, and worth nothing if it dies.

It answers one request after the other until its input ends. Its standard output and error lead nowhere, so that
no library prints what it found in a file; answers go through the pipe that standard output was.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_mammo.dicom.process.memory import keep_freed_memory
from monai_mammo.dicom.process.messages import Image, receive, send, to_message
from monai_mammo.errors import RequestError

if TYPE_CHECKING:
    from monai_mammo.dicom.reading.unrendered import Unrendered
    from monai_mammo.dicom.reasons import Failed, Skipped
    from monai_mammo.study import StoredImage

try:
    import resource
except ImportError:  # Windows: there the process bounds crashes and time, and `Limits` the sizes
    resource = None  # type: ignore[assignment]

__all__ = ["main"]

_GRACE_S = 5.0  # the reader on the other side is to end a file first


def main(read: Callable[..., Any] | None = None) -> None:
    """Serve until standard input ends.

    Parameters
    ----------
    read : callable, optional
        ``read(path, limits=..., **options)``; by default `read_dicom`.
    """
    requests, answers = _own_pipes()
    _leave_signals_to_the_reader()
    first = receive(requests)
    if first is None:
        return
    settings = first[0]
    _bound_memory(settings["memory_bytes"])
    keep_freed_memory()
    try:
        from monai_mammo.dicom.reading.guards import Limits

        for module in ("stored_pixels", "read"):  # no file is to wait for them
            import_module(f"monai_mammo.dicom.reading.{module}")

        limits = Limits(**settings["limits"])
    except BaseException as error:
        send(answers, {"kind": "not_started", "error": type(error).__name__})
        return
    send(answers, {"kind": "ready"})
    _serve(requests, answers, functools.partial(read or read_dicom, limits=limits), settings)


def read_dicom(path: Path, *, as_stored: bool = False, **options: Any) -> Unrendered | StoredImage | Skipped | Failed:
    """Mammogram, to be rendered by the reader, or with `as_stored` the pixels of any image.

    Parameters
    ----------
    path : Path
    as_stored : bool
        Whether the stored values are asked for, of whatever image.
    options
        Of `read_unrendered` or `read_stored_pixels`.

    Returns
    -------
    Unrendered, StoredImage, Skipped or Failed
    """
    from monai_mammo.dicom.reading.read import read_unrendered
    from monai_mammo.dicom.reading.stored_pixels import read_stored_pixels

    return read_stored_pixels(path, **options) if as_stored else read_unrendered(path, **options)


def _serve(requests: FileIO, answers: FileIO, read: Callable[..., Any], settings: dict[str, Any]) -> None:
    n_files = 0
    while (message := receive(requests)) is not None:
        _set_timer(settings["timeout_s"] + _GRACE_S)
        head, image = _answer(read, message[0])
        _set_timer(0)
        n_files += 1
        head["number"] = message[0]["number"]
        head["is_spent"] = n_files >= settings["files_per_process"] or 2 * _memory_bytes() > settings["memory_bytes"]
        send(answers, head, image)
        del image  # or it would be kept until the next one has come


def _answer(read: Callable[..., Any], request: dict[str, Any]) -> tuple[dict[str, Any], Image | None]:
    """Message for a request; whatever a decoder throws, panics of Rust included, is the file's failure."""
    try:
        result = read(Path(request["path"]), **request["options"])
        return (result, None) if isinstance(result, dict) else to_message(result)
    except RequestError as error:
        return {"kind": "request_error", "error": str(error)}, None
    except MemoryError:
        return {"kind": "failed", "reason": "too_large", "detail": "reading ran out of memory"}, None
    except BaseException as error:
        detail = f"reading failed ({type(error).__name__})"
        return {"kind": "failed", "reason": "damaged", "detail": detail}, None


def _own_pipes() -> tuple[FileIO, FileIO]:
    """Standard input and output under numbers of their own; the usual three lead nowhere from here on."""
    requests, answers = (FileIO(os.dup(number), mode) for number, mode in ((0, "r"), (1, "w")))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - open to the end
    return requests, answers


def _leave_signals_to_the_reader() -> None:
    """Ctrl-C on a terminal reaches this process as well, and only the reader decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _bound_memory(memory_bytes: int) -> None:
    """No more address space than this, and no core file, which would hold a person's image."""
    if resource is None:
        return
    for kind, value in (("RLIMIT_AS", memory_bytes), ("RLIMIT_CORE", 0)):
        try:
            hard = resource.getrlimit(getattr(resource, kind))[1]
            resource.setrlimit(getattr(resource, kind), (value if hard < 0 else min(value, hard),) * 2)
        except (OSError, ValueError):  # macOS refuses a bound of the address space
            continue


def _set_timer(seconds: float) -> None:
    """End of this process, in the kernel, for the case that nobody is left to kill it; 0 takes it back."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _memory_bytes() -> int:
    """Address space in use, 0 where it is not known."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
