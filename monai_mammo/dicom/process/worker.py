"""Reading with a process between the file and us: what crashes, hangs or swells there costs one file."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import queue
import threading
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from monai_mammo.dicom.process.messages import Image, from_message
from monai_mammo.dicom.process.worker_handle import Ended, ReadingProcess
from monai_mammo.dicom.reading.guards import Limits
from monai_mammo.dicom.reasons import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.study import Mammogram, StoredImage

if TYPE_CHECKING:
    from monai_mammo.dicom.reading.brightness import Mode

__all__ = ["GuardedReader", "read_guarded"]

_MIN_MEMORY_BYTES = 2**29  # what the imports take is 0.2 GiB
_DEFAULTS: dict[str, Any] = {"mode": "voi", "for_processing": False, "accept": []}


class GuardedReader:
    """Reader of DICOM files in a process of its own, with bounded memory and time.

    The process starts with the first file, in about half a second, and is kept: each file then costs what reading it
    costs, and some milliseconds for the way of its pixels back. A file that ends the process is told apart from one
    that only came after: it is tried once more in a new process. Threads may share a reader, which reads one file at a
    time; a forked or spawned process gets its own. Windows and macOS cannot bound the memory of a process; time,
    crashes and the sizes of `limits` are bounded there as well.

    Parameters
    ----------
    limits : Limits, optional
        Sizes above which a file fails as ``too_large``.
    memory_bytes : int
        Address space of the process. 3 GiB leave room for 64 million pixels, three times the largest mammogram.
    timeout_s : float
        Wall-clock time for one file.
    files_per_process : int
        After so many files the process is replaced by a new one.

    Raises
    ------
    RequestError
        A bound is not possible.

    Examples
    --------
    >>> with GuardedReader(timeout_s=20) as reader:  # doctest: +SKIP
    ...     results = [reader.read(path) for path in paths]
    """

    _process_module: ClassVar[str] = "monai_mammo.dicom.process.worker_process"

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        memory_bytes: int = 3 * 2**30,
        timeout_s: float = 60.0,
        files_per_process: int = 500,
    ) -> None:
        if memory_bytes < _MIN_MEMORY_BYTES:
            raise RequestError(f"memory_bytes {memory_bytes} is below {_MIN_MEMORY_BYTES}, which reading needs")
        if not (timeout_s > 0 and math.isfinite(timeout_s)):
            raise RequestError(f"timeout_s {timeout_s} is not a time above 0")
        if files_per_process < 1:
            raise RequestError(f"files_per_process {files_per_process} is not above 0")
        self._limits = limits or Limits()
        self._settings: dict[str, Any] = {
            "memory_bytes": memory_bytes,
            "timeout_s": timeout_s,
            "files_per_process": files_per_process,
            "limits": dataclasses.asdict(self._limits),
        }
        self._lock = threading.Lock()
        self._process: ReadingProcess | None = None
        self._end: weakref.finalize | None = None
        _READERS.add(self)

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        mode: Mode = "voi",
        for_processing: bool = False,
        accept: Collection[SkipReason] = (),
    ) -> Mammogram | Skipped | Failed:
        """Mammogram of a DICOM file, or the reason why there is none.

        Parameters
        ----------
        path : path
        mode, for_processing, accept
            As for `read_mammogram`.

        Returns
        -------
        Mammogram, Skipped or Failed
            Failed with ``decoder_crashed``, ``timeout`` or ``too_large`` where the file ended the process, took
            longer than allowed or asked for more memory.

        Raises
        ------
        RequestError
            `mode` or `accept` is not allowed.
        MammoError
            No reading process can be started here.
        """
        chosen = {"mode": mode, "for_processing": for_processing, "accept": sorted(str(reason) for reason in accept)}
        options = {name: value for name, value in chosen.items() if value != _DEFAULTS[name]}
        request = {"path": os.path.abspath(path), "options": options}
        with self._lock:
            return cast("Mammogram | Skipped | Failed", self._read(Path(path), request))

    def read_stored(self, path: str | os.PathLike[str]) -> StoredImage | Skipped | Failed:
        """Pixels of any DICOM image as they are stored, such as a mask or a crop.

        Parameters
        ----------
        path : path

        Returns
        -------
        StoredImage
            Its brightness is the fraction of the largest value that the 8 or 16 bits of a pixel can hold.
        Skipped or Failed
            As from `read`.

        Raises
        ------
        MammoError
            No reading process can be started here.
        """
        request = {"path": os.path.abspath(path), "options": {"as_stored": True}}
        with self._lock:
            return cast("StoredImage | Skipped | Failed", self._read(Path(path), request))

    @property
    def limits(self) -> Limits:
        """Sizes above which a file fails."""
        return self._limits

    def close(self) -> None:
        """End the process; a later `read` starts a new one."""
        with self._lock:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = {**self._settings, "limits": self._limits}
        return functools.partial(type(self), **arguments), ()

    def _read(self, path: Path, request: dict[str, Any]) -> Mammogram | StoredImage | Skipped | Failed:
        while True:
            process = self._running()
            try:
                head, image = process.ask(request, self._settings["timeout_s"])
                if head["kind"] == "request_error":
                    raise RequestError(head["error"])
                result = self._result(head, image, path)
            except RequestError:
                raise
            except queue.Empty:
                self._drop()
                return self._timed_out(path)
            except Exception as error:  # an end without an answer, or something else than an answer
                how = self._drop()
                if process.n_requests > 1:  # a file before it may have done the damage
                    continue
                if how == "SIGALRM":
                    return self._timed_out(path)
                how = how if isinstance(error, Ended) else "an answer that cannot be read"
                return Failed(path, SkipReason.DECODER_CRASHED, f"reading it ended the reading process ({how})")
            except BaseException:  # Ctrl-C
                self._drop()
                raise
            if head.get("is_spent"):
                self._drop()
            return result

    def _result(self, head: dict[str, Any], image: Image | None, path: Path) -> Any:
        """Result that an answer stands for; another process than that of reading has answers of its own."""
        return from_message(head, image, path)

    def _timed_out(self, path: Path) -> Failed:
        return Failed(path, SkipReason.TIMEOUT, f"reading it took longer than {self._settings['timeout_s']:g} s")

    def _running(self) -> ReadingProcess:
        if self._process is not None and not self._process.is_alive:
            self._drop()  # it was ended between two files
        if self._process is None:
            self._process = ReadingProcess(self._process_module, self._limits.pixels)
            self._end = weakref.finalize(self, self._process.end)
            try:
                self._process.start(self._settings)
            except BaseException:
                self._drop()
                raise
        return self._process

    def _drop(self) -> str:
        """End the process, if there is one, and say how it ended."""
        process, end = self._process, self._end
        self._process = self._end = None
        if end is not None:
            end()
        return process.how_it_ended if process is not None else ""

    def _forget(self) -> None:
        """In a forked process: the reading process belongs to the one that started it."""
        self._lock = threading.Lock()
        if self._process is not None and self._end is not None:
            self._end.detach()
            self._process.disown()
            self._process = self._end = None


_READERS: weakref.WeakSet[GuardedReader] = weakref.WeakSet()


def _forget_in_a_forked_process() -> None:
    for reader in list(_READERS):
        reader._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_a_forked_process)


@functools.cache
def _reader_of_this_process() -> GuardedReader:
    return GuardedReader()


def read_guarded(
    path: str | os.PathLike[str],
    *,
    mode: Mode = "voi",
    for_processing: bool = False,
    accept: Collection[SkipReason] = (),
) -> Mammogram | Skipped | Failed:
    """Mammogram of a DICOM file, by a `GuardedReader` that this process shares and that ends with it.

    Parameters
    ----------
    path : path
    mode, for_processing, accept
        As for `read_mammogram`.

    Returns
    -------
    Mammogram, Skipped or Failed

    Raises
    ------
    RequestError
        `mode` or `accept` is not allowed.
    MammoError
        No reading process can be started here.
    """
    return _reader_of_this_process().read(path, mode=mode, for_processing=for_processing, accept=accept)


def read_stored_guarded(path: str | os.PathLike[str]) -> StoredImage | Skipped | Failed:
    """Pixels of any DICOM image as they are stored, by the `GuardedReader` that `read_guarded` uses.

    Parameters
    ----------
    path : path

    Returns
    -------
    StoredImage, Skipped or Failed
        As from `GuardedReader.read_stored`.

    Raises
    ------
    MammoError
        No reading process can be started here.
    """
    return _reader_of_this_process().read_stored(path)
