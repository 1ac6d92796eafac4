"""Keeps what the watermark benchmark has made on disk, under names that change when the code behind it changes."""

import ast
import glob
import hashlib
import inspect
import json
import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "var" / "bench" / "watermark"


def digest(*parts: Any) -> str:
    """16 hexadecimal digits of the SHA-256 of the parts' texts."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def code_of_module(path: Path) -> str:
    """Digest of a module of a package and every module of the same package that it imports, comments left out."""
    package = ".".join(path.parent.relative_to(ROOT).parts)
    waiting, seen = [path], {}
    while waiting:
        module = waiting.pop()
        if module in seen or not module.exists():
            continue
        tree = ast.parse(module.read_text())
        seen[module] = _bare(tree)
        imports = (node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module)
        waiting += [
            ROOT.joinpath(*name.split(".")).with_suffix(".py")
            for name in imports
            if name.startswith(f"{package}.")
        ]
    return digest(*(seen[module] for module in sorted(seen)))


def bare_code(path: Path) -> str:
    """Digest of one module alone, comments left out."""
    return digest(_bare(ast.parse(path.read_text())))


def code_of_function(function: Callable[..., Any]) -> str:
    """Digest of a function, the functions of its module that it calls, and the values it closes over."""
    waiting: list[Any] = [function]
    seen: dict[str, str] = {}
    while waiting:
        current = waiting.pop()
        values = [cell.cell_contents for cell in current.__closure__ or ()]
        waiting += filter(inspect.isfunction, values)
        plain = [value for value in values if not inspect.isfunction(value)]
        name = f"{current.__qualname__} {plain}"
        if name in seen:
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(current)))
        seen[name] = _bare(tree)
        for node in ast.walk(tree):
            named = current.__globals__.get(node.id) if isinstance(node, ast.Name) else None
            if inspect.isfunction(named) and named.__module__ == current.__module__:
                waiting.append(named)
    return digest(*(name + seen[name] for name in sorted(seen)))


def _bare(tree: ast.AST) -> str:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body[0] = ast.Pass()
    return ast.dump(tree)


def discard_older(path: Path) -> None:
    """Removes what earlier code made under the same name but for the 16 digits before the suffix."""
    stem = path.stem[:-16]
    for older in path.parent.glob(f"{glob.escape(stem)}{'[0-9a-f]' * 16}{path.suffix}"):
        if older != path:
            older.unlink(missing_ok=True)


def recall(kind: str, name: str) -> Any | None:
    """What was remembered under this name, or None."""
    path = CACHE / kind / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def remember(kind: str, name: str, value: Any) -> None:
    """Keeps a JSON value; a reader never sees half of it."""
    path = CACHE / kind / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(value))
    partial.replace(path)
