"""Reading with a process between the file and us: what crashes, hangs or swells there costs one file."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Collection
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np

import monai_mammo
from monai_mammo.dicom.guards import Limits
from monai_mammo.dicom.reasons import Failed, Skipped, SkipReason
from monai_mammo.dicom.wire import from_message, receive, send
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.study import Mammogram

if TYPE_CHECKING:
    from monai_mammo.dicom.brightness import Mode

__all__ = ["GuardedReader", "read_guarded"]

_MIN_MEMORY_BYTES = 2**29  # what the imports take is 0.2 GiB
_START_S = 120.0  # imports from a cold network folder
_END_S = 5.0
_START = "import sys; sys.path[:] = sys.argv[2:]; import importlib; importlib.import_module(sys.argv[1]).main()"
_DEFAULTS: dict[str, Any] = {"mode": "voi", "for_processing": False, "accept": []}
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class GuardedReader:
    """Reader of DICOM files in a process of its own, with bounded memory and time.

    The process starts with the first file, in about half a second, and is kept: each file then costs what
    reading it costs, and one copy of its pixels. A file that ends the process is told apart from one that only
    came after: it is tried once more in a new process. Threads may share a reader, which reads one file at a time;
    a forked or spawned process gets its own. Windows and macOS can not bound the memory of a process; time,
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

    _process_module: ClassVar[str] = "monai_mammo.dicom.worker_process"

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
        self._process: _Process | None = None
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
            return self._read(Path(path), request)

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

    def _read(self, path: Path, request: dict[str, Any]) -> Mammogram | Skipped | Failed:
        while True:
            process = self._running()
            try:
                head, pixels = process.ask(request, self._settings["timeout_s"])
                if head["kind"] == "request_error":
                    raise RequestError(head["error"])
                result = from_message(head, pixels, path)
            except RequestError:
                raise
            except queue.Empty:
                self._drop()
                return self._timed_out(path)
            except Exception as error:  # an end without an answer, or an answer that is none
                how = self._drop()
                if process.n_asked > 1:  # a file before it may have done the damage
                    continue
                if how == "SIGALRM":
                    return self._timed_out(path)
                how = how if isinstance(error, _Ended) else "an answer that is none"
                return Failed(path, SkipReason.DECODER_CRASHED, f"reading it ended the reading process ({how})")
            except BaseException:  # Ctrl-C
                self._drop()
                raise
            if head.get("is_spent"):
                self._drop()
            return result

    def _timed_out(self, path: Path) -> Failed:
        return Failed(path, SkipReason.TIMEOUT, f"reading it took longer than {self._settings['timeout_s']:g} s")

    def _running(self) -> _Process:
        if self._process is not None and not self._process.is_alive:
            self._drop()  # it was ended between two files
        if self._process is None:
            self._process = _Process(self._process_module, self._limits.pixels)
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


class _Ended(Exception):
    """The process ended without an answer."""


class _Process:
    """A reading process, its two pipes, and the thread that waits for its answers.

    A thread, because a pipe can be waited for with a time limit only on some systems; it holds
    no lock that a forked process could miss, as the pipes are unbuffered.
    """

    def __init__(self, module: str, max_pixels: int) -> None:
        self.n_asked = 0
        if not sys.executable:
            raise MammoError("no reading process can be started, because the Python program is not known here")
        root = str(Path(monai_mammo.__file__).parents[1])
        paths = dict.fromkeys([*(os.path.abspath(place) for place in sys.path), root])
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-W", "ignore", "-c", _START, module, *paths],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise MammoError(f"no reading process can be started: {error.strerror or 'unknown'}") from None
        self._requests, answers = cast(FileIO, self._popen.stdin), cast(FileIO, self._popen.stdout)
        _widen(answers)
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=_wait_for_answers, args=(answers, self._answers, max_pixels), daemon=True, name="monai_mammo-answers"
        )
        self._thread.start()

    def start(self, settings: dict[str, Any]) -> None:
        """Hand over the settings and wait until the process can read.

        Raises
        ------
        MammoError
            It can not.
        """
        try:
            send(self._requests, settings)
            head, _ = self._next_answer(_START_S)
        except (OSError, _Ended, ValueError, queue.Empty):
            head = {}
        if head.get("kind") != "ready":
            reason = head.get("error", "it ended, or gave no sign, before the first file")
            raise MammoError(f"no reading process can be started ({reason})")

    def ask(self, request: dict[str, Any], timeout_s: float) -> tuple[dict[str, Any], np.ndarray | None]:
        """Answer to a request.

        Raises
        ------
        queue.Empty
            It took longer than allowed.
        _Ended, OSError, ValueError
            The process ended, or its answer is no message.
        """
        self.n_asked += 1
        send(self._requests, {**request, "number": self.n_asked})
        head, pixels = self._next_answer(timeout_s)
        if head.get("number") != self.n_asked:
            raise ValueError("an answer is not to the last request")
        return head, pixels

    def _next_answer(self, timeout_s: float) -> tuple[dict[str, Any], np.ndarray | None]:
        answer = self._answers.get(timeout=timeout_s)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._popen.poll() is None

    @property
    def how_it_ended(self) -> str:
        """Name of the signal, or the exit code, that ended the process."""
        code = self._popen.returncode
        if code is None:
            return "still there"
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
        return f"exit code {code}"

    def end(self) -> None:
        """Kill the process, if it still runs, and take it off the system's list."""
        self._popen.kill()  # one that is ending already keeps the signal that ended it
        with contextlib.suppress(subprocess.TimeoutExpired):  # a dead network folder may hold it back
            self._popen.wait(_END_S)
        self._thread.join(_END_S)
        self._close()

    def disown(self) -> None:
        """Close this process's ends of the pipes and leave the rest to the process that started it."""
        self._popen.returncode = 0  # not ours to wait for
        self._close()

    def _close(self) -> None:
        for file in (self._popen.stdin, self._popen.stdout):
            with contextlib.suppress(OSError):
                cast(FileIO, file).close()


def _wait_for_answers(file: FileIO, answers: queue.SimpleQueue[Any], max_pixels: int) -> None:
    """Hand on what comes until it ends or is no message."""
    while True:
        try:
            answer = receive(file, max_pixels=max_pixels)
        except Exception as error:  # whatever it wrote, it is no answer
            answers.put(ValueError(type(error).__name__))
            return
        answers.put(answer if answer is not None else _Ended())
        if answer is None:
            return
        del answer  # or its pixels would be kept until the next ones have come


def _widen(pipe: FileIO) -> None:
    """Room for a megabyte in a pipe where the system can do it: fewer switches between the two processes."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 2**20)


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
