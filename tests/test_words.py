"""Words of the field: names that a radiologist or an engineer would have to guess at do not stand in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import monai_mammo

ROOT = Path(monai_mammo.__file__).parents[1]
MODULES = sorted((ROOT / "monai_mammo").rglob("*.py"))
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "setup.cfg",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/how_to").glob("*.md")),
    *sorted((ROOT / "bundles").glob("*/docs/README.md")),
]

# `quiet` stays as the flag that users of command lines know.
NOT_NAMES = frozenset(
    {"look", "looks", "hung", "wire", "wired", "cell", "cells", "mark", "marks", "marked", "stranger", "strangers"}
    | {"homeless", "ground", "house", "wanted", "asked"}
)
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_CAN_NOT = re.compile(r"\bcan not\b", re.IGNORECASE)
_IS_NO = re.compile(r"(?<!\bthere )\b(?:is|are|was|were) no\b(?! longer)", re.IGNORECASE)
_METAPHOR = re.compile(r"\b(?:strangers?|homeless|hung|wire|the house)\b", re.IGNORECASE)


def names_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of all that a module calls something."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.alias(name=name, asname=new):
                yield node.lineno, new or name.rpartition(".")[2]


def texts_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of all strings that are not docstrings, of an f-string its constant pieces as one."""
    tree = ast.parse(source)
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            pieces = [part for part in node.values if isinstance(part, ast.Constant)]
            skipped |= {id(part) for part in pieces}
            yield node.lineno, "{}".join(str(part.value) for part in pieces)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def parts_of(name: str) -> set[str]:
    return {part.lower() for part in _PART.findall(name)}


def test_the_search_sees_what_it_is_for():
    source = 'def find(markWords):\n    """No house."""\n    raise ValueError(f"{cell_count} is no count")\n'
    assert [name for _, name in names_of(source) if parts_of(name) & NOT_NAMES] == ["markWords", "cell_count"]
    assert [text for _, text in texts_of(source) if _IS_NO.search(text)] == [" is no count"]
    assert not _IS_NO.search("there is no such file") and _IS_NO.search("the file is no picture")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_and_messages_are_words_of_the_field(path):
    source = path.read_text(encoding="utf-8")
    found = [f"line {line}: {name}" for line, name in names_of(source) if parts_of(name) & NOT_NAMES]
    if path.name != "lexicon.py":  # words of reports, whatever they are
        for line, text in texts_of(source):
            found += [f"line {line}: {word[0]}" for p in (_CAN_NOT, _IS_NO, _METAPHOR) if (word := p.search(text))]
    assert not found
    assert not _CAN_NOT.search(source)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages_do_without_them(path):
    text = path.read_text(encoding="utf-8")
    assert not _CAN_NOT.findall(text)
    assert not _METAPHOR.findall(text)
