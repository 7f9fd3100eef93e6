"""Docstrings of what is public: every parameter and what comes back, and the shape of every array."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import monai_mammo

ROOT = Path(monai_mammo.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
_ARRAY = re.compile(r"\b(?:Tensor|ndarray)\b")
_SAYS_NOTHING = re.compile(r"(?:int|float|str|bool|bytes|dict|list|tuple|mapping|sequence)(?:(?:, optional)| or None)?")


@dataclasses.dataclass
class Thing:
    """A public function, method or class, as its source has it."""

    name: str
    parameters: dict[str, str]
    returns: str
    doc: str

    @property
    def sections(self) -> dict[str, str]:
        _, *rest = _SECTION.split(self.doc)
        return {title: text.strip("\n") for title, text in zip(rest[::2], rest[1::2], strict=True)}

    @property
    def said(self) -> dict[str, tuple[str, str]]:
        """Type and description by name of the parameter."""
        found: dict[str, tuple[str, str]] = {}
        names: list[str] = []
        lines = "\n".join(self.sections.get(name, "") for name in ("Parameters", "Attributes")).splitlines()
        for line in lines:
            if line.strip() and not line[0].isspace():
                words, _, kind = line.partition(" : ")
                names = [word.strip(" *") for word in words.split(",")]
                found |= dict.fromkeys(names, (kind, ""))
            elif line.strip():
                found |= {name: (found[name][0], found[name][1] + line) for name in names}
        return found

    def faults(self) -> Iterator[str]:
        said = self.said
        for name, annotation in self.parameters.items():
            if name not in said:
                yield f"{self.name}: {name} is not said"
                continue
            kind, about = said[name]
            if not about and _SAYS_NOTHING.fullmatch(kind):
                yield f"{self.name}: {name} has a type and no meaning"
            is_array = _ARRAY.search(kind) or (_ARRAY.search(annotation) and "Callable" not in annotation)
            if is_array and "shape" not in kind + about:
                yield f"{self.name}: {name} has no shape"
        if self.returns not in ("None", "NoReturn"):
            back = self.sections.get("Returns", self.sections.get("Yields"))
            if back is None:
                yield f"{self.name}: what comes back is not said"
            elif _ARRAY.search(self.returns) and "shape" not in back:
                yield f"{self.name}: what comes back has no shape"


def things_in(source: str) -> list[Thing]:
    """Public functions, methods and classes of a module; a property's first line says what it is."""
    return list(_things(ast.parse(source).body, ""))


def _things(body: list[ast.stmt], prefix: str) -> Iterator[Thing]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
        doc, name = ast.get_docstring(node) or "", prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield Thing(name, _made_from(node, decorators), "None", doc)
            yield from _things(node.body, f"{name}.")
        elif not any("property" in one or one == "overload" for one in decorators):
            yield Thing(name, _arguments(node), ast.unparse(node.returns) if node.returns else "None", doc)


def _arguments(node: ast.FunctionDef) -> dict[str, str]:
    each = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return {a.arg: ast.unparse(a.annotation) if a.annotation else "" for a in each if a.arg not in ("self", "cls")}


def _made_from(node: ast.ClassDef, decorators: set[str]) -> dict[str, str]:
    """What an object of a class is made from: arguments of ``__init__``, or the fields of a record."""
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
            return _arguments(inner)
    is_record = any("dataclass" in one for one in decorators) or "NamedTuple" in map(ast.unparse, node.bases)
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]
    named = {one.target.id: ast.unparse(one.annotation) for one in fields if isinstance(one.target, ast.Name)}
    shown = {name: kind for name, kind in named.items() if not name.startswith("_") and "ClassVar" not in kind}
    return shown if is_record else {}


SOUND = '''
def halved(image: Tensor, n: int) -> Tensor:
    """Image at half its size.

    Parameters
    ----------
    image : Tensor, shape (B, 1, H, W)
    n : int
        Times.

    Returns
    -------
    Tensor, shape (B, 1, H / 2, W / 2)
    """
'''


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ("image : Tensor, shape (B, 1, H, W)", "image : Tensor", "image has no shape"),
        ("    n : int\n        Times.\n", "", "n is not said"),
        ("        Times.\n", "", "n has a type and no meaning"),
        ("    Returns\n    -------\n    Tensor, shape (B, 1, H / 2, W / 2)\n", "", "what comes back is not said"),
        ("    Tensor, shape (B, 1, H / 2, W / 2)", "    Tensor", "what comes back has no shape"),
    ],
)
def test_the_search_sees_what_it_is_for(was, becomes, fault):
    assert not [fault for thing in things_in(SOUND) for fault in thing.faults()]
    assert was in SOUND
    assert [f for thing in things_in(SOUND.replace(was, becomes)) for f in thing.faults()] == [f"halved: {fault}"]


def test_there_is_much_to_say():
    assert sum(len(things_in(path.read_text(encoding="utf-8"))) for path in MODULES) > 900


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_parameters_returns_and_shapes_are_said(path):
    assert not [fault for thing in things_in(path.read_text(encoding="utf-8")) for fault in thing.faults()]
