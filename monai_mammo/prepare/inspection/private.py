"""Data of persons that lie beside the pictures: found by name, never opened further than that."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from monai_mammo.files.bounded import open_regular
from monai_mammo.prepare.inspection.issue import Issue, IssueKind

__all__ = ["check_private_tables"]

_REPORTS = frozenset({".doc", ".docx", ".rtf"})
_REPORT_FOLDER = re.compile(r"report", re.IGNORECASE)
_SECOND_SHEET = ("Sheet2".encode("ascii"), "Sheet2".encode("utf-16-le"))
_MOST_BYTES = 64 * 2**20


def check_private_tables(source: Path) -> list[Issue]:
    """Workbooks with a second sheet, as INbreast's has one of patient numbers and dates, and medical reports.

    Only names of sheets and files are looked at.

    Parameters
    ----------
    source : Path
        Folder of the data set; of a table, its folder.

    Returns
    -------
    list of Issue
    """
    top = source if source.is_dir() else source.parent
    files = [path for path in sorted(top.rglob("*")) if path.is_file()]
    issues = []
    for path in files:
        if path.suffix.lower() in (".xls", ".xlsx") and _has_second_sheet(path):
            sentence = f"{path.name} has a sheet 'Sheet2'; in INbreast it holds numbers, ages and dates of patients"
            issues.append(Issue(kind=IssueKind.PRIVATE_DATA, sentence=sentence))
    reports = [path for path in files if _is_report(path, top)]
    if reports:
        sentence = f"medical reports in free text lie here ({len(reports)}), which may name persons"
        issues.append(Issue(kind=IssueKind.PRIVATE_DATA, sentence=sentence))
    return issues


def _is_report(path: Path, top: Path) -> bool:
    folders = path.relative_to(top).parts[:-1]
    is_text = path.suffix.lower() in (".txt", *_REPORTS)
    return path.suffix.lower() in _REPORTS or (is_text and any(_REPORT_FOLDER.search(folder) for folder in folders))


def _has_second_sheet(path: Path) -> bool:
    try:
        if path.suffix.lower() == ".xlsx":
            with open_regular(path) as file, zipfile.ZipFile(file) as archive:
                return b'name="Sheet2"' in archive.open("xl/workbook.xml").read(2**20)
        with open_regular(path) as file:
            data = file.read(_MOST_BYTES)
        return any(name in data for name in _SECOND_SHEET)
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
        return False
