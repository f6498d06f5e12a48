"""The model ids that the installed SDK of Anthropic knows, read without loading it: loading takes seconds, for one list."""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_LIST = Path("types", "model.py")
"""Where the SDK has its own list, as one Literal."""


@cache
def known_models() -> tuple[str, ...]:
    """Return the SDK's own list, newest first; empty where the SDK has moved it."""
    spec = find_spec("anthropic")
    if spec is None or spec.origin is None:
        return ()
    path = Path(spec.origin).parent / _LIST
    if not path.is_file():
        return ()
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    literals = [node.slice for node in nodes if isinstance(node, ast.Subscript) and _name(node.value) == "Literal"]
    return tuple(
        constant.value
        for literal in literals
        for constant in ast.walk(literal)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    )


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
