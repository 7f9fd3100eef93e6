"""Cells of a workbook, and workbooks that mean harm."""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path

import openpyxl
import pytest
from layouts import cdd_cesm as layout

from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.rows import read_rows
from monai_mammo.prepare.datasets.workbook import read_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def replace_part(path: Path, part: str, content: str | bytes | None) -> None:
    """Rewrite an archive with one part changed, or left out."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts.pop(part, None)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
        if content is not None:
            archive.writestr(part, content)


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "w.xlsx"
    layout.write_workbook(path, {"one": [["name", "n"], ["a & <b> ", "46"], ["", ""], ["c", "4$2"]], "two": [["x"]]})
    return path


def test_texts_numbers_and_rows_come_back(workbook: Path):
    sheets = read_workbook(workbook)
    assert list(sheets) == ["one", "two"] and sheets["two"] == []
    assert [row.values for row in sheets["one"]] == [{"name": "a & <b> ", "n": "46"}, {"name": "c", "n": "4$2"}]
    assert [(row.number, row.line) for row in sheets["one"]] == [(1, 2), (2, 4)]
    assert sheets["one"][1].where == "sheet one line 4"


def test_other_kinds_of_cells(workbook: Path):
    cells = (
        '<c r="A2" t="inlineStr"><is><t>in </t></is></c><c r="C2"><v>46.0</v></c>'
        '<c r="D2"><v>0.25</v></c><c r="E2" t="str"><f>A1</f><v>sum</v></c><c r="AA2"><v>27</v></c>'
    )
    titles = "".join(f'<c r="{c}1" t="inlineStr"><is><r><t>t</t></r><r><t>{c}</t></r></is></c>' for c in "ACD")
    titles += '<c r="E1" t="str"><v>tE</v></c><c r="AA1" t="str"><v>tAA</v></c>'
    rows = f'<row r="1">{titles}</row><row r="2">{cells}</row>'
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    replace_part(workbook, "xl/worksheets/sheet1.xml", sheet)
    assert read_workbook(workbook)["one"][0].values == {"tA": "in ", "tC": "46", "tD": "0.25", "tE": "sum", "tAA": "27"}


BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f'<worksheet xmlns="{MAIN}"><sheetData><row><c t="str"><v>&b;</v></c></row></sheetData></worksheet>'
)
OUTSIDE = '<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/hostname">]><worksheet>&a;</worksheet>'


@pytest.mark.parametrize("sheet", [BILLION_LAUGHS, OUTSIDE, BILLION_LAUGHS.encode("utf-16")])
def test_entities_are_refused_before_they_are_expanded(workbook: Path, sheet: str | bytes):
    replace_part(workbook, "xl/worksheets/sheet1.xml", sheet)
    with pytest.raises(RequestError, match="w.xlsx is not a workbook, or a damaged one .EntitiesForbidden"):
        read_workbook(workbook)


def test_a_part_that_unpacks_to_too_much_is_refused(workbook: Path):
    replace_part(workbook, "xl/sharedStrings.xml", b" " * (64 * 2**20 + 1))
    assert workbook.stat().st_size < 200_000
    with pytest.raises(RequestError, match="more than 64 MiB"):
        read_workbook(workbook)


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/workbook.xml", None),
        ("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}"/>'),
        ("xl/worksheets/sheet1.xml", None),
        ("xl/worksheets/sheet1.xml", "<worksheet"),
        ("xl/sharedStrings.xml", None),
        ("xl/worksheets/sheet1.xml", f'<w xmlns="{MAIN}"><row r="1"><c r="XFD1"><v>1</v></c></row></w>'),
        ("xl/worksheets/sheet1.xml", f'<w xmlns="{MAIN}"><row r="9999999999"><c r="A9999999999"/></row></w>'),
        ("xl/worksheets/sheet1.xml", f'<w xmlns="{MAIN}"><row r="x"/></w>'),
        ("xl/worksheets/sheet1.xml", f'<w xmlns="{MAIN}"><row><c t="s"><v>99</v></c></row></w>'),
    ],
)
def test_damaged_workbooks_are_refused(workbook: Path, part: str, content: str | None):
    replace_part(workbook, part, content)
    with pytest.raises(RequestError, match=r"w\.xlsx"):
        read_workbook(workbook)


def test_other_files_are_no_workbooks(workbook: Path, tmp_path: Path):
    with pytest.raises(RequestError, match="could not be read"):
        read_workbook(tmp_path / "nowhere.xlsx")
    data = workbook.read_bytes()
    for i, damaged in enumerate((b"", b"\x05lock", data[: len(data) // 2], data[:60] + b"\xff" * 40 + data[100:])):
        path = tmp_path / f"{i}.xlsx"
        path.write_bytes(damaged)
        with pytest.raises(RequestError, match="not a workbook|could not be read"):
            read_workbook(path)


def test_a_file_that_excel_itself_might_have_written(tmp_path: Path):
    """As openpyxl writes it: styles, dates, truth values, inline texts, an empty row above the header."""
    book = openpyxl.Workbook()
    book.active.title = "a"
    for row in (
        [],
        ["name ", "n", "day", "yes"],
        [" x ", 3.0, datetime.date(2020, 1, 2), True],
        [None, 0.125, None, None],
    ):
        book.active.append(row)
    book.save(tmp_path / "w.xlsx")
    first, second = read_workbook(tmp_path / "w.xlsx")["a"]
    assert first.values == {"name": " x ", "n": "3", "day": "2020-01-02T00:00:00", "yes": "1"} and first.line == 3
    assert second.values == {"name": "", "n": "0.125", "day": "", "yes": ""} and second.line == 4


def test_lines_of_text_tables_count_line_breaks_in_cells(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'\xef\xbb\xbfa,b\r\n1,"x\n"\r\n\r\n2,"y,\n\nz"\r\n3\r\n\xff,4\r\n')
    rows = read_rows(path, ("a", "b"))
    assert [(row.number, row.line, row["a"], row["b"]) for row in rows] == [
        (1, 2, "1", "x"),
        (2, 5, "2", "y,\n\nz"),
        (3, 8, "3", ""),
        (4, 9, "\ufffd", "4"),
    ]
    assert rows[0].values["b"] == "x\n"
    with pytest.raises(RequestError, match=r"table t\.csv has no column 'c'; needed are a, c"):
        read_rows(path, ("a", "c"))
    with pytest.raises(RequestError, match="could not be read"):
        read_rows(tmp_path / "nowhere.csv", ("a",))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_of_text_tells_its_delimiter_by_the_columns_that_are_needed(tmp_path, delimiter):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(delimiter.join(line) for line in (("a", "b", "c"), ("1", "2", "x"), ("3", "4", ""))))
    assert [(row["a"], row["b"]) for row in read_rows(path, ("a", "b"))] == [("1", "2"), ("3", "4")]


def test_a_nul_costs_its_own_line(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,x\0y\n2,z\n")
    assert [row["b"] for row in read_rows(path, ("a", "b"))] == ["x\ufffdy", "z"]
