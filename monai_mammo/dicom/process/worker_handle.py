"""A reading process as its reader holds it: started, asked, and ended."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from io import FileIO
from pathlib import Path
from typing import Any, cast

import monai_mammo
from monai_mammo.dicom.process.messages import Image, receive, send
from monai_mammo.errors import MammoError

__all__ = ["Ended", "ReadingProcess"]

_START_S = 120.0  # imports from a cold network folder
_END_S = 5.0
_START = "import sys; sys.path[:] = sys.argv[2:]; import importlib; importlib.import_module(sys.argv[1]).main()"
_HAS_GROUPS = hasattr(os, "killpg")
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class Ended(Exception):
    """The process ended without an answer."""


class ReadingProcess:
    """A reading process, its two pipes, and the thread that waits for its answers.

    A thread, because a pipe can be waited for with a time limit only on some systems; it holds
    no lock that a forked process could miss, as the pipes are unbuffered.

    Parameters
    ----------
    module : str
        Its function ``main`` is run.
    max_pixels : int
        Most pixels of an answer.

    Raises
    ------
    MammoError
        No process can be started.
    """

    def __init__(self, module: str, max_pixels: int) -> None:
        self.n_requests = 0
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
                process_group=0 if _HAS_GROUPS else None,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise MammoError(f"no reading process can be started: {error.strerror or 'unknown'}") from None
        self._requests, answers = cast(FileIO, self._popen.stdin), cast(FileIO, self._popen.stdout)
        _widen(answers)
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=_wait_for_answers,
            args=(answers, self._answers, max_pixels),
            daemon=True,
            name="monai_mammo-answers",
        )
        self._thread.start()

    def start(self, settings: dict[str, Any]) -> None:
        """Hand over the settings and wait until the process can read.

        Parameters
        ----------
        settings : dict
            In the types of JSON.

        Raises
        ------
        MammoError
            It cannot read.
        """
        try:
            send(self._requests, settings)
            head, _ = self._next_answer(_START_S)
        except (OSError, Ended, ValueError, queue.Empty):
            head = {}
        if head.get("kind") != "ready":
            reason = head.get("error", "it ended, or gave no sign, before the first file")
            raise MammoError(f"no reading process can be started ({reason})")

    def ask(self, request: dict[str, Any], timeout_s: float) -> tuple[dict[str, Any], Image | None]:
        """Answer to a request.

        Parameters
        ----------
        request : dict
            In the types of JSON.
        timeout_s : float
            Seconds after which no answer is waited for.

        Returns
        -------
        head : dict
        image : Image or None

        Raises
        ------
        queue.Empty
            It took longer than allowed.
        Ended, OSError, ValueError
            The process ended, or its answer is not a message.
        """
        self.n_requests += 1
        send(self._requests, {**request, "number": self.n_requests})
        head, image = self._next_answer(timeout_s)
        if head.get("number") != self.n_requests:
            raise ValueError("an answer is not to the last request")
        return head, image

    def _next_answer(self, timeout_s: float) -> tuple[dict[str, Any], Image | None]:
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
        """Kill the process, if it still runs, with all that it has started, and take it off the system's list."""
        self._popen.kill()  # one that is ending already keeps the signal that ended it
        if _HAS_GROUPS:
            with contextlib.suppress(OSError):  # nobody is left in the group
                os.killpg(self._popen.pid, signal.SIGKILL)
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
    """Hand on what comes until it ends or is not a message."""
    while True:
        try:
            answer = receive(file, max_pixels=max_pixels)
        except Exception as error:  # whatever it wrote, it is not an answer
            answers.put(ValueError(type(error).__name__))
            return
        answers.put(answer if answer is not None else Ended())
        if answer is None:
            return
        del answer  # or its pixels would be kept until the next ones have come


def _widen(pipe: FileIO) -> None:
    """Room for a megabyte in a pipe where the system can do it: fewer switches between the two processes."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 2**20)
