"""One process at a time writes to a folder."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from monai_mammo.errors import MammoError
from monai_mammo.files.bounded import UnreadableFile, read_json

__all__ = ["LOCK", "folder_lock"]

LOCK = ".lock.json"


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder while the block runs; the folder is made where it is not there.

    The system holds the lock on the file, and lets go of it when the process ends, however it ends: a file that a
    killed process left behind keeps nobody out. What the file says is for people. Where the system has no such locks
    (Linux and macOS have them), nobody is kept out.

    Parameters
    ----------
    folder : Path
        Where the block ends and nothing lies in a folder that was made here, it goes as well.

    Yields
    ------
    None

    Raises
    ------
    MammoError
        Another process works there, and the sentence says which; or folder or file cannot be made.
    """
    path, is_made = folder / LOCK, not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MammoError(f"{folder} could not be made: {error.strerror or error}") from None
    number = _locked(path)
    try:
        os.ftruncate(number, 0)
        os.write(number, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(number)
        if is_made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _locked(path: Path) -> int:
    """Descriptor of the lock file, which this process holds and which is still at its path."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    while True:
        try:
            number = os.open(path, flags, 0o666)
        except OSError as error:
            raise MammoError(f"{path} could not be written: {error.strerror or error}") from None
        if not _try_lock(number):
            os.close(number)
            raise MammoError(f"{path.parent} is being written by {_holder(path)}: wait for its end")
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(number), os.stat(path)):
                return number
        os.close(number)  # its holder removed it before we got it


def _try_lock(number: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _holder(path: Path) -> str:
    try:
        about = read_json(path, max_bytes=4096)
        return f"process {int(about['pid'])} on {str(about['host'])[:100]}"
    except (UnreadableFile, KeyError, TypeError, ValueError):
        return "another process"
