"""Reads what a diffusers pipeline's call accepts from the installed source, without importing torch."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class CallSignature:
    """The named arguments of a pipeline's `__call__` with their literal defaults (None where not a literal)."""

    defaults: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=64)
def call_signature(class_name: str) -> CallSignature:
    """The signature of the pipeline class of that name; without arguments if diffusers has no such class."""
    source = _source_of(class_name)
    if source is None:
        return CallSignature()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name == "__call__":
                    return CallSignature(_defaults(part.args))
    return CallSignature()


def _source_of(class_name: str) -> Path | None:
    spec = importlib.util.find_spec("diffusers")
    if spec is None or spec.origin is None or not class_name.isidentifier():
        return None
    needle = f"\nclass {class_name}("
    for file in sorted((Path(spec.origin).parent / "pipelines").rglob("pipeline_*.py")):
        if needle in file.read_text(encoding="utf-8"):
            return file
    return None


def _defaults(arguments: ast.arguments) -> dict[str, Any]:
    names = [argument.arg for argument in arguments.args if argument.arg != "self"]
    found: dict[str, Any] = dict.fromkeys(names)
    for name, node in zip(reversed(names), reversed(arguments.defaults), strict=False):
        found[name] = _literal(node)
    for keyword, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found[keyword.arg] = _literal(default)
    return found


def _literal(node: ast.expr | None) -> Any:
    if node is None:
        return None
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
