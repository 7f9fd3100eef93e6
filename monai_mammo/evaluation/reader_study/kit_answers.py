"""Answers of readers, as the page of a study saves them, checked against its key."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, read_text

__all__ = ["ReaderAnswers", "answers_of_files", "read_answers"]

_COLUMNS = ("kit", "reader", "item", "task", "answer")
_MAX_BYTES = 4 * 2**20
_ALLOWED = {"rating": ("1", "2", "3", "4", "5"), "pair": ("left", "right")}
_MOST_SHOWN = 40


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAnswers:
    """What one reader answered.

    Parameters
    ----------
    reader : str
        Code of the reader.
    answers : mapping of str to str
        By item: ``1`` to ``5``, or ``left`` and ``right``.
    display : mapping of str to str
        What was counted in the fields of the display check, by ``display-dark`` and ``display-bright``.
    """

    reader: str
    answers: Mapping[str, str]
    display: Mapping[str, str]


def answers_of_files(paths: Sequence[str | Path], key: Mapping[str, Any]) -> list[ReaderAnswers]:
    """Answers of several readers, each complete.

    Parameters
    ----------
    paths : sequence of paths
        CSV files, one a reader.
    key : mapping
        As `reader_kit` gives it.

    Returns
    -------
    list of ReaderAnswers
        In the order of their codes.

    Raises
    ------
    RequestError
        No file is named, one cannot be read or is of another kit, lacks answers, or two are of one reader.
    """
    if not paths:
        raise RequestError("no answers are named: give the CSV file of each reader")
    found: dict[str, tuple[ReaderAnswers, Path]] = {}
    for path in map(Path, paths):
        one = read_answers(path, key)
        if one.reader in found:
            raise RequestError(f"{path} and {found[one.reader][1]} are both of reader {one.reader}")
        found[one.reader] = one, path
    return [found[reader][0] for reader in sorted(found)]


def read_answers(path: Path, key: Mapping[str, Any]) -> ReaderAnswers:
    """Answers of one reader, each of which the key knows.

    Parameters
    ----------
    path : Path
        CSV with the columns ``kit``, ``reader``, ``item``, ``task``, ``answer``; separated by commas, semicolons or
        tabs, as a spreadsheet may have left them.
    key : mapping
        As `reader_kit` gives it.

    Returns
    -------
    ReaderAnswers

    Raises
    ------
    RequestError
        It cannot be read, is no such table, is of another kit or of several readers, or an answer is missing, stands
        twice or is not allowed.
    """
    rows = _rows(path)
    tasks = {item["item"]: item["task"] for item in key["items"]}
    readers, answers, display = dict[str, None](), dict[str, str](), dict[str, str]()
    for line, row in enumerate(rows, start=2):
        where = f"{path} line {line}"
        kit, reader, item, task, answer = ((row.get(name) or "").strip() for name in _COLUMNS)
        if kit != key["kit"]:
            raise RequestError(f"{where} is of {_shown(kit)}, and this kit is {key['kit']}")
        readers[reader] = None
        if task == "display":
            display[item] = answer
            continue
        if item not in tasks:
            raise RequestError(f"{where} answers {_shown(item)}, which is not in the kit")
        if answer not in _ALLOWED[tasks[item]]:
            raise RequestError(f"{where}: answer {_shown(answer)} is not one of {', '.join(_ALLOWED[tasks[item]])}")
        if item in answers:
            raise RequestError(f"{where} answers {item} a second time")
        answers[item] = answer
    if len(readers) != 1 or not next(iter(readers)):
        raise RequestError(f"{path} holds answers of {len(readers)} readers, and a file is of one with a code")
    n_missing = len(tasks) - len(answers)
    if n_missing:
        raise RequestError(f"{path} lacks {n_missing} of {len(tasks)} answers: finish the study, or leave the file out")
    return ReaderAnswers(reader=next(iter(readers)), answers=answers, display=display)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = read_text(path, max_bytes=_MAX_BYTES).removeprefix("\ufeff")
    except UnreadableFile as error:
        raise RequestError(f"answers {error.detail}") from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        rows = list(csv.DictReader(text.splitlines(), delimiter=separator))
    except csv.Error as error:
        raise RequestError(f"{path} is not a table of answers: {error}") from None
    missing = [name for name in _COLUMNS if name not in [word.strip() for word in head.strip().split(separator)]]
    if missing or not rows:
        what = f"it has no column {missing[0]}" if missing else "it has no line"
        raise RequestError(f"{path} is not a table of answers: {what}")
    return rows


def _shown(word: str) -> str:
    return repr(word[:_MOST_SHOWN])
