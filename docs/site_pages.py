"""Pages of the site that are not written in docs/: README, changelog, model cards, and the API by room.

A hook of mkdocs. What the rooms offer is read from their source, so nothing of the package is imported.
"""

from __future__ import annotations

import ast
import functools
import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]

# Files of the repository, and where they stand in the site; those of docs/ stand where they are.
PLACES = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "LICENSE": "LICENSE.txt",
    "CITATION.cff": "CITATION.cff",
    **{f"tutorials/{path.name}": f"tutorials/{path.name}.txt" for path in sorted(ROOT.glob("tutorials/*.py"))},
    **{
        path.relative_to(ROOT).as_posix(): path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.glob("bundles/*/docs/*"))
    },
}

_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_ITEM = re.compile(r"(- |\d+\. )")


def on_config(config: Any) -> Any:
    """Add the pages of rooms and decisions to the navigation.

    Parameters
    ----------
    config : MkDocsConfig

    Returns
    -------
    MkDocsConfig
    """
    decisions = [path.relative_to(ROOT / "docs").as_posix() for path in sorted(ROOT.glob("docs/decisions/*.md"))]
    added = {"API": [{room: f"api/{room}.md"} for room in rooms()], "Decisions": decisions}
    config.nav = [{title: added.get(title, pages) for title, pages in section.items()} for section in config.nav]
    return config


def on_files(files: Files, *, config: Any) -> Files:
    """Add what stands outside docs/, and a page for each room.

    Parameters
    ----------
    files : Files
    config : MkDocsConfig

    Returns
    -------
    Files
    """
    for source, place in PLACES.items():
        files.append(File.generated(config, place, content=(ROOT / source).read_bytes()))
    for room, file in rooms().items():
        files.append(File.generated(config, f"api/{room}.md", content=room_page(room, file)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The page with its links of the repository turned into links of the site, and lists as mkdocs needs them.

    Parameters
    ----------
    markdown : str
    page : Page

    Returns
    -------
    str
    """
    here = page.file.src_uri
    source = {place: source for source, place in PLACES.items()}.get(here, f"docs/{here}")

    def moved(found: re.Match[str]) -> str:
        target = found[2]
        if "://" in target or target.startswith("mailto:"):
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        place = PLACES.get(path, path.removeprefix("docs/"))
        return f"{found[1]}{os.path.relpath(place, posixpath.dirname(here) or '.')}{found[3]}"

    return _spaced(_LINK.sub(moved, markdown))


def _spaced(markdown: str) -> str:
    """Text with an empty line before each list and after each comment, which mkdocs needs and GitHub does not."""
    lines: list[str] = []
    fenced = False
    for line in markdown.split("\n"):
        before = lines[-1] if lines else ""
        begins_list = _ITEM.match(line) and before and not _ITEM.match(before) and not before.startswith(" ")
        if not fenced and (begins_list or (line and before.endswith("-->"))):
            lines.append("")
        fenced ^= line.lstrip().startswith("```")
        lines.append(line)
    return "\n".join(lines)


@functools.cache
def rooms() -> dict[str, Path]:
    """Modules and packages that offer names, without ``monai_mammo.`` before them.

    Returns
    -------
    dict of str to Path
        Source file of each room, the package itself first.
    """
    package = ROOT / "monai_mammo"
    found = {"monai_mammo": package / "__init__.py"}
    for path in sorted([*package.glob("*.py"), *package.rglob("__init__.py")]):
        if path.name.startswith("__") and path.name != "__init__.py" or path == found["monai_mammo"]:
            continue
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name != "cli" and _names(ast.parse(path.read_text(encoding="utf-8"))):
            found[name] = path
    return found


def room_page(room: str, file: Path) -> str:
    """Page of a room: what it is for, and each of its names from its docstring, or a link where it is described.

    Parameters
    ----------
    room : str
    file : Path

    Returns
    -------
    str
        Markdown.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    full = "monai_mammo" if room == "monai_mammo" else f"monai_mammo.{room}"
    head = [f"# {full}", ast.get_docstring(tree) or ""]
    if file.name != "__init__.py":
        return "\n\n".join([*head, *(f"::: {full}.{name}" for name in _names(tree)), ""])
    homes = {name: _home(full, name, tree) for name in _names(tree)}
    elsewhere = {name: home for name, home in homes.items() if home and _described(home, room) != room}
    here = [home for name, home in homes.items() if home and name not in elsewhere]
    links = [f"- [`{name}`][{home}] of `{home.rpartition('.')[0]}`" for name, home in elsewhere.items()]
    return "\n\n".join([*head, "\n".join(links), *(f"::: {home}" for home in here), ""])


def _described(home: str, room: str) -> str:
    """Room on whose page a name is described: the innermost around its source that offers it, else this room."""
    module, _, name = home.rpartition(".")
    while module != "monai_mammo":
        file = rooms().get(module.removeprefix("monai_mammo."))
        if file is not None:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            if name in _names(tree) and (file.name != "__init__.py" or _home(module, name, tree) == home):
                return module.removeprefix("monai_mammo.")
        module = module.rpartition(".")[0]
    return room


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return node.value
    return None


def _names(tree: ast.Module) -> list[str]:
    """Public names, as ``__all__`` lists them or the table of lazy names does."""
    listed = _assigned(tree, "__all__")
    if isinstance(listed, ast.List) and all(isinstance(one, ast.Constant) for one in listed.elts):
        return sorted(ast.literal_eval(listed))
    return sorted(_lazy(tree)) if listed is not None else []


def _lazy(tree: ast.Module) -> dict[str, str]:
    """Module of each lazy name, as ``_HOMES`` and ``_WITH_NUMPY`` write it."""
    found: dict[str, str] = {}
    table = _assigned(tree, "_HOMES")
    if isinstance(table, ast.Dict):
        for key, value in zip(table.keys, table.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                found[key.value] = value.value
            elif key is None:  # the commands of the package
                found |= _commands()
    call = _assigned(tree, "_WITH_NUMPY")
    if isinstance(call, ast.Call):
        names, module = (ast.literal_eval(one) for one in call.args)
        found |= dict.fromkeys(names, module)
    return found


def _commands() -> dict[str, str]:
    tree = ast.parse((ROOT / "monai_mammo" / "commands.py").read_text(encoding="utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Command":
            words = {word.arg: ast.literal_eval(word.value) for word in node.keywords}
            found[words["name"].replace("-", "_").replace(" ", "_")] = words["module"]
    return found


def _home(package: str, name: str, tree: ast.Module) -> str | None:
    """Full name of a public name where it is written, or None for what has no docstring."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any(one.name == name for one in node.names):
            return f"{node.module}.{name}"
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return f"{package}.{name}"
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return f"{package}.{name}"
    module = _lazy(tree).get(name)
    if module is None:
        return None
    return f"{module}.{name}" if module.startswith("monai_mammo.") else f"{package}.{module}.{name}"
